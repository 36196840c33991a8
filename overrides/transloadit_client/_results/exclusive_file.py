"""A file with one writer, until it is whole and gets its name."""

import os
import stat
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path

from .._errors import TransloaditError

# In a folder that others may write to, a link or a FIFO may stand where a file is expected: a link
# is not followed, and opening a FIFO does not wait for its other end.
_PLAIN = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_OLD = os.O_RDWR | _PLAIN | getattr(os, "O_NOFOLLOW", 0)
_NEW = _OLD | os.O_CREAT | os.O_EXCL
READING = os.O_RDONLY | _PLAIN
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_NAMES = 100  # files of one name with a number; more are no accident


class ExclusiveFile(FileIO):
    """A file that this object alone writes to, opened for reading and writing.

    Its name is made exclusively. A file that is there already is taken over only if it is ours
    alone and its lock is free, for then its writer is gone; else the next number is tried:
    `NAME.part`, `NAME-2.part` …

    Attributes:
        path: its name at present.
    """

    path: Path
    _mode: int

    @classmethod
    def at(cls, path: Path) -> "ExclusiveFile":
        """Makes a file, or takes over the one that a process left which ended too early.

        Raises:
            OSError: the disk refuses.
            TransloaditError: all names are in use.
        """
        for number in range(1, _NAMES + 1):
            name = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
            if (file := cls._made(name) or cls._taken_over(name)) is not None:
                return file
        raise TransloaditError(f"there are {_NAMES} unfinished files such as {path}; remove them")

    @classmethod
    def _made(cls, path: Path) -> "ExclusiveFile | None":
        try:
            file = cls._opened(path, _NEW)
        except FileExistsError:
            return None
        # Another process may have found it before its lock was taken. Where the file system has no
        # locks, a file is never taken over.
        if _lock(file.fileno()) is False:  # pragma: no cover  # that moment
            file.close()
            return None
        file._mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        file._allow(file._mode & ~_WRITABLE_BY_OTHERS)
        return file

    @classmethod
    def _taken_over(cls, path: Path) -> "ExclusiveFile | None":
        try:
            file = cls._opened(path, _OLD)
        except OSError:  # a link, a folder, another user's, or gone by now
            return None
        # The lock comes first: until then its writer could still publish or remove it.
        if _lock(file.fileno()) and _is_ours(found := os.fstat(file.fileno())) and file.is_in_place:
            file._mode = stat.S_IMODE(found.st_mode)
            return file
        file.close()
        return None

    @classmethod
    def _opened(cls, path: Path, flags: int) -> "ExclusiveFile":
        file = cls(os.open(path, flags, 0o666), "r+")
        file.path = path
        return file

    @property
    def is_in_place(self) -> bool:
        """Whether its name still leads to it."""
        try:
            return os.path.samestat(os.lstat(self.path), os.fstat(self.fileno()))
        except (OSError, ValueError):  # gone, or closed
            return False

    def publish(self, path: Path, size: int) -> bool:
        """Gives it its final name; False if there is a file of that name already.

        Raises:
            OSError: the disk refuses.
            TransloaditError: it is not as it was written: replaced, linked, or of another size.
        """
        os.fsync(self.fileno())
        found = os.fstat(self.fileno())
        if not self.is_in_place or (found.st_nlink, found.st_size) != (1, size):
            raise TransloaditError(
                f"cannot save {path}: another program changed {self.path.name} meanwhile"
            )
        self._allow(self._mode)
        try:
            os.link(self.path, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            return self._rename(path)
        if not os.path.samestat(os.lstat(path), found):
            path.unlink()
            raise TransloaditError(f"cannot save {path}: another program put a file in its place")
        return True

    def leave(self, *, remove: bool) -> None:
        """Closes it, and removes it under the name it had while it grew."""
        # Removed before its lock goes, so that no other download has taken it over by then.
        with suppress(OSError):
            if remove and self.is_in_place:
                self.path.unlink()
        self.close()
        if remove and sys.platform == "win32":  # pragma: no cover  # it removes no open file
            with suppress(OSError):
                self.path.unlink()

    def _rename(self, path: Path) -> bool:
        """Renames it; an empty file reserves the name, since a rename replaces any file."""
        try:
            os.close(os.open(path, _NEW, 0o666))
        except FileExistsError:
            return False
        try:
            if sys.platform == "win32":  # pragma: no cover  # it renames no open file
                self.close()
            self.path.replace(path)
        except OSError:
            path.unlink()
            raise
        return True

    def _allow(self, mode: int) -> None:
        """Sets its permissions: while it grows, only its owner may write to it."""
        if sys.platform != "win32" and self._mode & _WRITABLE_BY_OTHERS:
            with suppress(OSError):  # a file system without permissions
                os.fchmod(self.fileno(), mode)


def _is_ours(found: os.stat_result) -> bool:
    """Whether a file was made by us, as far as can be told, and can be changed by us alone."""
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return False
    if sys.platform == "win32":  # pragma: no cover  # whose permissions are not in the mode
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & _WRITABLE_BY_OTHERS


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(descriptor: int) -> bool | None:
        """Locks a byte far behind any content, since the lock of a byte forbids to read it."""
        os.lseek(descriptor, 2**62, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool | None:
        """Locks a file for as long as it is open: whether that worked; None if there are no locks.

        By `flock`, as its locks also hold between threads, and end with the process.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True
