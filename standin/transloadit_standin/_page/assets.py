"""The files of the page, read from the package: also in a wheel, a zipapp or a frozen program."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing but the page's own script runs, whatever a file or a name holds."""

TYPES = {
    "index.html": "text/html",
    "page.js": "text/javascript",
    "page.css": "text/css",
}


@cache
def read_asset(name: str) -> tuple[bytes, str]:
    """A file's content, and its media type."""
    return files(__name__.rpartition(".")[0]).joinpath(name).read_bytes(), TYPES[name]
