"""The two streams: results on the standard output, everything else on the standard error.

Control characters are escaped here, so no text of a server or a file name can write a line of its
own or move the cursor.
"""

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from typing import Any, TextIO, cast

_UNITS = ("kB", "MB", "GB", "TB")


class Stream:
    """A text stream whose failures never raise: if it is closed, full or broken, the work goes on.

    Attributes:
        lost: why something could not be written; None if a reader that had enough closed a pipe.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self.give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self.give_up(error)

    def give_up(self, error: OSError) -> None:
        """Sends all that follows to nowhere.

        The file descriptor itself is replaced: Python flushes what is left when it ends, and would
        turn a failure of that into an exit code of its own, 120.
        """
        if not isinstance(error, BrokenPipeError):
            self.lost = error
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def open_streams() -> Iterator[Stream]:
    """Makes both streams safe to write to; gives the standard output.

    A stream that was closed (`2>&-`) is None in Python, and its number is free: the next socket
    would get it, and with it what C code writes to the standard error. So the number is taken.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    for stream in before:
        if stream is None and (number := os.open(os.devnull, os.O_RDWR)) > 2:
            os.close(number)
    out, err = (Stream(stream or Path(os.devnull).open("w")) for stream in before[1:])  # noqa: SIM115  # open until the process ends
    with suppress(AttributeError):  # a stream that somebody else put there may not have it
        out.reconfigure(errors="backslashreplace")  # for names that the terminal cannot show
    sys.stdout, sys.stderr = cast("TextIO", out), cast("TextIO", err)
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        _, sys.stdout, sys.stderr = before


def tell(*lines: str) -> None:
    """Writes lines for people to the standard error."""
    sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
    sys.stderr.flush()


def give(rows: Iterable[Sequence[str]]) -> None:
    """Writes results to the standard output, one a line, with tabs between their parts."""
    sys.stdout.write("".join("\t".join(map(printable, row)) + "\n" for row in rows))
    sys.stdout.flush()


def give_document(document: Mapping[str, Any]) -> None:
    """Writes the one JSON document of `--json`, in ASCII."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    sys.stdout.flush()


def give_file(path: Path) -> None:
    """Writes the bytes of a file to the standard output."""
    sys.stdout.flush()
    try:
        with path.open("rb") as file:
            copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except OSError as error:
        cast("Stream", sys.stdout).give_up(error)


def printable(text: str) -> str:
    """`text` with line ends, escape sequences and the like spelled out, as in `\\n`."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def size(count: float) -> str:
    """Bytes in the unit that suits them, by thousands, as disks and networks are sold."""
    if count < 1000:
        return f"{count:.0f} bytes"
    power = min(int(math.log(count, 1000)), len(_UNITS))
    return f"{count / 1000**power:.1f} {_UNITS[power - 1]}"


def number_of(number: int, noun: str) -> str:
    """A number with its noun, as in `1 file` and `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
