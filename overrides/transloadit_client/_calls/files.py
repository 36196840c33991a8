"""What `files=` and `form_fields=` take, and the form parts that become of it."""

import json
import mimetypes
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import chain
from typing import Any, TypeAlias

from .._errors import InvalidInput
from .contents import Awaiting, Opens, Reads, Stream, foreign, is_file
from .sources import FileSource, Source, StreamSource, source_of

FileContent: TypeAlias = (
    bytes | os.PathLike[str] | Opens | Reads | Stream | Iterator[bytes] | AsyncIterator[bytes]
)
"""Bytes, a path, or a file opened for reading bytes, which is read from where it stands. `upload`
and `run` also take a stream: an iterator of bytes, an asynchronous one, or a `Stream`."""

File: TypeAlias = (
    str
    | Source  # what `sources` gave before, as `run` passes it on
    | FileContent
    | tuple[str, FileContent]
    | tuple[str, FileContent, str | None]
    | tuple[str, FileContent, str | None, Mapping[str, str] | None]
)
"""A path, a content, or `(name, content)`, and after that a content type and metadata, which goes
along by tus."""

_Several: TypeAlias = Sequence[File] | Iterator[File] | AsyncIterator[File]

Files: TypeAlias = File | _Several | Mapping[str, File | _Several]
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
# What uploads tell the server themselves, by `Upload-Metadata`.
_OWN_METADATA = frozenset({"assembly_url", "fieldname", "filename", "filetype", "fingerprint"})
_UNTYPED = "application/octet-stream"
_UNPACKERS = ("GzipFile", "BZ2File", "LZMAFile")
_PACKINGS = {
    "br": "application/x-brotli",
    "bzip2": "application/x-bzip2",
    "compress": "application/x-compress",
    "gzip": "application/gzip",
    "xz": "application/x-xz",
}
# httpx would escape these, and every form parser would read them differently.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\]')


def sources(
    files: Files | None, awaiting: Awaiting | None = None, *, side_by_side: bool = False
) -> "list[Source]":
    """What is sent of `files`, in their order; of streams nothing is read yet.

    Args:
        files: as `create_assembly`, `upload` and `run` take them, or what this gave before.
        awaiting: awaits what asynchronous files give; None where nothing can be awaited.
        side_by_side: whether several are read at a time, which one open file does not allow.

    Raises:
        InvalidInput: one of them cannot be sent; it says which, and why.
    """
    found: list[Source] = []
    given = set[int]()
    for field, several in _by_field(files, awaiting).items():
        for file in several:
            if isinstance(file, FileSource | StreamSource):
                found.append(file)
                continue
            content, source = _source(field, file, awaiting)
            shared = is_file(content) and side_by_side and not source.in_memory
            if id(content) in given and (shared or isinstance(source, StreamSource)):
                raise InvalidInput(
                    f"{source.name!r} is given twice, but can be read by one upload at a time"
                )
            given.add(id(content))
            found.append(source)
    return found


def file_parts(
    files: Files | None, opened: ExitStack, awaiting: Awaiting | None = None
) -> list[FilePart]:
    """The parts of a form for `files`. What is opened while they are sent is closed with `opened`.

    Raises:
        InvalidInput: a file cannot be read, or is nothing that a form can carry.
    """
    parts: list[FilePart] = []
    for source in sources(files, awaiting):
        if isinstance(source, StreamSource) and not (source.of_file and source.size is None):
            raise InvalidInput(
                f"{source.name!r} is a stream (an iterator), which cannot be sent in a form: use"
                " `upload` or `run`"
            )
        if source.metadata:
            raise InvalidInput(
                f"{source.name!r} has metadata, which cannot be sent in a form: use `upload` or"
                " `run`"
            )
        opened.callback(source.close)
        content_type = source.content_type or content_type_of(source.name)
        parts.append((source.field, (source.name, source, content_type)))
    return parts


def are_in_memory(files: object) -> bool:
    """Whether `file_parts` waits for nothing: no disk, no iterator, and nothing asynchronous."""
    if isinstance(files, Mapping):
        return all(map(are_in_memory, files.values()))
    if isinstance(files, tuple) and len(files) > 1 and isinstance(files[0], str):
        return are_in_memory(files[1])
    if isinstance(files, list | tuple):
        return all(map(are_in_memory, files))
    return files is None or isinstance(files, bytes | bytearray | memoryview)


def contents_of(files: Files | None) -> Iterator[object]:
    """The content of each file, as it was given: a path, bytes, an open file …"""
    for several in _by_field(files, None).values():
        for file in several:
            yield file[1] if isinstance(file, tuple) and len(file) > 1 else file


def text_parts(form_fields: FormFields | None) -> dict[str, str]:
    """The parts for `form_fields`: text as it is, numbers and booleans as JSON spells them.

    Raises:
        InvalidInput: a name is reserved or unsafe, or a value is of another kind.
    """
    if form_fields is not None and not isinstance(form_fields, Mapping):
        raise InvalidInput(f"form_fields is a {type(form_fields).__name__}; give a mapping")
    return {_field_name(name): _text(name, value) for name, value in (form_fields or {}).items()}


def file_part(
    field: str, name: str, content: object, content_type: str | None
) -> tuple[str, Source, str]:
    """One file as every parser takes it: a name that is no path, content that can be read, a type.

    Raises:
        InvalidInput: it has no name, its type would forge a header, or it cannot be read as bytes.
    """
    name = _file_name(name)
    _check_content_type(content_type, name)
    source = (
        content
        if isinstance(content, FileSource | StreamSource)
        else source_of(field, name, content)
    )
    return name, source, content_type or content_type_of(name)


def base_name(name: str) -> str:
    """The last part of a path of any system; a local path is nobody else's business."""
    return re.split(r"[/\\]", name)[-1]


def content_type_of(name: str) -> str:
    """The content type that a file name suggests: of a packed file that of the packing."""
    try:
        content_type, packing = mimetypes.guess_type(name)
    except OSError:  # its first call reads files of the system, which takes a descriptor
        content_type, packing = mimetypes.MimeTypes().guess_type(name)
    if packing is not None:  # `rows.csv.gz` is no CSV
        return _PACKINGS.get(packing, _UNTYPED)
    return content_type or _UNTYPED


def _by_field(files: Files | None, awaiting: Awaiting | None) -> dict[str, list[object]]:
    if files is None:
        return {}
    # Here a tuple is a sequence, as in `files=("a.jpg", "b.jpg")`; one file of a name stands in a
    # list or under its field.
    several = [*files] if isinstance(files, tuple) else files
    by_field = files if isinstance(files, Mapping) else {"files": several}
    return {
        field: [file for item in _listed(given) for file in _unrolled(item, field, awaiting)]
        for field, given in by_field.items()
    }


def _listed(files: Any) -> Sequence[object]:
    one = isinstance(files, tuple | str | bytes | bytearray | memoryview)
    return [files] if one or not isinstance(files, Sequence) else files


def _unrolled(item: Any, field: str, awaiting: Awaiting | None) -> Sequence[object]:
    """What an iterator gives: files, such as `Path.glob`'s, or the pieces of one; else the item.

    Which of both shows its first item alone, and before there is an Assembly that awaits the rest.
    """
    with foreign(field):
        if is_file(item) or not isinstance(item, Iterator | AsyncIterator):
            return [item]
        if isinstance(item, Iterator):
            first = next(item, None)
            return [chain([first], item)] if _is_piece(first, field) else [first, *item]
        return [item] if awaiting is None else awaiting(_unrolled_awaited, item, field)


async def _unrolled_awaited(items: AsyncIterator[object], field: str) -> Sequence[object]:
    first = await anext(items, None)
    if not _is_piece(first, field):
        return [first, *[item async for item in items]]

    async def pieces() -> AsyncIterator[object]:
        yield first
        async for item in items:
            yield item

    return [pieces()]


def _is_piece(first: object, field: str) -> bool:
    """Whether an iterator that begins like this gives the pieces of a file, and not files."""
    if first is None:
        raise InvalidInput(
            f"the iterator for {field!r} gives nothing, or None: give [] for no files, and b'' for"
            " an empty one"
        )
    return isinstance(first, bytes | bytearray | memoryview)


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
        raise InvalidInput(f"{what} holds half a surrogate pair, which is not valid text") from None
    return text


def _source(field: object, file: object, awaiting: Awaiting | None) -> tuple[object, Source]:
    """A file's content as it was given, and what is sent of it."""
    field = _field_name(field)
    name, content, content_type, metadata = _named(file, field)
    name = _file_name(name)
    _check_content_type(content_type, name)
    source = source_of(field, name, content, awaiting)
    source.content_type, source.metadata = content_type, _metadata(metadata, name)
    return content, source


def _file_name(name: str) -> str:
    name = base_name(name)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"the file name {name!r} holds half a surrogate pair, as names on a disk do that are"
            " not UTF-8; give (name, content) with a name that is text"
        ) from None
    if name in ("", ".", ".."):
        raise InvalidInput("a file has no name; give (name, content)")
    return name


def _named(file: object, field: str) -> tuple[str, object, Any, Any]:
    """A file's name, content, content type and metadata, as given or as the content tells."""
    if not isinstance(file, tuple):
        with foreign(field):
            return _own_name(file) or field, file, None, None
    if len(file) not in (2, 3, 4):
        raise InvalidInput(
            f"a file of {field!r} is a tuple of {len(file)}; it takes (name, content), and then a"
            " content type and metadata"
        )
    name, content, content_type, metadata = (*file, None, None)[:4]
    if not isinstance(name, str):
        raise InvalidInput(
            f"a file's name is of type {type(name).__name__} ({field!r}); it has to be a string"
            + (", such as os.fsdecode(name)" if isinstance(name, bytes) else "")
        )
    if isinstance(content, str):
        raise InvalidInput(
            f"the content in (name, content) is a string: give bytes or a Path ({field!r})"
        )
    return name, content, content_type, metadata


def _metadata(metadata: object, name: str) -> Mapping[str, str]:
    """Checks what goes along by tus, which has ASCII keys without spaces or commas."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        kind = type(metadata).__name__
        raise InvalidInput(f"the metadata of {name!r} is a {kind}; give a mapping")
    for key, value in metadata.items():
        item = f"the metadata {key!r} of {name!r}"
        if not isinstance(key, str) or not re.fullmatch(r"[\x21-\x2b\x2d-\x7e]+", key):
            raise InvalidInput(f"{item} needs a key of ASCII without spaces and commas")
        if key in _OWN_METADATA:
            raise InvalidInput(f"{item} is written by the client itself")
        if not isinstance(value, str):
            raise InvalidInput(f"{item} is of type {type(value).__name__}; give a string")
        _encodable(value, item)
    return dict(metadata)


def _check_content_type(content_type: object, name: str) -> None:
    if content_type is not None and not _is_header_value(content_type):
        raise InvalidInput(f"the content type of {name!r} is not one: {content_type!r}")


def _is_header_value(value: object) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*", value) is not None
    )


def _own_name(content: object) -> str | None:
    """The name of a path, or of a file that was opened by one or uploaded to a web framework."""
    if isinstance(content, str | os.PathLike):
        return base_name(os.fsdecode(content))
    if type(content).__name__ in _UNPACKERS:  # `name` is that of the packed file
        name = getattr(content, "name", None)
        return (
            re.sub(r"\.(gz|bz2|xz|lzma)$", "", base_name(name)) if isinstance(name, str) else None
        )
    # In Werkzeug's FileStorage, `name` is the form's field.
    for attribute in ("filename", "name"):
        given = None
        with suppress(Exception):  # `zipfile.Path` fails where the archive itself has no name
            given = getattr(content, attribute, None)
        # A pipe's is a number, and Python calls what is no file "<stdin>", "<fdopen>" and the like.
        name = os.fsdecode(given) if isinstance(given, str | bytes) else ""
        if name and not name.startswith("<"):
            return base_name(name)
    return None
