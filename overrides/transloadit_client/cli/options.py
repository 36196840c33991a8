"""The arguments and options of the commands, each declared once, with its help."""

from pathlib import Path
from typing import Any

import click

_FILE = click.Path(path_type=Path)  # not checked here: the code that reads it says what is wrong
_WORD = click.Path()  # a text that a shell completes as a file


class _Seconds(click.FloatRange):
    name = "number"  # click's own, "float range", is what it says of a text


class _Count(click.IntRange):
    name = "whole number"


_SECONDS = _Seconds(min=0, min_open=True)
_COUNT = _Count(min=1)


def _option(names: str, text: str, **settings: Any) -> click.Option:
    return click.Option(names.split(), help=text, **settings)


def _flag(names: str, text: str) -> click.Option:
    return _option(names, text, is_flag=True)


def _many(names: str, metavar: str, text: str) -> click.Option:
    return _option(names, text, multiple=True, metavar=metavar)


ASSEMBLY = click.Argument(["assembly"], metavar="ASSEMBLY")
ASSEMBLIES = click.Argument(["assemblies"], metavar="ASSEMBLY...", nargs=-1, required=True)
FILES = click.Argument(["files"], metavar="[[FIELD=]FILE]...", nargs=-1, type=_WORD)
INPUTS = click.Argument(
    ["files"], metavar="[FIELD=]FILE|FOLDER...", nargs=-1, type=_WORD, required=True
)

AS_JSON = _flag("-j --json", "Write one JSON document to the standard output.")
VERBOSE = _option(
    "-v --verbose", "Print retries and waits; -vv prints each request as well.", count=True
)

CREDENTIALS = [
    _option("--credentials", "A file with TRANSLOADIT_KEY=… and TRANSLOADIT_SECRET=…; by default"
            " the one that TRANSLOADIT_CREDENTIALS_FILE names, or ~/.transloadit/credentials.",
            type=_FILE, metavar="FILE"),
    _option("--key", "The Auth Key; by default TRANSLOADIT_KEY. Goes with --secret.",
            metavar="KEY"),
    _option("--secret", "The Auth Secret; by default TRANSLOADIT_SECRET. Others can read this"
            " option in the list of processes.", metavar="SECRET"),
]  # fmt: skip
API = [
    AS_JSON,
    VERBOSE,
    *CREDENTIALS,
    _option("--endpoint", "The API's URL; by default TRANSLOADIT_ENDPOINT, or"
            " https://api2.transloadit.com.", metavar="URL"),
    _option("--timeout", "How long each step of a request may take; by default 10 to connect, and"
            " 60 for each of the others.", type=_SECONDS, metavar="SECONDS"),
    _option("--attempts", "How often a request is tried, where it may be repeated.",
            type=_COUNT, default=5, show_default=True, metavar="N"),
]  # fmt: skip
DRY_RUN = _flag("-n --dry-run", "Show what would be sent, and send nothing.")

STDIN_NAME = _option("--stdin-name", "The file name of the standard input (-).",
                     default="stdin", show_default=True, metavar="NAME")  # fmt: skip
INSTRUCTIONS = [
    _option("-s --steps", "The Steps: a JSON or YAML file, or JSON.",
            type=_WORD, metavar="FILE|JSON|-"),
    _option("-t --template", "The Template that holds the Steps.", metavar="ID"),
    _many("-f --field", "NAME=TEXT", "An Assembly Variable; NAME:=JSON for non-string values."),
    _option("--notify-url", "The URL that gets the webhook when the Assembly has ended.",
            metavar="URL"),
]  # fmt: skip
PARAM = _many("--param", "NAME=TEXT",
              "Any other parameter of the API; NAME:=JSON for non-string values.")  # fmt: skip
DESCRIBING = [
    *INSTRUCTIONS,
    _many("--form-field", "NAME=TEXT", "A further form field."),
    PARAM,
]
CREATING = [
    *DESCRIBING,
    _option("--assembly-id", "An id of your own: 32 random hex digits; by default a new one.",
            metavar="ID"),
    STDIN_NAME,
]  # fmt: skip
EXPECT = _option(
    "--expect", "How many files will follow with `upload`.", type=_Count(min=0), metavar="N"
)

ON_INTERRUPT = _flag(
    "--cancel-on-interrupt", "Cancel the Assembly on Ctrl-C; by default it continues."
)

PROGRESS = _option(
    "--progress", "How progress is shown; auto means bars on a terminal, otherwise lines.",
    type=click.Choice(["auto", "bars", "lines", "json", "none"]), default="auto",
    show_default=True,
)  # fmt: skip
PARALLEL = _option("--parallel", "How many files are transferred at once.",
                   type=_COUNT, default=4, show_default=True, metavar="N")  # fmt: skip
OUTPUT = _option("-o --output", "Save the one result as this file, or print it (-); a folder, as in"
                 " DIR/, is the same as --save-to.",
                 type=_WORD, metavar="FILE|DIR/|-")  # fmt: skip
SAVE_TO = _option("--save-to", "Save all results in this folder, as STEP/NAME.",
                  type=_FILE, metavar="FOLDER")  # fmt: skip
STEP = _many("--step", "NAME", "A Step whose results are wanted; by default all.")
MAX_SIZE = _option("--max-size", "How many bytes a result may have to be saved; by default any"
                   " number.", type=_Count(min=0), metavar="BYTES")  # fmt: skip
SAVING = [OUTPUT, SAVE_TO, STEP, MAX_SIZE]
DEADLINE = _option("--deadline", "How long to wait at most; 9 hours by default.",
                   type=_Seconds(min=0), metavar="SECONDS")  # fmt: skip
WAITING = [DEADLINE, _flag("--cancel-on-timeout", "Cancel the Assembly at the deadline.")]
TUS_ABOVE = _option("--tus-above", "Files of more bytes than this together are uploaded in pieces,"
                    " which can be resumed; smaller ones go in the first request. 8388608 by"
                    " default.", type=_Count(min=0), metavar="BYTES")  # fmt: skip
CHUNK_SIZE = _option("--chunk-size", "How many bytes a request of an upload carries at most, for"
                     " proxies that take few. 67108864 by default.",
                     type=_COUNT, metavar="BYTES")  # fmt: skip
RESUME = _flag("--resume", "Resume the run of this --assembly-id, wherever it stopped.")

MAPPING = [
    _option("-o --output", "The same as --save-to.", type=_WORD, metavar="DIR/"),
    _option("--save-to", "Save the results in this folder, as FILE/STEP/NAME.",
            type=_FILE, metavar="FOLDER"),
    STEP,
    MAX_SIZE,
    _option("--journal", "The file that records which Assembly belongs to which file, and what is"
            " done; by default a new one, which is deleted when all is done.",
            type=_FILE, metavar="FILE"),
    _option("--at-once", "How many Assemblies may run at a time; 100 by default.",
            type=_COUNT, metavar="N"),
    _option("--per-minute", "How many Assemblies may be created in a minute; 250 by default.",
            type=_COUNT, metavar="N"),
    _flag("-w --watch", "Keep processing files that are added or changed later, until Ctrl-C."),
    _flag("--delete-source", "Delete each file once its Assembly has completed and its results are"
          " saved with --save-to."),
    TUS_ABOVE,
    CHUNK_SIZE,
    DEADLINE,
]  # fmt: skip

REPLAYING = [
    *INSTRUCTIONS,
    PARAM,
    _flag("--no-notify", "Send no webhook: the URL is null."),
    _flag("--reparse-template", "Use the Template as it is now, not the Steps as they were."),
]
AGAIN = [
    _option("--notify-url", "The URL that gets the webhook instead.", metavar="URL"),
    _flag("--no-wait", "Do not wait until it was delivered."),
    PARAM,
]

PARAMS = click.Argument(["params"], metavar="FILE|JSON|-", type=_WORD)
STEPS = click.Argument(["steps"], metavar="FILE|JSON|-", type=_WORD)
EXPIRES_IN = _option("--expires-in", "How long the signature is valid.",
                     type=_COUNT, default=3600, show_default=True, metavar="SECONDS")  # fmt: skip
BODY = click.Argument(["body"], metavar="FILE|-", type=_WORD)
CONTENT_TYPE = _option(
    "--content-type", "The Content-Type of the request.",
    default="application/x-www-form-urlencoded", show_default=True, metavar="TYPE",
)  # fmt: skip
CDN = [
    click.Argument(["workspace"], metavar="WORKSPACE"),
    click.Argument(["template"], metavar="TEMPLATE"),
    click.Argument(["input"], metavar="[INPUT]", default=""),
    _many("-f --field", "NAME=TEXT",
          "A parameter for the Template; NAME:=JSON for non-string values, a list to repeat it."),
]  # fmt: skip
