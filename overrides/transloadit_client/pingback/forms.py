"""Reading a form that somebody sent us, urlencoded or multipart, whole in memory.

Anyone may have written its bytes: what two servers could read differently is refused, not guessed.
"""

import logging
import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from attrs import define, field, frozen
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # it exists for type checkers alone

_MOST_FIELDS = 100  # a Pingback has two; thousands would cost time and bring nothing
_UTF_8 = (b"", b"utf-8", b"utf8")
# The parser warns of every broken form, and anyone may send those. This logger is in no tree, so no
# configuration wakes it.
_UNHEARD = logging.Logger(__name__)  # noqa: LOG001
_UNHEARD.disabled = True
_NAME = re.compile(rb";[ \t]*name=(?:\"[^\"\\]*\"|[\w.-]+)[ \t]*(?=;|$)", re.IGNORECASE)
_AS_IT_IS = (b"", b"7bit", b"8bit", b"binary")  # transfer encodings that change no byte


class BrokenForm(Exception):
    """The bytes are no form, or one that can be read in two ways."""


@frozen
class _Field:
    name: bytes
    content: bytes
    charset: bytes
    is_file: bool


@define
class _Part:
    headers: list[tuple[bytearray, bytearray]] = field(factory=list)
    content: bytearray = field(factory=bytearray)

    def header(self, name: bytes) -> bytes:
        """The value of a header, empty where the part does not have it."""
        values = [bytes(value) for given, value in self.headers if given.lower() == name]
        if len(values) > 1:
            raise BrokenForm(f"a part of the form has {name.decode()} twice")
        return values[0] if values else b""


def read_form(body: bytes, content_type: str, wanted: Collection[str]) -> dict[str, str]:
    """The fields whose names are `wanted`, as they were before the form was encoded.

    Raises:
        BrokenForm: the body is not a whole form, or a wanted field is there twice, is a file, or is
            not in UTF-8.
    """
    form: dict[str, str] = {}
    for found in _fields(body, content_type):
        name = found.name.decode("latin-1")
        if name in form:
            raise BrokenForm(f"the form has {name} twice")
        if name in wanted:
            form[name] = _text(found, name)
    return form


def _fields(body: bytes, content_type: str) -> list[_Field]:
    try:
        kind, options = parse_options_header(content_type)
        kind = kind.lower()  # python-multipart does so from 0.0.33 on
        if kind == b"application/x-www-form-urlencoded":
            return _urlencoded(body, options.get(b"charset", b""))
        if kind == b"multipart/form-data":
            return _multipart(body, options.get(b"boundary", b""))
    except (FormParserError, ValueError):  # ValueError: a header, or too many fields
        raise BrokenForm("the form is broken") from None
    raise BrokenForm("the request's content type is not that of a form")


def _text(found: _Field, name: str) -> str:
    if found.is_file:
        raise BrokenForm(f"{name} is a file")
    if found.charset.lower() not in _UTF_8 and not found.content.isascii():
        raise BrokenForm(f"{name} is in another charset than UTF-8")
    try:
        return found.content.decode()
    except UnicodeDecodeError:
        raise BrokenForm(f"{name} is not UTF-8") from None


def _urlencoded(body: bytes, charset: bytes) -> list[_Field]:
    # In Latin-1 every byte is a character and comes back as itself, also one that was a `%C3`.
    pairs = parse_qsl(
        body.decode("latin-1"),
        keep_blank_values=True,
        encoding="latin-1",
        max_num_fields=_MOST_FIELDS,
    )
    return [
        _Field(name.encode("latin-1"), value.encode("latin-1"), charset, is_file=False)
        for name, value in pairs
    ]


def _multipart(body: bytes, boundary: bytes) -> list[_Field]:
    if not boundary:
        raise BrokenForm("the content type names no boundary")
    parts: list[_Part] = []
    whole: list[bool] = []

    def begin() -> None:
        if len(parts) == _MOST_FIELDS:
            raise BrokenForm("the form has too many parts")
        parts.append(_Part())

    def header_name(data: bytes, start: int, end: int) -> None:
        parts[-1].headers[-1][0].extend(data[start:end])

    def header_value(data: bytes, start: int, end: int) -> None:
        parts[-1].headers[-1][1].extend(data[start:end])

    def content(data: bytes, start: int, end: int) -> None:
        parts[-1].content.extend(data[start:end])

    callbacks: MultipartCallbacks = {
        "on_part_begin": begin,
        "on_header_begin": lambda: parts[-1].headers.append((bytearray(), bytearray())),
        "on_header_field": header_name,
        "on_header_value": header_value,
        "on_part_data": content,
        "on_end": lambda: whole.append(True),
    }
    parser = MultipartParser(boundary, callbacks)
    parser.logger = _UNHEARD
    parser.write(body)
    if not whole:
        raise BrokenForm("the form was cut short")
    return [_field(part, boundary) for part in parts]


def _field(part: _Part, boundary: bytes) -> _Field:
    disposition = part.header(b"content-disposition")
    kind, named = parse_options_header(disposition)
    if kind.lower() != b"form-data":
        raise BrokenForm("a part of the form is no field")
    # `name*` is forbidden by RFC 7578; some read it, and some a name that is half a token.
    if len(_NAME.findall(disposition)) != 1 or b"name*" in disposition.lower():
        raise BrokenForm("a part of the form has no name that all read alike")
    if part.header(b"content-transfer-encoding").lower() not in _AS_IT_IS:
        raise BrokenForm("a part of the form is encoded once more")
    # A part ends at CR LF and the boundary; some also end it where one of the two is missing.
    lines = (b"\n" + part.content).replace(b"\r", b"\n")
    if b"\n--" + boundary in lines:
        raise BrokenForm("a part of the form holds the boundary")
    _, typed = parse_options_header(part.header(b"content-type"))
    return _Field(
        named.get(b"name", b""),
        bytes(part.content),
        typed.get(b"charset", b""),
        is_file=b"filename" in named,
    )
