"""What `files=` and `form_fields=` take, and the form parts that become of it."""

import io
import json
import mimetypes
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from .._errors import InvalidInput
from .contents import FromHere, Stream

FileContent: TypeAlias = (
    bytes | os.PathLike[str] | IO[bytes] | Stream | Iterator[bytes] | AsyncIterator[bytes]
)
"""Bytes, a path, or a file opened for reading bytes, which is read from where it stands. `upload`
and `run` also take a stream: an iterator of bytes, one that is awaited, or a `Stream`."""

File: TypeAlias = str | FileContent | tuple[str, FileContent] | tuple[str, FileContent, str]
"""A path, a content, or `(name, content)` or `(name, content, content type)`."""

Files: TypeAlias = File | Sequence[File] | Mapping[str, File | Sequence[File]]
"""One or several files for the field `files`, or a mapping from field names to files."""

FormFields: TypeAlias = Mapping[str, str | int | float | bool]

FilePart: TypeAlias = tuple[str, tuple[str, Any, str]]
"""`(field, (file name, content, content type))`, as httpx takes it."""

# The names the API keeps for itself.
RESERVED = frozenset(
    {
        "params",
        "signature",
        "num_expected_upload_files",
        "tus_num_expected_upload_files",
        "max_size",
    }
)
# httpx would escape these, and every form parser would read them differently.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\]')


def file_parts(files: Files | None, opened: ExitStack) -> list[FilePart]:
    """The parts for `files`; paths are opened here and closed with `opened`.

    Raises:
        InvalidInput: a file cannot be read, or is nothing that can be sent.
    """
    return [
        (field, _part(name, content, content_type, opened))
        for field, name, content, content_type in named_files(files)
    ]


def has_paths(files: Files | None) -> bool:
    """Whether `file_parts` opens any of them, for which it may have to wait for a disk.

    Raises:
        InvalidInput: as `named_files`.
    """
    return any(isinstance(content, str | os.PathLike) for _, _, content, _ in named_files(files))


def named_files(files: Files | None) -> Iterator[tuple[str, str, object, Any]]:
    """Each file's field, name, content and content type, the latter two as they were given.

    Raises:
        InvalidInput: a file or its field has no name that can be sent.
    """
    for field, several in _by_field(files).items():
        for file in several:
            name, content, content_type = _named(file, field)
            yield _field_name(field), _file_name(name), content, content_type


def text_parts(form_fields: FormFields | None) -> dict[str, str]:
    """The parts for `form_fields`: text as it is, numbers and booleans as JSON spells them.

    Raises:
        InvalidInput: a name is reserved or unsafe, or a value is of another kind.
    """
    if form_fields is not None and not isinstance(form_fields, Mapping):
        raise InvalidInput(f"form_fields is a {type(form_fields).__name__}; give a mapping")
    return {_field_name(name): _text(name, value) for name, value in (form_fields or {}).items()}


def file_part(name: str, content: object, content_type: str | None) -> tuple[str, Any, str]:
    """One file as every parser takes it: a name that is no path, content that can be read, a type.

    Raises:
        InvalidInput: it has no name, its type would forge a header, or it cannot be read as bytes.
    """
    name = _file_name(name)
    if content_type is not None and not _is_header_value(content_type):
        raise InvalidInput(f"the content type of {name!r} is not one: {content_type!r}")
    return name, _readable(content, name), content_type or content_type_of(name)


def base_name(name: str) -> str:
    """The last part of a path of any system; a local path is nobody else's business."""
    return re.split(r"[/\\]", name)[-1]


def content_type_of(name: str) -> str:
    """The content type that a file name suggests."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _by_field(files: Files | None) -> dict[str, Sequence[object]]:
    if files is None:
        return {}
    if isinstance(files, Mapping):
        return {field: _several(file) for field, file in files.items()}
    # Here a tuple is a sequence, as in `files=("a.jpg", "b.jpg")`; one file of a name stands in a
    # list or under its field.
    return {"files": files if isinstance(files, tuple) else _several(files)}


def _several(files: object) -> Sequence[object]:
    if isinstance(files, tuple | str | bytes | bytearray | memoryview):
        return [files]
    return files if isinstance(files, Sequence) else [files]


def _field_name(name: object) -> str:
    if not isinstance(name, str) or not name or _UNSAFE.search(name):
        raise InvalidInput(f"not a form field's name: {name!r}")
    if name in RESERVED:
        raise InvalidInput(f"the form field {name!r} is the API's own; it has its own argument")
    return _encodable(name, f"the form field's name {name!r}")


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return _encodable(value, f"the form field {name!r}")
    if isinstance(value, int | float):
        with suppress(ValueError):  # NaN, infinity, or more digits than Python converts
            return json.dumps(value, allow_nan=False)
    raise InvalidInput(
        f"the form field {name!r} is of type {type(value).__name__}; it must be text, a finite"
        " number or a boolean (params' `fields` take any JSON)"
    )


def _encodable(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{what} holds half a surrogate pair, which is no text") from None
    return text


def _part(name: str, content: Any, content_type: Any, opened: ExitStack) -> tuple[str, Any, str]:
    if isinstance(content, str | os.PathLike):
        content = _opened(content, name, opened)
    name, content, content_type = file_part(name, content, content_type)
    return name, content if isinstance(content, bytes) else FromHere(content), content_type


def _opened(path: str | os.PathLike[str], name: str, opened: ExitStack) -> IO[bytes]:
    try:
        return opened.enter_context(Path(path).open("rb"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read the file {name!r}: {error}") from error


def _file_name(name: str) -> str:
    name = _encodable(base_name(name), "a file name")
    if name in ("", ".", ".."):
        raise InvalidInput("a file has no name; give (name, content)")
    return name


def _named(file: object, field: str) -> tuple[str, object, Any]:
    """A file's name, content and content type, as given or as the content itself tells."""
    if not isinstance(file, tuple):
        return _own_name(file) or field, file, None
    if len(file) not in (2, 3):
        raise InvalidInput(f"a file of {field!r} is a tuple of {len(file)}; it takes 2 or 3")
    name, content, *content_type = file
    if not isinstance(name, str):
        raise InvalidInput(f"a file's name is of type {type(name).__name__} ({field!r})")
    if isinstance(content, str):
        raise InvalidInput(
            f"the second of (name, content) is text: give bytes or a Path ({field!r})"
        )
    return name, content, content_type[0] if content_type else None


def _is_header_value(value: object) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*", value) is not None
    )


def _own_name(content: object) -> str | None:
    """The name of a path or of a file that was opened by one (a pipe's is a number)."""
    if isinstance(content, str | os.PathLike):
        return base_name(os.fspath(content))
    name = getattr(content, "name", None)
    # Python calls what is no file "<stdin>", "<fdopen>" and the like.
    return base_name(name) if isinstance(name, str) and not name.startswith("<") else None


def _readable(content: object, name: str) -> bytes | IO[bytes]:
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if isinstance(content, Stream | Iterator | AsyncIterable) and not is_file(content):
        raise InvalidInput(
            f"{name!r} is a stream ({type(content).__name__}), which a form does not carry well;"
            " `upload` and `run` do"
        )
    if not is_file(content):
        raise InvalidInput(
            f"{name!r} is of type {type(content).__name__}; give a path, bytes or an open file"
        )
    return open_for_bytes(content, name)


def is_file(content: object) -> bool:
    """Whether it reads like an open file."""
    return callable(getattr(content, "read", None))


def open_for_bytes(file: Any, name: str) -> IO[bytes]:
    """Checks an open file.

    Raises:
        InvalidInput: it is closed, open for text, or open for writing alone.
    """
    if isinstance(file, io.TextIOBase):
        raise InvalidInput(f"{name!r} is open for text; open it with mode 'rb'")
    try:
        nothing = file.read(0)
    except (OSError, ValueError) as error:  # open for writing alone, or closed
        raise InvalidInput(f"cannot read {name!r}: {error}") from error
    if not isinstance(nothing, bytes):  # text behind a wrapper, as NamedTemporaryFile("w+") gives
        raise InvalidInput(f"{name!r} is open for text; open it with mode 'rb'")
    return cast("IO[bytes]", file)
