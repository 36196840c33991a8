"""Progress as people see it: bars on a terminal, otherwise lines; and as JSON for machines.

All of it goes to the standard error, so that the standard output holds results alone.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from transloadit_client import Progress

from .output import tell

Mode: TypeAlias = Literal["auto", "bars", "lines", "json", "none"]
Show: TypeAlias = Callable[[Progress], object]

_IN_JSON = (
    "phase", "assembly_id", "bytes_sent", "bytes_to_send", "files_sent", "files_to_send",
    "bytes_saved", "bytes_to_save", "files_saved", "files_to_save", "percent",
)  # fmt: skip
_UNITS = ("kB", "MB", "GB", "TB")
_BETWEEN_LINES = 5.0  # seconds: a log of an hour stays short enough to read


@contextmanager
def shown(mode: Mode) -> Iterator[Show]:
    """What shows progress, for as long as the work lasts."""
    if mode == "auto":
        on_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        mode = "bars" if on_terminal else "lines"
    if mode == "bars":
        from .bars import bars  # noqa: PLC0415  # rich takes longer to import than all else here

        with bars() as show:
            yield show
    elif mode == "lines":
        yield Lines(time.monotonic)
    else:
        yield _as_json if mode == "json" else _silent


class Lines:
    """A line whenever the phase changes, and one every few seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: str | None = None
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if progress.phase != self._last or now >= self._next:
            self._last, self._next = progress.phase, now + _BETWEEN_LINES
            tell(sentence(progress))


def sentence(progress: Progress) -> str:
    """How far it is, in a line."""
    return ": ".join(filter(None, (progress.phase, details(progress))))


def details(progress: Progress) -> str:
    """What there is to say of the phase; nothing once all is done."""
    done, total = measure(progress)
    if progress.phase in ("uploading", "downloading"):
        files, of = counted(progress)
        number = f"{files} of {of} files, " if of else ""
        return f"{number}{size(done)}" + ("" if total is None else f" of {size(total)}")
    if progress.phase == "executing":
        percent = "" if total is None else f", {done:.0f} %"
        return f"{len(progress.results)} results{percent}"
    return ""


def measure(progress: Progress) -> tuple[float, float | None]:
    """What is done in this phase, and of how much: bytes, or percent while executing."""
    if progress.phase == "uploading":
        return progress.bytes_sent, progress.bytes_to_send
    if progress.phase == "downloading":
        return progress.bytes_saved, progress.bytes_to_save
    return progress.percent or 0.0, None if progress.percent is None else 100.0


def counted(progress: Progress) -> tuple[int, int | None]:
    """How many files are through in this phase, and of how many."""
    if progress.phase == "uploading":
        return progress.files_sent, progress.files_to_send
    return progress.files_saved, progress.files_to_save


def size(count: float) -> str:
    """Bytes in the unit that suits them, by thousands, as disks and networks are sold."""
    if count < 1000:
        return f"{count:.0f} bytes"
    power = min(int(math.log(count, 1000)), len(_UNITS))
    return f"{count / 1000**power:.1f} {_UNITS[power - 1]}"


def _silent(_: Progress) -> None:
    """What is shown with `--progress none`."""


def _as_json(progress: Progress) -> None:
    known = {name: getattr(progress, name) for name in _IN_JSON}
    tell(json.dumps({**known, "results": len(progress.results)}))
