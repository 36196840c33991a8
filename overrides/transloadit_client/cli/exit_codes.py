"""The exit codes, on which scripts rely. docs/command-line.md has them as a table."""

from enum import IntEnum


class Exit(IntEnum):
    """What became of what was asked."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NO_ANSWER = 4
    OUTCOME_UNKNOWN = 5
    STILL_BUSY = 6
    INCOMPLETE = 7
    DEFECT = 70
    """A defect of this program, for which Python's own code is 1; EX_SOFTWARE in sysexits.h."""
    INTERRUPTED = 130
