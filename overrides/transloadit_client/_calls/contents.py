"""Files that are sent from where they stand, and again from there if they can be; and streams."""

import hashlib
import io
import os
from base64 import b64encode
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

from attrs import field, frozen

PIECE = 512 * 1024
"""Bytes that are read and sent at once: fewer cost time, more cost memory."""

SMALL = 1024 * 1024
"""Bytes that are read before they are sent, and that can go with the request that begins an upload:
in memory once for each upload on its way, and sent twice if that request breaks."""

Sent: TypeAlias = Callable[[int], object]
"""Told at which byte of a file the upload is."""

Version: TypeAlias = tuple[int, int]
"""What changes when somebody writes to a file: its size, and when it was written to."""


@frozen
class Stream:
    """A file whose bytes come in pieces, once: for `upload` and `run`.

    Args:
        content: gives the pieces, each `bytes`; one that is awaited serves asynchronous code alone.
        size: how many bytes there are in all, if that is known; others are then refused.
    """

    __module__ = "transloadit_client"

    content: Iterable[bytes] | AsyncIterable[bytes] = field(repr=False)
    size: int | None = None


class FromHere:
    """A file from where it stands. httpx alone would rewind it and count its whole length.

    It gives more than was asked for, since httpx asks for 64 KiB, and each piece is a write.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._begun = False
        self._version = version(stream)
        try:
            self._start: int | None = stream.tell()
            stream.seek(self._start)
        except (AttributeError, OSError):
            self._start = None  # a pipe: of unknown length, so it is sent in chunks

    def read(self, size: int = -1) -> bytes:
        self._begun = self._begun or size != 0
        return self._stream.read(size if size <= 0 else max(size, PIECE))

    def tell(self) -> int:
        return self._stream.tell() - self._beginning()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            offset += self._beginning()
        return self._stream.seek(offset, whence) - self._beginning()

    def why_not_again(self) -> str | None:
        """Why it cannot be sent once more, or None."""
        if not self._begun:
            return None
        if self._start is None:
            return "a stream that has been read cannot be sent again"
        if self._version != version(self._stream):
            return "a file has changed since it was sent"
        return None

    def _beginning(self) -> int:
        if self._start is None:
            raise io.UnsupportedOperation
        return self._start


def version(file: Any) -> Version | None:
    """The version of an open file or a path; None for what is no file."""
    try:
        about = file.stat() if isinstance(file, Path) else os.fstat(file.fileno())
    except (AttributeError, OSError):
        return None
    return about.st_size, about.st_mtime_ns


class Span:
    """Some bytes of a source, as the body of a request: the same ones whenever it is iterated."""

    def __init__(
        self,
        read: Callable[[int, int], bytes],
        offset: int,
        size: int,
        sent: Sent | None = None,
        *,
        in_memory: bool = False,
    ) -> None:
        self._read, self._offset, self._size, self._sent = read, offset, size, sent
        self.in_memory = in_memory

    def __iter__(self) -> Iterator[bytes]:
        end = self._offset + self._size
        piece = PIECE if self._size > SMALL else SMALL  # what has been read already goes at once
        for offset in range(self._offset, end, piece):
            size = min(piece, end - offset)
            yield self._read(offset, size)
            if self._sent is not None:
                self._sent(offset + size)

    def sha1(self) -> str:
        """Its SHA-1, as tus has it: in base64."""
        digest = hashlib.sha1(usedforsecurity=False)
        for piece in Span(self._read, self._offset, self._size):
            digest.update(piece)
        return b64encode(digest.digest()).decode()
