"""What `mutmut results --all true` says, by module: what no test noticed, and the share that was.

Fails where less than nine in ten were noticed.
"""

import sys
from collections import Counter, defaultdict

NOTICED = {"killed", "timeout"}  # one that never ends is noticed too
LEAST = 0.9


def main() -> int:
    modules: dict[str, Counter[bool]] = defaultdict(Counter)
    for line in sys.stdin:
        mutant, _, fate = line.strip().partition(": ")
        modules[mutant.split(".")[1]][fate in NOTICED] += 1
        if fate not in NOTICED:
            print(f"{fate}: mutmut show {mutant}")
    shares = {module: noticed[True] / noticed.total() for module, noticed in modules.items()}
    for module, share in sorted(shares.items()):
        print(f"{module:12} {share:6.1%} of {modules[module].total()} noticed")
    return 0 if shares and min(shares.values()) >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
