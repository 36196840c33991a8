"""`make strangers`: others' software against the local API, each with its number of claims."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.strangers import board
from tests.strangers.roster import STRANGERS
from tests.strangers.trial import Trial, attempt


def main() -> int:
    """Run the strangers that were asked for; gives the exit code."""
    names = [stranger.name for stranger in STRANGERS]
    parser = argparse.ArgumentParser(prog="python -m tests.strangers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    wanted = parser.parse_args().names or names
    if unknown := set(wanted) - set(names):
        parser.error(f"no such stranger: {', '.join(sorted(unknown))}")

    begun = time.monotonic()
    trials = [one(name) for name in wanted]
    print(f"{len(trials)} strangers, in {time.monotonic() - begun:.0f} s")
    if any(trial.findings for trial in trials):
        return 1
    if any(trial.skipped for trial in trials):
        return 1 if os.environ.get("CI") == "true" else 0
    if wanted == names and board.publish(trials):
        print(f"Written anew: {board.PAGE.name}")
        return 1 if os.environ.get("CI") == "true" else 0
    return 0


def one(name: str) -> Trial:
    """Run one, and say how it went."""
    trial = attempt(next(stranger for stranger in STRANGERS if stranger.name == name))
    print(trial.result, flush=True)
    for claim, why in trial.findings.items():
        print(f"    not so: {claim}\n        {why}".replace("\n", "\n        "), flush=True)
    return trial


if __name__ == "__main__":
    sys.exit(main())
