"""What is sent as a file, in a form and by tus alike: files that can be read again, and streams.

A source knows its name and, where that can be known, its length, which it then keeps to: a file
that grows, shrinks, is replaced or vanishes while it is sent ends with `FileChanged`, never as a
mixture. A path is opened when its turn comes, and closed after its last byte.
"""

import io
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

from .._errors import FileChanged, InvalidInput
from .contents import (
    PIECE,
    SMALL,
    Awaiting,
    Stream,
    as_bytes,
    as_path,
    extent_of,
    foreign,
    is_file,
    open_for_bytes,
    read_exactly,
    read_some,
    size_is_doubtful,
    version_of,
)

_END = object()


class _Named:
    """A source's place in the request.

    Attributes:
        field: the form field.
        name: the file's name.
        content_type: as it was given; None if it was not.
        metadata: further metadata for the server of uploads.
    """

    content_type: str | None = None
    metadata: Mapping[str, str] = {}

    def __init__(self, field: str, name: str) -> None:
        self.field, self.name = field, name


class CannotGoBack(Exception):
    """The file can be read once: it is a stream."""


class FileSource(_Named):
    """A file that can be read again: from where it stood to its end.

    Args:
        content: bytes, a path (see `as_path`), or an open file.

    Raises:
        CannotGoBack: it is no file but a stream.
        InvalidInput: it cannot be read, or stands at its end.
    """

    awaited = False

    def __init__(self, field: str, name: str, content: Any) -> None:
        super().__init__(field, name)
        self._path: Any = None if isinstance(content, bytes) or is_file(content) else content
        self._file: Any = None if self._path is not None else content
        self._begin = self._start = 0
        self._loaded: bytes | None = None
        self._whole = isinstance(content, bytes)
        if isinstance(content, bytes):
            self._loaded, self.size = content, len(content)
            return
        with foreign(name):
            self._path_version = version_of(content) if self._path is not None else None
            file = content.open("rb") if self._file is None else content
            try:
                self._file_version = version_of(file)
                measured = self._measure(file)
            finally:
                if self._path is not None:
                    file.close()
        if not measured:
            raise CannotGoBack

    @property
    def length(self) -> int:
        """Its bytes in all."""
        return self.size

    @property
    def in_memory(self) -> bool:
        """Whether what was loaded can be read without waiting."""
        return self._loaded is not None

    @property
    def written(self) -> int | None:
        """When it was written to, in nanoseconds; None for what is no file on a disk."""
        return None if self._whole or self._file_version is None else self._file_version[-1]

    @property
    def content(self) -> bytes | None:
        """All of it, if it is in memory for good."""
        return self._loaded if self._whole else None

    def pieces(self) -> Iterator[bytes]:
        """All of its bytes, from the first one, however often it was read before.

        Raises:
            FileChanged: as `read`.
        """
        for offset in range(0, self.size, PIECE):
            yield self.read(offset, min(PIECE, self.size - offset))
        self.close()  # before the next file is opened: descriptors may be few

    def read(self, offset: int, size: int) -> bytes:
        """The bytes at an offset, of the very version whose length was declared.

        Raises:
            FileChanged: the file has changed, or is gone.
            InvalidInput: it cannot be read.
        """
        begin = offset - self._begin
        if self._loaded is not None and 0 <= begin <= len(self._loaded) - size:
            return self._loaded[begin : begin + size]
        file = self._opened()
        with foreign(self.name):
            file.seek(self._start + offset)
            piece = read_exactly(file, size)
            # Where there is no version, a file that has grown still gives more than it should.
            grown = self._file_version is None and offset + size == self.size and read_some(file, 1)
        # Compared after the bytes are read and before they are sent, so that the last ones, which
        # would make the file complete, are never those of another version.
        self._check(file)
        if grown or len(piece) < size:
            has = "more" if grown else "fewer"
            raise FileChanged(
                f"{self.name!r} has {has} bytes than the {self.size} that were declared"
            )
        return piece

    def ready(self, offset: int, size: int) -> int | None:
        """How many of so many bytes there are, if they are loaded; else None."""
        size, begin = min(size, self.size - offset), offset - self._begin
        loaded = self._loaded is not None and 0 <= begin <= len(self._loaded) - size
        return size if loaded else None

    def load(self, offset: int, size: int) -> int:
        """Makes ready what is sent next, unless it is; gives how many bytes, `size` at most.

        What is small is read at once, and anything else as it is sent.

        Raises:
            FileChanged, InvalidInput: as `read`.
        """
        size = min(size, self.size - offset)
        self._check(self._opened())
        self._loaded = None
        if size <= SMALL:
            self._begin, self._loaded = offset, self.read(offset, size)
        return size

    def why_not_again(self) -> str | None:
        """Why it cannot be sent once more, or None. Opens nothing."""
        changed = not self._whole and self._has_changed(self._file)
        return "a file has changed since it was sent" if changed else None

    def close(self) -> None:
        """Closes what was opened here, and lets go of what was loaded."""
        if not self._whole:
            self._loaded = None
        if self._path is not None and self._file is not None:
            file, self._file = self._file, None
            with suppress(Exception):  # what was read stays right, and the Assembly may be there
                file.close()

    def _measure(self, file: Any) -> bool:
        """Finds its length; false if it cannot be read again."""
        extent = extent_of(file, self.name)
        if extent is None:
            return False
        self._start, end = extent
        if type(file) is io.BytesIO:  # what is derived from it may do anything
            self._loaded, self._whole = file.getvalue()[self._start :], True
        elif size_is_doubtful(file, end):
            content = read_exactly(file, SMALL + 1)
            file.seek(self._start)
            if len(content) > SMALL:
                return False
            self._loaded, self._whole, end = content, True, self._start + len(content)
        if end <= self._start and self._start > 0:
            raise InvalidInput(
                f"the file {self.name!r} is at its end, so nothing of it would be sent:"
                " call its seek(0) first, or give b'' for an empty file"
            )
        self.size = end - self._start
        return True

    def _opened(self) -> Any:
        if self._file is None:
            try:
                with foreign(self.name):
                    self._file = self._path.open("rb")
            except InvalidInput as error:
                if isinstance(error.__cause__, FileNotFoundError):
                    raise FileChanged(f"{self.name!r} is gone") from error.__cause__
                raise
        return self._file

    def _check(self, file: Any) -> None:
        if self._has_changed(file):
            raise FileChanged(f"{self.name!r} has changed, or is gone, since the call began")

    def _has_changed(self, file: Any) -> bool:
        path = self._path is not None and version_of(self._path) != self._path_version
        return path or (file is not None and version_of(file) != self._file_version)


class StreamSource(_Named):
    """A stream, which can be read once. By tus, what was sent is kept until it has arrived.

    Attributes:
        size: how many bytes there are, as far as that was said.
        awaited: whether its pieces have to be awaited.
        of_file: whether it is an open file, and not an iterator.

    Raises:
        InvalidInput: its content gives no pieces, or its size is no number of bytes.
    """

    in_memory = True
    content = None

    def __init__(
        self, field: str, name: str, stream: Stream, awaiting: Awaiting | None = None
    ) -> None:
        super().__init__(field, name)
        content, self.size = stream.content, stream.size
        if self.size is not None and (not isinstance(self.size, int) or self.size < 0):
            raise InvalidInput(f"the size of the stream {name!r} is {self.size!r}: it counts bytes")
        with foreign(name):
            if isinstance(content, str | bytes | bytearray | memoryview):
                raise InvalidInput(
                    f"{name!r} is a Stream of {type(content).__name__}; give it an iterator of"
                    " bytes, or an open file"
                )
            path = as_path(content)
            self.of_file = path is not None or is_file(content)
            if path is not None:
                content = _pieces_of_path(path)
            elif is_file(content):
                file = open_for_bytes(content, name, awaiting)
                content = iter(partial(read_some, file, PIECE), b"")
            self.awaited = not isinstance(content, Iterable)
            self._pieces: Any = (
                aiter(cast("Any", content)) if self.awaited else iter(cast("Any", content))
            )
        self._kept = bytearray()
        self._rest = memoryview(b"")
        self._begin = 0
        self._begun = self._ended = False

    @property
    def length(self) -> int | None:
        """Its bytes in all, once that is known."""
        return self._begin + len(self._kept) if self._ended else self.size

    def pieces(self) -> Iterator[bytes]:
        """All of its bytes, once."""
        while (piece := self._next()) is not _END:
            yield as_bytes(piece)

    def read(self, offset: int, size: int) -> bytes:
        """The bytes at an offset, which have been loaded."""
        begin = offset - self._begin
        return bytes(memoryview(self._kept)[begin : begin + size])

    def ready(self, offset: int, size: int) -> None:
        """None: whether anything follows these bytes shows only when it is read on."""

    def load(self, offset: int, size: int) -> int | Awaitable[int]:
        """As `FileSource.load`; reads on until it is clear whether anything follows.

        Raises:
            FileChanged: these bytes are gone, or there are more or fewer than was said.
            InvalidInput: what it gives cannot be read, or is not made of bytes.
        """
        if not self._begin <= offset <= self._begin + len(self._kept):
            raise FileChanged(f"{self.name!r} can be read once, so its upload cannot be resumed")
        del self._kept[: offset - self._begin]
        self._begin = offset
        if self.awaited:
            return self._load_awaited(size)
        while self._wants(size):
            self._offer(self._next())
        return self._ready(size)

    def why_not_again(self) -> str | None:
        """As `FileSource.why_not_again`."""
        return "a stream that has been read cannot be sent again" if self._begun else None

    def close(self) -> None:
        """Lets go of what was kept; the stream is the caller's."""
        self._begin += len(self._kept)
        self._kept, self._rest = bytearray(), memoryview(b"")

    async def _load_awaited(self, size: int) -> int:
        while self._wants(size):
            with foreign(self.name):
                self._offer(await anext(self._pieces, _END))
        return self._ready(size)

    def _next(self) -> object:
        self._begun = True
        with foreign(self.name):
            return next(self._pieces, _END)

    def _wants(self, size: int) -> bool:
        """Takes what is at hand; whether more is needed to have so much, and to see an end."""
        room = max(0, size - len(self._kept))
        self._kept += self._rest[:room]
        self._rest = self._rest[room:]
        return not self._rest and not self._ended

    def _offer(self, piece: object) -> None:
        if piece is _END:
            self._ended = True
        else:
            with foreign(self.name):
                self._rest = memoryview(as_bytes(piece))

    def _ready(self, size: int) -> int:
        has, ended = self._begin + len(self._kept) + len(self._rest), self._ended
        if self.size is not None and (has > self.size or (ended and has < self.size)):
            raise FileChanged(f"{self.name!r} was to have {self.size} bytes, but has {has}")
        return min(size, len(self._kept))


Source: TypeAlias = FileSource | StreamSource


def source_of(field: str, name: str, content: object, awaiting: Awaiting | None = None) -> Source:
    """What is sent of whatever was handed over; of a stream nothing is read yet.

    Args:
        field: the form field.
        name: the file's name.
        content: bytes, a path, an open file, or a stream.
        awaiting: awaits what asynchronous files give; None where nothing can be awaited.

    Raises:
        InvalidInput: it is none of these, or cannot be read.
    """
    with foreign(name):
        if isinstance(content, bytes | bytearray | memoryview):
            return FileSource(field, name, bytes(content))
        if is_file(content):
            return _of_file(field, name, open_for_bytes(content, name, awaiting))
        path = as_path(content)
        # A named pipe or a device is a stream: to open one may have to wait for its other end.
        local = isinstance(path, Path) and path.exists()
        if path is not None and (not local or path.is_file() or path.is_dir()):
            return _of_file(field, name, path)
        if path is not None or isinstance(content, Iterator | AsyncIterator):
            content = Stream(cast("Any", content if path is None else path))
        if not isinstance(content, Stream):
            raise InvalidInput(
                f"{name!r} is of type {type(content).__name__}; give a path, bytes, an open file or"
                " a stream"
            )
        stream = StreamSource(field, name, content, awaiting)
    if stream.awaited and awaiting is None:
        raise InvalidInput(f"{name!r} is asynchronous: use AsyncTransloadit")
    return stream


def known_size(found: Iterable[Source]) -> int | None:
    """The bytes of all of them; None if that is not known."""
    sizes = [source.size for source in found]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _of_file(field: str, name: str, content: Any) -> Source:
    """An open file, or a path, as what can be read again if that is possible."""
    try:
        return FileSource(field, name, content)
    except CannotGoBack:
        return StreamSource(field, name, Stream(content))


def _pieces_of_path(path: Any) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := read_some(file, PIECE):
            yield piece
