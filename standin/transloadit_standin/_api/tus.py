"""The resumable uploads' own protocol, tus 1.0.0: creation, termination and checksums.

Errors read as those of tusd, the server that the service's people write: `ERR_CODE: a sentence`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.responses import Response

from .._codes import TusError
from .._network.exchange import ClientGone, Exchange
from .._service.paths import TUS_PATH
from .._service.uploads import (
    begin_upload,
    check_size,
    check_wanted,
    finish_upload,
    terminate_upload,
)
from .spec import Route

if TYPE_CHECKING:
    from .._service.service import Service
    from .._service.tus_upload import TusUpload

Checksum = tuple["hashlib._Hash", bytes]
"""Of what has come so far, and of what is to come in all."""
Handler = Callable[["Service", Exchange], Awaitable[Response]]

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "creation-defer-length", "termination")
ALGORITHMS = ("sha1", "sha256")
BYTES = "application/offset+octet-stream"


async def tus_options(service: Service, exchange: Exchange) -> Response:  # noqa: ARG001 - one of many
    """What this server can do."""
    headers = {"Tus-Version": VERSION, "Tus-Extension": ",".join(EXTENSIONS)}
    if service.settings.tus_checksum:
        headers["Tus-Extension"] += ",checksum"
        headers["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
    return Response(status_code=204, headers=headers)


async def tus_create(service: Service, exchange: Exchange) -> Response:
    """A new upload, perhaps with its first bytes."""
    if exchange.header("Upload-Concat") is not None:
        raise TusError("ERR_CONCATENATION_UNSUPPORTED", "send a file as one upload")
    length, deferred = _count(exchange, "Upload-Length"), exchange.header("Upload-Defer-Length")
    if (length is None) == (deferred is None) or deferred not in (None, "1"):
        raise TusError(
            "ERR_INVALID_UPLOAD_LENGTH", "either Upload-Length or Upload-Defer-Length: 1"
        )
    metadata = exchange.header("Upload-Metadata") or ""
    upload = begin_upload(service, exchange.host, metadata, length)
    exchange.received.assembly_id = upload.assembly_id
    headers = {"Location": upload.url}
    async with upload.turn(exchange):
        if exchange.header("Content-Type") == BYTES:
            await _take(service, exchange, upload)
            headers["Upload-Offset"] = str(upload.offset)
        else:
            upload.stored.pause()
        _finish_if_whole(service, upload)
    return Response(status_code=201, headers=headers)


async def tus_head(service: Service, exchange: Exchange) -> Response:
    """How far an upload has come."""
    upload = _find(service, exchange)
    async with upload.turn(exchange):
        headers = {
            "Upload-Offset": str(upload.offset),
            "Upload-Metadata": upload.metadata,
            "Cache-Control": "no-store",
        }
    if upload.length is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.length)
    return Response(headers=headers)


async def tus_patch(service: Service, exchange: Exchange) -> Response:
    """More bytes of an upload."""
    upload = _find(service, exchange)
    if exchange.header("Content-Type") != BYTES:
        raise TusError("ERR_INVALID_CONTENT_TYPE", f"Content-Type has to be {BYTES}")
    offset = _count(exchange, "Upload-Offset")
    if offset is None:
        raise TusError("ERR_INVALID_OFFSET", "there is no Upload-Offset")
    async with upload.turn(exchange):
        if offset != upload.offset:
            raise TusError("ERR_MISMATCHED_OFFSET", f"{upload.offset} bytes are here")
        if not upload.finished:
            check_wanted(service, upload)
            _declare_length(service, upload, _count(exchange, "Upload-Length"))
            try:
                await _take(service, exchange, upload)
            finally:  # all bytes may have come, and the client have gone before its answer
                _finish_if_whole(service, upload)
    return Response(status_code=204, headers={"Upload-Offset": str(upload.offset)})


async def tus_delete(service: Service, exchange: Exchange) -> Response:
    """Forget an upload."""
    upload = _find(service, exchange)
    async with upload.turn(exchange):
        terminate_upload(service, upload)
    return Response(status_code=204)


def speaks_tus(handler: Handler) -> Handler:
    """Refuse other versions, and answer errors as tusd does."""

    async def answer(service: Service, exchange: Exchange) -> Response:
        try:
            response = await _of_this_version(handler, service, exchange)
        except TusError as refusal:
            exchange.received.code = refusal.code
            text = f"{refusal.code}: {refusal.message}\n"
            response = Response(text, refusal.http_status, media_type="text/plain")
        if response.status_code == 412:
            response.headers["Tus-Version"] = VERSION
        response.headers["Tus-Resumable"] = VERSION
        return response

    return answer


async def _of_this_version(handler: Handler, service: Service, exchange: Exchange) -> Response:
    if handler is not tus_options and exchange.header("Tus-Resumable") != VERSION:
        raise TusError("ERR_UNSUPPORTED_VERSION", f"Tus-Resumable has to be {VERSION}")
    return await handler(service, exchange)


async def _take(service: Service, exchange: Exchange, upload: TusUpload) -> None:
    """Take a request's bytes in: those that arrived are kept, unless a checksum was to cover them.

    Raises:
        TusError: and then nothing of this request is kept.
    """
    checksum = _checksum_of(exchange) if service.settings.tus_checksum else None
    stored, mark = upload.stored, upload.stored.mark()
    try:
        async for chunk in exchange.chunks():
            check_wanted(service, upload)
            _check_length(service, upload, upload.offset + len(chunk))
            stored.write(chunk)
            if checksum is not None:
                checksum[0].update(chunk)
        _compare(checksum)
    except (ClientGone, TusError) as error:
        if checksum is not None or isinstance(error, TusError):
            stored.rewind(mark)
        raise
    finally:
        stored.pause()


def _check_length(service: Service, upload: TusUpload, offset: int) -> None:
    check_size(service, upload, offset)
    if upload.length is not None and offset > upload.length:
        raise TusError("ERR_UPLOAD_SIZE_EXCEEDED", f"it has {upload.length} bytes")


def _declare_length(service: Service, upload: TusUpload, length: int | None) -> None:
    if length is None or length == upload.length:
        return
    if upload.length is not None or length < upload.offset:
        raise TusError("ERR_INVALID_UPLOAD_LENGTH", "the upload has another length")
    check_size(service, upload, length)
    upload.length = length


def _finish_if_whole(service: Service, upload: TusUpload) -> None:
    if upload.offset == upload.length:
        finish_upload(service, upload)


def _checksum_of(exchange: Exchange) -> Checksum | None:
    header = exchange.header("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, digest = header.partition(" ")
    if algorithm not in ALGORITHMS:
        raise TusError("ERR_UNSUPPORTED_CHECKSUM", f"known are {', '.join(ALGORITHMS)}")
    try:
        expected = base64.b64decode(digest, validate=True)
    except binascii.Error as error:
        raise TusError("ERR_UNSUPPORTED_CHECKSUM", "it has to be in base64") from error
    return hashlib.new(algorithm, usedforsecurity=False), expected


def _compare(checksum: Checksum | None) -> None:
    if checksum is not None and checksum[0].digest() != checksum[1]:
        raise TusError("ERR_CHECKSUM_MISMATCH", "the bytes have another checksum")


def _count(exchange: Exchange, name: str) -> int | None:
    """A header that is a number of bytes, None if it is not there."""
    text = exchange.header(name)
    if text is not None and not (text.isascii() and text.isdigit()):
        code = "ERR_INVALID_OFFSET" if name == "Upload-Offset" else "ERR_INVALID_UPLOAD_LENGTH"
        raise TusError(code, f"{name} is no number of bytes: {text}")
    return None if text is None else int(text)


def _find(service: Service, exchange: Exchange) -> TusUpload:
    upload = service.tus_uploads.get(exchange.arguments["upload_id"])
    if upload is None or upload.host != exchange.host:
        raise TusError("ERR_UPLOAD_NOT_FOUND", "there is no such upload here")
    exchange.received.assembly_id = upload.assembly_id
    return upload


_ALL = re.compile(f"{TUS_PATH}?")
_ONE = re.compile(f"{TUS_PATH}(?P<upload_id>[^/]+)")

TUS_ROUTES = [
    Route("OPTIONS", _ALL, "tusOptions"),
    Route("OPTIONS", _ONE, "tusOptions"),
    Route("POST", _ALL, "tusCreate"),
    Route("HEAD", _ONE, "tusHead"),
    Route("PATCH", _ONE, "tusPatch"),
    Route("DELETE", _ONE, "tusDelete"),
]

TUS_HANDLERS: dict[str, Handler] = {
    "tusOptions": speaks_tus(tus_options),
    "tusCreate": speaks_tus(tus_create),
    "tusHead": speaks_tus(tus_head),
    "tusPatch": speaks_tus(tus_patch),
    "tusDelete": speaks_tus(tus_delete),
}
