"""One result on its way to the disk: the file that grows, and what an answer means for it."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from attrs import frozen

from .._calls.answers import Answer
from .._errors import ApiError, TransloaditError, UnreadableAnswer
from .._status import AssemblyFile

_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")
_DIGEST = {"md5": re.compile(r"[0-9A-Fa-f]{32}"), "sha256": re.compile(r"[0-9A-Fa-f]{64}")}
# A link in the place of our file is somebody else's doing.
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_READ = 1024 * 1024  # bytes
_SHOWN = 200  # characters of a refusal


@frozen
class Moved:
    """The file is elsewhere, or has to be asked for once more at the same place."""

    url: str


@frozen
class Facts:
    """What the status says of a file's bytes: all that is known is checked.

    Attributes:
        size: how many there are, or None.
        hashes: their digests in hex, by algorithm.
        is_html: whether they may be a page.
    """

    size: int | None
    hashes: Mapping[str, str]
    is_html: bool

    @classmethod
    def of(cls, file: AssemblyFile) -> "Facts":
        size, kinds = file.size, (file.mime, file.ext, file.name)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            size = None
        given = {"md5": file.md5hash, "sha256": file.additional_properties.get("sha256")}
        return cls(
            size=size,
            hashes={
                name: text.lower()
                for name, text in given.items()
                if isinstance(text, str) and _DIGEST[name].fullmatch(text)
            },
            is_html=any(isinstance(kind, str) and "html" in kind.lower() for kind in kinds),
        )

    @property
    def vouch(self) -> bool:
        """Whether they tell these bytes from all others."""
        return bool(self.hashes) and self.size is not None

    def doubt(self, announced: int | None, headers: Mapping[str, str]) -> str:
        """What speaks against an answer before its body has come."""
        page = "text/html" in headers.get("Content-Type", "").lower() and not self.is_html
        what = "a page (HTML)" if page else "an answer"
        if self.size is not None and announced not in (None, self.size):
            return f"{what} of {announced} bytes came, where the status has {self.size}"
        if page and not self.hashes:
            return f"{what} came instead"
        encoded = headers.get("Content-Encoding", "identity").lower() != "identity"
        if encoded and not self.hashes and self.size is None:
            return "it came compressed, though that was not asked for"
        return ""


class Part:
    """A file that is not whole yet, beside the place where it will be.

    What it holds survives a break of the connection, and, where a hash can vouch for it, the end
    of the process.

    Args:
        path: where it grows.
        facts: what its bytes must be.
    """

    def __init__(self, path: Path, facts: Facts) -> None:
        self.path, self.size = path, 0
        self._facts = facts
        self._file: FileIO | None = None
        self._problem = ""
        self._validator: str | None = None
        self._announced: int | None = None
        self._hashes: dict[str, Any] = {}

    def open(self) -> bool:
        """Opens it, with what an earlier process left if that can be vouched for; whether whole."""
        with disk(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(os.open(self.path, _FLAGS, 0o666), "r+")
            self._forget()
            while self._facts.vouch and (data := self._file.read(_READ)):
                self._take(data)
        expected = self._facts.size or 0
        if self._facts.vouch and self.size == expected and not self._fault():
            return True
        if not 0 < self.size < expected:
            self.restart()
        return False

    def restart(self) -> None:
        """Begins from nothing."""
        self._forget()
        with disk(self.path):
            self._opened.seek(0)
            self._opened.truncate()

    def headers(self) -> dict[str, str]:
        """What a request for the rest of it says."""
        if self.size and not (self._validator or self._facts.hashes):
            self.restart()  # nobody could tell whether the rest belongs to it
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self._validator:
                headers["If-Range"] = self._validator
        return headers

    def begin(self, http_status: int, headers: Mapping[str, str]) -> bool:
        """Whether the body of this answer belongs here."""
        self._problem = ""
        if http_status == 200:
            length = headers.get("Content-Length", "")
            self._announced = int(length) if _NUMBER.fullmatch(length) else None
        elif http_status == 206:
            found = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if found is None or int(found[1]) != self.size:
                self._problem = "the answer holds another range than was asked for"
                return False
            self._announced = None if found[2] == "*" else int(found[2])
        else:
            return False
        self._problem = self._facts.doubt(self._announced, headers)
        if self._problem:
            return False
        if http_status == 200:
            self.restart()
            self._validator = _validator(headers)
        return True

    def write(self, data: bytes) -> bool:
        """Appends to it; whether more may follow."""
        if self._facts.size is not None and self.size + len(data) > self._facts.size:
            self._problem = f"the answer holds more than the {self._facts.size} bytes it should"
            return False
        view = memoryview(data)
        with disk(self.path):
            while view:
                view = view[self._opened.write(view) :]
        self._take(data)
        return True

    def judge(self, answer: Answer, url: str) -> Moved | None:
        """What came of a request: None if the file is whole, or where it is.

        Raises:
            UnreadableAnswer: the bytes are not those of the status, or not all of them.
            ApiError: the server refused.
        """
        status, location = answer.http_status, answer.headers.get("Location")
        if status in (301, 302, 303, 307, 308) and location:
            return Moved(urljoin(url, location))
        if status == 416:
            self.restart()
            return Moved(url)
        if status not in (200, 206):
            said = answer.body[: 4 * _SHOWN].decode(errors="replace")[:_SHOWN]
            error = ApiError(f"could not {answer.title}: HTTP {status}: {said!r}")
            error.http_status, error.body = status, said
            raise error
        if problem := self._problem or self._fault():
            error = UnreadableAnswer(f"could not {answer.title}: {problem}.")
            error.http_status = 200
            raise error
        return None

    def finish(self, path: Path) -> bool:
        """Gives it the name `path`; False if there is a file of that name already."""
        with disk(path):
            if not self._opened.closed:
                os.fsync(self._opened.fileno())
                self._opened.close()
            try:
                os.link(self.path, path)
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links
                if path.exists():
                    return False
                self.path.rename(path)
            else:
                self.path.unlink()
        return True

    def leave(self) -> None:
        """Closes it. What is of no use to a later process goes."""
        if self._file is not None:
            self._file.close()
            if not (self.size and self._facts.vouch):
                with suppress(OSError):
                    self.path.unlink()

    @property
    def _opened(self) -> FileIO:
        assert self._file is not None  # noqa: S101  # `open` comes first
        return self._file

    def _forget(self) -> None:
        self.size = 0
        self._hashes = {name: _hash(name) for name in self._facts.hashes}

    def _take(self, data: bytes) -> None:
        self.size += len(data)
        for digest in self._hashes.values():
            digest.update(data)

    def _fault(self) -> str:
        """Why these are not the bytes. Where no others can mend that it begins anew."""
        expected = self._announced if self._facts.size is None else self._facts.size
        if expected is not None and self.size < expected:
            return f"it ended after {self.size} of {expected} bytes"
        for name, digest in self._facts.hashes.items():
            if self._hashes[name].hexdigest() != digest:
                fault = f"the {name} of its {self.size} bytes is not the one that the status has"
                self.restart()
                return fault
        return ""


def holds(path: Path, facts: Facts) -> bool:
    """Whether a file is there that has the bytes which the status vouches for."""
    if not facts.vouch or not path.is_file() or path.stat().st_size != facts.size:
        return False
    hashes = {name: _hash(name) for name in facts.hashes}
    with path.open("rb") as file:
        while data := file.read(_READ):
            for digest in hashes.values():
                digest.update(data)
    return all(hashes[name].hexdigest() == digest for name, digest in facts.hashes.items())


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """What the disk refuses is an error of ours, that of one file."""
    try:
        yield
    except OSError as error:
        raise TransloaditError(f"cannot save {path}: {error.strerror or error}") from error


def _hash(name: str) -> Any:
    return hashlib.new(name, usedforsecurity=False)


def _validator(headers: Mapping[str, str]) -> str | None:
    """What `If-Range` takes: a strong ETag, or a date."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified")
