"""The seam: the one place where hand-written code takes hold of a generated request.

Generated code hands httpx the fields of a request, and `on_the_wire` gives them the form that every
server's parser reads alike. Our httpx clients call it in `build_request`: a public method,
synchronous in both kinds, that sees the fields before anything is encoded.
"""

import io
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Any, cast

import httpx

from .._calls.contents import PIECE, Span
from .._calls.files import file_part
from .._calls.sources import Source
from .._errors import InvalidInput

_SMALL = 64 * 1024  # bytes, which cost less to copy than to write by themselves


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
    data = arguments.get("data") or {}
    texts: dict[str, str | bytes] = {}
    files = []
    for name, part in parts.items() if isinstance(parts, Mapping) else parts:
        if not _is_text(part):
            files.append((name, _file(name, part)))
        elif name in texts or name in data:
            raise InvalidInput(f"the form has the field {name!r} twice; nothing was sent")
        else:
            texts[name] = part[1]
    # A part without a file name is a field, and httpx gives it no type. It draws a boundary of 128
    # random bits where no header says another.
    fields = [(name, (None, text)) for name, text in texts.items()]
    return {**arguments, "files": [*fields, *files], "headers": _without_type(arguments)}


def _without_type(arguments: Mapping[str, Any]) -> dict[str, str]:
    headers = arguments.get("headers") or {}
    return {name: value for name, value in dict(headers).items() if name.lower() != "content-type"}


def _is_text(part: object) -> bool:
    return isinstance(part, tuple) and part[0] is None and isinstance(part[1], str | bytes)


def _file(field: str, part: Any) -> tuple[str, Any, str]:
    """A part with a file name, never a path, and a content type: both make it a file everywhere."""
    name, content, content_type, *_ = (
        (*part, None) if isinstance(part, tuple) else (None, part, None)
    )
    name, source, content_type = file_part(field, name or field, content, content_type or None)
    whole = source.content
    return name, _FormFile(source) if whole is None else whole, content_type


class _FormFile:
    """A source as httpx reads files: `seek` and `tell` for the length, then `read` up to the end.

    The file itself is opened by the first `read`, and closed by the last: httpx reads one part
    after the other, so that a form of any number of files has one of them open at a time.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pieces = source.pieces()

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self._source.size is None:  # a stream: of unknown length, so it is sent in chunks
            raise io.UnsupportedOperation
        if whence == io.SEEK_END:
            return self._source.size
        self._pieces = self._source.pieces()
        return offset

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002  # httpx passes it
        """The next piece: more than the 64 KiB that httpx asks for, since each is a write."""
        return next(self._pieces, b"")


def in_few_pieces(request: httpx.Request, arguments: Mapping[str, Any]) -> httpx.Request:
    """A request whose form goes out in pieces of a good size, since each is a write of its own.

    A form that is small and in memory is joined once and for all.
    """
    contents = [part[1] for _, part in arguments.get("files") or ()]
    if not contents:
        return request
    if not any(isinstance(one, _FormFile) for one in contents) and sum(map(len, contents)) <= PIECE:
        request.read()
    else:
        request.stream = _Evened(cast("httpx.SyncByteStream", request.stream))
    return request


class _Evened(httpx.SyncByteStream):
    """A body whose small pieces are joined, and whose large ones are cut.

    What a socket does not take at once of a piece httpx copies, again and again.

    Attributes:
        parts: the body as httpx makes it.
    """

    def __init__(self, parts: httpx.SyncByteStream) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[bytes]:
        held = bytearray()
        for piece in self.parts:
            if len(held) + len(piece) <= _SMALL:
                held += piece
                continue
            if held:
                yield bytes(held)
                held.clear()
            if len(piece) <= PIECE:
                yield piece
            else:
                yield from (piece[at : at + PIECE] for at in range(0, len(piece), PIECE))
        yield bytes(held)  # the last boundary at least


def off_the_loop(request: httpx.Request, arguments: Mapping[str, Any]) -> httpx.Request:
    """A request of asynchronous code whose body may come from a file: read in a thread.

    httpx reads files on the event loop's own thread, where a slow disk holds up everything.
    """
    content, stream = arguments.get("content"), request.stream
    if isinstance(content, Span):
        in_memory = content.in_memory
    elif isinstance(stream, _Evened):
        in_memory = not any(isinstance(part[1], _FormFile) for _, part in arguments["files"])
    else:
        return request
    request.stream = _Awaited(cast("httpx.SyncByteStream", stream), in_memory=in_memory)
    return request


class _Awaited(httpx.AsyncByteStream):
    """A body for asynchronous code, read piece by piece; each time from its beginning."""

    def __init__(self, stream: httpx.SyncByteStream, *, in_memory: bool) -> None:
        self._stream = stream
        self._in_memory = in_memory

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(iter(self._stream), in_memory=self._in_memory)


class _Pieces(AsyncIterator[bytes]):
    """The pieces of a body: taken at once if it is in memory, else read in a thread.

    It is no generator, since trio warns of those that are left before their end, and httpx leaves
    the body of a request that breaks off.
    """

    def __init__(self, pieces: Iterator[bytes], *, in_memory: bool) -> None:
        self._pieces = pieces
        self._in_memory = in_memory

    async def __anext__(self) -> bytes:
        from .worker_threads import in_thread  # noqa: PLC0415  # asyncio takes as long as httpx

        take = partial(next, self._pieces, b"")
        piece: bytes = take() if self._in_memory else await in_thread(take)
        if not piece:
            raise StopAsyncIteration
        return piece
