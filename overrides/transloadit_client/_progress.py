"""How far a piece of work has come, as people are told on the way, and what became of each file."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from attrs import frozen

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
    file: AssemblyFile
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
    file: AssemblyFile
    why: str
