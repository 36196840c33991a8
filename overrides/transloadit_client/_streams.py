"""Files that are sent from where they stand, and again from there if they can be."""

import io
import os
from typing import IO, Any


class FromHere:
    """A file from where it stands. httpx alone would rewind it and count its whole length."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._begun = False
        self._version = _version(stream)
        try:
            self._start: int | None = stream.tell()
            stream.seek(self._start)
        except (AttributeError, OSError):
            self._start = None  # a pipe: of unknown length, so it is sent in chunks

    def read(self, size: int = -1) -> bytes:
        self._begun = self._begun or size != 0
        return self._stream.read(size)

    def tell(self) -> int:
        return self._stream.tell() - self._beginning()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            offset += self._beginning()
        return self._stream.seek(offset, whence) - self._beginning()

    def obstacle(self) -> str | None:
        """Why it cannot be sent once more, or None."""
        if not self._begun:
            return None
        if self._start is None:
            return "a stream that has been read cannot be sent again"
        if self._version != _version(self._stream):
            return "a file has changed since it was sent"
        return None

    def _beginning(self) -> int:
        if self._start is None:
            raise io.UnsupportedOperation
        return self._start


def _version(stream: Any) -> tuple[int, int] | None:
    """What changes when somebody writes to a file; None for what is no file."""
    try:
        about = os.fstat(stream.fileno())
    except (AttributeError, OSError):
        return None
    return about.st_size, about.st_mtime_ns
