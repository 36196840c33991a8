"""The inputs of a `map`: which Assembly is whose, and what became of it."""

import logging
import os
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from attrs import evolve, field, frozen

from .._calls.addresses import drawn_assembly_id
from .._calls.contents import is_file
from .._calls.files import Files, base_name, text_parts
from .._calls.operations import params_of
from .._errors import FileChanged, InvalidInput, TransloaditError, check_function
from .._results.file_names import safe_name
from .._signing import encode
from .input_versions import has_changed, version_of
from .journal import Entry, Journal
from .outcomes import CreateOptions, Finished, Key, Mapped

logger = logging.getLogger("transloadit_client")

_RENEWALS = 3  # an upload that breaks off so often has another reason


@frozen
class Task:
    """An input, and the Assembly that is to be, or already is, its own."""

    files: Files = field(repr=False)
    key: str
    entry: Entry
    renewed: int = 0
    """How many ids it has used up."""
    refused: InvalidInput | None = None
    """Why it is not begun: it is told as this input's error, and the others go on."""

    def options(self, save_to: str | os.PathLike[str] | None) -> dict[str, Any]:
        """What `run` has to know of it. Inputs of the same name have a folder each.

        Raises:
            InvalidInput: it must not be begun; see `refused`.
        """
        if self.refused is not None:
            raise self.refused
        assembly_id = self.entry.assembly_id
        folder = f"{safe_name(base_name(self.key), 'input')}-{assembly_id[:8]}"
        return {
            # Here a tuple is a `(name, content)`; in `run` it would be several files.
            "files": [self.files] if isinstance(self.files, tuple) else self.files,
            "assembly_id": assembly_id,
            "resume": self.entry.known,
            "save_to": None if save_to is None else Path(save_to) / folder,
        }

    def completed(self, finished: Finished) -> Mapped:
        """What the caller gets of it."""
        assembly_id = self.entry.assembly_id
        return Mapped(self.files, self.key, assembly_id, finished.status, finished.saved)

    def failed(self, error: TransloaditError) -> Mapped:
        """What the caller gets of one that failed."""
        status, saved = getattr(error, "status", None), getattr(error, "saved", ())
        return Mapped(self.files, self.key, self.entry.assembly_id, status, saved, error)


class Tasks:
    """Makes a task of each input, and tells the journal how it ended. Opened with `with`.

    Args:
        journal: the journal's file, or None for none.
        instructions: see `Journal`.
        key: tells the name of an input.
    """

    def __init__(
        self, journal: str | os.PathLike[str] | None, instructions: str, key: Key | None
    ) -> None:
        self._path, self._instructions = journal, instructions
        check_function("key", key)
        self._key = key or name_of
        self._journal: Journal | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._journal = Journal(self._path, self._instructions)
        return self

    def __exit__(self, *_: object) -> None:
        if self._journal is not None:
            self._journal.close()

    def next(self, inputs: Iterator[Files]) -> Task | None:
        """The task of the next input that is not done yet; None at the end."""
        return next(filter(None, map(self.of, inputs)), None)

    def of(self, files: Files) -> Task | None:
        """The task of an input; None if the journal has it as done.

        Raises:
            InvalidInput: there is a journal, and the input has no name to stand under in it.
        """
        key = self._key(files)
        if self._journal is None:
            return Task(files, key or "", Entry(drawn_assembly_id()))
        if not isinstance(key, str):
            raise InvalidInput(
                f"an input of type {type(files).__name__} has no name for the journal;"
                " give key=…, a function that returns a name of its own for each input"
            )
        try:
            entry = self._journal.entry(self._stored_key(files, key), partial(version_of, files))
        except InvalidInput as error:  # such as a full disk: without its id on it, none is begun
            return Task(files, key, Entry(drawn_assembly_id()), refused=error)
        if entry.outcome is None:
            return Task(files, key, entry)
        if entry.version is None or not has_changed(files, entry.version):
            return None
        changed = FileChanged(
            f"{key!r} has changed since Assembly {entry.assembly_id} was done with it; to run it"
            " again, give it another key or take another journal"
        )
        return Task(files, key, entry, refused=changed)

    def again(self, task: Task, error: TransloaditError) -> Task | None:
        """The task with another id, if the first one is spent: its upload broke off, so that it can
        never be an Assembly's, and nothing ran. None for all other errors, and at last."""
        status = getattr(error, "status", None)
        if task.renewed == _RENEWALS or getattr(status, "ok", None) != "REQUEST_ABORTED":
            return None
        entry = Entry(drawn_assembly_id())
        if self._journal:
            stored_key = self._stored_key(task.files, task.key)
            try:
                entry = self._journal.renew(stored_key, partial(version_of, task.files))
            except InvalidInput:
                return None
        logger.info("an upload broke off, so that nothing ran; creating its Assembly anew")
        return evolve(task, entry=entry, renewed=task.renewed + 1)

    def delivered(self, mapped: Mapped) -> None:
        """The caller has this one, and has come back for the next."""
        if self._journal is not None and mapped.status is not None and not mapped.failed:
            self._journal.ended(self._stored_key(mapped.files, mapped.key), str(mapped.status.ok))

    def _stored_key(self, files: Files, key: str) -> str:
        """The key in the journal: of a path always the same, however it is written."""
        by_path = self._key is name_of and isinstance(files, str | os.PathLike)
        return whole_path(key) if by_path else key


def check_inputs(files: object) -> None:
    """Checks that `map` was given many inputs: the letters of one path are not meant.

    Raises:
        InvalidInput: it was given a single one, or nothing that can be iterated.
    """
    single = isinstance(files, str | bytes | bytearray | memoryview | os.PathLike | Mapping)
    if single or is_file(files) or not isinstance(files, Iterable | AsyncIterable):
        kind = type(files).__name__
        raise InvalidInput(
            f"map takes many inputs, each for an Assembly of its own, but was given a {kind}: give"
            " a list, or another iterable of them"
        )


def name_of(files: Files) -> str | None:
    """The path of an input, or the name of a `(name, content)`; None for what has neither."""
    if isinstance(files, tuple) and files and isinstance(files[0], str):
        return files[0]
    return os.fsdecode(files) if isinstance(files, str | os.PathLike) else None


def whole_path(path: str) -> str:
    """A path in its one spelling: absolute, with no link among its folders.

    The last part stays, since a link may be an input beside the file that it leads to.
    """
    folder, name = os.path.split(path)
    try:
        return os.path.normcase(Path(os.path.realpath(folder), name))
    except ValueError:  # a null character, say: no file has this name
        return path


def instructions_of(create: CreateOptions) -> str:
    """What tells these Instructions from others; the same for the same ones in any process."""
    given: dict[str, Any] = {**create}
    fields = text_parts(given.pop("form_fields", None))
    params = params_of(extra=given.pop("extra_params", None), **given)
    return sha256(encode({"params": params, "form_fields": fields}).encode()).hexdigest()
