"""What the tests of the command line share: a folder and a home of their own, and a way to call it.

Most call it inside this process, from its arguments to its exit code, against the real stand-in;
what only a process or a terminal can show is in `test_cli_process` and `test_cli_terminal`.
"""

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from transloadit_client.cli import main
from transloadit_standin import StandIn


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ran]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with two files in it; the home folder is elsewhere, and empty."""
    (tmp_path / "home").mkdir()
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.txt").write_bytes(b"first")
    (work / "b.txt").write_bytes(b"the second")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # Ctrl-C silences it
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command; `stdin` is what it can read."""

    def run(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = main.run(arguments)
        written = capsys.readouterr()
        return Ran(code, written.out, written.err)

    return run


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in, which the environment names, with a Template `thumbnails`."""
    with StandIn() as api:
        api.add_template(
            "thumbnails", steps={"resized": {"robot": "/image/resize", "use": ":original"}}
        )
        for name, value in api.environ.items():
            monkeypatch.setenv(name, value)
        yield api
