"""Whole jobs under faults: files in, results out, by `map` with a journal, judged by the ledger.

    python -m tests.faults.jobs [--seed …] [--files 1000]

A call that a fault made fail is made again, as a person would: with the same journal.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from transloadit_client import AsyncTransloadit, Mapped, RetryPolicy, Transloadit
from transloadit_standin import KINDS, Drop, FaultMix, StandIn

from .bench import STYLES, TIMEOUT, Style

if TYPE_CHECKING:
    from collections.abc import Iterable

STEPS = {"resized": {"robot": "/image/resize", "use": ":original"}}
SHARE = 0.2
TUS_ABOVE = 32 * 1024  # bytes; about half of the files are bigger
BIGGEST = 2_000_000
PASSES = 8
POLICY = RetryPolicy(
    attempts=6, deadline=60, first=0.01, longest=0.1, floor=0.01, share=1e9, reserve=1e9
)
# Of a file the mix cuts too little: it knows short requests alone.
BREAKS = {**KINDS, "cut in the file": lambda draw: Drop("headers", draw.randrange(1, BIGGEST))}


@dataclass
class Jobs:
    """What became of a number of files."""

    files: int
    passes: int = 0
    requests: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    """Of the requests that were struck."""
    missing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    """Assemblies that ran, and belong to no file."""

    @property
    def findings(self) -> list[str]:
        """All that should not have happened."""
        return [*self.missing, *self.broken, *self.strange]


def contents(number: int, seed: int) -> dict[str, bytes]:
    """Files of mixed sizes, empty ones among them, no two alike but those."""
    draw = Random(seed)
    sizes = [0 if draw.random() < 0.02 else int(BIGGEST ** draw.random()) for _ in range(number)]
    return {f"{n}.bin": draw.randbytes(size) for n, size in enumerate(sizes)}


def run(number: int, *, style: Style, seed: int) -> Jobs:
    """So many files, by one client, under a mix of all faults."""
    given = contents(number, seed)
    jobs, results = Jobs(number), dict[str, Mapped]()
    found: list[Mapped] = []
    errors: dict[str, object] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        StandIn(step_seconds=0.01, keep_body=0, event_stream=None) as api,
    ):
        api.faults.append(FaultMix(seed, SHARE, BREAKS))
        while len(results) < number and jobs.passes < PASSES:
            jobs.passes += 1
            found = _sync(api, folder, given) if style == "sync" else asyncio.run(
                _async(api, folder, given)
            )  # fmt: skip
            results.update({mapped.key: mapped for mapped in found if not mapped.failed})
        errors = {mapped.key: mapped.error for mapped in found}
        jobs.missing = [f"{name}: {errors[name]!r}" for name in given if name not in results]
        _judge(jobs, api, given, results)
    return jobs


def _options(folder: str) -> dict[str, Any]:
    return {
        "steps": STEPS,
        "save_to": Path(folder) / "results",
        "save_steps": ["resized"],
        "journal": Path(folder) / "journal",
        "tus_above": TUS_ABOVE,
        "at_once": 12,
        "creates_per_minute": None,
        "deadline": 30.0,
    }


def _sync(api: StandIn, folder: str, given: dict[str, bytes]) -> list[Mapped]:
    with Transloadit(
        api.key, api.secret, base_url=api.url, timeout=TIMEOUT, retry=POLICY
    ) as client:
        return list(client.map(given.items(), **_options(folder)))


async def _async(api: StandIn, folder: str, given: dict[str, bytes]) -> list[Mapped]:
    async with AsyncTransloadit(
        api.key, api.secret, base_url=api.url, timeout=TIMEOUT, retry=POLICY
    ) as client:
        return [mapped async for mapped in client.map(given.items(), **_options(folder))]


def _judge(jobs: Jobs, api: StandIn, given: dict[str, bytes], results: dict[str, Mapped]) -> None:
    for name, mapped in results.items():
        sent = hashlib.sha256(given[name]).digest()
        found = [hashlib.sha256(saved.path.read_bytes()).digest() for saved in mapped.saved]
        if found != [sent]:
            jobs.broken.append(name)
    ours = {mapped.assembly_id for mapped in results.values()}
    ran = {one.id for one in api.assemblies.values() if one.executed is not None}
    jobs.strange = sorted(ran ^ ours)
    jobs.requests = len(api.requests)
    for request in api.requests:
        if request.fault is not None:
            jobs.struck[request.fault] += 1
            jobs.operations[str(request.operation)] += 1


def main() -> int:
    """Runs it, synchronously and asynchronously; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.jobs", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--files", type=int, default=1000, help="default: %(default)s")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    reports = [_told(style, run(options.files // 2, style=style, seed=options.seed + further))
               for further, style in enumerate(STYLES)]  # fmt: skip
    return 0 if not any(report.findings for report in reports) else 1


def _told(style: str, jobs: Jobs) -> Jobs:
    share = jobs.struck.total() / jobs.requests
    print(f"{style}: {jobs.files} files, {jobs.requests} requests, {share:.0%} struck:", end=" ")
    print(f"{len(jobs.missing)} missing, {len(jobs.broken)} broken,", end=" ")
    print(f"{len(jobs.strange)} Assemblies too many; passes: {jobs.passes}")
    for name, rows in (("operation", jobs.operations), ("fault", jobs.struck)):
        print(f"  by {name}: {_listed(sorted(rows.items()))}")
    for line in jobs.findings[:20]:
        print(f"  ! {line}")
    return jobs


def _listed(rows: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number}" for name, number in rows)


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    print(f"{time.monotonic() - begun:.0f} s")
    sys.exit(code)
