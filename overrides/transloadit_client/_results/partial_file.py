"""One result on its way to the disk: the file that grows, and how answers are added to it."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from .._calls.answers import Answer
from .._errors import ApiError, TransloaditError, UnreadableAnswer
from .exclusive_file import ExclusiveFile
from .expected import Expected

_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")
_SHOWN = 200  # characters of a refusal


@frozen
class Redirect:
    """The file is elsewhere, or has to be requested once more from the same place.

    Attributes:
        location: the answer's `Location`; an empty text for the same place.
    """

    location: str


class PartialFile:
    """A file that is not whole yet, beside the place where it will be.

    Two downloads of one result into one folder have a file each; see `ExclusiveFile`.

    Args:
        path: where it grows; the name is that of the result, `.`, a mark of its own, and `.part`.
        expected: the size and hashes it must have.
        max_size: how many bytes it may have; None for any number.
    """

    def __init__(self, path: Path, expected: Expected, max_size: int | None = None) -> None:
        self.path, self.size, self.expected = path, 0, expected
        self.of_one_answer = False
        """Whether all its bytes came with one answer; those of several may be of two versions."""
        self._max_size = max_size
        self._file: ExclusiveFile | None = None
        self.spent = False
        """Whether it is of no further use: it has its name, or another file has it."""
        self._left = False
        self._problem = ""
        self._validator: str | None = None
        self._announced: int | None = None

    def open(self) -> None:
        """Opens it. Bytes of an earlier process stay if size and hash can tell them from others.

        They are not checked here: `fault` judges the file once it is whole.
        """
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = ExclusiveFile.at(self.path)
            self.size = self._file.seek(0, os.SEEK_END)
        if not (self.expected.identifies and self.size <= (self.expected.size or 0)):
            self.restart()
        if self._left:  # the download was given up while a slow disk opened it
            self.leave()

    @property
    def has_all(self) -> bool:
        """Whether it has as many bytes as the status says."""
        return self.size > 0 and self.size == self.expected.size

    def restart(self) -> None:
        """Begins from nothing."""
        self.size = 0
        with disk_errors(self.path):
            self._opened.seek(0)
            self._opened.truncate()

    def headers(self) -> dict[str, str]:
        """The headers of a request for the rest of it."""
        if self.size and not (self._validator or self.expected.hashes):
            self.restart()  # nothing could tell whether the rest belongs to it
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
            if self._validator:
                headers["If-Range"] = self._validator
        return headers

    def begin(self, http_status: int, headers: Mapping[str, str]) -> bool:
        """Whether the body of this answer belongs here.

        Raises:
            TransloaditError: the file would have more bytes than it may.
        """
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
        self.check_size(self._announced)
        self._problem = self.expected.objection(self._announced, headers)
        if self._problem:
            return False
        if http_status == 200:
            self.restart()
            self._validator = _validator(headers)
        self.of_one_answer = self.size == 0
        return True

    def write(self, data: bytes) -> bool:
        """Appends to it; whether more may follow.

        Raises:
            TransloaditError: the file would have more bytes than it may, or the disk refuses.
        """
        self.check_size(self.size + len(data))
        if self.expected.size is not None and self.size + len(data) > self.expected.size:
            self._problem = f"the answer holds more than the {self.expected.size} bytes it should"
            return False
        view = memoryview(data)
        with disk_errors(self.path):
            while view:
                view = view[self._opened.write(view) :]
        self.size += len(data)
        return True

    def check_size(self, size: int | None) -> None:
        """Checks a size, such as the status or an answer announces it.

        Raises:
            TransloaditError: it is more than `max_size`.
        """
        if self._max_size is not None and size is not None and size > self._max_size:
            raise TransloaditError(
                f"{self.path.name.rsplit('.', 2)[0]} has more bytes than max_size allows"
                f" ({self._max_size})"
            )

    def judge(self, answer: Answer) -> Redirect | None:
        """Reads the answer to a request: None if all bytes are there by number, or a redirect.

        Raises:
            UnreadableAnswer: the bytes are not those of the status, or not all of them.
            ApiError: the server refused.
        """
        status, location = answer.http_status, answer.headers.get("Location")
        if status in (301, 302, 303, 307, 308) and location:
            return Redirect(location)
        if status == 416:
            self.restart()
            return Redirect("")
        if status not in (200, 206):
            said = answer.body[: 4 * _SHOWN].decode(errors="replace")[:_SHOWN]
            error = ApiError(f"could not {answer.title}: HTTP {status}: {said!r}")
            error.http_status, error.body, error.headers = status, said, answer.headers
            raise error
        size = self._announced if self.expected.size is None else self.expected.size
        if not self._problem and size is not None and self.size < size:
            self._problem = f"it ended after {self.size} of {size} bytes"
        if self._problem:
            error = UnreadableAnswer(f"could not {answer.title}: {self._problem}.")
            error.http_status = 200
            raise error
        return None

    def fault(self) -> str:
        """Why the bytes on the disk are not the expected ones; an empty text if they are.

        They are read back, so that bytes which another program wrote do not go unnoticed.
        """
        with disk_errors(self.path):
            return self.expected.fault(self._opened)

    def publish(self, path: Path) -> bool:
        """Gives it the name `path`; False if there is a file of that name already.

        Raises:
            TransloaditError: another program changed it, or the disk refuses.
        """
        with disk_errors(path):
            self.spent = self._opened.publish(path, self.size)
        return self.spent

    def leave(self) -> None:
        """Closes it. It stays only where a later download can go on with it."""
        self._left = True
        if self._file is not None:
            useful = self.size and self.expected.identifies and not self.spent
            self._file.leave(remove=not useful)

    @property
    def _opened(self) -> ExclusiveFile:
        assert self._file is not None  # noqa: S101  # `open` comes first
        return self._file


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Makes a refusal of the disk an error of ours, that of one file.

    A ValueError is a path that no system takes, such as one with a null character.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or error
        raise TransloaditError(f"cannot save {path}: {text}") from error


def _validator(headers: Mapping[str, str]) -> str | None:
    """A value for `If-Range`: a strong ETag, or a date."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified")
