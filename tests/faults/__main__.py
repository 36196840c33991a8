"""`make faults`: thousands of calls under a mix of all faults, judged by the stand-in's ledger."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

from .bench import MODES, STYLES, Report, run
from .errands import ERRANDS

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLLOWED = ("struck", "repeated", "looked", "reported", "harmless")


def main() -> int:
    """Run all errands in all modes; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--creates", type=int, default=12_000, help="default: %(default)s")
    parser.add_argument("--others", type=int, default=2_400, help="of each; default: %(default)s")
    options = parser.parse_args()
    print(f"seed {options.seed} (again: make faults SEED={options.seed})")
    begun = time.monotonic()
    reports: dict[str, Report] = {}
    for name in ERRANDS:
        calls = options.creates if name == "create" else options.others
        reports[name] = run_errand(name, calls=calls, seed=options.seed)
    print("\n".join(["", *table(reports.values()), ""]))
    print(f"{time.monotonic() - begun:.0f} s")
    good = all(report.share >= 0.2 and not report.findings for report in reports.values())
    return 0 if good else 1


def run_errand(name: str, *, calls: int, seed: int) -> Report:
    """One errand in all modes and styles, with what was found printed."""
    report = Report()
    each = -(-calls // (len(MODES) * len(STYLES)))
    for further, (mode, style) in enumerate(product(MODES, STYLES)):
        report.add(run(ERRANDS[name], style=style, mode=mode, count=each, seed=seed + further))
    print(f"\n{name}: {report.calls} calls, {report.requests} requests, {report.share:.0%} struck")
    print(f"  twice {len(report.twice)}, lost {len(report.lost)},", end=" ")
    print(f"unexplained {len(report.unexplained)}")
    for told, number in sorted(report.told.items()):
        print(f"  told {told}: {number}")
    for line in report.findings[:20]:
        print(f"  ! {line}")
    return report


def table(reports: Iterable[Report]) -> list[str]:
    """What followed each kind of fault, in all reports together."""
    total = Report()
    for report in reports:
        total.add(report)
    rows: dict[str, Counter[str]] = {
        kind: followed + Counter({"struck": followed.total()})
        for kind, followed in sorted(total.kinds.items())
    }
    everything = Counter[str]()
    for row in rows.values():
        everything.update(row)
    rows["all"] = everything
    width = max(map(len, rows))
    lines = [f"{'fault':{width}} " + " ".join(f"{name:>9}" for name in FOLLOWED)]
    for kind, row in rows.items():
        lines.append(f"{kind:{width}} " + " ".join(f"{row[name]:9}" for name in FOLLOWED))
    return lines


if __name__ == "__main__":
    sys.exit(main())
