"""`--dry-run` shows the request that a command would send, and sends nothing.

The client gets a transport that records its first request, so the request shown is the one that
would be sent. No file is read: they come last in a form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import httpx
from python_multipart import create_form_parser

from .inputs import File
from .output import size

if TYPE_CHECKING:
    from python_multipart.multipart import Field


class Shown(Exception):
    """Carries the request that was not sent: method, URL, params and further fields, as JSON has
    them."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.request = request


class Recorder(httpx.BaseTransport):
    """Sends nothing, and raises `Shown` with the first request."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fields = _fields(request)
        shown: dict[str, Any] = {"method": request.method, "url": str(request.url)}
        if "params" in fields:
            shown["params"] = json.loads(fields.pop("params"))
        if "signature" in fields:  # good for one request, which somebody else might then send
            shown["signature"] = fields.pop("signature").partition(":")[0] + ":…"
        if "Authorization" in request.headers:
            shown["authorization"] = "Bearer …"
        raise Shown({**shown, "fields": fields} if fields else shown)


def lines(request: Mapping[str, Any], files: Sequence[File]) -> Iterator[str]:
    """A request for people to read, and the files that would be sent with it."""
    yield f"{request['method']} {request['url']}"
    for name in ("authorization", "signature"):
        if name in request:
            yield f"{name}: {request[name]}"
    if "params" in request:
        yield from f"params: {json.dumps(request['params'], indent=2)}".splitlines()
    for name, text in request.get("fields", {}).items():
        yield f"{name}: {text}"
    for file in files:
        length = "of unknown length" if file.size is None else size(file.size)
        yield f"file for {file.field}: {file.path}, {length}"


def listed(files: Sequence[File]) -> list[dict[str, Any]]:
    """The files as `--json` has them."""
    return [{"field": file.field, "path": file.path, "size": file.size} for file in files]


def _fields(request: httpx.Request) -> dict[str, str]:
    kind = request.headers.get("Content-Type", "")
    body = b"".join(_before_files(request))
    if not kind.startswith("multipart/"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    fields: dict[str, str] = {}

    def keep(field: "Field") -> None:
        fields[(field.field_name or b"").decode()] = (field.value or b"").decode()

    create_form_parser({"Content-Type": kind.encode()}, keep, None).write(body)
    return fields


def _before_files(request: httpx.Request) -> Iterator[bytes]:
    """The beginning of the body; httpx gives all headers of a part in one piece.

    The client joins those with what follows, for which a file would be read.
    """
    parts = getattr(request.stream, "parts", request.stream)
    for piece in cast("httpx.SyncByteStream", parts):
        if b"filename=" in piece:
            return
        yield piece
