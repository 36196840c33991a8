"""The command line in a real terminal: completion by shells, bars at any width, Ctrl-C."""

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
import pyte
import pytest

from transloadit_standin import StandIn

SCRIPTS = Path(sys.executable).parent
Typing = Callable[..., Any]


@pytest.fixture
def terminal(folder: Path) -> Iterator[Callable[..., "pexpect.spawn[str]"]]:
    """Starts programs in terminals of their own, with the command on their path."""
    running: list[pexpect.spawn[str]] = []

    def start(
        program: str, *arguments: str, columns: int = 100, **further: str
    ) -> "pexpect.spawn[str]":
        environ = {
            **os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
            "TERM": "xterm", "PS1": "$ ", **further,
        }  # fmt: skip
        environ.pop("COLUMNS", None)  # the workers of pytest-xdist have it; rich believes it
        child: pexpect.spawn[str] = pexpect.spawn(
            program, list(arguments), env=environ, encoding="utf-8", dimensions=(40, columns),
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
    with StandIn(upload_rate=1e7, download_rate=3e7, step_seconds=0.3) as api:
        api.add_template(
            "encode", steps={"encoded": {"robot": "/video/encode", "use": ":original"}}
        )
        typed = ("run", "--template", "encode", "film.mp4", "--save-to", "out")
        first = terminal("transloadit-client", *typed, **api.environ)

        first.expect(rf"uploading +\S*{BAR}.* 0 of 1 files, [1-9][\d.]* MB of 15.4 MB")
        first.sendintr()

        first.expect("Interrupted.\r\nTo resume where it stopped:\r\n  (.*)\r\n")
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


class Screen:
    """What a person sees of a terminal, lines that wrapped included."""

    def __init__(self, columns: int) -> None:
        self._screen = pyte.Screen(columns, 40)
        self._stream = pyte.Stream(self._screen)

    def feed(self, text: str) -> None:
        self._stream.feed(text)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display if line.strip()]

    @property
    def cursor_is_hidden(self) -> bool:
        return bool(self._screen.cursor.hidden)

    def show(self, child: "pexpect.spawn[str]", until: Callable[[], object]) -> None:
        """Reads from a program until the screen shows something, or the program ends."""
        with suppress(pexpect.EOF):
            while not until():
                self.feed(child.read_nonblocking(4096, timeout=20))


@pytest.fixture
def slow() -> Iterator[StandIn]:
    """A stand-in that takes a second for a film."""
    with StandIn(upload_rate=4e6, download_rate=8e6, step_seconds=0.2) as api:
        api.add_template(
            "encode", steps={"encoded": {"robot": "/video/encode", "use": ":original"}}
        )
        yield api


FILM = bytes(range(256)) * 8_000
ENCODE = ("run", "--template", "encode", "--step", "encoded", "film.mp4")


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_bars_fit_any_width(terminal: Typing, folder: Path, slow: StandIn, columns: int) -> None:
    """A bar that wraps is drawn again on the next line each time."""
    (folder / "film.mp4").write_bytes(FILM)
    screen = Screen(columns)
    child = terminal(
        "transloadit-client", *ENCODE, "--save-to", "out", columns=columns, **slow.environ
    )
    screen.show(child, lambda: False)
    child.close()

    assert child.exitstatus == 0
    bars = [line for line in screen.lines if BAR in line]
    assert [bar.split()[0] for bar in bars] == ["uploading", "executing", "downloading"]
    assert max(map(len, bars)) <= columns - 2  # where a terminal writes ^C
    assert screen.lines[-1] == "out/encoded/film.mp4"
    assert not screen.cursor_is_hidden


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_ctrl_c_leaves_nothing_of_the_bars(
    terminal: Typing, folder: Path, slow: StandIn, columns: int
) -> None:
    (folder / "film.mp4").write_bytes(FILM)
    screen = Screen(columns)
    child = terminal(
        "transloadit-client", *ENCODE, "--save-to", "out", columns=columns, **slow.environ
    )
    screen.show(child, lambda: any(BAR in line for line in screen.lines))
    child.sendintr()
    screen.show(child, lambda: False)
    child.close()

    assert child.signalstatus == signal.SIGINT
    seen = "".join(screen.lines)
    assert BAR not in seen
    assert "^C" not in seen
    assert "%" not in seen
    assert "Interrupted.To resume where it stopped:  transloadit-client run" in seen
    assert not screen.cursor_is_hidden


def test_results_of_a_map_stand_above_its_bar(
    terminal: Typing, folder: Path, slow: StandIn
) -> None:
    for name in ("one", "two"):
        (folder / f"{name}-{'x' * 60}.mp4").write_bytes(b"a film")
    screen = Screen(60)
    child = terminal(
        "transloadit-client", "map", *ENCODE[1:-1], "*.mp4", "--save-to", "out",
        columns=60, **slow.environ,
    )  # fmt: skip
    screen.show(child, lambda: False)
    child.close()

    assert child.exitstatus == 0
    *paths, bar, summary = screen.lines
    assert len(paths) == 2 * 3  # each too long for a line, and broken by the terminal alone
    assert re.fullmatch(rf"files {BAR}+ 100%|files {BAR}+ 2 of 2 [\d:]+", bar)
    assert summary == "2 done, 0 failed"
    assert all(line.startswith("out/") for line in paths[::3])


def test_a_result_is_not_written_to_the_terminal(
    terminal: Typing, folder: Path, slow: StandIn
) -> None:
    (folder / "film.mp4").write_bytes(b"a film")
    child = terminal("transloadit-client", *ENCODE, "-o", "-", **slow.environ)

    child.expect("-o - would write the bytes of a file to the terminal: redirect it")
    child.expect(pexpect.EOF)
    assert slow.requests == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_complete_without_preparation(
    terminal: Typing, folder: Path, shell: str
) -> None:
    """A zsh that was just installed has not loaded its own completion."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (folder / "steps.yaml").write_text("{}")
    bare = {"zsh": "-f", "fish": "--no-config"}[shell]
    child = terminal(shell, bare, TERM="dumb")
    load = {
        "zsh": 'eval "$(transloadit-client completion zsh)"; echo rea""dy',
        "fish": 'transloadit-client completion fish | source; echo rea""dy',
    }[shell]
    child.sendline(load)
    child.expect("ready")
    child.send("transloadit-client smar\t")
    child.expect(r"t-cdn")


def test_a_terminal_without_abilities_has_lines(terminal: Typing) -> None:
    with StandIn() as api:
        steps = '{"resized": {"robot": "/image/resize"}}'
        child = terminal("transloadit-client", "run", "--steps", steps, TERM="dumb", **api.environ)

        said = child.read()
        assert "executing: " in said
        assert "done\r\n" in said
        assert not {BAR, "\x1b"} & set(said)
