"""The files of an Assembly, as its status lists them."""

from __future__ import annotations

import mimetypes
import struct
import uuid
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .paths import FILES_PATH

if TYPE_CHECKING:
    from .._storage import StoredFile


@dataclass
class AssemblyFile:
    """A file that an Assembly's status lists, with an address that serves it."""

    stored: StoredFile = field(repr=False)
    host: str
    original_id: str | None = None
    """The upload that a result was made from; None in an upload itself."""
    tus_upload_url: str | None = None
    """Where it came by tus; None if it came in a form, and in a result."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def url(self) -> str:
        """Where the bytes are."""
        return f"{self.host}{FILES_PATH}{self.id}/{quote(self.stored.name or 'unnamed', safe='')}"

    @property
    def mime(self) -> str:
        """As the client named it, or guessed from the file name."""
        named = (self.stored.content_type or "").partition(";")[0].strip()
        return named or mimetypes.guess_type(self.stored.name)[0] or "application/octet-stream"

    def status(self) -> dict[str, Any]:
        """The file's object in the status."""
        name = self.stored.name
        path = PurePosixPath(name)
        md5 = self.stored.md5
        kind = self.mime.partition("/")[0]
        return {
            "id": self.id,
            "name": name,
            "basename": path.stem,
            "ext": path.suffix[1:].lower(),
            "size": self.stored.size,
            "mime": self.mime,
            "type": kind if kind in ("image", "video", "audio") else None,
            "field": self.stored.field_name,
            "md5hash": md5,
            "original_id": self.original_id or self.id,
            "original_basename": path.stem,
            "original_name": name,
            "original_path": "/",
            "original_md5hash": md5,
            "from_batch_import": False,
            "is_tus_file": self.tus_upload_url is not None,
            "tus_upload_url": self.tus_upload_url,
            "url": self.url,
            "ssl_url": self.url,
            "meta": png_size(self.stored),
        }


def png_size(stored: StoredFile) -> dict[str, int]:
    """Width and height of a PNG; of other kinds the stand-in knows nothing."""
    if not stored.path.exists():
        return {}
    with stored.path.open("rb") as file:
        head = file.read(24)
    if len(head) < 24 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return {}
    width, height = struct.unpack(">II", head[16:])
    return {"width": width, "height": height}
