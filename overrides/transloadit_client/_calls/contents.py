"""Objects that people hand over as files: they may be of any class, and raise any error.

Nothing is asked of a file but `read`, and `seek` and `tell` where it says that it can go back. Here
are the steps that a source (`sources.py`) is made of; each turns foreign errors into ours.
"""

import hashlib
import io
import os
import time
from base64 import b64encode
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from inspect import isawaitable, iscoroutine
from pathlib import Path
from typing import IO, Any, Literal, Protocol, TypeAlias

from attrs import field, frozen

from .._errors import InvalidInput, TransloaditError

PIECE = 512 * 1024
"""Bytes that are read and sent at once: fewer cost time, more cost memory."""

SMALL = 1024 * 1024
"""Bytes that are read before they are sent, and that can go with the request that begins an upload:
in memory once for each upload in progress, and sent twice if that request breaks."""

Sent: TypeAlias = Callable[[int], object]
"""Called with the offset that an upload has reached in its file."""

Version: TypeAlias = tuple[int, int, int, int]
"""What changes when a file is replaced or written to: device, inode, size, time of last write.

Not the time of its last change of status: a hard link or a `chmod` by a backup program changes
that, and no byte of the file.
"""

Awaiting: TypeAlias = Callable[..., Any]
"""Awaits an asynchronous function with its arguments, from a thread: `anyio.from_thread.run`."""

_NOT_YET = 0.02  # seconds before a stream that had nothing to read is asked again


class Opens(Protocol):
    """A path of another library, such as `zipfile.Path`."""

    def open(self, mode: Literal["rb"], /) -> IO[bytes]: ...


class Reads(Protocol):
    """An open file; one whose `read` has to be awaited is for `AsyncTransloadit`."""

    def read(self, size: int, /) -> bytes | Awaitable[bytes]: ...


@frozen
class Stream:
    """A file whose bytes come in pieces, once: for `upload` and `run`.

    Args:
        content: an iterator of `bytes`, or a file that is read once. Asynchronous ones work with
            `AsyncTransloadit` only.
        size: how many bytes there are in all, if known; fewer or more raise `FileChanged`.
    """

    __module__ = "transloadit_client"

    content: Iterable[bytes] | AsyncIterable[bytes] | Reads = field(repr=False)
    size: int | None = None


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
        self._read, self._offset, self.size, self._sent = read, offset, size, sent
        self.in_memory = in_memory

    def __iter__(self) -> Iterator[bytes]:
        end = self._offset + self.size
        piece = PIECE if self.size > SMALL else SMALL  # what has been read already goes at once
        for offset in range(self._offset, end, piece):
            size = min(piece, end - offset)
            yield self._read(offset, size)
            if self._sent is not None:
                self._sent(offset + size)

    def sha1(self) -> str:
        """Its SHA-1, as tus has it: in base64."""
        digest = hashlib.sha1(usedforsecurity=False)
        for piece in Span(self._read, self._offset, self.size):
            digest.update(piece)
        return b64encode(digest.digest()).decode()


class AwaitedFile:
    """An asynchronous file (aiofiles, anyio …) as a blocking one, for use in a thread."""

    def __init__(self, file: Any, awaiting: Awaiting) -> None:
        self._file, self._awaiting = file, awaiting

    def read(self, size: int) -> Any:
        return self._awaiting(self._file.read, size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> Any:
        return self._awaiting(self._file.seek, offset, whence)

    def tell(self) -> Any:
        return self._awaiting(self._file.tell)

    def fileno(self) -> Any:
        return blocking(self._file.fileno())


def blocking(result: Any) -> Any:
    """The result of a blocking call; None if it would have to be awaited."""
    if not isawaitable(result):
        return result
    if iscoroutine(result):
        result.close()  # else Python warns that it was never awaited
    return None


@contextmanager
def foreign(name: str) -> Iterator[None]:
    """Turns whatever the caller's own object raises into an error of ours that names the file.

    Raises:
        InvalidInput: with the error of the object as its `__cause__`.
    """
    try:
        yield
    except TransloaditError:
        raise
    except Exception as error:  # the object's class is unknown, and so are its errors
        kind = "" if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: "
        raise InvalidInput(f"cannot read the file {name!r}: {kind}{error}") from error


def is_file(content: object) -> bool:
    """Whether it reads like an open file."""
    return callable(getattr(content, "read", None))


def open_for_bytes(file: Any, name: str, awaiting: Awaiting | None = None) -> Any:
    """An open file as one that gives bytes and blocks, as far as can be told before it is read.

    Raises:
        InvalidInput: it is closed, open for text or for writing alone, or has to be awaited where
            nothing can.
    """
    with foreign(name):
        if getattr(file, "closed", False) is True:
            raise InvalidInput(f"cannot read the file {name!r}: it is closed")
        if isinstance(file, io.TextIOBase):
            raise InvalidInput(f"{name!r} is open for text; open it with mode 'rb'")
        try:
            nothing = file.read(0)
        except TypeError as error:
            raise InvalidInput(
                f"cannot read the file {name!r}: its read() takes no number of bytes"
            ) from error
        except Exception:  # noqa: BLE001  # some refuse to read no bytes, such as Flask's request.stream
            nothing = b""
        if isinstance(nothing, str):  # NamedTemporaryFile("w+") is no TextIOBase
            raise InvalidInput(f"{name!r} is open for text; open it with mode 'rb'")
        if isawaitable(nothing):
            blocking(nothing)
            return _awaited(file, name, awaiting)
        readable = getattr(file, "readable", None)
        if callable(readable) and readable() is False:
            raise InvalidInput(f"cannot read the file {name!r}: it is not open for reading")
        return file


def _awaited(file: Any, name: str, awaiting: Awaiting | None) -> Any:
    if awaiting is None:
        raise InvalidInput(
            f"the file {name!r} has to be awaited: give its .file, or whichever blocking file it"
            " wraps, or use AsyncTransloadit"
        )
    # Starlette's UploadFile has no `tell`, so it could not be sent again; the file in it can.
    inner = getattr(file, "file", None)
    if is_file(inner):
        return open_for_bytes(inner, name, awaiting)
    return AwaitedFile(file, awaiting)


def read_some(file: Any, size: int) -> bytes:
    """Reads `size` bytes at most; none at all only at the end.

    Raises:
        InvalidInput: it gave something else than bytes.
    """
    # PEP 3116: None means that nothing is there yet, as from a pipe in non-blocking mode.
    while (piece := file.read(size)) is None:
        time.sleep(_NOT_YET)
    return as_bytes(piece)


def read_exactly(file: Any, size: int) -> bytes:
    """Reads `size` bytes, and fewer only at the end: files may give less than was asked for."""
    piece = read_some(file, size)
    if not piece or len(piece) >= size:
        return piece[:size]
    joined = bytearray(piece)
    while len(joined) < size and (piece := read_some(file, size - len(joined))):
        joined += piece
    return bytes(joined[:size])


def as_bytes(piece: object) -> bytes:
    """A piece of a file, copied if its owner could change it.

    Raises:
        InvalidInput: it is not made of bytes.
    """
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise InvalidInput(
            f"a file gave a piece of type {type(piece).__name__}; it has to be bytes"
        )
    return bytes(piece)


def extent_of(file: Any, name: str) -> tuple[int, int] | None:
    """Where a file stands, and where it ends; None for a file that cannot go back.

    Raises:
        InvalidInput: it said that it can go back, and could not, so that bytes are lost.
    """
    try:
        if not _says_that_it_seeks(file):
            return None
        start = file.tell()
        file.seek(start)
    except Exception:  # noqa: BLE001  # the class is unknown; nothing was moved
        return None
    try:
        file.seek(0, io.SEEK_END)
        # `seek` gives no position in SFTP files, nor in memory maps before Python 3.13.
        end: int | None = file.tell()
    except Exception:  # noqa: BLE001  # likewise; /proc has files without an end to go to
        end = None
    try:
        file.seek(start)
        back = file.tell()
    except Exception:  # noqa: BLE001  # likewise
        back = None
    # Where `seek` does nothing, the end seems to be where the file stands. Else only a file of the
    # system that has grown meanwhile gives bytes from there.
    stuck = end == start and version_of(file) is None and read_some(file, 1)
    if back != start or stuck:
        raise InvalidInput(
            f"the file {name!r} says that it can seek, but cannot go back to where it stood, so"
            " nothing was sent. Open it again, and give `Stream(file)` to `upload` or `run`"
        )
    return None if end is None else (start, end)


def _says_that_it_seeks(file: Any) -> bool:
    """Whether a file, and the file that it unpacks or buffers, say so.

    `GzipFile.seekable` is always true (python/cpython#77354): to go to its end all is unpacked, and
    if it wraps a socket or a pipe there is no way back.
    """
    if not callable(getattr(file, "seek", None)):
        return False
    says = getattr(file, "seekable", None)
    if callable(says) and not says():
        return False
    inner = getattr(file, "raw", None) or getattr(file, "fileobj", None)
    return inner is None or _says_that_it_seeks(inner)


def version_of(file: Any) -> Version | None:
    """The version of a path or an open file; None for what is neither, or is gone."""
    try:
        about = _stat(file) if is_file(file) else file.stat()
        version: Version = about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns
    except Exception:  # noqa: BLE001  # the class is unknown; what has no version has none
        return None
    return version


def _stat(file: Any) -> os.stat_result:
    # Asked for a descriptor, a SpooledTemporaryFile would move from memory to the disk.
    if getattr(file, "_rolled", True) is False:
        raise io.UnsupportedOperation
    return os.fstat(file.fileno())


def size_is_doubtful(file: Any, size: int) -> bool:
    """Whether a file may hold other bytes than its size says: it takes no room on a disk.

    So do files of /proc (0 bytes) and of /sys (4096), and documents that a FUSE makes when they are
    read. Sparse files do too; large ones are believed.
    """
    try:
        about = _stat(file)
    except Exception:  # noqa: BLE001  # the class is unknown, and it is no file of the system
        return False
    return about.st_size == size <= SMALL and not (size and getattr(about, "st_blocks", 1))


def as_path(content: object) -> Any:
    """What `content` can be opened by: a `Path`, or an object with `open` like one; else None.

    A `Path` is opened by its own `open`, since those of other libraries may lead to other machines.
    """
    if isinstance(content, Path):
        return content
    if isinstance(content, str | os.PathLike):
        return Path(os.fsdecode(content))
    # zipfile.Path, and universal_pathlib's, are no os.PathLike, as they name nothing on this disk.
    return content if callable(getattr(content, "open", None)) and not is_file(content) else None
