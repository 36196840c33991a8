"""The command line in a real terminal: completion by a shell, bars, Ctrl-C."""

import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pexpect
import pytest

from transloadit_standin import StandIn

SCRIPTS = Path(sys.executable).parent
Typing = Callable[..., Any]


@pytest.fixture
def terminal(folder: Path) -> Iterator[Callable[..., "pexpect.spawn[str]"]]:
    """Starts programs in terminals of their own, with the command on their path."""
    running: list[pexpect.spawn[str]] = []

    def start(program: str, *arguments: str, **further: str) -> "pexpect.spawn[str]":
        environ = {
            **os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
            "TERM": "xterm", "PS1": "$ ", **further,
        }  # fmt: skip
        child: pexpect.spawn[str] = pexpect.spawn(
            program, list(arguments), env=environ, encoding="utf-8", dimensions=(40, 100),
            timeout=20,
        )  # fmt: skip
        running.append(child)
        return child

    yield start
    for child in running:
        # It is killed at last; pexpect complains if a busy machine needs more than 0.1 s for that.
        with suppress(pexpect.ExceptionPexpect):
            child.close(force=True)


@pytest.fixture
def bash(terminal: Typing) -> Any:
    """A bash that completes the command, as a person's does."""
    if shutil.which("bash") is None:
        assert not os.environ.get("CI"), "CI has bash"
        pytest.skip("bash is not installed")
    shell = terminal("bash", "--norc", "--noprofile")
    shell.sendline(
        'bind "set bell-style none"; eval "$(transloadit-client completion bash)"; echo rea""dy'
    )
    shell.expect("ready")
    return shell


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("cre", "create "),
        ("replay-", "replay-notification "),
        ("create --temp", "create --template "),
        ("create --steps st", "create --steps steps.yaml "),
        ("create a.t", "create a.txt "),
        ("create photo=a.t", "create photo=a.txt "),
        ("completion z", "completion zsh "),
    ],
)
def test_bash_completes(bash: Any, folder: Path, typed: str, completed: str) -> None:
    (folder / "steps.yaml").write_text("{}")
    bash.send(f"transloadit-client {typed}\t")

    bash.expect(re.escape(f"transloadit-client {completed}"))


@pytest.mark.parametrize("typed", ["create nothing-here", "fly", "status a.tx"])
def test_bash_completes_nothing_where_there_is_nothing(bash: Any, typed: str) -> None:
    bash.send(f"transloadit-client {typed}\t#")  # echoed right behind what was typed

    bash.expect(re.escape(f"transloadit-client {typed}#"))


BAR = "━"


def test_ctrl_c_ends_bars_and_what_it_prints_goes_on_to_the_end(
    terminal: Typing, folder: Path
) -> None:
    """In one terminal: a run is seen to upload, is interrupted, and is gone on with as printed."""
    film = bytes(range(256)) * 60_000
    (folder / "film.mp4").write_bytes(film)
    with StandIn(upload_rate=5e6, download_rate=2e7, step_seconds=0.5) as api:
        api.add_template(
            "encode", steps={"encoded": {"robot": "/video/encode", "use": ":original"}}
        )
        typed = ("run", "--template", "encode", "film.mp4", "--save-to", "out")
        first = terminal("transloadit-client", *typed, **api.environ)

        first.expect(rf"uploading +\S*{BAR}.* 0 of 1 files, [1-9][\d.]* MB of 15.4 MB")
        first.sendintr()

        first.expect("Interrupted.\r\nTo go on where it stopped:\r\n  (.*)\r\n")
        program, *again = shlex.split(first.match[1])
        first.expect(pexpect.EOF)
        first.close()
        assert first.signalstatus == signal.SIGINT
        assert not list(folder.glob("out/**/*"))

        second = terminal(program, *again, **api.environ)
        for phase in ("uploading", "executing", "downloading"):
            second.expect(rf"{phase} +\S*{BAR}")
        second.expect("1 of 1 files, 15.4 MB of 15.4 MB")
        second.expect("out/encoded/film.mp4\r\n")
        second.expect(pexpect.EOF)
        second.close()
        assert second.exitstatus == 0
        assert (folder / "out" / "encoded" / "film.mp4").read_bytes() == film
        assert len(api.assemblies) == 1


def test_a_terminal_without_abilities_has_lines(terminal: Typing) -> None:
    with StandIn() as api:
        steps = '{"resized": {"robot": "/image/resize"}}'
        child = terminal("transloadit-client", "run", "--steps", steps, TERM="dumb", **api.environ)

        said = child.read()
        assert "executing: " in said
        assert "done\r\n" in said
        assert not {BAR, "\x1b"} & set(said)
