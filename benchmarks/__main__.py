"""`make bench`: measures us beside our peers, and writes docs/performance.md.

Contestants are processes that take turns, a batch each, so that a busy moment strikes all alike.
They share one core and the server has the other.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from . import payloads, report
from .machine import cores
from .scenarios import CURL, NODE, SCENARIOS, Row, Scenario

ROOT = Path(__file__).parent.parent
PYTHON = {place: ROOT / "build" / place / "bin" / "python" for place in ("peers", "alone")}
TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Where httpx and aiohttp, requests, and node look for the roots they trust."""
MIB = 1024 * 1024
NODE_MODULES = ROOT / "benchmarks" / "node" / "node_modules" / "transloadit"


class Contestant:
    """A process that makes calls when told, and tells what they took."""

    def __init__(
        self, scenario: Scenario, row: Row, arguments: Sequence[str], environ: dict[str, str]
    ) -> None:
        cpu = cores()[1]
        if row.place == NODE:
            given = {"key": payloads.KEY, "secret": payloads.SECRET, "steps": payloads.STEPS}
            command = ["node", "worker.mjs", arguments[0], json.dumps(given)]
            folder = ROOT / "benchmarks" / "node"
        else:
            python = str(PYTHON[row.place])
            worker = [python, "-m", "benchmarks.worker"]
            url, *files = arguments
            command = [*worker, scenario.kind, row.name, url, str(cpu), *files]
            folder = ROOT
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, {cpu})
        if self._answer() != "ready":
            raise SystemExit(f"{row} could not begin: {scenario.title}")

    def batch(self, calls: int, in_flight: int) -> report.Batch:
        """CPU and wall seconds for one call, and what else was told."""
        assert self._process.stdin is not None
        print(calls, in_flight, file=self._process.stdin, flush=True)
        cpu, wall, *more = map(float, self._answer().split())
        return cpu / calls, wall / calls, *more

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def is_here(row: Row) -> bool:
    """Whether the machine has what a contestant is made of."""
    if row.name == CURL:
        return shutil.which("curl") is not None
    return row.place != NODE or NODE_MODULES.exists()


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """The server's URLs by name, and under "ca" the file to trust."""
    command = [sys.executable, "-m", "benchmarks.server", str(cores()[0])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]  # pipes
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def folder_of(scenario: Scenario, parent: Path) -> list[str]:
    """The folder of the files to upload, if there are any, and a small one beside it."""
    if not scenario.files:
        return []
    number, mib = scenario.files
    folder = parent / f"{number} of {mib} MiB"
    if not folder.exists():
        if shutil.disk_usage(parent).free < 2 * number * mib * MIB:
            raise SystemExit(f"there is no room for {number * mib} MiB in {parent}")
        folder.mkdir()
        (parent / "small").write_bytes(os.urandom(MIB))
        for name in range(number):
            with (folder / f"{name:04}.bin").open("wb") as file:
                file.writelines(os.urandom(MIB) for _ in range(mib))
    return [str(folder)]


def measured(scenario: Scenario, urls: dict[str, str], rounds: int, folder: Path) -> report.Table:
    """Runs one scenario: a warm-up, then so many rounds in which each has its turn.

    Where files are uploaded, each has been warmed up with a small one, and rounds are fewer.
    """
    arguments = [urls.get(scenario.argument, scenario.argument), *folder_of(scenario, folder)]
    rounds, warm_up = (scenario.rounds, 0) if scenario.rounds else (rounds, 1)
    environ = {**os.environ, **dict.fromkeys(TRUST, urls["ca"]), "PYTHONHASHSEED": "0"}
    with ExitStack() as stack:
        contestants = {
            str(row): stack.enter_context(Contestant(scenario, row, arguments, environ))
            for row in scenario.rows
            if is_here(row)
        }
        batches: dict[str, list[report.Batch]] = {row: [] for row in contestants}
        for number in range(rounds + warm_up):
            for row, contestant in contestants.items():
                batch = contestant.batch(scenario.calls, scenario.in_flight)
                if number >= warm_up:
                    batches[row].append(batch)
    return (report.Uploads if scenario.files else report.Table)(scenario, batches)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="batches of each contestant")
    parser.add_argument("--only", default="", help="titles with this in it; writes nothing")
    parser.add_argument(
        "--map",
        type=int,
        default=10_000,
        help="the most files that go through `map`",
    )
    options = parser.parse_args(arguments)
    tables = []
    with server() as urls, tempfile.TemporaryDirectory() as folder:
        for scenario in SCENARIOS:
            if options.only in scenario.title:
                tables.append(measured(scenario, urls, options.rounds, Path(folder)))
                print(tables[-1].text(), flush=True)
    if not options.only:
        report.write(ROOT, tables, options.rounds, options.map, PYTHON)


if __name__ == "__main__":
    main()
