"""The bytes of uploads and results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import FileResponse

from .._codes import Refusal

if TYPE_CHECKING:
    from starlette.responses import Response

    from .._network.exchange import Exchange
    from .._service.files import AssemblyFile
    from .._service.service import Service


async def download_file(service: Service, exchange: Exchange) -> Response:
    """The bytes of an upload or a result, at the address its `url` gives; parts of it, too."""
    file = service.files.get(exchange.arguments["file_id"])
    if file is None or exchange.received.path != file.url.removeprefix(file.host):
        raise Refusal("SERVER_404")
    return file_response(file)


def file_response(file: AssemblyFile) -> FileResponse:
    """A file as an answer. A page in it must not run: it would speak for this origin."""
    headers = {
        "ETag": f'"{file.stored.md5}"',
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(file.stored.path, media_type=file.mime, headers=headers)
