"""The files of an Assembly, as its status lists them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .kinds import extension_of, head_of, mime_by_bytes, mime_of, png_size
from .paths import FILES_PATH

if TYPE_CHECKING:
    from .._storage import StoredFile


@dataclass
class AssemblyFile:
    """A file that an Assembly's status lists, with an address that serves it."""

    stored: StoredFile = field(repr=False)
    host: str
    original: AssemblyFile | None = field(default=None, repr=False)
    """The upload that a result was made from; None in an upload itself."""
    tus_upload_url: str | None = None
    """Where it came by tus; None if it came in a form, and in a result."""
    further_meta: dict[str, Any] = field(default_factory=dict)
    """What Steps found out about it, such as its hash."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def original_id(self) -> str:
        """The id of the upload that it was made from, or is."""
        return self.original.original_id if self.original else self.id

    @property
    def url(self) -> str:
        """Where the bytes are."""
        name = quote(self.stored.name or "unnamed", safe="")
        return f"{self.host}{FILES_PATH}{self.id}/{name}"

    @cached_property
    def _head(self) -> bytes:
        return head_of(self.stored.path)

    @cached_property
    def mime(self) -> str:
        """By its bytes, as the client named it, or by its file name."""
        return mime_of(self._head, self.stored.content_type or "", self.stored.name)

    @property
    def is_picture(self) -> bool:
        """Whether its bytes begin as those of a picture made of pixels do."""
        seen = mime_by_bytes(self._head) or ""
        return seen.startswith("image/") and seen != "image/svg+xml"

    @property
    def meta(self) -> dict[str, Any]:
        """What is known of its content."""
        return {**png_size(self._head), **self.further_meta}

    def status(self) -> dict[str, Any]:
        """The file's object in the status."""
        name = self.stored.name
        path = PurePosixPath(name)
        kind = self.mime.partition("/")[0]
        first = self.original.stored if self.original else self.stored
        return {
            "id": self.id,
            "name": name,
            "basename": path.stem,
            "ext": path.suffix[1:].lower() or extension_of(self.mime),
            "size": self.stored.size,
            "mime": self.mime,
            "type": kind if kind in ("image", "video", "audio") else None,
            "field": self.stored.field_name,
            "md5hash": self.stored.md5,
            "original_id": self.original_id,
            "original_basename": PurePosixPath(first.name).stem,
            "original_name": first.name,
            "original_path": "/",
            "original_md5hash": first.md5,
            "from_batch_import": False,
            "is_tus_file": self.tus_upload_url is not None,
            "tus_upload_url": self.tus_upload_url,
            "url": self.url,
            "ssl_url": self.url,
            "meta": self.meta,
        }
