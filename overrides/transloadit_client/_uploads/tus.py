"""One upload by tus 1.0, as work: begun or resumed, chunk by chunk, until all of it has arrived.

Nothing here knows of Assemblies, so any server of tus can be on the other side.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from attrs import evolve, field, frozen

from .._calls.addresses import Home, trusted_url
from .._calls.answers import Answer, accepted, unreadable
from .._calls.call import NOT_THERE, Call, Guard, NotThere, Prepared
from .._calls.contents import SMALL, Sent, Span
from .._calls.sources import FileSource, Source, StreamSource
from .._errors import ApiError, FileChanged, InvalidInput, NoAnswer
from .._flow import Flow, InThread, Once
from .._retry.reports import again

T = TypeVar("T")

_VERSION = {"Tus-Resumable": "1.0.0"}
_BYTES = "application/offset+octet-stream"
_SAMPLE = 64 * 1024  # bytes of a file's beginning, and of its end, that its fingerprint covers
_LONGEST_QUESTION = 5.0  # seconds: firewalls swallow OPTIONS, and the answer is a convenience
_TOO_LARGE, _SMALLEST_CHUNK = 413, 64 * 1024
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
class UploadState:
    """An upload as the server sees it.

    Attributes:
        url: where it is.
        offset: how many bytes have arrived.
        length: how many there are in all; None as long as that was not told.
    """

    url: str
    offset: int = 0
    length: int | None = None


Find = Callable[[], Call[UploadState] | Call[UploadState | NotThere]]


def asked(server: Server, known: dict[str, tuple[bool, bool]]) -> Flow[Server]:
    """The server, with what it says it can do; one that says nothing can do what all can.

    Args:
        server: the server.
        known: what hosts have said before: whether they check sums, and take bytes at creation.
    """

    def read(answer: Answer) -> Server:
        accepted(answer)
        extensions = _listed(answer, "Tus-Extension")
        sums = "checksum" in extensions and "sha1" in _listed(answer, "Tus-Checksum-Algorithm")
        # Where sums are compared every byte goes by PATCH, which carries one.
        bodies = "creation-with-upload" in extensions and not sums
        return evolve(server, checksums=sums, bodies=bodies)

    host = urlsplit(server.url).netloc
    if host not in known:
        title = "ask what the server of uploads can do"
        call = _call(title, Guard.HARMLESS, "OPTIONS", server.url, headers={}, read=read)
        try:
            able: Server = yield Once(call, _LONGEST_QUESTION)
        # The answer only saves requests: plain tus always works.
        except (ApiError, NoAnswer):
            able = server
        known[host] = able.checksums, able.bodies
    checksums, bodies = known[host]
    return evolve(server, checksums=checksums, bodies=bodies)


def uploaded(
    source: Source,
    server: Server,
    metadata: Mapping[str, str],
    *,
    chunk_size: int,
    sent: Sent,
    url: str | None = None,
    find: Find | None = None,
) -> Flow[str]:
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
        try:
            at: UploadState = yield _creation(source, server, metadata, find, whole)
        except ApiError as error:
            if whole is None or not _is_too_large(error):
                raise
            yield again(f"begin the upload of {source.name!r}", error, "send its bytes later")
            at = yield _creation(source, server, metadata, find, None)
    else:
        at = yield _state(source.name, url)
    sent(at.offset)
    while at.length is None or at.offset < at.length:
        _compare(source, at)
        most = min(chunk_size, _CHECKED_CHUNK) if server.checksums else chunk_size
        size = yield from load(source, at.offset, most)
        chunk = _span(source, at.offset, size, sent)
        checksum: str | None = (yield InThread(chunk.sha1)) if server.checksums else None
        try:
            at = yield _patch(source, at, chunk, size, checksum)
        except ApiError as error:
            if not _is_too_large(error):
                raise
            if size <= _SMALLEST_CHUNK:
                hint = f"Something on the way takes no {size} bytes: give a smaller chunk_size."
                error.args = (f"{error} {hint}",)
                raise
            chunk_size = max(_SMALLEST_CHUNK, size // 2)  # what a proxy takes: nginx 1 MB
            yield again(f"send {source.name!r}", error, f"send {chunk_size} bytes at once")
            continue
        sent(at.offset)
    _compare(source, at)
    return at.url


def load(source: Source, offset: int, size: int) -> Flow[int]:
    """Makes ready what is sent next, in a thread if it is not in memory; gives its size.

    Raises:
        FileChanged, InvalidInput: the source has changed, or cannot be read.
    """
    ready = source.ready(offset, size)
    if ready is not None:
        return ready
    loaded: int = yield InThread(partial(source.load, offset, size), source.awaited)
    return loaded


def fingerprint(source: Source) -> Flow[str | None]:
    """Tells a file from another, or from a later version of itself; None for a stream.

    Raises:
        FileChanged, InvalidInput: the source has changed, or cannot be read.
    """
    if isinstance(source, StreamSource):
        return None
    if source.ready(0, source.size) is not None:
        return _digest(source)
    digest: str = yield InThread(partial(_digest, source))
    return digest


def _digest(source: FileSource) -> str:
    """From its time, its beginning and its end; what is in memory is covered as a whole."""
    # Size and time come first: two files that begin and end alike, such as blank images, differ in
    # them.
    digest = hashlib.blake2b(repr((source.size, source.written)).encode(), digest_size=16)
    whole = source.content is not None or source.size <= 2 * _SAMPLE
    spans = [(0, source.size)] if whole else [(0, _SAMPLE), (source.size - _SAMPLE, _SAMPLE)]
    for offset, size in spans:
        for piece in Span(source.read, offset, size):
            digest.update(piece)
    return digest.hexdigest()


def _is_too_large(error: ApiError) -> bool:
    """Whether a request had more bytes than something on the way takes. The API gives a code."""
    return error.http_status == _TOO_LARGE and error.code is None


def _span(source: Source, offset: int, size: int, sent: Sent) -> Span:
    return Span(source.read, offset, size, sent, in_memory=source.in_memory)


def _compare(source: Source, at: UploadState) -> None:
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
) -> Call[UploadState]:
    """Begins an upload; with all of its bytes, if they are given, which spares a request."""
    length = source.length
    size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    headers = {**size, "Upload-Metadata": _encoded(metadata)}
    if whole is not None:
        headers |= {"Content-Type": _BYTES, "Content-Length": str(length)}

    def read(answer: Answer) -> UploadState:
        accepted(answer)
        location = answer.headers.get("Location")
        if not location:
            raise unreadable(answer, "does not say where the upload is")
        offset = 0 if whole is None else _number(answer, "Upload-Offset")
        if offset is None or offset > (length or 0):
            raise unreadable(answer, f"says that {offset} bytes are there")
        try:
            url = trusted_url(urljoin(server.url, location), server.home, "an upload's URL")
        except ValueError as error:  # InvalidInput is one, and urljoin's own
            problem = "names no URL where the upload can be"
            raise (
                error if isinstance(error, InvalidInput) else unreadable(answer, problem)
            ) from None
        # An answer that came twice would lead two files into one upload.
        if url in server.given:
            raise unreadable(answer, "names an upload that another file has")
        server.given.add(url)
        return UploadState(url, offset, length)

    # Without a way to find it, an upload whose answer was lost is begun once more.
    guard = Guard.HARMLESS if find is None else Guard.CHECKABLE
    title = f"begin the upload of {source.name!r}"
    return _call(
        title, guard, "POST", server.url, headers=headers, read=read, content=whole, find=find
    )


def _state(name: str, url: str) -> Call[UploadState]:
    return _head(name, url, lambda answer: _told(answer, url))


def _patch(
    source: Source, at: UploadState, chunk: Span, size: int, checksum: str | None
) -> Call[UploadState]:
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

    def read(answer: Answer) -> UploadState:
        accepted(answer)
        offset = _number(answer, "Upload-Offset")
        # More than was sent is the answer to another request; nothing at all is no progress.
        if offset is None or not (at.offset < offset <= end or offset == end):
            raise unreadable(answer, f"says that {offset} bytes are there")
        return UploadState(at.url, offset, length)

    def read_moved(answer: Answer) -> UploadState | NotThere:
        now = _told(answer, at.url)
        # The server lost what it had acknowledged. To go on would leave a hole in the file.
        if now.offset < at.offset:
            raise unreadable(answer, f"says that of {at.offset} bytes {now.offset} are left")
        learned = at.length is None and now.length is not None  # once; else it is no progress
        return now if learned or now.offset != at.offset else NOT_THERE

    title = f"send {source.name!r} from byte {at.offset}"

    def find() -> Call[UploadState | NotThere]:
        return _head(source.name, at.url, read_moved)

    return _call(
        title,
        Guard.CHECKABLE,
        "PATCH",
        at.url,
        headers=headers,
        read=read,
        content=chunk,
        find=find,
    )


def _head(name: str, url: str, read: Callable[[Answer], T]) -> Call[T]:
    """Asks on a connection of its own, since what is done next rests on the answer alone."""
    title = f"ask how much of {name!r} has arrived"
    return _call(title, Guard.HARMLESS, "HEAD", url, headers={}, read=read, own_connection=True)


def _told(answer: Answer, url: str) -> UploadState:
    accepted(answer)
    offset = _number(answer, "Upload-Offset")
    if offset is None:
        raise unreadable(answer, "does not say how much has arrived")
    return UploadState(url, offset, _number(answer, "Upload-Length"))


def _call(
    title: str,
    guard: Guard,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    read: Callable[[Answer], T],
    content: Span | None = None,
    find: Find | None = None,
    own_connection: bool = False,
) -> Call[T]:
    arguments: dict[str, Any] = {"method": method, "url": url, "headers": {**_VERSION, **headers}}
    if content is not None:
        arguments["content"] = content
    return Call(
        title,
        guard,
        lambda: Prepared(arguments),
        read,
        find=find,
        own_connection=own_connection,
        size=0 if content is None else content.size,
    )


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
