"""The seam: the one place where hand-written code takes hold of a generated request.

Generated code hands httpx the fields of a request, and `on_the_wire` gives them the form that every
server's parser reads alike. Our httpx clients call it in `build_request`: a public method,
synchronous in both kinds, that sees the fields before anything is encoded.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from ._errors import InvalidInput
from ._files import file_part
from ._streams import FromHere


def on_the_wire(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `build_request`, with a form that every parser reads alike.

    What openapi-python-client 0.29.1 writes is set right here: a constant boundary that a file can
    forge, a content type on text parts (formidable, which was written for this API, then takes them
    for files), files in front of further fields, files without a name (they arrive as fields).

    Raises:
        InvalidInput: a text field is there twice, such as a second `params`.
    """
    parts = arguments.get("files")
    if not parts:
        return dict(arguments)
    fields: dict[str, Any] = dict(arguments.get("data") or {})
    files = []
    for name, part in parts.items() if isinstance(parts, Mapping) else parts:
        if not _is_text(part):
            files.append((name, _file(name, part)))
        elif name in fields:
            raise InvalidInput(f"the form has the field {name!r} twice; nothing was sent")
        else:
            fields[name] = _text(part)
    headers = httpx.Headers(arguments.get("headers"))
    headers.pop("Content-Type", None)  # httpx then draws a boundary of 128 random bits
    return {**arguments, "data": fields, "files": files or None, "headers": headers}


def _is_text(part: object) -> bool:
    return isinstance(part, tuple) and part[0] is None and isinstance(part[1], str | bytes)


def _text(part: tuple[None, str | bytes]) -> str:
    return part[1].decode() if isinstance(part[1], bytes) else part[1]


def _file(field: str, part: Any) -> tuple[str, Any, str]:
    """A part with a file name, never a path, and a content type: both make it a file everywhere."""
    name, content, content_type, *_ = (
        (*part, None) if isinstance(part, tuple) else (None, part, None)
    )
    name, content, content_type = file_part(name or field, content, content_type or None)
    whole = isinstance(content, bytes | FromHere)
    return name, content if whole else FromHere(content), content_type
