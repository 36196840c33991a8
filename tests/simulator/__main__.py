"""`make simulate`: a million operations in virtual time, judged by a model of the service.

python -m tests.simulator [--operations 1000000] [--seed 0] [--processes 2]
"""

import argparse
import logging
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from .shrinking import as_told, many, shrunk
from .story import REPORTED, Report

_PART = 5000  # operations that a process tells at a time
_APART = 10**6  # between the first seeds of two parts
_TOLD = 3  # kinds of findings whose shortest story is told


def main() -> int:
    """Runs it; gives the exit code."""
    # Wrong clocks and repeats by the thousand are nothing to be told.
    logging.getLogger("transloadit_client").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--operations", type=int, default=10**6, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    begun = time.monotonic()
    report = Report()
    parts = range(-(-options.operations // _PART))
    seeds = [options.seed + _APART * part for part in parts]
    with ProcessPoolExecutor(options.processes) as pool:
        for part in pool.map(many, seeds, [min(_PART, options.operations)] * len(seeds)):
            report.add(part)
            so_far = f"{report.operations.total()} operations, {len(report.findings)} findings"
            print(so_far, file=sys.stderr, flush=True)
    print("\n".join(table(report)))
    print(f"{time.monotonic() - begun:.0f} s, and {report.seconds / 86400:.0f} virtual days")
    tell_shortest(report)
    return 1 if report.findings else 0


def table(report: Report) -> list[str]:
    """What was done, what befell it, what callers were told, and what is wrong, by kind."""
    found = Counter(finding.kind for _, finding in report.findings)
    struck = f"{report.faults.total() / report.exchanges:.0%} struck"
    return [
        f"{report.operations.total()} operations, {report.exchanges} requests, {struck}",
        *_rows("operations", report.operations),
        *_rows("faults", report.faults),
        *_rows("told", report.told),
        *_rows("wrong", Counter({text: found[kind] for kind, text in REPORTED.items()})),
    ]


def tell_shortest(report: Report) -> None:
    """Prints the shortest story of the first findings of each kind."""
    seen: set[tuple[str, str]] = set()
    for seed, finding in report.findings:
        kind = finding.kind, finding.operation.partition("-")[0]
        if kind not in seen and len(seen) < _TOLD:
            seen.add(kind)
            print("", *as_told(shrunk(seed, finding)), sep="\n")


def _rows(title: str, counts: Counter[str]) -> list[str]:
    return [f"{title}:", *(f"  {number:9} {name}" for name, number in sorted(counts.items()))]


if __name__ == "__main__":
    sys.exit(main())
