"""One upload by tus 1.0, as work: begun or resumed, chunk by chunk, until all of it has arrived.

Nothing here knows of Assemblies, so any server of tus can be on the other side.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urljoin

from attrs import evolve, field, frozen

from .._calls.addresses import Home, trusted_url
from .._calls.answers import Answer, accepted, unreadable
from .._calls.contents import SMALL, Sent, Span
from .._calls.operations import Operation
from .._calls.sources import FileSource, Source, StreamSource
from .._errors import ApiError, FileChanged, NoAnswer
from .._flow import Aside, Work
from .._retry.rules import NOT_THERE, Guard, NotThere, Plan

T = TypeVar("T")

_VERSION = {"Tus-Resumable": "1.0.0"}
_BYTES = "application/offset+octet-stream"
_SAMPLE = 64 * 1024  # bytes of a file's beginning, and of its end, that its fingerprint covers
_CHECKED_CHUNK = 8 * 1024 * 1024  # a server keeps a chunk with a checksum as a whole, or not at all


@frozen
class Server:
    """Where uploads go.

    Attributes:
        url: where they are created.
        home: where those may be that its answers name.
        checksums: whether it compares SHA-1 sums.
        bodies: whether the request that creates an upload can carry its bytes; unchecked ones.
        given: the uploads that it has made for us.
    """

    url: str
    home: Home
    checksums: bool = False
    bodies: bool = False
    given: set[str] = field(factory=set, eq=False)


@frozen
class Standing:
    """An upload as the server sees it.

    Attributes:
        url: where it is.
        offset: how many bytes have arrived.
        length: how many there are in all; None as long as that was not told.
    """

    url: str
    offset: int = 0
    length: int | None = None


Find = Callable[[], Plan[Standing] | Plan[Standing | NotThere]]


def asked(server: Server) -> Work[Server]:
    """The server, with what it says it can do; one that says nothing can do what all can."""

    def read(answer: Answer) -> Server:
        accepted(answer)
        extensions = _listed(answer, "Tus-Extension")
        sums = "checksum" in extensions and "sha1" in _listed(answer, "Tus-Checksum-Algorithm")
        bodies = "creation-with-upload" in extensions and not sums
        return evolve(server, checksums=sums, bodies=bodies)

    operation = _operation("ask what the server of uploads can do", "OPTIONS", server.url, {}, read)
    try:
        able: Server = yield Plan(Guard.HARMLESS, lambda: operation)
    except (ApiError, NoAnswer):
        return server
    return able


def uploaded(
    source: Source,
    server: Server,
    metadata: Mapping[str, str],
    *,
    chunk_size: int,
    sent: Sent,
    url: str | None = None,
    find: Find | None = None,
) -> Work[str]:
    """Uploads a file; gives the URL of the upload.

    Args:
        source: the file.
        server: where it goes.
        metadata: what the server is told of it.
        chunk_size: bytes that one request carries at most.
        sent: told how many bytes have been sent, and have arrived.
        url: an upload that was begun earlier, to be resumed.
        find: looks for the upload if the answer to its creation is lost.

    Raises:
        FileChanged: it is not, or no longer, the file whose upload began.
        ApiError, NoAnswer: the server refused, or was not reached.
    """
    if url is None:
        size = yield from load(source, 0, chunk_size)  # a short stream's length is known then
        small = 0 < size <= SMALL and size == source.length
        whole = _span(source, 0, size, sent) if small and server.bodies else None
        at: Standing = yield _creation(source, server, metadata, find, whole)
    else:
        at = yield _standing(source.name, url)
    sent(at.offset)
    while at.length is None or at.offset < at.length:
        _compare(source, at)
        most = min(chunk_size, _CHECKED_CHUNK) if server.checksums else chunk_size
        size = yield from load(source, at.offset, most)
        chunk = _span(source, at.offset, size, sent)
        checksum: str | None = (yield Aside(chunk.sha1)) if server.checksums else None
        at = yield _patch(source, at, chunk, size, checksum)
        sent(at.offset)
    _compare(source, at)
    return at.url


def load(source: Source, offset: int, size: int) -> Work[int]:
    """Makes ready what is sent next, in a thread if it is not in memory; gives its size.

    Raises:
        FileChanged, InvalidInput: the source has changed, or cannot be read.
    """
    ready = source.ready(offset, size)
    if ready is not None:
        return ready
    loaded: int = yield Aside(partial(source.load, offset, size), source.awaited)
    return loaded


def fingerprint(source: Source) -> Work[str | None]:
    """Tells a file from another, or from a later version of itself; None for a stream.

    Raises:
        FileChanged, InvalidInput: the source has changed, or cannot be read.
    """
    if isinstance(source, StreamSource):
        return None
    if source.ready(0, source.size) is not None:
        return _digest(source)
    digest: str = yield Aside(partial(_digest, source))
    return digest


def _digest(source: FileSource) -> str:
    """From its time, its beginning and its end; what is in memory is covered as a whole."""
    digest = hashlib.blake2b(repr((source.size, source.written)).encode(), digest_size=16)
    whole = source.content is not None or source.size <= 2 * _SAMPLE
    spans = [(0, source.size)] if whole else [(0, _SAMPLE), (source.size - _SAMPLE, _SAMPLE)]
    for offset, size in spans:
        for piece in Span(source.read, offset, size):
            digest.update(piece)
    return digest.hexdigest()


def _span(source: Source, offset: int, size: int, sent: Sent) -> Span:
    return Span(source.read, offset, size, sent, in_memory=source.in_memory)


def _compare(source: Source, at: Standing) -> None:
    """Whether what has arrived can be a part of this file."""
    length = source.length
    if length is not None and (at.offset > length or at.length not in (None, length)):
        raise FileChanged(f"{source.name!r} is not the file whose upload began: its size differs")


def _creation(
    source: Source,
    server: Server,
    metadata: Mapping[str, str],
    find: Find | None,
    whole: Span | None,
) -> Plan[Standing]:
    """Begins an upload; with all of its bytes, if they are given, which spares a request."""
    length = source.length
    size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    headers = {**size, "Upload-Metadata": _encoded(metadata)}
    if whole is not None:
        headers |= {"Content-Type": _BYTES, "Content-Length": str(length)}

    def read(answer: Answer) -> Standing:
        accepted(answer)
        location = answer.headers.get("Location")
        if not location:
            raise unreadable(answer, "does not say where the upload is")
        offset = 0 if whole is None else _number(answer, "Upload-Offset")
        if offset is None or offset > (length or 0):
            raise unreadable(answer, f"says that {offset} bytes are there")
        url = trusted_url(urljoin(server.url, location), server.home, "an upload's URL")
        if url in server.given:
            raise unreadable(answer, "names an upload that another file has")
        server.given.add(url)
        return Standing(url, offset, length)

    def make() -> Operation[Standing]:
        request = f"begin the upload of {source.name!r}"
        return _operation(request, "POST", server.url, headers, read, content=whole)

    # Without a way to find it, an upload whose answer was lost is begun once more.
    return Plan(Guard.HARMLESS if find is None else Guard.TRACE, make, look=find)


def _standing(name: str, url: str) -> Plan[Standing]:
    return _head(name, url, lambda answer: _told(answer, url))


def _patch(
    source: Source, at: Standing, chunk: Span, size: int, checksum: str | None
) -> Plan[Standing]:
    """Sends a chunk. Whether one that went astray arrived is seen by how much is there."""
    end = at.offset + size
    length = source.length if at.length is None else at.length
    headers = {
        "Content-Type": _BYTES,
        "Content-Length": str(size),
        "Upload-Offset": str(at.offset),
    }
    if at.length is None and length is not None:
        headers["Upload-Length"] = str(length)
    if checksum is not None:
        headers["Upload-Checksum"] = f"sha1 {checksum}"

    def read(answer: Answer) -> Standing:
        accepted(answer)
        offset = _number(answer, "Upload-Offset")
        if offset is None or not (at.offset < offset <= end or offset == end):
            raise unreadable(answer, f"says that {offset} bytes are there")
        return Standing(at.url, offset, length)

    def read_moved(answer: Answer) -> Standing | NotThere:
        now = _told(answer, at.url)
        if now.offset < at.offset:
            raise unreadable(answer, f"says that of {at.offset} bytes {now.offset} are left")
        return NOT_THERE if now == at else now

    def make() -> Operation[Standing]:
        request = f"send {source.name!r} from byte {at.offset}"
        return _operation(request, "PATCH", at.url, headers, read, content=chunk)

    return Plan(Guard.TRACE, make, look=lambda: _head(source.name, at.url, read_moved))


def _head(name: str, url: str, read: Callable[[Answer], T]) -> Plan[T]:
    """Asks on a connection of its own, since what is done next rests on the answer alone."""
    request = f"ask how much of {name!r} has arrived"
    operation = evolve(_operation(request, "HEAD", url, {}, read), nameless=True)
    return Plan(Guard.HARMLESS, lambda: operation)


def _told(answer: Answer, url: str) -> Standing:
    accepted(answer)
    offset = _number(answer, "Upload-Offset")
    if offset is None:
        raise unreadable(answer, "does not say how much has arrived")
    return Standing(url, offset, _number(answer, "Upload-Length"))


def _operation(
    request: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    read: Callable[[Answer], T],
    *,
    content: Span | None = None,
) -> Operation[T]:
    arguments: dict[str, Any] = {"method": method, "url": url, "headers": {**_VERSION, **headers}}
    if content is not None:
        arguments["content"] = content
    return Operation(request, arguments, read)


def _encoded(metadata: Mapping[str, str]) -> str:
    """`Upload-Metadata`: names, and values in base64."""
    return ",".join(
        f"{key} {b64encode(value.encode()).decode()}" for key, value in metadata.items()
    )


def _number(answer: Answer, name: str) -> int | None:
    """A header that is a number of bytes."""
    text = answer.headers.get(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _listed(answer: Answer, name: str) -> set[str]:
    return {item.strip() for item in (answer.headers.get(name) or "").split(",")}
