"""Judges a run of mutmut: `mutmut results --all true | python tests/mutants.py`.

Prints what no test noticed, and by module the share that was; fails where it is less than nine in
ten. With `--ids` it looks, before such a run, for tests that mutmut would not find.
"""

import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import pytest

NOTICED = {"killed", "timeout"}  # one that never ends is noticed too
NOT_RUN = "not checked"  # where a part of them was asked for
LEAST = 0.9


def main() -> int:
    modules: dict[str, Counter[bool]] = defaultdict(Counter)
    for line in sys.stdin:
        mutant, _, fate = line.strip().partition(": ")
        if fate == NOT_RUN:
            continue
        modules[mutant.split(".")[1]][fate in NOTICED] += 1
        if fate not in NOTICED:
            print(f"{fate}: mutmut show {mutant}")
    shares = {module: noticed[True] / noticed.total() for module, noticed in modules.items()}
    for module, share in sorted(shares.items()):
        print(f"{module:12} {share:6.1%} of {modules[module].total()} noticed")
    return 0 if shares and min(shares.values()) >= LEAST else 1


class _Collected:
    def __init__(self) -> None:
        self.ids = set[str]()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.ids.add(item.nodeid)


def check_ids() -> int:
    """Whether each test has the same id at a second collection in one process.

    mutmut collects often, and takes a test that it does not find for one that failed. pytest
    escapes what is not ASCII, and backslashes, once more each time where `ids=` is a function.
    """
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    selection = settings["tool"]["mutmut"]["pytest_add_cli_args_test_selection"]
    both = _Collected(), _Collected()
    for collected in both:
        pytest.main(["--collect-only", "-qq", *selection], plugins=[collected])
    for unlike in sorted(both[0].ids ^ both[1].ids):
        print(f"its id changes: {unlike}")
    return 0 if both[0].ids == both[1].ids != set() else 1


if __name__ == "__main__":
    sys.exit(check_ids() if "--ids" in sys.argv else main())
