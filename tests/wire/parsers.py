"""Four form parsers that nobody here wrote, under one signature."""

import base64
import json
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Self, TypeAlias
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import Field, File, create_form_parser
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header


@dataclass(frozen=True)
class Part:
    """A form's part as its receiver sees it: a file if it has a file name, else a text field."""

    name: str
    content: bytes = field(repr=False)
    file_name: str | None = None
    content_type: str | None = None


Parser: TypeAlias = Callable[[str, bytes], list[Part]]
"""Takes the `Content-Type` and the body; gives the parts in order. Raises on a broken form."""


class BrokenForm(Exception):
    """A parser of node's could not read the form."""


def python_multipart(content_type: str, body: bytes) -> list[Part]:
    parts: list[Part] = []
    opened = ExitStack()
    urlencoded = content_type == "application/x-www-form-urlencoded"

    def text(part: Field) -> None:
        name, value = part.field_name or b"", part.value or b""
        if urlencoded:  # decoding is left to the caller
            name, value = (unquote_to_bytes(raw.replace(b"+", b" ")) for raw in (name, value))
        parts.append(Part(name.decode(), value))

    def file(part: File) -> None:
        content = part.file_object
        content.seek(0)
        name, file_name = (part.field_name or b"").decode(), (part.file_name or b"").decode()
        parts.append(Part(name, content.read(), file_name, part.content_type))
        opened.callback(part.close)  # not yet: before 0.0.33 the parser still flushes it

    parser = create_form_parser({"Content-Type": content_type.encode()}, text, file)
    with opened:
        parser.write(body)
        parser.finalize()
        parser.close()
    return parts


def werkzeug(content_type: str, body: bytes) -> list[Part]:
    """Its fields and files come apart, so the order between these two is not seen here."""
    kind, options = parse_options_header(content_type)
    parser = FormDataParser(_in_memory, max_form_memory_size=None)
    _, fields, files = parser.parse(BytesIO(body), kind, len(body), options)
    texts = [Part(name, value.encode()) for name, value in fields.items(multi=True)]
    return texts + [
        Part(name, file.read(), file.filename, file.content_type)
        for name, file in files.items(multi=True)
    ]


def _in_memory(
    total_content_length: int | None,
    content_type: str | None,
    filename: str | None,
    content_length: int | None = None,
) -> BytesIO:
    """Where werkzeug keeps a file: else on disk, open until it is collected."""
    return BytesIO()


class Node:
    """A node process that parses forms, from `with` to its end."""

    def __init__(self, node: str) -> None:
        script = Path(__file__).parent.parent / "node" / "parse_form.mjs"
        self._process = subprocess.Popen(
            [node, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def formidable(self, content_type: str, body: bytes) -> list[Part]:
        return self._parse("formidable", content_type, body)

    def busboy(self, content_type: str, body: bytes) -> list[Part]:
        return self._parse("busboy", content_type, body)

    def _parse(self, parser: str, content_type: str, body: bytes) -> list[Part]:
        form = {
            "parser": parser,
            "contentType": content_type,
            "body": base64.b64encode(body).decode(),
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(form) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "node ended; what it said is above"
        answer = json.loads(line)
        if "error" in answer:
            raise BrokenForm(answer["error"])
        return [
            Part(
                part["name"],
                base64.b64decode(part["content"]),
                part.get("fileName"),
                part.get("contentType"),
            )
            for part in answer["parts"]
        ]
