"""What kind of file some bytes are: the service looks at the bytes, not at the file's name."""

from __future__ import annotations

import mimetypes
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 512
"""Bytes of a file that are looked at."""

# Where in the file a mark stands, the mark, and the type that it gives away.
_MARKS = [
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypavif", "image/avif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"PK\x03\x04", "application/zip"),
]
_EXTENSIONS = {"image/jpeg": "jpg", "image/svg+xml": "svg", "audio/mpeg": "mp3"}
"""Where the first extension of `mimetypes` is not the usual one."""


def mime_by_bytes(head: bytes) -> str | None:
    """The type that a file's first bytes give away."""
    for place, mark, mime in _MARKS:
        if head.startswith(mark, place):
            return mime
    return "image/svg+xml" if b"<svg" in head else None


def mime_of(head: bytes, named: str, filename: str) -> str:
    """The type of a file: by its first bytes, else as it was named, else by its file name."""
    if seen := mime_by_bytes(head):
        return seen
    kind = named.partition(";")[0].strip().lower()
    if kind and kind != "application/octet-stream":
        return kind
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


def extension_of(mime: str) -> str:
    """The usual extension of a type, without its dot; empty if there is none."""
    if mime == "application/octet-stream":
        return ""
    return _EXTENSIONS.get(mime) or (mimetypes.guess_extension(mime) or "").removeprefix(".")


def head_of(path: Path) -> bytes:
    """The first bytes of a file; none if it is gone."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except FileNotFoundError:
        return b""


def png_size(head: bytes) -> dict[str, int]:
    """Width and height of a PNG; empty for other kinds, which need the extra `media`."""
    if len(head) < 24 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return {}
    width, height = struct.unpack(">II", head[16:24])
    return {"width": width, "height": height}
