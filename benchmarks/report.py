"""Tables of what was measured, and docs/performance.md."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .machine import described
from .scenarios import Scenario

CPU, WALL = 0, 1
OUR_PARTS = ("httpx", "httpcore", "h11", "anyio", "attrs")
PEERS = ("httpx", "httpx2", "requests", "aiohttp", "pytransloadit")

INTRODUCTION = """\
Written by `make bench`; do not edit. Each row is a process of its own. They take turns, a
batch each, {rounds} batches a row, on one core, while the server has the other and answers
canned statuses; the row of the raw socket shows how much room it leaves. All send the same
Instructions, sign them anew for each call, read the answer's JSON and look at `ok` and
`assembly_id`. Ratios are of the least times, which other work on the machine disturbs least.
Rows where we lose stand with the others.
"""


@dataclass(frozen=True)
class Table:
    """A scenario and its batches: CPU and wall seconds for one call, by row."""

    scenario: Scenario
    batches: dict[str, list[tuple[float, float]]]

    def ratio(self, row: str) -> float:
        """The least of this row over the least of the measure."""
        return self._least(row) / self._least(self.scenario.measure)

    def text(self) -> str:
        """The table in Markdown; losing rows stand where they belong, by what they cost."""
        rate = ["a second of CPU"] if self.scenario.rate else []
        columns = ["CPU µs, least", "median", "wall µs, least", "median"]
        head = ["", f"CPU / {self.scenario.measure}", "", *rate, *columns]
        rule = ["---", "--:", ":--", *["--:"] * (len(head) - 3)]
        lines = [f"### {self.scenario.title}", "", _line(head), _line(rule)]
        worst = max(map(self.ratio, self.batches))
        for row in sorted(self.batches, key=self.ratio):
            bar = "█" * max(1, round(24 * self.ratio(row) / worst))
            name = f"**{row}**" if row.startswith("transloadit_client") else row
            cells = [name, f"{self.ratio(row):.2f}", bar]
            if rate:
                cells.append(f"{1 / self._least(row):,.0f}")
            cells += [
                f"{function(batch[kind] for batch in self.batches[row]) * 1e6:,.0f}"
                for kind in (CPU, WALL)
                for function in (min, median)
            ]
            lines.append(_line(cells))
        return "\n".join(lines) + "\n"

    def _least(self, row: str) -> float:
        return min(batch[CPU] for batch in self.batches[row])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write(root: Path, tables: list[Table], rounds: int, pythons: dict[str, Path]) -> None:
    """docs/performance.md: what was measured, where, and with which versions."""
    alone = pythons["alone"]
    text = [
        "# Performance",
        "",
        INTRODUCTION.format(rounds=rounds),
        f"Machine: {described()}. {_versions(alone, OUR_PARTS)}",
        "",
        f"Peers: {_versions(pythons['peers'], PEERS)}",
        "",
        *(table.text() for table in tables),
        "### Imports, and a client that is ready to send",
        "",
        "```",
        _output(alone, "benchmarks/imports.py", root),
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


def _output(python: Path, script: str, folder: Path, *arguments: str) -> str:
    command = [str(python), script, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()
