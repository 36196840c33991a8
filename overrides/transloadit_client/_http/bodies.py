"""The body of an answer, read and unpacked up to a limit: a server may send without an end."""

import time
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx

MOST = 64 * 1024 * 1024
"""Bytes of an answer, unpacked. The API's own limit for a status is 8 MB."""

ENCODINGS = "gzip, deflate"
"""What is asked for: both can be unpacked step by step, up to a limit."""

_STEP = 1024 * 1024  # bytes that are unpacked at once, so that an event loop is not held up
_PATIENCE = 30.0  # seconds before the rate of a body is looked at
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


class BodyProblem(Exception):
    """The body cannot be read; the text completes "the answer …"."""


class Body:
    """Collects a body piece by piece.

    Args:
        headers: the answer's.
        most: bytes that it may have, packed and unpacked.
    """

    def __init__(self, headers: Mapping[str, str], most: int = MOST) -> None:
        coding = headers.get("Content-Encoding", "").strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            # Two codings, one in the other, turn a kilobyte into a gigabyte.
            # Not quoted: a server may echo anything there, such as a token that it was sent.
            raise BodyProblem("is packed in a way that was not asked for")
        self._most = most
        self._received = 0
        self._data = bytearray()
        self._first = b""
        self._unpacker: Any = None
        self._coding = coding
        if coding not in ("", "identity"):
            self._unpacker = zlib.decompressobj(_ZLIB if coding == "deflate" else _GZIP)

    def feed(self, piece: bytes) -> Iterator[None]:
        """Takes the next piece, as it came; yields now and then, for others to go on meanwhile.

        Raises:
            BodyProblem: it is too much, or cannot be unpacked.
        """
        self._received += len(piece)
        if self._received > self._most:
            raise self._too_large()
        if self._unpacker is None:
            self._data += piece
            return
        while piece:
            try:
                self._data += self._unpacker.decompress(piece, _STEP)
            except zlib.error:
                if self._data or self._coding != "deflate":
                    raise BodyProblem("cannot be unpacked") from None
                self._coding = ""  # some servers send deflate without the frame of zlib
                self._unpacker = zlib.decompressobj(_RAW)
                piece = self._first + piece
                continue
            if self._received == 1:  # two bytes tell whether there is a frame
                self._first = piece
            if len(self._data) > self._most:
                raise self._too_large()
            piece = self._unpacker.unconsumed_tail
            if piece:  # some kilobytes may be megabytes: an event loop has other work too
                yield

    def end(self) -> bytes:
        """The whole body."""
        return bytes(self._data)

    def _too_large(self) -> BodyProblem:
        return BodyProblem(f"has more than {self._most} bytes")


class Rate:
    """Notices a body that comes too slowly: a read of a byte now and then never times out.

    Args:
        least: bytes a second, on average; 0 for any.
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._began = time.monotonic()
        self._bytes = 0

    def add(self, size: int) -> None:
        """So many bytes came.

        Raises:
            httpx.ReadTimeout: they are too few for the time that has passed.
        """
        self._bytes += size
        seconds = time.monotonic() - self._began
        if seconds > _PATIENCE and self._bytes < self._least * (seconds - _PATIENCE):
            raise httpx.ReadTimeout(f"it comes with less than {self._least:g} bytes a second")


def pieces(response: httpx.Response, size: int | None = None) -> Iterator[bytes]:
    """The body as it comes. A mock's, or one that an event hook has read, is there already."""
    is_read = response.is_stream_consumed
    return iter((response.content,)) if is_read else response.iter_raw(size)


def async_pieces(response: httpx.Response, size: int | None = None) -> AsyncIterator[bytes]:
    """The asynchronous twin of `pieces`."""
    return _once(response.content) if response.is_stream_consumed else response.aiter_raw(size)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
