"""A file that a client sends: its bytes on disk, and hashed as they arrive."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hashlib import _Hash


class Mark(NamedTuple):
    """How far a file had come."""

    size: int
    md5: _Hash
    sha256: _Hash


@dataclass
class StoredFile:
    """A file part, or an upload by tus: what the client said of it, and where its bytes are.

    Runs of zero bytes become holes on disk, so that a test of huge files needs no huge disk.
    """

    field_name: str
    filename: str | None
    """As sent, so that a test sees a path where there should be none; the form's parser alone takes
    folders in the manner of Windows off, which old browsers sent."""
    content_type: str | None
    path: Path = field(repr=False)
    size: int = 0
    complete: bool = False
    _md5: _Hash = field(
        default_factory=lambda: hashlib.md5(usedforsecurity=False), repr=False, compare=False
    )
    _sha256: _Hash = field(default_factory=hashlib.sha256, repr=False, compare=False)
    _file: IO[bytes] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The file name without any folders."""
        return PurePosixPath(PureWindowsPath(self.filename or "").name).name

    @property
    def md5(self) -> str:
        """Of the bytes received, in hex."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        """Of the bytes received, in hex."""
        return self._sha256.hexdigest()

    def write(self, data: bytes) -> None:
        """Add bytes as they arrive."""
        file = self._open()
        if data == bytes(len(data)):
            file.seek(len(data), os.SEEK_CUR)
        else:
            file.write(data)
        self.size += len(data)
        self._md5.update(data)
        self._sha256.update(data)

    def hash_again(self) -> None:
        """Hash the bytes on disk, and forget those that are more than had come.

        They may be fewer, if they never got there because the process was killed.

        Raises:
            OSError: the file is gone.
        """
        if not self.size:
            self.path.touch()
        with self.path.open("r+b") as file:
            self.size = min(self.size, file.seek(0, os.SEEK_END))
            file.truncate(self.size)
            file.seek(0)
            while piece := file.read(1024 * 1024):
                self._md5.update(piece)
                self._sha256.update(piece)

    def mark(self) -> Mark:
        """How far it has come, to `rewind()` to."""
        return Mark(self.size, self._md5.copy(), self._sha256.copy())

    def rewind(self, mark: Mark) -> None:
        """Forget what came after a mark."""
        self.size, self._md5, self._sha256 = mark.size, mark.md5.copy(), mark.sha256.copy()
        self._open().seek(self.size)

    def pause(self) -> None:
        """Put all bytes on disk; more may come."""
        file = self._open()
        file.truncate(self.size)  # which also ends a hole
        file.close()
        self._file = None

    def close(self, *, complete: bool) -> None:
        """Take no more bytes; an empty file gets its place on disk too."""
        self.pause()
        self.complete = complete
        if not complete:
            self.path.unlink(missing_ok=True)

    def _open(self) -> IO[bytes]:
        if self._file is None:
            self._file = self.path.open("r+b" if self.path.exists() else "wb")
            self._file.seek(self.size)
        return self._file
