"""The help: right examples, true defaults, variables, and widths down to 40 columns."""

import inspect
import re
import shlex
from collections.abc import Callable
from typing import Any

import click
import pytest

from transloadit_client import RetryPolicy, Transloadit, TransloaditError
from transloadit_client._runs.map_schedule import AT_ONCE
from transloadit_client.cli.commands import group
from transloadit_client.cli.outcomes import message
from transloadit_standin import StandIn
from transloadit_standin.__main__ import main as standin_main
from transloadit_standin._options import read_options

Command = Callable[..., Any]

EXAMPLES = [
    pytest.param(name, example, id=example)
    for name, command in group.commands.items()
    for example in getattr(command, "examples", ())
]
FLOWS: dict[str, Callable[..., Any]] = {
    "run": Transloadit.run,
    "upload": Transloadit.upload,
    "map": Transloadit.map,
    "wait": Transloadit.wait_for_assembly,
}


def options_of(name: str) -> dict[str, click.Option]:
    params = group.commands[name].params
    return {str(one.name): one for one in params if isinstance(one, click.Option)}


@pytest.mark.parametrize("name", ["", *(name for name in group.commands if name != "standin")])
def test_every_help_has_an_example(command: Command, name: str) -> None:
    out = command(*filter(None, [name]), "--help").out

    assert f"\nExamples:\n  transloadit-client {name or 'run'} " in out


def test_the_help_of_the_mock_server_has_examples(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        standin_main(["--help"], prog="transloadit-client standin")
    _, _, examples = capsys.readouterr().out.partition("\nExamples:\n")

    assert examples
    for example in examples.splitlines():
        assert example.startswith("  transloadit-client standin")
        own = shlex.split(example)[2:]
        if "thumbnail.json" not in example:  # which a reader would have
            read_options(own, "it")


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_is_a_command(name: str, example: str) -> None:
    first, *arguments = shlex.split(example.partition(" < ")[0])

    assert first == name
    group.commands[name].make_context(name, arguments)  # raises a UsageError


@pytest.mark.parametrize("name", ["", *group.commands])
def test_help_fits_forty_columns(
    command: Command, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = command(*filter(None, [name]), "--help").out if name != "standin" else ""
    before, _, behind = out.partition("\nExamples:")
    below = behind.partition("\n\n")[2]
    lines = [*before.splitlines()[1:], *below.splitlines()]  # the first is Usage and two names

    assert max(map(len, lines), default=0) <= 40
    assert not re.search(r"[a-z]\.\.\.", out)  # nothing is cut off


@pytest.mark.parametrize(
    ("name", "option", "argument", "text"),
    [
        ("run", "deadline", "deadline", "9 hours"),
        ("map", "deadline", "deadline", "9 hours"),
        ("wait", "deadline", "deadline", "9 hours"),
        ("run", "tus_above", "tus_above", "{}"),
        ("map", "tus_above", "tus_above", "{}"),
        ("run", "chunk_size", "chunk_size", "{}"),
        ("map", "chunk_size", "chunk_size", "{}"),
        ("upload", "chunk_size", "chunk_size", "{}"),
        ("map", "per_minute", "creates_per_minute", "{} by default"),
    ],
)
def test_defaults_that_the_help_names_are_the_client_s(
    name: str, option: str, argument: str, text: str
) -> None:
    default = inspect.signature(FLOWS[name]).parameters[argument].default
    right = text.format(default) if "{" in text else f"{default / 3600:.0f} hours"

    assert right in str(options_of(name)[option].help)
    if "hours" in text:
        assert right == text


def test_the_help_says_how_many_map_runs_at_once() -> None:
    """No default of an argument, as fewer run where the process may open few files."""
    assert f"; {AT_ONCE} by default" in str(options_of("map")["at_once"].help)


def test_the_default_of_attempts_is_the_policy_s() -> None:
    assert options_of("run")["attempts"].default == RetryPolicy().attempts


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("key", "TRANSLOADIT_KEY"),
        ("secret", "TRANSLOADIT_SECRET"),
        ("credentials", "TRANSLOADIT_CREDENTIALS_FILE"),
        ("endpoint", "TRANSLOADIT_ENDPOINT"),
    ],
)
def test_variables_stand_in_the_help(option: str, variable: str) -> None:
    assert variable in str(options_of("run")[option].help)


def test_commands_that_most_people_need_come_first() -> None:
    assert list(group.commands)[:2] == ["run", "map"]


# -- before or after --


@pytest.mark.parametrize(
    "typed",
    [
        ("--endpoint", "{url}", "status", "{id}", "--json"),
        ("--json", "status", "--endpoint", "{url}", "{id}"),
        ("-j", "--endpoint={url}", "status", "{id}"),
    ],
)
def test_options_stand_before_or_after_the_command(
    command: Command, api: StandIn, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...]
) -> None:
    monkeypatch.delenv("TRANSLOADIT_ENDPOINT")
    ran = command(*(word.format(url=api.url, id="0" * 32) for word in typed))

    assert ran.code == 3
    assert ran.document["error"]["code"] == "ASSEMBLY_NOT_FOUND"


def test_an_option_behind_the_command_wins(command: Command, api: StandIn) -> None:
    dead = ("--endpoint", "http://127.0.0.1:9", "--attempts", "1")

    assert command(*dead, "status", "0" * 32, "--endpoint", api.url).code == 3


def test_a_command_to_type_again_has_the_options_that_stood_before(
    command: Command, api: StandIn
) -> None:
    url = command("create", "--template", "thumbnails", "--expect", "1").out.strip()
    ran = command(
        "--endpoint", api.url, "--secret", "s", "--key", "k", "wait", url, "--deadline", "0"
    )

    assert f"transloadit-client wait --endpoint {api.url} {url} --deadline 0" in ran.err


# -- what is logged --


def test_requests_and_retries_are_printed_when_asked_for(command: Command, api: StandIn) -> None:
    quiet = command("status", "0" * 32)
    verbose = command("-vv", "status", "0" * 32)

    assert "httpx: HTTP Request: GET" not in quiet.err
    assert "httpx: HTTP Request: GET" in verbose.err
    assert "0" * 32 not in verbose.err.partition("Error")[0]  # an id is a capability


# -- errors speak of options --


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("base_url must be https://HOST", "--endpoint must be https://HOST"),
        ("pass num_expected_upload_files=1", "pass --expect 1"),
        ("Leave out either `steps` or `template_id`.", "Leave out either `steps` or --template."),
        ("resume takes the assembly_id of the run", "resume takes the --assembly-id of the run"),
        ("at_once is 0; it takes a whole number", "--at-once is 0; it takes a whole number"),
        ("the file my_template_id.json", "the file my_template_id.json"),
        ("save_to=", "--save-to="),
    ],
)
def test_an_error_names_the_option(said: str, told: str) -> None:
    assert message(TransloaditError(said)) == told


def test_every_option_that_errors_name_exists() -> None:
    from transloadit_client.cli.outcomes import _OPTIONS  # noqa: PLC0415  # a table, not a function

    known = {
        opt for name in group.commands for one in options_of(name).values() for opt in one.opts
    }
    assert {option for option in _OPTIONS.values() if option.startswith("--")} <= known


def test_the_first_line_of_each_help_is_a_sentence() -> None:
    for one in group.commands.values():
        first = str(one.help).split("\n")[0]
        assert re.fullmatch(r"[A-Z][^.]+\.", first), first
