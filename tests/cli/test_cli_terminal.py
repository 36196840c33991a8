"""The command line in a real terminal: completion by a shell, bars, Ctrl-C."""

import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
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


def test_a_terminal_shows_bars_and_ctrl_c_tells_how_to_go_on(terminal: Typing) -> None:
    with StandIn(step_seconds=60) as api:
        steps = '{"resized": {"robot": "/image/resize"}}'
        creating = terminal(
            "transloadit-client", "create", "--steps", steps, "a.txt", **api.environ
        )
        creating.expect(r"(http\S+)\r\n")
        url = creating.match[1]
        waiting = terminal("transloadit-client", "wait", url, **api.environ)

        waiting.expect("executing")
        waiting.expect("━")
        waiting.sendintr()

        waiting.expect("Interrupted.")
        waiting.expect(re.escape(f"  transloadit-client wait {url}\r\n"))
        waiting.expect(pexpect.EOF)
        waiting.close()
        assert waiting.signalstatus == signal.SIGINT
        assert [assembly.state for assembly in api.assemblies.values()] == ["ASSEMBLY_EXECUTING"]
