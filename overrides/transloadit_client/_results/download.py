"""The results of an Assembly on their way to the disk: where each goes, and when it has arrived.

Each is fetched with nothing of ours but the wish for the file, for its URL may lead anywhere.
"""

import hashlib
import os
from collections.abc import Collection, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock
from urllib.parse import urljoin, urlsplit

from attrs import define, field

from .._calls.addresses import Home, check_addresses, download_url
from .._calls.call import Call, Guard, Prepared
from .._calls.numbers import whole_number
from .._errors import (
    ApiError,
    DownloadIncomplete,
    NoAnswer,
    Phase,
    StillBusy,
    TransloaditError,
    UnreadableAnswer,
    UntrustedUrl,
)
from .._flow import Flow, InThread
from .._progress import OnProgress, Progress
from .._retry.reports import again
from .._status import AssemblyFile, AssemblyStatus, MissingFile, SavedFile, code_of
from .expected import Expected, holds
from .file_names import numbered, safe_name, same_name
from .folder import checked_folder
from .partial_file import PartialFile, Redirect, disk_errors
from .steps import wanted_steps

_REDIRECTS = 5  # of one file
_NAMED = 3  # missing files that an error's sentence names


class PathAllocator:
    """Gives each result a path of its own in a folder: `STEP/NAME`, then `STEP/NAME-2` …"""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = checked_folder(folder)
        self._lock = Lock()
        self._taken: set[tuple[str, str]] = set()
        self._next: dict[tuple[str, str], int] = {}

    def place(self, step: str, name: str) -> Path:
        """A path that no other result has; a file of an earlier download may be there."""
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
        file: its entry in the status.
        name: its name as a file.
        path: where it goes, unless another file is there.
        part: the file that grows.
    """

    step: str
    file: AssemblyFile
    name: str
    path: Path
    part: PartialFile
    saved: SavedFile | None = field(default=None, init=False)

    @property
    def label(self) -> str:
        """Step and name, for messages."""
        return f"{self.step}/{self.name}"

    @property
    def bytes(self) -> int:
        """How many are on the disk."""
        return self.part.size if self.saved is None else self.part.expected.size or self.part.size


class Download:
    """The results of one Assembly, each as a flow that saves it.

    Args:
        status: the last status.
        save_to: the folder.
        home: the configured hosts.
        steps: which Steps' results; None for all.
        max_size: how many bytes a result may have; None for any number. A larger one is missing,
            as others that cannot be saved: nothing is fetched where the status or the answer's
            headers tell its size, and else not more than this.
        on_progress: called with each change.

    Raises:
        StillBusy: there may be more results to come.
        InvalidInput: `max_size` is no number of bytes, or the Assembly has no such Step.
    """

    def __init__(
        self,
        status: AssemblyStatus,
        save_to: str | os.PathLike[str],
        home: Home,
        *,
        steps: Collection[str] | None = None,
        max_size: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        self._assembly_id = str(status.assembly_id)
        if status.busy:
            busy = StillBusy(f"Assembly {self._assembly_id} is still busy; wait for it first.")
            busy.assembly_id, busy.status, busy.code = self._assembly_id, status, code_of(status)
            raise busy
        if max_size is not None:
            whole_number("max_size", max_size, "bytes", least=0)
        self._status, self._home, self._on_progress = status, home, on_progress
        self._max_size = max_size
        self._paths = PathAllocator(save_to)
        wanted = wanted_steps(status, steps)
        self._results = [
            self._result(step, file, number)
            for step, files in status.files.items()
            if wanted is None or step in wanted
            for number, file in enumerate(files)
        ]
        self._reported: Progress | None = None

    def works(self) -> list[Flow[SavedFile]]:
        self.report()  # so that a retry, which knows no Assembly, is not the first to be reported
        return [self._save(result) for result in self._results]

    def report(self) -> None:
        """Reports how far it has come, if that has changed."""
        if self._on_progress is None:
            return
        progress = self._progress()
        if progress != self._reported:
            self._reported = progress
            self._on_progress(progress)

    def outcome(self, outcomes: Sequence[SavedFile | TransloaditError]) -> tuple[SavedFile, ...]:
        """The files that were saved.

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
        named = "; ".join(file.why.rstrip(".") for file in missing[:_NAMED])
        more = f"; and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        error = DownloadIncomplete(
            f"{len(missing)} of {len(outcomes)} results of Assembly {self._assembly_id} could not"
            f" be saved: {named}{more}."
        )
        error.assembly_id, error.saved, error.missing = self._assembly_id, saved, missing
        error.status, error.code = self._status, code_of(self._status)
        raise error

    def _result(self, step: str, file: AssemblyFile, number: int) -> Result:
        parts = (text for text in (file.basename, file.ext) if isinstance(text, str) and text)
        name = safe_name(file.name, safe_name(".".join(parts), "file"))
        path = self._paths.place(step, name)
        # The next download of this very result finds its beginning by this, and no other does.
        mark = hashlib.sha256(f"{self._assembly_id}/{step}/{number}".encode()).hexdigest()[:8]
        growing = path.with_name(f"{path.name}.{mark}.part")
        part = PartialFile(growing, Expected.of(file), self._max_size)
        return Result(step, file, name, path, part)

    def _save(self, result: Result) -> Flow[SavedFile]:
        path = yield InThread(partial(self._found, result))
        if path is None:
            result.part.check_size(result.part.expected.size)
            url = self._first_usable(result)
            try:
                yield from self._fill(result, url)
                path = yield InThread(partial(self._published, result))
            finally:
                result.part.leave()
        result.saved = SavedFile(result.step, result.file, path)
        return result.saved

    def _found(self, result: Result) -> Path | None:
        """Where it is on the disk already, as an earlier download left it."""
        with disk_errors(result.path):
            while result.path.exists():
                if holds(result.path, result.part.expected):
                    return result.path
                result.path = self._paths.place(result.step, result.name)
        return None

    def _published(self, result: Result) -> Path:
        """Where it is, once it has its name; or where another download has just put the same."""
        while not result.part.publish(result.path):
            if holds(result.path, result.part.expected):
                result.part.spent = True
                break
            result.path = self._paths.place(result.step, result.name)
        return result.path

    def _fill(self, result: Result, url: str) -> Flow[None]:
        """Fetches a file until the right bytes are on the disk.

        Raises:
            UnreadableAnswer: wrong bytes came, with one answer or twice with several.
        """
        part = result.part
        yield InThread(part.open)
        fetched_anew = False
        while True:
            if not part.has_all:
                yield from self._fetch(result, url)
            fault = yield InThread(part.fault)
            if not fault:
                return
            all_at_once = part.of_one_answer  # the bytes of several may be of two versions
            part.restart()
            error = UnreadableAnswer(f"could not fetch {result.label}: {fault}.")
            if all_at_once or fetched_anew:
                raise error
            yield again(f"fetch {result.label}", error, "fetch it anew")
            fetched_anew = True

    def _fetch(self, result: Result, first: str) -> Flow[None]:
        """Fetches the rest of a file, for as long as each try brings more of it."""
        part = result.part
        url, most, redirects = first, part.size, 0
        while True:
            try:
                redirect = yield _call(result, url, self._home)
            except (ApiError, NoAnswer) as error:
                refused = error.attempts and error.attempts[-1].phase == Phase.REFUSED.value
                if part.size <= most or (refused and url == first):
                    raise
                url, most = first, part.size  # where it was redirected to may have expired
                yield again(f"fetch {result.label}", error, f"fetch it from byte {most}")
                continue
            except UntrustedUrl as error:
                raise _untrusted(result, error) from None
            if redirect is None:
                return
            redirects += 1
            if redirects > _REDIRECTS:
                raise TransloaditError(f"could not fetch {result.label}: too many redirects")
            url = self._checked(result, redirect.location, url)

    def _first_usable(self, result: Result) -> str:
        """Where it is fetched: the first of its URLs that may be used, over https if possible."""
        refusals = []
        for given in (result.file.ssl_url, result.file.url):
            if isinstance(given, str) and given:
                try:
                    return self._checked(result, given)
                except UntrustedUrl as error:
                    refusals.append(error)
        raise (
            refusals[0]
            if refusals
            else TransloaditError(f"{result.label} has no URL in the status")
        )

    def _checked(self, result: Result, given: str, base: str = "") -> str:
        """A URL that may be used, given as it is or relative to another.

        Raises:
            UntrustedUrl: it is none, or its host is spelled as an address that is not public.
        """
        try:
            return download_url(_joined(base, given), self._home)
        except UntrustedUrl as error:
            raise _untrusted(result, error) from None

    def _progress(self) -> Progress:
        results = self._results
        sizes = [result.part.expected.size for result in results]
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
    return whole_number("parallel", parallel, "files", least=1)


def _joined(base: str, given: str) -> str:
    try:
        return urljoin(base, given)
    except ValueError:  # half an IPv6 address, say
        raise UntrustedUrl("it is redirected to something that is not a URL") from None


def _untrusted(result: Result, error: UntrustedUrl) -> UntrustedUrl:
    return UntrustedUrl(f"could not fetch {result.label}: {error}")


def _call(result: Result, url: str, home: Home) -> Call[Redirect | None]:
    host = urlsplit(url).hostname or ""

    def check_peer(address: str) -> None:
        """What counts is where a connection leads: a name may resolve to this network."""
        try:
            check_addresses(host, [address], home)
        except UntrustedUrl as error:
            raise _untrusted(result, error) from None

    def prepare() -> Prepared:
        return Prepared({"method": "GET", "url": url, "headers": result.part.headers()})

    return Call(
        f"fetch {result.label} from {host}",
        Guard.HARMLESS,
        prepare,
        result.part.judge,
        check_peer=check_peer,
        sink=result.part,
    )
