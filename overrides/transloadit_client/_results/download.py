"""The results of an Assembly on their way to the disk: where each goes, and when it has arrived.

Each is fetched bare, with nothing of ours but the wish for the file, for its URL may lead anywhere.
"""

import hashlib
import os
from collections.abc import Collection, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from attrs import define, field

from .._calls.addresses import Home, download_url
from .._calls.answers import Answer
from .._calls.call import Call, Guard, Prepared
from .._errors import (
    ApiError,
    DownloadIncomplete,
    InvalidInput,
    NoAnswer,
    Phase,
    StillBusy,
    TransloaditError,
    UntrustedUrl,
)
from .._flow import Flow, InThread
from .._progress import MissingFile, OnProgress, Progress, SavedFile
from .._status import AssemblyFile, AssemblyStatus
from .file_names import numbered, safe_name, same_name
from .partial_file import Facts, Moved, Part, disk, holds

_HOPS = 5  # redirects of one file
_TOLD = 3  # missing files that an error's sentence names


class Shelf:
    """A folder, and the names in it that are given away: `STEP/NAME`, then `STEP/NAME-2` …"""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._lock = Lock()
        self._taken: set[tuple[str, str]] = set()
        self._next: dict[tuple[str, str], int] = {}

    def place(self, step: str, name: str) -> Path:
        """A path that was not given away yet; there may be a file from earlier, though."""
        folder = safe_name(step, "step")
        wanted = (same_name(folder), same_name(name))
        with self._lock:
            number = next(
                number
                for number in count(self._next.get(wanted, 1))
                if (wanted[0], same_name(numbered(name, number))) not in self._taken
            )
            candidate = numbered(name, number)
            self._taken.add((wanted[0], same_name(candidate)))
            self._next[wanted] = number + 1
        return self._folder / folder / candidate


@define
class Result:
    """A result that is to be saved.

    Attributes:
        step: the Step that made it.
        file: what the status says of it.
        name: its name as a file.
        path: where it goes, unless another file is there.
        part: the file that grows.
        facts: what is known of its bytes.
    """

    step: str
    file: AssemblyFile
    name: str
    path: Path
    part: Part
    facts: Facts
    saved: SavedFile | None = field(default=None, init=False)

    @property
    def bytes(self) -> int:
        """How many are on the disk."""
        return self.part.size if self.saved is None else self.facts.size or self.part.size


class Download:
    """The results of one Assembly, as works to be carried out.

    Args:
        status: the last status.
        save_to: the folder.
        home: the configured hosts.
        steps: which Steps' results; None for all.
        on_progress: who is told.

    Raises:
        StillBusy: there may be more results to come.
    """

    def __init__(
        self,
        status: AssemblyStatus,
        save_to: str | os.PathLike[str],
        home: Home,
        *,
        steps: Collection[str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        self._assembly_id = str(status.assembly_id)
        if status.busy:
            busy = StillBusy(f"Assembly {self._assembly_id} is still busy; wait for it first.")
            busy.assembly_id, busy.status = self._assembly_id, status
            raise busy
        self._status, self._home, self._on_progress = status, home, on_progress
        self._shelf = Shelf(save_to)
        wanted = (steps,) if isinstance(steps, str) else steps
        self._results = [
            self._result(step, file, number)
            for step, files in status.files.items()
            if wanted is None or step in wanted
            for number, file in enumerate(files)
        ]
        self._told: Progress | None = None

    def works(self) -> list[Flow[SavedFile]]:
        return [self._save(result) for result in self._results]

    def tell(self) -> None:
        """Tells how far it has come, if that has changed."""
        if self._on_progress is None:
            return
        progress = self._progress()
        if progress != self._told:
            self._told = progress
            self._on_progress(progress)

    def outcome(self, outcomes: Sequence[SavedFile | TransloaditError]) -> tuple[SavedFile, ...]:
        """What became of all of them.

        Raises:
            DownloadIncomplete: some are missing.
        """
        saved = tuple(outcome for outcome in outcomes if isinstance(outcome, SavedFile))
        missing = tuple(
            MissingFile(result.step, result.file, str(outcome))
            for result, outcome in zip(self._results, outcomes, strict=True)
            if isinstance(outcome, TransloaditError)
        )
        if not missing:
            return saved
        named = "; ".join(file.why.rstrip(".") for file in missing[:_TOLD])
        more = f"; and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
        error = DownloadIncomplete(
            f"{len(missing)} of {len(outcomes)} results of Assembly {self._assembly_id} are not on"
            f" the disk: {named}{more}."
        )
        error.assembly_id, error.saved, error.missing = self._assembly_id, saved, missing
        raise error

    def _result(self, step: str, file: AssemblyFile, number: int) -> Result:
        parts = (text for text in (file.basename, file.ext) if isinstance(text, str) and text)
        name = safe_name(file.name, safe_name(".".join(parts), "file"))
        path, facts = self._shelf.place(step, name), Facts.of(file)
        # Found again by whoever goes on after a crash, and by nobody else.
        mark = hashlib.sha256(f"{self._assembly_id}/{step}/{number}".encode()).hexdigest()[:8]
        part = Part(path.with_name(f"{path.name}.{mark}.part"), facts)
        return Result(step, file, name, path, part, facts)

    def _save(self, result: Result) -> Flow[SavedFile]:
        what = f"{result.step}/{result.name}"
        url = _address(result.file, what, self._home)
        path = yield InThread(partial(self._found, result))
        if path is None:
            try:
                whole = yield InThread(result.part.open)
                if not whole:
                    yield from _fetched(result.part, url, what, self._home)
                path = yield InThread(partial(self._placed, result))
            finally:
                result.part.leave()
        result.saved = SavedFile(result.step, result.file, path)
        return result.saved

    def _found(self, result: Result) -> Path | None:
        """Where it is on the disk already, as an earlier process left it."""
        with disk(result.path):
            while result.path.exists():
                if holds(result.path, result.facts):
                    return result.path
                result.path = self._shelf.place(result.step, result.name)
        return None

    def _placed(self, result: Result) -> Path:
        while not result.part.finish(result.path):
            result.path = self._shelf.place(result.step, result.name)
        return result.path

    def _progress(self) -> Progress:
        results = self._results
        sizes = [result.facts.size for result in results]
        known = [size for size in sizes if size is not None]
        saved = sum(result.saved is not None for result in results)
        return Progress(
            assembly_id=self._assembly_id,
            phase="done" if saved == len(results) else "downloading",
            bytes_saved=sum(result.bytes for result in results),
            bytes_to_save=sum(known) if len(known) == len(sizes) else None,
            files_saved=saved,
            files_to_save=len(results),
            results=tuple((result.step, result.file) for result in results),
            status=self._status,
        )


def at_once(parallel: int) -> int:
    """Checks how many files are to be fetched at once.

    Raises:
        InvalidInput: it is no number of files.
    """
    if not isinstance(parallel, int) or parallel < 1:
        raise InvalidInput(f"parallel is {parallel!r}; it counts files")
    return parallel


def _address(file: AssemblyFile, what: str, home: Home) -> str:
    """Where it is to be fetched, over https if there is a choice."""
    given = next((url for url in (file.ssl_url, file.url) if isinstance(url, str) and url), None)
    if given is None:
        raise TransloaditError(f"{what} has no URL in the status")
    return _checked(given, what, home)


def _checked(url: str, what: str, home: Home) -> str:
    try:
        return download_url(url, home)
    except UntrustedUrl as error:
        raise UntrustedUrl(f"could not fetch {what}: {error}") from None


def _fetched(part: Part, first: str, what: str, home: Home) -> Flow[None]:
    """Fetches the rest of a file, for as long as each try brings more of it."""
    url, most, hops = first, part.size, 0
    while True:
        try:
            moved = yield _call(part, url, what)
        except (ApiError, NoAnswer) as error:
            refused = error.attempts and error.attempts[-1].phase == Phase.REFUSED.value
            if part.size <= most or (refused and url == first):
                raise
            url, most = first, part.size  # where it was redirected to may have expired
            continue
        except UntrustedUrl as error:
            raise UntrustedUrl(f"could not fetch {what}: {error}") from None
        if moved is None:
            return
        hops += 1
        if hops > _HOPS:
            raise TransloaditError(f"could not fetch {what}: it is redirected again and again")
        url = _checked(moved.url, what, home)


def _call(part: Part, url: str, what: str) -> Call[Moved | None]:
    def read(answer: Answer) -> Moved | None:
        return part.judge(answer, url)

    def prepare() -> Prepared:
        return Prepared({"method": "GET", "url": url, "headers": part.headers()})

    title = f"fetch {what} from {urlsplit(url).hostname}"
    return Call(title, Guard.HARMLESS, prepare, read, sink=part)
