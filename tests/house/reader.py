"""A reader of the documentation: an empty folder, a bare Python, and only what the page says.

The reader does what a page says, block by block and in order, in one folder:

- `python` and `shell` blocks run.
- A block with `title="NAME"` is saved under that name; a later block may run it.
- `shell server` runs in a second terminal until the page ends, and the `export` lines that it
  prints are pasted into the first one.
- `text output` is what the block above must have printed; `...` stands for anything.
- `no-run` behind the language says that a block cannot run here.

`pip` is the one thing that is not the reader's own. It installs what the wheel and the developers'
environment hold, and each package with exactly the requirements that it declares, so that a page
which forgets to install something fails; but it asks no server, and takes milliseconds.
"""

import doctest
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import venv
import zipfile
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple, Self

from packaging.requirements import Requirement

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?P<info>[^`\n]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')
_SHELLS = ("shell", "bash", "sh")
_EXPORT = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)
# The line by which the stand-in, uvicorn and Flask say that they serve.
_READY = re.compile(r"^.*(?:serving|running on).*\n", re.IGNORECASE | re.MULTILINE)
# A process that is forked while a script is written has that open, and the script cannot run yet.
_ONE_AT_A_TIME = threading.Lock()
_PIP = """\
#!{python}
import sys
sys.path[:0] = {path!r}
from {module} import pip
sys.exit(pip({folder!r}, {wheel!r}, sys.argv[1:]))
"""
_SCRIPT = """\
#!{python}
import sys
from {module} import {attribute}
sys.exit({attribute}())
"""


class Block(NamedTuple):
    """A fenced block of a page."""

    line: int
    language: str
    info: str
    code: str

    @property
    def title(self) -> str | None:
        """The name under which the reader saves it."""
        found = _TITLE.search(self.info)
        return found[1] if found else None


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, also of those inside lists and tabs."""
    return [
        Block(
            page.count("\n", 0, found.start()) + 1,
            found["language"],
            found["info"].strip(),
            dedent(found["code"]),
        )
        for found in _FENCE.finditer(page)
    ]


def without_blocks(page: str) -> str:
    """The prose of a page."""
    return _FENCE.sub("", page)


class PageError(AssertionError):
    """A page told its reader something that did not work."""


class Reader:
    """Someone in an empty folder, with a Python of their own."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder / "reader"
        self.folder.mkdir()
        self._python = folder / "python"
        venv.create(self._python, symlinks=os.name != "nt")
        pip = self._python / "bin" / "pip"
        with _ONE_AT_A_TIME:
            pip.write_text(
                _PIP.format(
                    python=sys.executable,
                    path=[str(Path(__file__).parents[2])],
                    module="tests.house.reader",
                    folder=str(self._python),
                    wheel=str(wheel),
                ),
                encoding="utf-8",
            )
        pip.chmod(0o755)
        self._servers: list[subprocess.Popen[bytes]] = []
        self._logs = folder / "servers"
        self._logs.mkdir()
        self._printed = ""
        self._environment = {
            "PATH": os.pathsep.join([str(self._python / "bin"), os.defpath]),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "error::ResourceWarning",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()

    def read(self, block: Block) -> None:
        """Do what a block says.

        Raises:
            PageError: it did not work.
        """
        if block.language == "text" and block.info == "output":
            self._compare(block)
        elif block.title is not None:
            (self.folder / block.title).write_text(block.code, encoding="utf-8")
        elif block.language in _SHELLS and block.info == "server":
            self._serve(block.code)
        elif block.language in _SHELLS and not block.info:
            self._run(["bash", "-euo", "pipefail", "-c", block.code])
        elif block.language == "python" and not block.info:
            self._run([str(self._python / "bin" / "python"), "-c", block.code])

    def _run(self, command: list[str]) -> None:
        with _ONE_AT_A_TIME:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        with process:
            try:
                printed, errors = process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if process.returncode:
            raise PageError(f"exit code {process.returncode}\n{printed}\n{errors}")
        self._printed = printed

    def _serve(self, command: str) -> None:
        log = self._logs / str(len(self._servers))
        with log.open("wb") as output, _ONE_AT_A_TIME:
            server = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self._environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self._servers.append(server)
        end = time.monotonic() + 30
        while not (ready := _READY.search(printed := log.read_text(encoding="utf-8"))):
            if server.poll() is not None or time.monotonic() > end:
                raise PageError(f"{command.strip()} does not serve:\n{printed}")
            time.sleep(0.02)
        for name, value in _EXPORT.findall(printed[: ready.end()]):
            (self._environment[name],) = shlex.split(value)

    def _compare(self, block: Block) -> None:
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        if not doctest.OutputChecker().check_output(block.code, self._printed, options):
            raise PageError(f"the page shows\n{block.code}\nand this was printed:\n{self._printed}")


def unpacked(wheel: Path, folder: Path) -> Path:
    """The content of a wheel, as all readers' environments link to it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def pip(python: str, wheel: str, arguments: list[str]) -> int:
    """What `pip install NAME …` does for a reader; gives the exit code."""
    command, *requirements = [argument for argument in arguments if argument[0] != "-"]
    assert command == "install", command
    environment = Path(python)
    (packages,) = environment.glob("lib/python*/site-packages")
    seen: set[str] = set()
    todo = [Requirement(text) for text in requirements]
    while todo:
        requirement = todo.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        found = _found(requirement.name, wheel)
        _link(found, packages, environment / "bin")
        todo += [
            needed
            for needed in map(Requirement, found.requires or [])
            if needed.marker is None
            or any(needed.marker.evaluate({"extra": extra}) for extra in {"", *requirement.extras})
        ]
    return 0


def _found(name: str, wheel: str) -> Distribution:
    """Ours from the wheel, all others from the developers' environment."""
    if name == "transloadit-client":
        (metadata,) = Path(wheel).glob("*.dist-info")
        return PathDistribution(metadata)
    return distribution(name)


def _link(found: Distribution, packages: Path, scripts: Path) -> None:
    root = Path(str(found.locate_file("")))
    tops = {file.parts[0] for file in found.files or [] if file.parts[0] not in ("..", "/")}
    for top in tops - {"__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(root / top)
    for entry in found.entry_points.select(group="console_scripts"):
        script = scripts / entry.name
        if script.exists():
            continue
        script.write_text(
            _SCRIPT.format(python=scripts / "python", module=entry.module, attribute=entry.attr),
            encoding="utf-8",
        )
        script.chmod(0o755)
