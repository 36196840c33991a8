"""Tables of what was measured, and docs/performance.md."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar, TypeAlias

from .machine import described
from .scenarios import CURL, Scenario

CPU, WALL, PEAK, LAG = 0, 1, 2, 3
Batch: TypeAlias = tuple[float, ...]
"""CPU and wall seconds for one call; of uploads also the bytes of memory at the peak over idle, and
seconds by which an event loop came back late: in the middle, in 99 of 100 cases, and at most."""
MIB = 1024 * 1024
OUR_PARTS = ("httpx", "httpcore", "h11", "anyio", "attrs")
PEERS = ("httpx", "httpx2", "requests", "aiohttp", "pytransloadit", "tuspy")

INTRODUCTION = """\
Written by `make bench`; do not edit. Each row is a process of its own. They take turns, a
batch each, {rounds} batches a row, on one core, while the server has the other and answers
canned statuses; the row of the raw socket shows how much room it leaves. All send the same
Instructions, sign them anew for each call, read the answer's JSON and look at `ok` and
`assembly_id`. Ratios are of the least times, which other work on the machine disturbs least.
Rows where we lose stand with the others.

Files that are uploaded hold random bytes, which the system has at hand. There the ratio is of wall
time, rounds are fewer, and the server, which drops what comes, answers tus as well; memory is that
of the process at its peak over what it took after an upload of 1 MiB, and an event loop is asked
each millisecond to come back.
"""


@dataclass(frozen=True)
class Table:
    """A scenario and its batches, by row."""

    kind: ClassVar[str] = "CPU"
    measured: ClassVar[int] = CPU

    scenario: Scenario
    batches: dict[str, list[Batch]]

    def ratio(self, row: str) -> float:
        """The least of this row over the least of the measure."""
        return self._least(row) / self._least(self.scenario.measure)

    def text(self) -> str:
        """The table in Markdown; losing rows stand where they belong, by what they cost."""
        head = ["", f"{self.kind} / {self.scenario.measure}", "", *self._columns()]
        rule = ["---", "--:", ":--", *["--:"] * (len(head) - 3)]
        lines = [f"### {self.scenario.title}", "", _line(head), _line(rule)]
        worst = max(map(self.ratio, self.batches))
        for row in sorted(self.batches, key=self.ratio):
            bar = "█" * max(1, round(24 * self.ratio(row) / worst))
            name = f"**{row}**" if row.startswith("transloadit_client") else row
            cells = [name, f"{self.ratio(row):.2f}", bar, *self._cells(row)]
            lines.append(_line(cells))
        return "\n".join(lines) + "\n"

    def _columns(self) -> list[str]:
        rate = ["a second of CPU"] if self.scenario.rate else []
        return [*rate, "CPU µs, least", "median", "wall µs, least", "median"]

    def _cells(self, row: str) -> list[str]:
        rate = [f"{1 / self._least(row):,.0f}"] if self.scenario.rate else []
        return [*rate, *self._times(row, (CPU, WALL), 1e6)]

    def _times(self, row: str, kinds: tuple[int, ...], unit: float) -> list[str]:
        return [
            f"{function(batch[kind] for batch in self.batches[row]) * unit:,.0f}"
            for kind in kinds
            for function in (min, median)
        ]

    def _least(self, row: str) -> float:
        return min(batch[self.measured] for batch in self.batches[row])


@dataclass(frozen=True)
class Uploads(Table):
    """A scenario in which files are uploaded."""

    kind = "time"
    measured = WALL

    def _columns(self) -> list[str]:
        times = ["wall ms, least", "median", "CPU ms, least", "median"]
        lag = ["loop late by ms, 50 %", "99 %", "most"] if self._awaited else []
        return ["MiB/s", *times, "MiB over idle", *lag]

    def _cells(self, row: str) -> list[str]:
        batches = self.batches[row]
        number, mib = self.scenario.files or (0, 0)
        peak = f"{max(batch[PEAK] for batch in batches) / MIB:,.0f}"
        if row == CURL:
            peak = ""  # which is a process of its own each time
        lags = [[batch[LAG + n] * 1e3 for batch in batches] for n in range(3) if self._awaited]
        return [
            f"{number * mib / self._least(row):,.0f}",
            *self._times(row, (WALL, CPU), 1e3),
            peak,
            *(f"{median(lag):.1f}" for lag in lags[:2]),
            *(f"{max(lag):.1f}" for lag in lags[2:]),
        ]

    @property
    def _awaited(self) -> bool:
        return self.scenario.kind.startswith("async")


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(
    root: Path, tables: list[Table], rounds: int, files: int, pythons: dict[str, Path]
) -> None:
    """docs/performance.md: what was measured, where, and with which versions."""
    alone = pythons["alone"]
    text = [
        "# Performance",
        "",
        INTRODUCTION.format(rounds=rounds),
        f"Machine: {described()}. {_versions(alone, OUR_PARTS)}",
        "",
        f"Peers: {_versions(pythons['peers'], PEERS)}{_curl(root)}",
        "",
        *(table.text() for table in tables),
        "### Imports, and a client that is ready to send",
        "",
        "```",
        _output(alone, "benchmarks/imports.py", root),
        "```",
        "",
        "### Many files through `map`, over a transport within the process",
        "",
        "```",
        _output(alone, "benchmarks/many.py", root, str(files)),
        "```",
        "",
    ]
    (root / "docs" / "performance.md").write_text("\n".join(text), encoding="utf-8")


def _versions(python: Path, names: tuple[str, ...]) -> str:
    code = (
        "import sys; from importlib.metadata import version;"
        "print('Python', sys.version.split()[0], end='');"
        "[print(',', name, version(name), end='') for name in sys.argv[1:]]"
    )
    return f"{_output(python, '-c', Path.cwd(), code, *names)}."


def _curl(folder: Path) -> str:
    if shutil.which(CURL) is None:
        return ""
    name, version, *_ = _output(Path(CURL), "--version", folder).split()
    return f" {name} {version}."


def _output(python: Path, script: str, folder: Path, *arguments: str) -> str:
    command = [str(python), script, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip("\n")
