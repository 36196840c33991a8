"""`map`: one Assembly for each file, many at once, with the results in folders like the files'."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, cast

from attrs import define, field

from transloadit_client import ApiError, AssemblyFailed, InvalidInput, Mapped, TransloaditError

from .assemblies import described, target_of, without_none
from .exit_codes import Exit
from .inputs import Input, Search, check_new, field_and_path
from .outcomes import Outcome, about, about_error, message, result_rows, saved_files
from .output import give, number_of, tell
from .progress import BETWEEN_LINES
from .session import Session

_PARTIAL = ".transloadit-partial"  # results stand there until an Assembly has delivered all
_LOOK = 1.0  # seconds between two looks for new files with --watch
# Refusals that are not about a file: the next ten thousand files would be refused as well.
_FOR_ALL = {
    "AUTH_EXPIRED", "GET_ACCOUNT_UNKNOWN_AUTH_KEY", "INSUFFICIENT_AUTH_SCOPE", "INVALID_SIGNATURE",
    "NO_SIGNATURE_FIELD", "TEMPLATE_DENIES_STEPS_OVERRIDE", "TEMPLATE_NOT_FOUND",
}  # fmt: skip


def map_(
    session: Session,
    *,
    files: Sequence[str],
    save_to: Path | None,
    output: str | None,
    step: Sequence[str],
    max_size: int | None,
    journal: Path | None,
    at_once: int | None,
    per_minute: int | None,
    tus_above: int | None,
    chunk_size: int | None,
    deadline: float | None,
    watch: bool,
    delete_source: bool,
    **given: Any,
) -> Outcome:
    target = target_of(output, save_to, session)
    if target.file is not None:
        raise InvalidInput("map saves the results of many files: give -o a folder, as in results/")
    if delete_source and target.folder is None:
        raise InvalidInput("--delete-source goes with --save-to: only saved results replace a file")
    if any(field_and_path(argument)[1] == "-" for argument in files):
        raise InvalidInput("map takes files and folders; for the standard input (-) use run")
    # An earlier run with this journal may have deleted the files.
    gone = delete_source and journal is not None and journal.exists()
    search = Search(files, target.folder, none_is_fine=watch or gone)
    wanted = described(given)
    check_new(wanted, step)
    limits = {
        "at_once": at_once, "creates_per_minute": per_minute,
        "tus_above": tus_above, "chunk_size": chunk_size, "deadline": deadline,
        "max_size": max_size,
    }  # fmt: skip
    if session.dry_run:
        return _planned(search)
    batch = Batch(session, target.folder, delete_source, step)
    with session.client() as client:
        inputs = search.stale()  # raises for wrong arguments, before the journal is made
        path = _journal(session, journal)
        while True:
            if watch:
                inputs = [one for one in inputs if batch.is_new(one) and one.settled]
            if inputs:
                found = client.map(
                    ({one.field: [one.path]} for one in inputs),
                    key=batch.key_of,
                    journal=path,
                    save_to=target.folder and target.folder / _PARTIAL,
                    save_steps=(step or None) if target.folder else None,
                    **without_none(limits),
                    **wanted,
                )
                with batch.begun(inputs), closing(cast("Generator[Mapped]", found)):
                    for mapped in found:
                        batch.settle(mapped)
            if not watch:
                break
            time.sleep(_LOOK)
            inputs = search.stale()
    outcome = batch.outcome(search.up_to_date)
    if journal is None and outcome.exit is not Exit.INCOMPLETE:
        path.unlink(missing_ok=True)  # nothing is left to resume
    return outcome


@define
class Batch:
    """The files of a `map`, and the outcome of each.

    Attributes:
        session: the command's session.
        out: the folder of the results.
        delete_source: whether a file goes once its results are saved.
        steps: the Steps whose results are wanted; all if there are none.
    """

    session: Session
    out: Path | None
    delete_source: bool
    steps: Sequence[str] = ()
    done: int = 0
    failed: int = 0
    total: int = 0
    _inputs: dict[str, Input] = field(factory=dict)
    _keys: dict[Path, str] = field(factory=dict)
    _codes: set[Exit] = field(factory=set)
    _documents: list[dict[str, Any]] = field(factory=list)
    _show: Callable[[int, int, int], object] = field(default=lambda *_: None)

    def is_new(self, one: Input) -> bool:
        """Whether this version of the file has not been begun in this process."""
        return one.key not in self._inputs

    def key_of(self, files: Any) -> str:
        """The name of an input in the journal, for the client."""
        [[path]] = files.values()
        return self._keys[path]

    @contextmanager
    def begun(self, inputs: Sequence[Input]) -> Iterator[None]:
        """Shows how many files are through while they are processed."""
        self.total += len(inputs)
        self._inputs.update({one.key: one for one in inputs})
        self._keys.update({one.path: one.key for one in inputs})
        with self._shown() as self._show:
            self._show(self.done, self.failed, self.total)
            yield

    def settle(self, mapped: Mapped) -> None:
        """Moves the results to their place, reports them, and deletes the file if asked to.

        Raises:
            ApiError: a refusal that all other files would meet as well.
            InvalidInput: results cannot be moved to their place.
        """
        one = self._inputs[mapped.key]
        if mapped.error is not None:
            self._failed_one(one, mapped.error)
        else:
            self._done_one(one, mapped)
        self._show(self.done, self.failed, self.total)

    def outcome(self, up_to_date: int) -> Outcome:
        """The outcome of all files together."""
        before = self.total - self.done - self.failed
        parts = [f"{self.done} done", f"{self.failed} failed"]
        parts += [f"{up_to_date} up to date"] * bool(up_to_date)
        parts += [f"{before} done before"] * bool(before)
        if self.session.mode != "none":
            tell(", ".join(parts))
        code = Exit.DONE
        if self._codes:
            # Files whose Assembly failed fail again: only the others are worth another run.
            code = Exit.FAILED if self._codes == {Exit.FAILED} else Exit.INCOMPLETE
        document = {
            "done": self.done, "failed": self.failed, "up_to_date": up_to_date,
            "files": self._documents, **self.session.how_to_go_on(code),
        }  # fmt: skip
        return Outcome(code, (), document)

    def _failed_one(self, one: Input, error: TransloaditError) -> None:
        if isinstance(error, ApiError) and error.code in _FOR_ALL and not self.done:
            raise error
        self.failed += 1
        self._codes.add(Exit.FAILED if isinstance(error, AssemblyFailed) else Exit.INCOMPLETE)
        self._tell(one, error=message(error))
        self._document(one, **about_error(error))

    def _done_one(self, one: Input, mapped: Mapped) -> None:
        paths = self._moved(one, mapped)
        rows: list[tuple[str, ...]] = [(str(path),) for path in paths]
        if self.out is None and mapped.status is not None:
            rows = [(str(one.path), *row) for row in result_rows(mapped.status, self.steps)]
        self.done += 1
        if self.delete_source and paths:
            self._delete(one)
        if not self.session.json:
            give(rows)
        if self.session.json or not (rows and sys.stdout.isatty()):
            self._tell(one, results=len(rows))
        saved = [
            {**document, "path": str(path)}
            for document, path in zip(saved_files(mapped.saved), paths, strict=False)
        ]
        self._document(one, **(about(mapped.status) if mapped.status else {}), saved=saved)

    def _moved(self, one: Input, mapped: Mapped) -> list[Path]:
        """The results of a file in their place, all of them at once.

        So a folder that is there is complete, and its time says for which version of the file.
        """
        if self.out is None:
            return []
        partial, place = self.out / _PARTIAL, self.out / one.name
        try:
            if mapped.saved:
                folder = partial / mapped.saved[0].path.relative_to(partial).parts[0]
            else:
                folder = partial / mapped.assembly_id
                folder.mkdir(parents=True, exist_ok=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                place.replace(partial / f"{mapped.assembly_id}-old")
            folder.replace(place)
            shutil.rmtree(partial / f"{mapped.assembly_id}-old", ignore_errors=True)
            os.utime(place, ns=(one.changed, one.changed))
            if place.stat().st_mtime_ns < one.changed:  # a disk whose clock is coarse
                later = one.changed + 2_000_000_000
                os.utime(place, ns=(later, later))
            with suppress(OSError):
                partial.rmdir()  # the last one out
        except OSError as error:
            # Not an error of this file alone: the journal must not take it for done.
            raise InvalidInput(
                f"cannot move the results of {str(one.path)!r} to {str(place)!r}: {error.strerror}"
            ) from error
        return [place / saved.path.relative_to(folder) for saved in mapped.saved]

    def _delete(self, one: Input) -> None:
        try:
            stat = one.path.stat()
            if (stat.st_size, stat.st_mtime_ns) == (one.size, one.changed):
                one.path.unlink()
            else:
                tell(f"{one.path}: not deleted, since it has changed")
        except OSError as error:
            self._codes.add(Exit.INCOMPLETE)
            tell(f"{one.path}: could not be deleted: {error.strerror}")

    def _tell(self, one: Input, **facts: Any) -> None:
        if self.session.mode == "json":
            tell(json.dumps({"phase": "done", "file": str(one.path), **facts}))
        elif "error" in facts:
            tell(f"{one.path}: {facts['error']}")
        elif self.session.mode != "none":
            tell(f"{one.path}: {number_of(facts['results'], 'result')}")

    def _document(self, one: Input, **facts: Any) -> None:
        if self.session.json:
            self._documents.append({"file": str(one.path), **facts})

    @contextmanager
    def _shown(self) -> Iterator[Callable[[int, int, int], object]]:
        if self.session.mode == "bars":
            from .bars import counter  # noqa: PLC0415  # rich takes long to import

            with counter(self.total) as show:
                yield show
        elif self.session.mode == "lines":
            yield Counts()
        else:
            yield lambda *_: None


class Counts:
    """A line with the numbers every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + BETWEEN_LINES

    def __call__(self, done: int, failed: int, total: int) -> None:
        if self._clock() >= self._next:
            self._next = self._clock() + BETWEEN_LINES
            tell(f"{done + failed} of {total} files, {failed} failed")


def _planned(search: Search) -> Outcome:
    """`--dry-run`: which files would be processed."""
    inputs = search.stale()
    tell(f"{number_of(len(inputs), 'file')} to process, {search.up_to_date} up to date")
    rows = [(one.field, str(one.path)) for one in inputs]
    document = [{"field": one.field, "path": str(one.path), "size": one.size} for one in inputs]
    return Outcome(Exit.DONE, rows, {"dry_run": {"files": document}})


def _journal(session: Session, given: Path | None) -> Path:
    """The journal's path; the session notes the command that resumes with it.

    Without --journal it is a file of its own among the user's state: a map can always be resumed.
    """
    if given is not None:
        session.follow(None)
        return given
    state = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    path = state / "transloadit-client" / f"map-{token_hex(4)}.journal"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"cannot make {str(path.parent)!r} for the journal: {error.strerror}; name a file with"
            " --journal"
        ) from None
    session.follow(None, "--journal", str(path))
    return path
