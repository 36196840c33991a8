"""Progress in words, for logs and pipes, and as JSON for programs; on a terminal see `bars`."""

import json
import time
from collections.abc import Callable
from typing import Literal, TypeAlias

from attrs import asdict

from transloadit_client import Attempt, Progress

from .output import number_of, size, tell

Mode: TypeAlias = Literal["auto", "bars", "lines", "json", "none"]
Show: TypeAlias = Callable[[Progress], object]

_IN_JSON = (
    "phase", "assembly_id", "bytes_sent", "bytes_to_send", "files_sent", "files_to_send",
    "bytes_saved", "bytes_to_save", "files_saved", "files_to_save", "percent",
)  # fmt: skip
BETWEEN_LINES = 5.0  # seconds: a log of an hour stays short enough to read


class Lines:
    """A line whenever the phase changes, and one every few seconds; retries have their own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: str | None = None
        self._next = self._next_retry = 0.0

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if progress.phase == "retrying":  # beside the others: each phase is named but once
            if now >= self._next_retry:
                self._next_retry = now + BETWEEN_LINES
                tell(sentence(progress))
        elif progress.phase != self._last or now >= self._next:
            self._last, self._next = progress.phase, now + BETWEEN_LINES
            tell(sentence(progress))


def sentence(progress: Progress) -> str:
    """How far the work is, in a line."""
    return ": ".join(filter(None, (progress.phase, details(progress))))


def details(progress: Progress) -> str:
    """The numbers of the phase; nothing once all is done."""
    if progress.retry is not None:
        return _retry(progress.retry)
    done, total = measure(progress)
    if progress.phase in ("uploading", "downloading"):
        files, of = counted(progress)
        number = f"{files} of {of} files, " if of else ""
        return f"{number}{size(done)}" + ("" if total is None else f" of {size(total)}")
    if progress.phase == "executing":
        percent = "" if total is None else f", {done:.0f} %"
        return f"{number_of(len(progress.results), 'result')}{percent}"
    return ""


def _retry(failed: Attempt) -> str:
    """What failed, and when it is tried again."""
    of = "" if failed.most is None else f" of {failed.most}"
    wait = f"again in {failed.delay or 0.0:.1f} s (attempt {failed.number}{of} failed)"
    return f"{failed.cause.rstrip('.')}; {wait}"


def measure(progress: Progress) -> tuple[float, float | None]:
    """Done and total of this phase: bytes, or percent while executing."""
    if progress.phase == "uploading":
        return progress.bytes_sent, progress.bytes_to_send
    if progress.phase == "downloading":
        return progress.bytes_saved, progress.bytes_to_save
    return progress.percent or 0.0, None if progress.percent is None else 100.0


def counted(progress: Progress) -> tuple[int, int | None]:
    """How many files this phase has finished, and of how many."""
    if progress.phase == "uploading":
        return progress.files_sent, progress.files_to_send
    return progress.files_saved, progress.files_to_save


def as_json(progress: Progress) -> None:
    """A line of JSON."""
    known = {name: getattr(progress, name) for name in _IN_JSON}
    retry = {} if progress.retry is None else {"retry": asdict(progress.retry)}
    tell(json.dumps({**known, "results": len(progress.results), **retry}))


def silent(_: object) -> None:
    """`--progress none`."""
