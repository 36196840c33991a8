"""What is uploaded, as the upload sees it: files that can be read again, and streams that cannot.

Both are read piece by piece. What may wait for a disk or a pipe is done aside, so that it never
holds up an event loop.
"""

import hashlib
import io
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeAlias

from .._calls.contents import PIECE, SMALL, Span, Stream, version
from .._calls.files import Files, is_file, named_files, open_for_bytes
from .._errors import FileChanged, InvalidInput
from .._flow import Flow, InThread

_SAMPLE = 64 * 1024  # bytes of a file's beginning, and of its end, that its fingerprint covers


class Reread:
    """A file that can be read again: from where it stood to its end."""

    def __init__(self, field: str, name: str, content: Path | IO[bytes]) -> None:
        self.field, self.name = field, name
        self._path = content if isinstance(content, Path) else None
        self._stream = None if isinstance(content, Path) else content
        self._version = version(content)
        self._whole = type(content) is io.BytesIO  # what is derived from it may do anything
        self._begin = 0
        self._loaded: bytes | None = None
        self._start = 0
        if isinstance(content, Path):
            self.size = content.stat().st_size
        else:
            self._start = content.tell()
            self.size = max(0, content.seek(0, io.SEEK_END) - self._start)
            content.seek(self._start)

    @property
    def length(self) -> int:
        """Its bytes in all."""
        return self.size

    @property
    def in_memory(self) -> bool:
        """Whether what was made ready can be read without waiting."""
        return self._whole or self._loaded is not None

    def fingerprint(self) -> Flow[str | None]:
        """What tells this file from another, or from a later version of itself."""
        if self._has(0, self.size):
            return self._digest()
        digest: str = yield InThread(self._fingerprint)
        return digest

    def load(self, offset: int, size: int) -> Flow[int]:
        """Makes ready what is sent next; gives how many bytes that is, `size` at most.

        What is small is read at once, and anything else as it is sent.
        """
        size = min(size, self.size - offset)
        if not self._has(offset, size):
            yield InThread(partial(self._load, offset, size))
        return size

    def read(self, offset: int, size: int) -> bytes:
        """The bytes at an offset.

        Raises:
            FileChanged: there are fewer.
        """
        if self._loaded is not None and self._has(offset, size):
            return self._loaded[offset - self._begin :][:size]
        file = self._open()
        file.seek(self._start + offset)
        piece = file.read(size)
        if len(piece) < size:
            raise FileChanged(f"{self.name!r} has fewer bytes than when its upload began")
        return piece

    def close(self) -> None:
        """Closes what was opened here, and lets go of what was read."""
        self._loaded = None
        if self._path is not None and self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open(self) -> IO[bytes]:
        if self._stream is None and self._path is not None:
            self._stream = self._path.open("rb")
        assert self._stream is not None  # noqa: S101  # it is one or the other
        return self._stream

    def _has(self, offset: int, size: int) -> bool:
        """Whether these bytes have been read already."""
        loaded = self._loaded
        return loaded is not None and 0 <= offset - self._begin <= len(loaded) - size

    def _load(self, offset: int, size: int) -> None:
        self._check()
        self._loaded = None
        if size <= SMALL:
            self._begin, self._loaded = offset, self.read(offset, size)

    def _check(self) -> None:
        if version(self._open()) != self._version:
            raise FileChanged(f"{self.name!r} has changed while it was uploaded")

    def _fingerprint(self) -> str:
        self._check()
        return self._digest()

    def _digest(self) -> str:
        """From its version, its beginning and its end; what is in memory is covered as a whole."""
        about = (self.size, self._version and self._version[1])
        digest = hashlib.blake2b(repr(about).encode(), digest_size=16)
        whole = self._whole or self.size <= 2 * _SAMPLE
        spans = [(0, self.size)] if whole else [(0, _SAMPLE), (self.size - _SAMPLE, _SAMPLE)]
        for offset, size in spans:
            for piece in Span(self.read, offset, size):
                digest.update(piece)
        return digest.hexdigest()


class ReadOnce:
    """A stream that can be read once. What was sent is kept until it has arrived."""

    in_memory = True

    def __init__(self, field: str, name: str, content: Stream) -> None:
        self.field, self.name = field, name
        self.size = content.size
        self.awaited = not isinstance(content.content, Iterable)
        self._pieces: Any = (
            iter(content.content)
            if isinstance(content.content, Iterable)
            else aiter(content.content)
        )
        self._kept = bytearray()
        self._rest = memoryview(b"")
        self._begin = 0
        self._ended = False

    @property
    def length(self) -> int | None:
        """Its bytes in all, once that is known."""
        return self._begin + len(self._kept) if self._ended else self.size

    def fingerprint(self) -> Flow[str | None]:
        """None: nothing tells a stream from another before it was read."""
        yield from ()
        return None

    def load(self, offset: int, size: int) -> Flow[int]:
        """As `Reread.load`; reads on until it is clear whether anything follows.

        Raises:
            FileChanged: these bytes are gone, or there are more or fewer than was said.
        """
        if not self._begin <= offset <= self._begin + len(self._kept):
            raise FileChanged(f"{self.name!r} can be read once, so its upload cannot be resumed")
        del self._kept[: offset - self._begin]
        self._begin = offset
        yield InThread(
            partial(self._fill_awaited if self.awaited else self._fill, size), self.awaited
        )
        has, ended = self._begin + len(self._kept) + len(self._rest), self._ended
        if self.size is not None and (has > self.size or (ended and has < self.size)):
            raise FileChanged(f"{self.name!r} was to have {self.size} bytes, but has {has}")
        return min(size, len(self._kept))

    def read(self, offset: int, size: int) -> bytes:
        """The bytes at an offset, which have been made ready."""
        begin = offset - self._begin
        return bytes(memoryview(self._kept)[begin : begin + size])

    def close(self) -> None:
        """Lets go of what was kept; the stream is the caller's."""
        self._begin += len(self._kept)
        self._kept, self._rest = bytearray(), memoryview(b"")

    def _fill(self, size: int) -> None:
        while self._wants(size):
            self._offer(next(self._pieces, None))

    async def _fill_awaited(self, size: int) -> None:
        while self._wants(size):
            self._offer(await anext(self._pieces, None))

    def _wants(self, size: int) -> bool:
        """Takes what is at hand; whether more is needed to have so much, and to see an end."""
        room = max(0, size - len(self._kept))
        self._kept += self._rest[:room]
        self._rest = self._rest[room:]
        return not self._rest and not self._ended

    def _offer(self, piece: object) -> None:
        if piece is None:
            self._ended = True
        elif isinstance(piece, bytes | bytearray | memoryview):
            self._rest = memoryview(bytes(piece))  # which copies what somebody could change
        else:
            kind = type(piece).__name__
            raise InvalidInput(f"{self.name!r} gave a piece of type {kind}; it has to be bytes")


Source: TypeAlias = Reread | ReadOnce


def sources(files: Files, *, asynchronous: bool) -> list[Source]:
    """The files to upload; nothing is read yet.

    Args:
        files: as `create_assembly` takes them, and streams beside them.
        asynchronous: whether streams that are awaited can be read.

    Raises:
        InvalidInput: one of them cannot be read, or an open file is there twice.
    """
    found, given = [], set[int]()
    for field, name, content, _ in named_files(files):
        if id(content) in given and not isinstance(content, bytes | str | os.PathLike):
            raise InvalidInput(f"{name!r} is there twice, but can be read by one upload at a time")
        given.add(id(content))
        source = _source(field, name, content)
        if isinstance(source, ReadOnce) and source.awaited and not asynchronous:
            raise InvalidInput(f"{name!r} has to be awaited, which AsyncTransloadit does")
        found.append(source)
    return found


def known_size(found: Iterable[Source]) -> int | None:
    """The bytes of all of them; None if that is not known."""
    total = 0
    for source in found:
        if source.size is None:
            return None
        total += source.size
    return total


def _source(field: str, name: str, content: object) -> Source:
    if isinstance(content, bytes | bytearray | memoryview):
        return Reread(field, name, io.BytesIO(content))
    if isinstance(content, str | os.PathLike):
        return _of_path(field, name, Path(content))
    if is_file(content):
        file = open_for_bytes(content, name)
        try:
            return Reread(field, name, file)
        except (AttributeError, OSError):  # a pipe, or what else cannot go back
            return ReadOnce(field, name, Stream(iter(partial(file.read, PIECE), b"")))
    if isinstance(content, Stream):
        return ReadOnce(field, name, content)
    if isinstance(content, Iterator | AsyncIterator):
        return ReadOnce(field, name, Stream(content))
    kind = type(content).__name__
    raise InvalidInput(f"{name!r} is of type {kind}; give a path, bytes, an open file or a stream")


def _of_path(field: str, name: str, path: Path) -> Source:
    try:
        if not path.is_file() and path.exists() and not path.is_dir():
            return ReadOnce(field, name, Stream(_pieces(path)))  # a named pipe, or a device
        path.open("rb").close()  # whether it can be read
        return Reread(field, name, path)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read the file {name!r}: {error}") from error


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
