"""Uploads by tus, as the Assemblies see them: begun, come, counted, dropped or ended."""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import TYPE_CHECKING

from .._codes import Refusal, TusError
from .._storage import StoredFile
from .files import AssemblyFile
from .tus_upload import TusUpload

if TYPE_CHECKING:
    from .assembly import Assembly
    from .service import Service

OURS = ("assembly_url", "fieldname", "filename")
"""The keys of `Upload-Metadata` that the service reads; all others are the user's."""


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
        assembly.host,
        assembly.id,
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
    assembly = _assembly_of(service, upload)
    max_size = (assembly.merged.get("auth") or {}).get("max_size")
    if max_size is not None and size > max_size:
        reason = f"{upload.stored.name!r} exceeds {max_size} bytes"
        service.conclude(assembly, "MAX_SIZE_EXCEEDED", reason=reason)
        raise TusError("ERR_MAX_SIZE_EXCEEDED", reason)


def check_wanted(service: Service, upload: TusUpload) -> None:
    """Refuse more bytes for an Assembly that was canceled, or that failed."""
    assembly = _assembly_of(service, upload)
    if assembly.done and assembly.state != "ASSEMBLY_COMPLETED":
        raise TusError("ERR_UPLOAD_STOPPED", f"the Assembly takes no uploads: {assembly.state}")


def finish_upload(service: Service, upload: TusUpload) -> None:
    """All bytes have come: the Assembly has one more upload, and goes on if it was the last.

    An upload beyond the declared number is dropped, and nobody is told.
    """
    assembly = _assembly_of(service, upload)
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
    assembly = _assembly_of(service, upload)
    del service.tus_uploads[upload.id]
    if upload.finished and not assembly.waits:
        return
    assembly.tus_uploads.remove(upload)
    assembly.uploads = [file for file in assembly.uploads if file.tus_upload_url != upload.url]
    upload.stored.close(complete=False)


def _assembly_of(service: Service, upload: TusUpload) -> Assembly:
    try:
        return service.assemblies[upload.assembly_id]
    except KeyError:  # the stand-in was reset while bytes arrived
        raise TusError("ERR_UPLOAD_NOT_FOUND", "there is no such upload here") from None


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
