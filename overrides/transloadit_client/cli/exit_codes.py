"""The exit codes, on which scripts rely. docs/command-line.md has them as a table."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NO_ANSWER = 4
    OUTCOME_UNKNOWN = 5
    STILL_BUSY = 6
    INCOMPLETE = 7
    DEFECT = 70
    """A bug in this program, for which Python's own code is 1; EX_SOFTWARE in sysexits.h."""
    OUTPUT_LOST = 74
    """The standard output could not be written; EX_IOERR in sysexits.h."""
    # Shells report a program that a signal ended as 128 and the signal's number.
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143
