"""Whether an input of a `map` is still the one that its journal knows."""

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from .._calls.files import Files, contents_of
from .._errors import InvalidInput

_SAMPLE = 64 * 1024  # bytes of a file's beginning, and of its end, that are looked at
# Not there, no file, a stream, bytes with gaps: nothing that can be compared.
_UNKNOWN = (InvalidInput, OSError, TypeError, ValueError, BufferError)


def version_of(files: Files) -> str | None:
    """A text that differs between versions of an input; None if it can be read only once.

    Of a file it has the size, the time, and a digest of its beginning and end; of bytes a digest.
    The time alone would not do: a checkout or a copy changes it and nothing else.
    """
    try:
        return json.dumps([(*_outline(content), _digest(content)) for content in _contents(files)])
    except _UNKNOWN:
        return None


def has_changed(files: Files, version: str) -> bool:
    """Whether an input is known to be another than when `version_of` was asked."""
    try:
        now, before = list(_contents(files)), json.loads(version)
        return len(now) != len(before) or any(
            _differs(content, *old) for content, old in zip(now, before, strict=True)
        )
    except _UNKNOWN:  # a file that is gone, for one
        return False


def _differs(content: Any, size: int, time: int | None, digest: str) -> bool:
    size_now, time_now = _outline(content)
    if time is not None and (size_now, time_now) == (size, time):
        return False
    return size_now != size or _digest(content) != digest


def _contents(files: Files) -> Iterator[Any]:
    if _is_read_once(files):
        raise TypeError
    given: Any = [files] if isinstance(files, tuple) else files  # a tuple is `(name, content)` here
    return contents_of(given)


def _is_read_once(files: object) -> bool:
    """Whether looking at it may take something from it, such as from a generator of paths."""
    inside: Iterable[object] = ()
    if isinstance(files, list | tuple):
        inside = files
    elif isinstance(files, Mapping):
        inside = files.values()
    return isinstance(files, Iterator) or any(map(_is_read_once, inside))


def _outline(content: Any) -> tuple[int, int | None]:
    """Size, and the time of the last change where there is one."""
    if isinstance(content, bytes | bytearray | memoryview):
        return memoryview(content).nbytes, None
    found = Path(content).stat()
    if not stat.S_ISREG(found.st_mode):
        raise TypeError(content)
    return found.st_size, found.st_mtime_ns


def _digest(content: Any) -> str:
    if isinstance(content, bytes | bytearray | memoryview):
        return blake2b(content, digest_size=16).hexdigest()
    with Path(content).open("rb") as file:
        sample = file.read(_SAMPLE)
        end = file.seek(0, os.SEEK_END)
        file.seek(max(len(sample), end - _SAMPLE))
        return blake2b(sample + file.read(_SAMPLE), digest_size=16).hexdigest()
