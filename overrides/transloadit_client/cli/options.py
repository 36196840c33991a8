"""The arguments and options of the commands, each told once; their help explains them."""

from pathlib import Path
from typing import Any

import click

_FILE = click.Path(path_type=Path)  # not checked here: who reads it says what is wrong with it
_WORD = click.Path()  # a text that a shell completes as a file
_SECONDS = click.FloatRange(min=0, min_open=True)
_COUNT = click.IntRange(min=1)


def _option(name: str, text: str, **settings: Any) -> click.Option:
    return click.Option([name], help=text, **settings)


def _flag(name: str, text: str) -> click.Option:
    return _option(name, text, is_flag=True)


def _many(name: str, metavar: str, text: str) -> click.Option:
    return _option(name, text, multiple=True, metavar=metavar)


ASSEMBLY = click.Argument(["assembly"], metavar="ASSEMBLY")
FILES = click.Argument(["files"], metavar="[[FIELD=]FILE]...", nargs=-1, type=_WORD)

AS_JSON = _flag("--json", "Write one JSON document to the standard output.")

CREDENTIALS = [
    _option("--credentials", "A file with TRANSLOADIT_KEY=… and TRANSLOADIT_SECRET=….",
            type=_FILE, metavar="FILE"),
    _option("--key", "The Auth Key; goes with --secret.", metavar="KEY"),
    _option("--secret", "The Auth Secret. Others can see it in the list of processes: better use a"
            " file or the environment.", metavar="SECRET"),
]  # fmt: skip
API = [
    AS_JSON,
    *CREDENTIALS,
    _option("--endpoint", "Where the API is.", metavar="URL"),
    _option("--timeout", "How long each step of a request may take.",
            type=_SECONDS, metavar="SECONDS"),
    _option("--attempts", "How often to try what may be tried again.",
            type=_COUNT, default=5, show_default=True, metavar="N"),
]  # fmt: skip
DRY_RUN = _flag("--dry-run", "Show what would be sent, and send nothing.")

STDIN_NAME = _option("--stdin-name", "The file name of what comes from the standard input (-).",
                     default="stdin", show_default=True, metavar="NAME")  # fmt: skip
INSTRUCTIONS = [
    _option("--steps", "The Steps: a JSON or YAML file, or JSON.",
            type=_WORD, metavar="FILE|JSON|-"),
    _option("--template", "The Template that holds the Steps.", metavar="ID"),
    _many("--field", "NAME=TEXT", "An Assembly Variable; NAME:=JSON for what is no text."),
    _option("--notify-url", "Where the Notification goes.", metavar="URL"),
]  # fmt: skip
CREATING = [
    *INSTRUCTIONS,
    _many("--form-field", "NAME=TEXT", "A further form field."),
    _many("--param", "NAME=TEXT", "Any other of the API's params; NAME:=JSON for what is no text."),
    _option("--assembly-id", "An id of your own: 32 hex digits that nobody can guess.",
            metavar="ID"),
    STDIN_NAME,
]  # fmt: skip
EXPECT = _option(
    "--expect", "How many files will follow with `upload`.", type=click.IntRange(min=0), metavar="N"
)

ON_INTERRUPT = _flag(
    "--cancel-on-interrupt", "Let Ctrl-C cancel the Assembly; by default it goes on."
)

PROGRESS = _option(
    "--progress", "How progress is shown; auto means bars on a terminal, otherwise lines.",
    type=click.Choice(["auto", "bars", "lines", "json", "none"]), default="auto",
)  # fmt: skip
PARALLEL = _option("--parallel", "How many files are on their way at once.",
                   type=_COUNT, default=4, show_default=True, metavar="N")  # fmt: skip
SAVE_TO = _option("--save-to", "The folder in which the results are saved, as STEP/NAME.",
                  type=_FILE, metavar="FOLDER")  # fmt: skip
STEP = _many("--step", "NAME", "A Step whose results are wanted; by default all.")
WAITING = [
    _option("--deadline", "How long to wait at most; 9 hours by default.",
            type=click.FloatRange(min=0), metavar="SECONDS"),
    _flag("--cancel-on-timeout", "Cancel the Assembly at the deadline."),
]  # fmt: skip
RUNNING = [
    _option("--tus-above", "How big all files together may be to go with the first request; bigger"
            " ones go so that they can be gone on with. 8 MiB by default.",
            type=click.IntRange(min=0), metavar="BYTES"),
    _flag("--resume", "Go on with the run of this --assembly-id, wherever it stopped."),
]  # fmt: skip

REPLAYING = [
    *INSTRUCTIONS,
    _flag("--no-notify", "Let no Notification be sent."),
    _flag("--reparse-template", "Take the Template as it is now, not the Steps as they were."),
]
AGAIN = [
    _option("--notify-url", "Where the Notification goes instead.", metavar="URL"),
    _flag("--no-wait", "Do not wait until it was delivered."),
]

PARAMS = click.Argument(["params"], metavar="FILE|JSON|-", type=_WORD)
EXPIRES_IN = _option("--expires-in", "How long the signature is good.",
                     type=_COUNT, default=3600, show_default=True, metavar="SECONDS")  # fmt: skip
BODY = click.Argument(["body"], metavar="FILE|-", type=_WORD)
CONTENT_TYPE = _option(
    "--content-type", "The Content-Type that the request came with.",
    default="application/x-www-form-urlencoded", show_default=True, metavar="TYPE",
)  # fmt: skip
