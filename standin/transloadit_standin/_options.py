"""The command line's options: every keyword of `StandIn`, Templates, faults and the request log."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._faults.script import Fault
    from ._service.templates import Template

ABOUT = """\
A COMMAND behind -- is run with the variables set, and its exit code is the stand-in's; what looks
like an option behind -- is the command's. Without one the stand-in serves until Ctrl-C. The page at
the base URL's /_standin/ shows what happens; /_standin/openapi.yaml describes the admin API.
"""
EXAMPLES = (
    "",
    "--port 8080 --template thumbnail=thumbnail.json",
    "--fault unavailable -- pytest",
)


@dataclass
class Options:
    """What the command line asks for."""

    stand_in: dict[str, Any]
    """Keywords of `StandIn`."""
    templates: list[Template] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    clock_ahead: float = 0.0
    """Seconds."""
    quiet: bool = False
    command: list[str] = field(default_factory=list)


def read_options(arguments: Sequence[str], prog: str) -> Options:
    """The options in some arguments; exits with 2 and a sentence if they make no sense."""
    own, command = _split(list(arguments))
    parser = _parser(prog)
    given = vars(parser.parse_args(own))
    options = Options({}, quiet=given.pop("quiet"), command=command)
    try:
        named = given.pop("template")
        if wrong := [text for text in named if not text.partition("=")[2]]:
            raise ValueError(f"--template needs NAME=FILE.json, not {wrong[0]!r}")  # noqa: TRY301 - one place for all
        options.templates = templates_of([*given.pop("templates"), *named], Path())
        options.clock_ahead = given.pop("clock_ahead")
        options.faults = [_fault(text) for text in given.pop("fault")]
        options.stand_in = _keywords(given)
    except ValueError as error:
        parser.error(str(error))
    return options


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The stand-in's own arguments, and the command behind the first `--`."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Says in one line what is wrong, and where the options are listed."""
        self.exit(2, f"Error: {message}. See '{self.prog} --help'.\n")


def _parser(prog: str) -> argparse.ArgumentParser:
    width = shutil.get_terminal_size().columns - 2  # as argparse itself has it
    examples = "\n".join(f"  {prog} {example}".rstrip() for example in EXAMPLES)
    parser = _Parser(
        prog=prog,
        formatter_class=argparse.RawDescriptionHelpFormatter,  # examples are there to be copied
        usage="%(prog)s [options] [-- COMMAND ...]",
        description=fill(
            "Transloadit's API on this machine: a mock server for tests and demos.", width
        ),
        epilog=f"{fill(ABOUT, width)}\n\nExamples:\n{examples}",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("-q", "--quiet", action="store_true", default=False, help="no request log")
    _add_account(parser.add_argument_group("account"))
    _add_service(parser.add_argument_group("what the service does"))
    _add_strictness(parser.add_argument_group("where the service's behaviour is not known"))
    _add_trouble(parser.add_argument_group("faults and limits"))
    return parser


def _add_account(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--port", type=int, help="the port of the base URL; default: a free one")
    add("--key", help="the Auth Key; default: standin_key")
    add("--secret", help="the Auth Secret; default: standin_secret")
    add("--auth-token", help="a bearer token; default: standin_token")
    _switch(group, "signature-required", "refuse creates without a signature; default: no")
    add(
        "--template",
        action="append",
        default=[],
        metavar="NAME=FILE.json",
        help="a Template by its id and content; can be given several times",
    )
    add(
        "--templates",
        action="append",
        default=[],
        metavar="DIR",
        help="a Template for each NAME.json in a folder",
    )
    add(
        "--state",
        type=Path,
        metavar="DIR",
        help="a folder that keeps Templates, Assemblies and files from one run to the next",
    )
    add("--instances", type=int, help="number of instance hosts; default: 1")
    add("--instance-address", help="loopback address of the instance hosts; default: 127.0.0.1")
    add(
        "--host-name",
        action="append",
        dest="host_names",
        metavar="NAME",
        help="a further host name by which requests may reach this machine",
    )


def _add_service(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--step-seconds", type=float, help="how long a Step takes; default: 1")
    _switch(group, "media", "really resize images; default: yes if Pillow is installed")
    _switch(group, "strict", "refuse Steps with an unknown Robot or use; default: yes")
    _switch(group, "cors", "let pages of other origins use the API; default: yes")
    _switch(group, "tus-checksum", "take checksums of uploads; default: yes")
    _switch(group, "event-stream", "offer a stream of events; default: yes")
    add(
        "--notification-encoding",
        choices=["urlencoded", "multipart"],
        help="how webhooks are encoded; default: urlencoded",
    )
    add(
        "--notification-algorithm",
        choices=["sha1", "sha256", "sha384", "sha512"],
        help="how webhooks are signed; default: sha1",
    )
    add(
        "--notification-attempts",
        type=int,
        help="how often a webhook is sent until it is answered with 200; default: 3",
    )
    add(
        "--notification-retry-seconds",
        type=float,
        help="seconds between two of these; default: 0.05",
    )
    add(
        "--keep-body",
        type=int,
        metavar="BYTES",
        help="how much of each body the list of requests keeps; default: 1048576",
    )


def _add_strictness(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--typed-text",
        choices=["text", "file"],
        help="what a form's part with a type and no file name is; default: text",
    )
    add(
        "--replayable",
        choices=["any", "crashed"],
        help="which Assemblies can be replayed; default: any",
    )
    _switch(group, "instance-replays", "instance hosts accept replays; default: yes")
    add(
        "--empty-notify-url",
        choices=["original", "none"],
        help='what notify_url "" means in a replay; default: original',
    )
    add(
        "--assembly-url",
        choices=["answers", "refuses"],
        help="whether the plain assembly_url answers; default: answers",
    )
    add(
        "--not-found-reads",
        type=int,
        help="how many reads do not find a new Assembly yet; default: 0",
    )
    add(
        "--single-use",
        choices=["arrival", "work"],
        help="when ids and nonces count as used; default: arrival",
    )
    _switch(
        group, "forget-refused", "the nonce of a refused request can be used again; default: no"
    )
    _switch(
        group,
        "event-first-id",
        "an event stream begins with an event that has only an id; default: yes",
    )
    _switch(group, "event-repeat-end", "an event stream opened late repeats the end; default: yes")
    _switch(group, "event-replay", "an event stream opened late repeats everything; default: no")


def _add_trouble(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--upload-rate", type=float, metavar="BYTES", help="bytes a second for all uploads together"
    )
    add(
        "--download-rate",
        type=float,
        metavar="BYTES",
        help="bytes a second for all downloads together",
    )
    add(
        "--limits",
        action="store_true",
        default=False,
        help="apply the service's rate limits",
    )
    add(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="apply the rate limits, with another number for one of them: creates, running,"
        " status_reads, http_status",
    )
    add(
        "--fault",
        action="append",
        default=[],
        metavar="KIND|JSON",
        help='a fault for the next request: unavailable, or {"kind": "rate_limit", "times": 3}',
    )
    add(
        "--clock-ahead",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how far the server's clock is ahead; negative: behind; default: 0",
    )


def _switch(group: argparse._ArgumentGroup, name: str, help_: str) -> None:
    group.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=help_)


def _keywords(given: dict[str, Any]) -> dict[str, Any]:
    """Keywords of `StandIn`, of the options that were given."""
    from ._service.events import EventStream  # noqa: PLC0415 - `--help` needs nothing of the package

    stream = {
        name: given.pop(f"event_{name}")
        for name in ("first_id", "repeat_end", "replay")
        if f"event_{name}" in given
    }
    if given.pop("event_stream", True):
        given["event_stream"] = EventStream(**stream)
    else:
        given["event_stream"] = None
    given["limits"] = _limits(given.pop("limit"), wanted=given.pop("limits"))
    return {"step_seconds": 1.0, **given}


def _limits(texts: list[str], *, wanted: bool) -> Any:
    from ._service.limits import Limits  # noqa: PLC0415 - likewise

    numbers: dict[str, Any] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in ("creates", "running", "status_reads", "http_status"):
            raise ValueError(f"--limit: there is no limit {name!r}")
        if not (number.isascii() and number.isdecimal()):
            raise ValueError(f"--limit: {name} needs a number, as in {name}=10")
        numbers[name] = int(number)
    return Limits(**numbers) if wanted or numbers else None


def templates_of(lines: Sequence[str], folder: Path) -> list[Template]:
    """The Templates that `NAME=FILE.json` and folders name, relative to a folder.

    Raises:
        ValueError: there is no such file, or it holds no Template.
    """
    found = []
    for line in lines:
        name, equals, file = line.partition("=")
        if equals:
            found.append((name.strip(), folder / file.strip()))
            continue
        files = sorted((folder / line.strip()).glob("*.json"))
        if not files:
            raise ValueError(f"there is no .json file in {line}")
        found += [(one.stem, one) for one in files]
    return [template_in(name, file) for name, file in found]


def template_in(name: str, file: Path) -> Template:
    """The Template whose content is in a file.

    Raises:
        ValueError: the file cannot be read, or holds no Template.
    """
    from ._service.templates import NAME, read_template  # noqa: PLC0415 - likewise

    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a Template: letters, digits, dots, - and _")
    try:
        return read_template(name, json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ValueError(f"the Template {name}: {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the Template {name}: {file}: {error}") from error


def _fault(text: str) -> Fault:
    from ._faults.named import read_fault  # noqa: PLC0415 - likewise

    try:
        return read_fault(json.loads(text) if text.lstrip().startswith("{") else {"kind": text})
    except ValueError as error:
        raise ValueError(f"--fault: {error}") from error
