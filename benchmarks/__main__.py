"""`make bench`: measures us beside our peers, and writes docs/performance.md.

Contestants are processes that take turns, a batch each, so that a busy moment strikes all alike.
They share one core and the server has the other.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from . import payloads, report
from .machine import cores
from .scenarios import NODE, SCENARIOS, Row, Scenario

ROOT = Path(__file__).parent.parent
PYTHON = {place: ROOT / "build" / place / "bin" / "python" for place in ("peers", "alone")}
TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Where httpx and aiohttp, requests, and node look for the roots they trust."""
NODE_MODULES = ROOT / "benchmarks" / "node" / "node_modules" / "transloadit"


class Contestant:
    """A process that makes calls when told, and tells what they took."""

    def __init__(
        self, scenario: Scenario, row: Row, argument: str, environ: dict[str, str]
    ) -> None:
        cpu = cores()[1]
        if row.place == NODE:
            given = {"key": payloads.KEY, "secret": payloads.SECRET, "steps": payloads.STEPS}
            command = ["node", "worker.mjs", argument, json.dumps(given)]
            folder = ROOT / "benchmarks" / "node"
        else:
            python = str(PYTHON[row.place])
            worker = [python, "-m", "benchmarks.worker"]
            command = [*worker, scenario.kind, row.name, argument, str(cpu)]
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

    def batch(self, calls: int, in_flight: int) -> tuple[float, float]:
        """CPU and wall seconds for one call."""
        assert self._process.stdin is not None
        print(calls, in_flight, file=self._process.stdin, flush=True)
        cpu, wall = map(float, self._answer().split())
        return cpu / calls, wall / calls

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """The server's URLs by scheme, and under "ca" the file to trust."""
    command = [sys.executable, "-m", "benchmarks.server", str(cores()[0])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]  # pipes
        assert process.stdout is not None
        assert process.stdin is not None
        plain, safe, ca = (process.stdout.readline().strip() for _ in range(3))
        yield {"http": plain, "https": safe, "ca": ca}
        process.stdin.close()


def measured(scenario: Scenario, urls: dict[str, str], rounds: int) -> report.Table:
    """Runs one scenario: a warm-up, then so many rounds in which each has its turn."""
    argument = urls.get(scenario.argument, scenario.argument)
    environ = {**os.environ, **dict.fromkeys(TRUST, urls["ca"]), "PYTHONHASHSEED": "0"}
    with ExitStack() as stack:
        contestants = {
            str(row): stack.enter_context(Contestant(scenario, row, argument, environ))
            for row in scenario.rows
            if row.place != NODE or NODE_MODULES.exists()
        }
        batches: dict[str, list[tuple[float, float]]] = {row: [] for row in contestants}
        for number in range(rounds + 1):
            for row, contestant in contestants.items():
                batch = contestant.batch(scenario.calls, scenario.in_flight)
                if number:
                    batches[row].append(batch)
    return report.Table(scenario, batches)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="batches of each contestant")
    parser.add_argument("--only", default="", help="titles with this in it; writes nothing")
    options = parser.parse_args(arguments)
    tables = []
    with server() as urls:
        for scenario in SCENARIOS:
            if options.only in scenario.title:
                tables.append(measured(scenario, urls, options.rounds))
                print(tables[-1].text(), flush=True)
    if not options.only:
        report.write(ROOT, tables, options.rounds, PYTHON)


if __name__ == "__main__":
    main()
