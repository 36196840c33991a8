"""Forms, read while they arrive: texts into memory, files to disk.

What is a file? A part with a file name, and also one with a `Content-Type`: the service's own form
parser takes such a part for a file, so a client that puts a type on its `params` would be told
`NO_PARAMS_FIELD`. Not every SDK is that careful (aiohttp types all its parts), hence `typed_text`.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from .._codes import Refusal
from .._storage import StoredFile

if TYPE_CHECKING:
    from pathlib import Path

    from python_multipart.multipart import MultipartCallbacks  # it exists for type checkers alone

    from .._service.settings import TypedText

MAX_TEXT = 16 * 1024 * 1024
"""Bytes of text that one form may hold; ours, so that no request fills the memory."""


@dataclass
class Form:
    """The parts of one request's form."""

    texts: list[tuple[str, bytes]] = field(default_factory=list)
    files: list[StoredFile] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """The field names of all parts, in the order of their arrival."""

    def raw(self, name: str) -> bytes | None:
        """A text field's bytes, as sent."""
        values = [value for key, value in self.texts if key == name]
        if len(values) > 1:
            raise Refusal("INVALID_FORM_DATA", f"the field {name!r} came {len(values)} times")
        return values[0] if values else None

    def text(self, name: str) -> str | None:
        """A text field's text; bytes that are no UTF-8 are replaced."""
        value = self.raw(name)
        return None if value is None else value.decode("utf-8", "replace")

    def fields(self) -> dict[str, str]:
        """All text fields; of those that came twice the last."""
        return {name: value.decode("utf-8", "replace") for name, value in self.texts}


Watch = Callable[[StoredFile], None]
"""Called as a file begins and whenever it has grown; what it raises ends the reading."""


class FormReader:
    """Reads one form; `form` grows while `read()` runs."""

    def __init__(self, folder: Path, *, typed_text: TypedText, watch: Watch) -> None:
        self.form = Form()
        self._folder = folder
        self._typed_text = typed_text
        self._watch = watch
        self._headers: dict[bytes, bytes] = {}
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._text: tuple[str, bytearray] | None = None
        self._file: StoredFile | None = None
        self._unfilled = False
        self._room = MAX_TEXT
        self._ended = False

    async def read(self, content_type: str, chunks: AsyncIterator[bytes]) -> None:
        """Read the whole form; a body of another type holds no fields.

        Raises:
            Refusal: `INVALID_FORM_DATA`, and whatever the watch raises.
        """
        kind, options = parse_options_header(content_type)
        try:
            if kind == b"multipart/form-data":
                await self._read_multipart(options.get(b"boundary", b""), chunks)
            elif kind == b"application/x-www-form-urlencoded":
                await self._read_urlencoded(chunks)
        except FormParserError as error:
            raise Refusal("INVALID_FORM_DATA", str(error)) from error
        finally:
            if self._file is not None:
                self._file.close(complete=False)

    async def _read_multipart(self, boundary: bytes, chunks: AsyncIterator[bytes]) -> None:
        if not boundary:
            raise Refusal("INVALID_FORM_DATA", "the Content-Type names no boundary")
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_ended,
            "on_headers_finished": self._part_begun,
            "on_part_data": self._part_grew,
            "on_part_end": self._part_ended,
            "on_end": self._form_ended,
        }
        parser = MultipartParser(boundary, callbacks)
        async for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
        if not self._ended:
            raise Refusal("INVALID_FORM_DATA", "the body ends before the form does")

    async def _read_urlencoded(self, chunks: AsyncIterator[bytes]) -> None:
        body = bytearray()
        async for chunk in chunks:
            self._take_room(len(chunk))
            body += chunk
        # Latin-1 keeps every byte, so a field's bytes are those that were sent.
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        for name, value in pairs:
            self.form.names.append(_decode(name.encode("latin-1")))
            self.form.texts.append((self.form.names[-1], value.encode("latin-1")))

    def _header_ended(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value).strip()
        self._header = (bytearray(), bytearray())

    def _part_begun(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if (raw_name := options.get(b"name")) is None:
            raise Refusal("INVALID_FORM_DATA", "a part has no name")
        name = _decode(raw_name)
        self.form.names.append(name)
        filename = options.get(b"filename")
        self._unfilled = filename == b""
        content_type = self._headers.get(b"content-type")
        if filename is None and (content_type is None or self._typed_text == "text"):
            self._text = (name, bytearray())
            return
        self._file = StoredFile(
            field_name=name,
            filename=None if filename is None else _decode(filename),
            content_type=None if content_type is None else content_type.decode("latin-1"),
            path=self._folder / uuid.uuid4().hex,
        )
        if not self._unfilled:
            self.form.files.append(self._file)
            self._watch(self._file)

    def _part_grew(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            if self._unfilled:
                self._unfilled = False
                self.form.files.append(self._file)
            self._file.write(data[start:end])
            self._watch(self._file)
        elif self._text is not None:
            self._take_room(end - start)
            self._text[1].extend(data[start:end])

    def _part_ended(self) -> None:
        if self._file is not None:
            # A browser sends an empty part without a name for an input that no file was chosen for.
            self._file.close(complete=not self._unfilled)
            self._file = None
        elif self._text is not None:
            self.form.texts.append((self._text[0], bytes(self._text[1])))
            self._text = None

    def _form_ended(self) -> None:
        self._ended = True

    def _take_room(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise Refusal("INVALID_FORM_DATA", f"the text fields exceed {MAX_TEXT} bytes", 413)


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "replace")
