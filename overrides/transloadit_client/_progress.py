"""How far a piece of work has come, as `on_progress` is told, and what became of each file."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import iscoroutinefunction
from typing import Literal, TypeAlias, cast

from attrs import evolve, frozen

from ._errors import Attempt
from ._status import AssemblyFile, AssemblyStatus

Phase: TypeAlias = Literal["uploading", "executing", "downloading", "done", "retrying"]


@frozen(kw_only=True)
class Progress:
    """The progress of an Assembly: the one argument of every `on_progress`.

    Fields that do not concern the running call keep their defaults: `upload` sets nothing about
    saved files. Numbers that are not known yet are None. Within one call totals never shrink,
    counts never go back, and no count exceeds its total.

    Attributes:
        assembly_id: which Assembly.
        phase: the current phase: `uploading`, `executing`, `downloading` or `done`; or `retrying`,
            during the wait before something that failed is tried again.
        retry: in the phase `retrying` the attempt that failed: its cause, its number, and how many
            seconds are waited; else None.
        bytes_sent: how many bytes of its files the API has.
        bytes_to_send: how many there are in all; None if a length is unknown.
        files_sent: how many files the API has completely.
        files_to_send: how many there are in all.
        bytes_saved: how many bytes of its results are saved.
        bytes_to_save: how many there are in all; None if a size is unknown.
        files_saved: how many results are saved completely.
        files_to_save: how many there are in all.
        percent: how much of the work is done, from 0 to 100; only if the Assembly was created with
            `emit_execution_progress`.
        results: the results known so far, as `(step, file)`, in the order in which they became
            known.
        status: the last status that was read.
    """

    __module__ = "transloadit_client"

    assembly_id: str
    phase: Phase
    retry: Attempt | None = None
    bytes_sent: int = 0
    bytes_to_send: int | None = None
    files_sent: int = 0
    files_to_send: int | None = None
    bytes_saved: int = 0
    bytes_to_save: int | None = None
    files_saved: int = 0
    files_to_save: int | None = None
    percent: float | None = None
    results: tuple[tuple[str, AssemblyFile], ...] = ()
    status: AssemblyStatus | None = None


OnProgress: TypeAlias = Callable[[Progress], object]
"""A function that is called with the progress; `AsyncTransloadit` also takes an `async def`, and
awaits it. An error raised in it ends the work."""

# In this order, which a call never goes back in; `retrying` may come at any time.
_PHASES: tuple[Phase, ...] = ("uploading", "executing", "downloading", "done")
_STORY: ContextVar["Story | None"] = ContextVar("_STORY", default=None)


class Story:
    """Reports the progress of one call so that it only ever goes forward.

    A call is made of parts that each know something else: an upload counts the bytes of files, the
    service those of the whole form, a status lists no uploads yet, a download knows nothing of what
    was sent. What one part has reported is kept while the next one says less.

    Args:
        on_progress: what is called whenever the progress has changed.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self._report = on_progress
        self._reported: Progress | None = None
        self._to_send: tuple[int, int | None] | None = None
        self._retries: deque[tuple[Attempt, str | None]] = deque()
        self._is_retrying = False
        self._thread = threading.get_ident()

    def sends(self, files: int, size: int | None) -> None:
        """Sets the files to send and their bytes, which are known better here than by the API."""
        self._to_send = files, size

    def __call__(self, progress: Progress) -> None:
        if progress.retry is not None:  # told by the story of a part
            self.retries(progress.retry, progress.assembly_id)
            return
        before = self._reported or Progress(assembly_id=progress.assembly_id, phase="uploading")
        following = self._without_steps_back(progress, before)
        if following != self._reported or self._is_retrying:
            self._reported, self._is_retrying = following, False
            self._tell(following)

    def retries(self, attempt: Attempt, assembly_id: str | None) -> None:
        """Something failed, and is tried again. Other threads leave the report to the caller's."""
        self._retries.append((attempt, assembly_id))
        if threading.get_ident() == self._thread:
            self.report_retries()

    def report_retries(self) -> None:
        """Reports the retries that have not been reported yet."""
        while self._retries:
            attempt, assembly_id = self._retries.popleft()
            before = self._reported or Progress(assembly_id=assembly_id or "", phase="uploading")
            self._is_retrying = True
            self._tell(evolve(before, phase="retrying", retry=attempt))

    def _tell(self, progress: Progress) -> None:
        # What is called may use a client itself, and that is no part of this call.
        token = _STORY.set(None)
        try:
            self._report(progress)
        finally:
            _STORY.reset(token)

    def _without_steps_back(self, now: Progress, before: Progress) -> Progress:
        phase = max(now.phase, before.phase, key=_PHASES.index)
        files_to_send = _most(now.files_to_send, before.files_to_send)
        bytes_to_send = _most(now.bytes_to_send, before.bytes_to_send)
        if self._to_send is not None:
            files_to_send, size = self._to_send
            # The length of a stream is known, and reported, once it has arrived.
            known = (size, before.bytes_to_send, now.bytes_to_send)
            bytes_to_send = next((total for total in known if total is not None), None)
        files_sent, files_to_send = _within(now.files_sent, before.files_sent, files_to_send)
        bytes_sent, bytes_to_send = _within(now.bytes_sent, before.bytes_sent, bytes_to_send)
        completed = now.status is not None and now.status.ok == "ASSEMBLY_COMPLETED"
        if completed or phase in ("executing", "downloading"):  # not before all has arrived
            files_sent = files_sent if files_to_send is None else files_to_send
            bytes_sent = bytes_sent if bytes_to_send is None else bytes_to_send
        files_saved, files_to_save = _within(
            now.files_saved, before.files_saved, _most(now.files_to_save, before.files_to_save)
        )
        bytes_saved, bytes_to_save = _within(
            now.bytes_saved, before.bytes_saved, _most(now.bytes_to_save, before.bytes_to_save)
        )
        return evolve(
            now,
            phase=phase,
            files_sent=files_sent,
            files_to_send=files_to_send,
            bytes_sent=bytes_sent,
            bytes_to_send=bytes_to_send,
            files_saved=files_saved,
            files_to_save=files_to_save,
            bytes_saved=bytes_saved,
            bytes_to_save=bytes_to_save,
            percent=before.percent if now.percent is None else now.percent,
            results=now.results or before.results,
            status=now.status or before.status,
        )


def current_story() -> Story | None:
    """The story of the call that this code is a part of. Threads of its own have its context."""
    return _STORY.get()


@contextmanager
def telling(on_progress: OnProgress | None) -> Iterator[Story | None]:
    """Gives the story of a call, which is `current_story` meanwhile; None if nobody is told.

    A part of a call, such as the upload of `run`, goes on with the story of the whole.
    """
    story = on_progress if isinstance(on_progress, Story | None) else Story(on_progress)
    token = _STORY.set(story)
    try:
        yield story
    finally:
        _STORY.reset(token)


def ticking(on_tick: Callable[[], object]) -> Callable[[], None]:
    """A function that reports the retries of other threads, and then calls this one."""
    story = _STORY.get()

    def tick() -> None:
        if story is not None:
            story.report_retries()
        on_tick()

    return tick


def is_awaited(on_progress: object) -> bool:
    """Whether it is an `async def`, or an object whose `__call__` is one."""
    return iscoroutinefunction(on_progress) or iscoroutinefunction(
        getattr(type(on_progress), "__call__", None)  # noqa: B004  # the method, not whether
    )


def _most(one: int | None, other: int | None) -> int | None:
    return other if one is None else max(one, other or 0)


def _within(now: int, before: int, total: int | None) -> tuple[int, int | None]:
    """How much is done, and the total: what was reported as done is never more than that."""
    if total is None:
        return max(now, before), None
    total = max(total, before)
    return max(before, min(now, total)), total


# Events may come twice, late or in another order, and statuses between them; so what is known is
# kept as sets and merged, never counted.
class Tally:
    """What is known of an Assembly so far, from its statuses and its events."""

    def __init__(self, assembly_id: str, on_progress: OnProgress | None) -> None:
        self.assembly_id = assembly_id
        self.status: AssemblyStatus | None = None
        self._tell = on_progress
        self._told: Progress | None = None
        self._results: dict[tuple[str, object], AssemblyFile] = {}
        self._arrived: set[object] = set()
        self._uploaded = False
        self._percent: float | None = None

    def read(self, status: AssemblyStatus) -> None:
        """A status was read."""
        self.status = status
        for step, files in status.files.items():
            for file in files:
                self._results[_key(step, file)] = file
        self._say()

    def heard(self, kind: str, data: object) -> None:
        """An event came. Whatever it holds, nothing in it raises."""
        if kind == "assembly_result_finished":
            # Events are untrusted data as well: what does not fit is passed over, as the status
            # will tell.
            if isinstance(data, list) and len(data) == 2 and isinstance(data[0], str):
                self._result(data[0], data[1])
        elif kind == "assembly_upload_finished" and isinstance(data, dict):
            self._arrived.add(repr(data.get("id")))
        elif kind == "assembly_uploading_finished":
            self._uploaded = True
        elif kind == "assembly_execution_progress" and isinstance(data, dict):
            self._percent = _percent(data.get("progress_combined"), self._percent)
        else:
            return
        self._say()

    def _result(self, step: str, data: object) -> None:
        if isinstance(data, dict):
            file = AssemblyFile.from_dict(data)
            self._results.setdefault(_key(step, file), file)

    def _say(self) -> None:
        if self._tell is None:
            return
        progress = self._progress()
        if progress != self._told:
            self._told = progress
            self._tell(progress)

    def _progress(self) -> Progress:
        status = self.status or AssemblyStatus()
        uploads = status.uploads if isinstance(status.uploads, list) else []
        arrived = max(_count(status.finished_tus_uploads) or len(uploads), len(self._arrived))
        # Files that came with the create request are not among those expected by tus.
        totals = (_count(status.expected_tus_uploads), _count(status.num_input_files))
        known = [total for total in totals if total is not None]
        return Progress(
            assembly_id=self.assembly_id,
            phase=self._phase(status),
            bytes_sent=_count(status.bytes_received) or 0,
            bytes_to_send=_count(status.bytes_expected),
            files_sent=arrived,
            files_to_send=max(*known, arrived) if known else None,
            percent=self._percent,
            results=tuple((step, file) for (step, _), file in self._results.items()),
            status=self.status,
        )

    def _phase(self, status: AssemblyStatus) -> Phase:
        if status.done:
            return "done"
        return (
            "uploading" if status.ok == "ASSEMBLY_UPLOADING" and not self._uploaded else "executing"
        )


def _key(step: str, file: AssemblyFile) -> tuple[str, object]:
    """What tells a result from the others: a status may list what an event has told."""
    return step, next(
        (str(text) for text in (file.id, file.ssl_url, file.name) if text), repr(file)
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _percent(value: object, before: float | None) -> float | None:
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
    return float(cast("float", value)) if right else before
