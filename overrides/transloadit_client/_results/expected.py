"""Size and hashes of a result, by its status, and whether a file has them."""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from io import FileIO
from pathlib import Path

from attrs import frozen

from .._status import AssemblyFile
from .exclusive_file import READING

_DIGEST = {"md5": re.compile(r"[0-9A-Fa-f]{32}"), "sha256": re.compile(r"[0-9A-Fa-f]{64}")}
_READ = 1024 * 1024  # bytes


@frozen
class Expected:
    """The facts in a status about a file's bytes; all that are known are checked.

    Attributes:
        size: how many there are, or None.
        hashes: their digests in hex, by algorithm.
        is_html: whether they may be a page.
    """

    size: int | None
    hashes: Mapping[str, str]
    is_html: bool

    @classmethod
    def of(cls, file: AssemblyFile) -> "Expected":
        size, kinds = file.size, (file.mime, file.ext, file.name)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            size = None
        given = {"md5": file.md5hash, "sha256": file.additional_properties.get("sha256")}
        return cls(
            size=size,
            hashes={
                name: text.lower()
                for name, text in given.items()
                if isinstance(text, str) and _DIGEST[name].fullmatch(text)
            },
            is_html=any(isinstance(kind, str) and "html" in kind.lower() for kind in kinds),
        )

    @property
    def identifies(self) -> bool:
        """Whether size and hash tell these bytes from all others."""
        return bool(self.hashes) and self.size is not None

    def objection(self, announced: int | None, headers: Mapping[str, str]) -> str:
        """Why an answer cannot be the file, as far as its headers tell; else an empty text."""
        page = "text/html" in headers.get("Content-Type", "").lower() and not self.is_html
        kind = "a page (HTML)" if page else "an answer"
        if self.size is not None and announced not in (None, self.size):
            return f"{kind} of {announced} bytes came, where the status has {self.size}"
        if page and not self.hashes:
            return f"{kind} came instead"
        encoded = headers.get("Content-Encoding", "identity").lower() != "identity"
        if encoded and not self.hashes and self.size is None:
            return "it came compressed, though that was not asked for"
        return ""

    def fault(self, file: FileIO) -> str:
        """Why the bytes of a file are not the expected ones; an empty text if they are."""
        hashes = {name: hashlib.new(name, usedforsecurity=False) for name in self.hashes}
        size = file.seek(0, os.SEEK_END)
        if self.size is not None and size != self.size:
            return f"it has {size} bytes, where the status has {self.size}"
        file.seek(0)
        while hashes and (data := file.read(_READ)):
            for digest in hashes.values():
                digest.update(data)
        for name, digest in hashes.items():
            if digest.hexdigest() != self.hashes[name]:
                return f"the {name} of its {size} bytes is not the one that the status has"
        return ""


def holds(path: Path, expected: Expected) -> bool:
    """Whether a file has the bytes that the status identifies."""
    if not expected.identifies:
        return False
    try:
        with FileIO(path, opener=lambda name, _: os.open(name, READING)) as file:
            return stat.S_ISREG(os.fstat(file.fileno()).st_mode) and not expected.fault(file)
    except OSError:  # a folder, or one that we may not read: in any case another file
        return False
