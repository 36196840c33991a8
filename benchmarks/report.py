"""Tables of what was measured, and docs/performance.md."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .scenarios import Scenario

CPU, WALL = 0, 1


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
        wall = self.scenario.wall
        head = f"| | {'wall' if wall else 'CPU'} x {self.scenario.measure} | |"
        head += " CPU µs, least | median | wall µs, least | median |"
        lines = [f"### {self.scenario.title}", ""]
        if wall:
            head = head.replace("CPU µs", "a second | CPU µs", 1)
        lines += [head, "| --- " + "| --: | :-- " + "| --: " * (5 if wall else 4) + "|"]
        worst = max(map(self.ratio, self.batches))
        for row in sorted(self.batches, key=self.ratio):
            bar = "█" * max(1, round(24 * self.ratio(row) / worst))
            name = f"**{row}**" if row.startswith("transloadit_client") else row
            cells = [name, f"{self.ratio(row):.2f}", bar]
            if wall:
                cells.append(f"{1 / self._least(row):,.0f}")
            cells += [
                f"{function(batch[kind] for batch in self.batches[row]) * 1e6:,.0f}"
                for kind in (CPU, WALL)
                for function in (min, median)
            ]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def _least(self, row: str) -> float:
        kind = WALL if self.scenario.wall else CPU
        return min(batch[kind] for batch in self.batches[row])


def write(root: Path, tables: list[Table], rounds: int, pythons: dict[str, Path]) -> None:
    """docs/performance.md, from `performance.md` beside this file and what was measured."""
