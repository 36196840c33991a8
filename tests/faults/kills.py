"""A `map` over thousands of files, whose process is killed on the way: nothing is created twice.

python -m tests.faults.kills [--files 20000] [--kills 3]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from transloadit_standin import StandIn

# What a person's own program does. Each line it prints is a file that is done.
PROGRAM = """
import sys
from transloadit_client import Transloadit

journal, number = sys.argv[1], int(sys.argv[2])
inputs = ((f"{n}.txt", b"file %d" % n) for n in range(number))
steps = {"kept": {"robot": "/file/filter", "use": ":original"}}
with Transloadit() as client:
    for mapped in client.map(
        inputs, steps=steps, journal=journal, creates_per_minute=None, at_once=32
    ):
        print(mapped.key, mapped.error or "", flush=True)
"""


def main() -> int:
    """Runs it; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--files", type=int, default=20_000, help="default: %(default)s")
    parser.add_argument("--kills", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, StandIn(step_seconds=0.0, keep_body=0) as api:
        told: list[str] = []
        for number in range(options.kills + 1):
            last = number == options.kills
            share = options.files * (number + 1) // (options.kills + 1)
            told += lines(api, Path(folder), options.files, None if last else share - len(told))
            print(f"{'ended' if last else 'killed'}: {len(told)} told, {len(api.assemblies)} begun")
        ran = Counter(
            one.uploads[0].stored.name
            for one in api.assemblies.values()
            if one.executed is not None
        )
    wrong = [line for line in told if " " in line.strip()]
    names = {line.split()[0] for line in told}
    print(
        f"{options.files} files, {options.kills} kills, {time.monotonic() - begun:.0f} s:", end=" "
    )
    print(f"{len(ran)} Assemblies ran, {ran.total() - len(ran)} twice, {len(names)} told of")
    for line in wrong[:10]:
        print(f"  ! {line}")
    good = len(ran) == ran.total() == len(names) == options.files and not wrong
    return 0 if good else 1


def lines(api: StandIn, folder: Path, files: int, until: int | None) -> list[str]:
    """What the program prints until it ends, or until it has printed so much and is killed."""
    command = [sys.executable, "-c", PROGRAM, str(folder / "journal"), str(files)]
    environ = {**os.environ, **api.environ}
    read: list[str] = []
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        for line in program.stdout:
            read.append(line.rstrip("\n"))
            if len(read) == until:
                program.kill()
    return read


if __name__ == "__main__":
    sys.exit(main())
