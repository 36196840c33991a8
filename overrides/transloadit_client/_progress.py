"""How far a piece of work has come, as people are told on the way, and what became of each file."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias, cast

from attrs import field, frozen

from ._status import AssemblyFile, AssemblyStatus

Phase: TypeAlias = Literal["uploading", "executing", "downloading", "done"]


@frozen(kw_only=True)
class Progress:
    """How far an Assembly has come: the one argument of every `on_progress`.

    What has nothing to do with the work at hand keeps its default: an upload knows nothing of files
    to save. Numbers that nobody knows yet are None.

    Attributes:
        assembly_id: which Assembly.
        phase: what it is at: `uploading`, `executing`, `downloading` or `done`.
        bytes_sent: how many bytes of its files the API has.
        bytes_to_send: how many there are in all; None if a length is unknown.
        files_sent: how many files the API has as a whole.
        files_to_send: how many there are in all.
        bytes_saved: how many bytes of its results are on the disk.
        bytes_to_save: how many there are in all; None if a size is unknown.
        files_saved: how many results are on the disk as a whole.
        files_to_save: how many there are in all.
        percent: how much of the work is done, from 0 to 100; only where the Assembly was asked to
            tell with `emit_execution_progress`.
        results: the results known so far, as `(step, file)`, in the order in which they became
            known.
        status: the last status that was read.
    """

    assembly_id: str
    phase: Phase
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
"""What is told. An error raised in it ends the work."""


@frozen
class SavedFile:
    """A result that is on the disk.

    Attributes:
        step: the Step that made it.
        file: what the status says of it.
        path: where it is.
    """

    step: str
    file: AssemblyFile = field(repr=False)
    path: Path


@frozen
class MissingFile:
    """A result that is not on the disk.

    Attributes:
        step: the Step that made it.
        file: what the status says of it.
        why: the reason, as a sentence.
    """

    step: str
    file: AssemblyFile = field(repr=False)
    why: str


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
        arrived = _count(status.finished_tus_uploads) or len(uploads)
        expected = _count(status.expected_tus_uploads)
        return Progress(
            assembly_id=self.assembly_id,
            phase=self._phase(status),
            bytes_sent=_count(status.bytes_received) or 0,
            bytes_to_send=_count(status.bytes_expected),
            files_sent=max(arrived, len(self._arrived)),
            files_to_send=_count(status.num_input_files) if expected is None else expected,
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
