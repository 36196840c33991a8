"""What browsers ask before a page of another origin may use an API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.datastructures import Headers

ORIGIN = ("Access-Control-Allow-Origin", "*")
METHODS = "POST, GET, PUT, DELETE, OPTIONS, HEAD, PATCH"
"""Those of the service's answers, and those of tus."""
ALLOWED = (
    "Accept, Authorization, Cache-Control, Content-Type, If-Range, Last-Event-ID, Origin, Range, "
    "Transloadit-Client, Tus-Resumable, Upload-Checksum, Upload-Concat, Upload-Defer-Length, "
    "Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, X-Request-ID, "
    "X-Requested-With"
)
EXPOSED = (
    "Content-Range, ETag, Location, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, "
    "Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Length, "
    "Upload-Metadata, Upload-Offset"
)
ON_ANSWERS = [
    (name.lower().encode(), value.encode())
    for name, value in (ORIGIN, ("Access-Control-Expose-Headers", EXPOSED))
]
"""Raw headers for every answer, also for errors, which a page otherwise could not read."""


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a request is a browser's question; an OPTIONS of tus has none of its headers."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def preflight() -> Response:
    """The answer to it, the same for every path."""
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": ALLOWED,
            "Access-Control-Max-Age": "86400",
        },
    )
