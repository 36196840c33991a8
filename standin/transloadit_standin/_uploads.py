"""Uploads by tus, as the Assemblies see them: begun, come, counted, dropped or ended."""

from __future__ import annotations

import asyncio
import base64
import binascii
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from transloadit_standin._codes import Refusal, TusError
from transloadit_standin._files import AssemblyFile
from transloadit_standin._storage import StoredFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from transloadit_standin._assemblies import Assembly
    from transloadit_standin._exchange import Exchange
    from transloadit_standin._service import Service

TUS_PATH = "/resumable/files/"
OURS = ("assembly_url", "fieldname", "filename")
"""The keys of `Upload-Metadata` that the service reads; all others are the user's."""


@dataclass
class TusUpload:
    """One upload by tus."""

    assembly: Assembly = field(repr=False)
    stored: StoredFile
    metadata: str = field(repr=False)
    """`Upload-Metadata` as sent, which HEAD repeats."""
    user_meta: dict[str, str] = field(repr=False)
    length: int | None
    """None as long as it is deferred."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    finished: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _holder: Exchange | None = field(default=None, repr=False)
    _newest: Exchange | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it is sent to."""
        return f"{self.assembly.host}{TUS_PATH}{self.id}"

    @property
    def offset(self) -> int:
        """How many bytes have come, and are kept."""
        return self.stored.size

    @asynccontextmanager
    async def turn(self, exchange: Exchange) -> AsyncIterator[None]:
        """Have the upload to oneself; a request that comes later ends the connection of this one.

        So a client whose connection died can go on at once, and what HEAD answers stays true.

        Raises:
            ClientGone: a newer request was here first.
        """
        self._newest = exchange
        if self._holder is not None:
            self._holder.link.end("reset")
        async with self._lock:
            if self._newest is not exchange:
                await exchange.lose("reset")
            self._holder = exchange
            try:
                yield
            finally:
                self._holder = None

    def status(self) -> dict[str, Any]:
        """Its object in the Assembly's status."""
        return {
            "filename": self.stored.filename,
            "fieldname": self.stored.field_name,
            "user_meta": self.user_meta,
            "size": self.length,
            "offset": self.offset,
            "finished": self.finished,
            "upload_url": self.url,
        }


def begin_upload(service: Service, host: str, header: str, length: int | None) -> TusUpload:
    """A new upload for the Assembly that `Upload-Metadata` names.

    Raises:
        TusError: the Assembly is unknown, or takes no uploads.
    """
    metadata = read_metadata(header)
    if missing := [key for key in OURS if key not in metadata]:
        raise TusError("ERR_INVALID_METADATA", f"Upload-Metadata lacks {', '.join(missing)}")
    assembly = _assembly_at(service, host, metadata["assembly_url"])
    if assembly.done:
        raise TusError("ERR_UPLOAD_REJECTED", f"the Assembly takes no uploads: {assembly.state}")
    upload = TusUpload(
        assembly,
        StoredFile(
            metadata["fieldname"], metadata["filename"], None, service.folder / uuid.uuid4().hex
        ),
        header,
        {key: value for key, value in metadata.items() if key not in OURS},
        length,
    )
    check_size(service, upload, length or 0)
    service.tus_uploads[upload.id] = upload
    assembly.tus_uploads.append(upload)
    return upload


def check_size(service: Service, upload: TusUpload, size: int) -> None:
    """Refuse an upload that is larger than `max_size` allows; its whole Assembly fails."""
    assembly = upload.assembly
    max_size = (assembly.merged.get("auth") or {}).get("max_size")
    if max_size is not None and size > max_size:
        reason = f"{upload.stored.name!r} exceeds {max_size} bytes"
        service.conclude(assembly, "MAX_SIZE_EXCEEDED", reason=reason)
        raise TusError("ERR_MAX_SIZE_EXCEEDED", reason)


def check_wanted(upload: TusUpload) -> None:
    """Refuse more bytes for an Assembly that was canceled, or that failed."""
    assembly = upload.assembly
    if assembly.done and assembly.state != "ASSEMBLY_COMPLETED":
        raise TusError("ERR_UPLOAD_STOPPED", f"the Assembly takes no uploads: {assembly.state}")


def finish_upload(service: Service, upload: TusUpload) -> None:
    """All bytes have come: the Assembly has one more upload, and goes on if it was the last.

    An upload beyond the declared number is dropped, and nobody is told.
    """
    assembly = upload.assembly
    wanted = assembly.waits
    upload.finished = True
    upload.stored.close(complete=wanted)
    if not wanted:
        assembly.tus_uploads.remove(upload)
        return
    max_files = (assembly.merged.get("auth") or {}).get("max_number_of_files")
    if max_files is not None and len(assembly.uploads) >= max_files:
        service.conclude(assembly, "MAX_NUMBER_OF_FILES_EXCEEDED", reason=f"at most {max_files}")
        return
    file = AssemblyFile(upload.stored, assembly.host, tus_upload_url=upload.url)
    assembly.add_upload(file)
    service.files[file.id] = file
    service.proceed(assembly)


def terminate_upload(service: Service, upload: TusUpload) -> None:
    """Forget an upload; the Assembly keeps what it has begun to work with."""
    assembly = upload.assembly
    del service.tus_uploads[upload.id]
    if upload.finished and not assembly.waits:
        return
    assembly.tus_uploads.remove(upload)
    assembly.uploads = [file for file in assembly.uploads if file.tus_upload_url != upload.url]
    upload.stored.close(complete=False)


def read_metadata(header: str) -> dict[str, str]:
    """The keys and values of `Upload-Metadata`; a key may stand without a value."""
    metadata: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else []:
        key, _, value = pair.strip().partition(" ")
        if not key or key in metadata:
            raise TusError("ERR_INVALID_METADATA", f"a key is missing or twice: {pair!r}")
        try:
            metadata[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise TusError("ERR_INVALID_METADATA", f"{key} is no text in base64") from error
    return metadata


def _assembly_at(service: Service, host: str, url: str) -> Assembly:
    """The Assembly of an `assembly_ssl_url` or `assembly_url`, if it lives at this host."""
    assembly_id = url.rpartition("/")[2]
    try:
        assembly = service.find(assembly_id, host)
    except Refusal as refusal:
        raise TusError("ERR_UPLOAD_REJECTED", "there is no such Assembly here") from refusal
    if url not in assembly.addresses().values():
        raise TusError("ERR_UPLOAD_REJECTED", "that is no Assembly's URL")
    return assembly
