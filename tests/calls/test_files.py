"""Whatever people hand over as a file arrives as it is, or is refused: by form and by tus alike."""

import asyncio
import bz2
import errno
import gzip
import io
import lzma
import mimetypes
import mmap
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import aiofiles
import anyio
import httpx
import pytest
from django.core.files.base import File as DjangoFile
from django.core.files.uploadedfile import SimpleUploadedFile
from starlette.datastructures import UploadFile
from upath import UPath
from werkzeug.datastructures import FileStorage
from werkzeug.wsgi import LimitedStream

from transloadit_client import (
    AsyncTransloadit,
    FileChanged,
    InvalidInput,
    Progress,
    RetryPolicy,
    Stream,
    Transloadit,
    TransloaditError,
    UploadIncomplete,
)
from transloadit_client._calls.contents import PIECE, SMALL
from transloadit_client._calls.files import content_type_of, sources
from transloadit_client._calls.sources import FileSource, StreamSource
from transloadit_standin import Answer, Drop, StandIn

Connect = Callable[..., Any]

STEPS = {"kept": {"robot": "/file/filter", "use": ":original"}}
QUICK = RetryPolicy(first=0.01, longest=0.05, floor=0.01, reserve=1000)
DATA = os.urandom(2 * SMALL + 12_345)
SHORT = DATA[:30_000]


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(single_use="work") as api:
        yield api


@pytest.fixture(params=["form", "tus"])
def way(request: pytest.FixtureRequest) -> str:
    """How files go: in the create request, or by resumable upload."""
    return str(request.param)


@pytest.fixture
def client(connect: Connect, api: StandIn) -> Any:
    return connect(api.key, api.secret, base_url=api.url, retry=QUICK)


@pytest.fixture(autouse=True)
def _tidy(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("given")))
    yield
    while OPEN:
        OPEN.pop().close()


OPEN: list[Any] = []


def kept(file: Any) -> Any:
    """A file that is open until its test has ended."""
    OPEN.append(file)
    return file


def send(client: Any, way: str, files: Any, number: int = 1, *, parallel: int = 4) -> None:
    if way == "form":
        client.create_assembly(steps=STEPS, files=files)
    else:
        assembly = client.create_assembly(steps=STEPS, num_expected_upload_files=number)
        client.upload(assembly, files, parallel=parallel)


def arrived(api: StandIn) -> list[tuple[str, str]]:
    """Name and hash of each file that arrived as a whole."""
    files = (it for assembly in api.assemblies.values() for it in assembly.uploads)
    return [(it.stored.name, it.stored.sha256) for it in files]


def whole(name: str, content: bytes) -> tuple[str, str]:
    return name, sha256(content).hexdigest()


def pipe(content: bytes, piece: int = 65_536, *, blocking: bool = True) -> IO[bytes]:
    """The end of a pipe into which somebody writes, now and then."""
    reading, writing = os.pipe()
    os.set_blocking(reading, blocking)

    def write() -> None:
        # The reader may have had enough.
        with suppress(BrokenPipeError), os.fdopen(writing, "wb", buffering=0) as out:
            for at in range(0, len(content), piece):
                out.write(content[at : at + piece])
                if not blocking:
                    time.sleep(0.005)

    threading.Thread(target=write, daemon=True).start()
    return kept(os.fdopen(reading, "rb", buffering=-1 if blocking else 0))  # type: ignore[no-any-return]


# What is refused, before anything is sent


class Awaitable:
    """A file of another library, whose `read` is awaited."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    async def read(self, size: int = -1) -> bytes:
        await asyncio.sleep(0)
        return self._inner.read(size)


class Future:
    """What is awaited need not be a coroutine."""

    def __await__(self) -> Iterator[None]:
        raise AssertionError


class Raising:
    """Raises as no file should."""

    def __init__(self, after: int = 0) -> None:
        self._left = after

    def read(self, size: int) -> bytes:
        if self._left < size:
            raise ZeroDivisionError("by nobody")
        self._left -= size
        return bytes(size)

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name} here")


def at_its_end(buffer: IO[bytes]) -> IO[bytes]:
    buffer.write(SHORT)
    return buffer


class Liar(io.RawIOBase):
    """Says that it can seek, goes to its end, and never comes back."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._inner.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == io.SEEK_SET and offset < self._inner.tell():
            raise io.UnsupportedOperation("there is no way back")
        return self._inner.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        return self._inner.readinto(buffer)


class Stub(io.RawIOBase):
    """Says that it can seek, and does nothing of the kind: some wrappers have such methods.

    Args:
        content: what it reads as.
        tells: whether it knows where it stands.
    """

    def __init__(self, content: bytes, *, tells: bool) -> None:
        self._inner, self._tells = io.BytesIO(content), tells

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._inner.tell() if self._tells else 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def readinto(self, buffer: Any) -> int:
        return self._inner.readinto(buffer)


def moved(buffer: IO[bytes], position: int) -> IO[bytes]:
    buffer.seek(position)
    return buffer


def nameless(folder: Path) -> Path:
    path = folder / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes(SHORT)
    return path


def zipped(folder: Path) -> zipfile.Path:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/cat.jpg", DATA)
    return zipfile.Path(folder / "a.zip")


def zipped_in_memory() -> zipfile.Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("in/cat.jpg", DATA)
    return zipfile.Path(zipfile.ZipFile(buffer)) / "in" / "cat.jpg"


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a buffer that was just written": (lambda _: at_its_end(io.BytesIO()), r"seek\(0\)"),
    "a temporary file that was just written": (
        lambda path: at_its_end(kept(io.FileIO(path / "a", "w+"))),
        r"seek\(0\)",
    ),
    "one beyond its end": (lambda _: moved(io.BytesIO(SHORT), len(SHORT) + 1), r"seek\(0\)"),
    "a wrapper that cannot go back, and says it can": (
        lambda _: io.BufferedReader(Liar(SHORT)),
        "cannot go back",
    ),
    "one whose `seek` does nothing": (lambda _: Stub(SHORT, tells=True), "cannot go back"),
    "a buffered one of these": (
        lambda _: io.BufferedReader(Stub(SHORT, tells=True)),
        "cannot go back",
    ),
    "one whose `tell` does nothing either": (
        lambda _: Stub(SHORT, tells=False),
        "cannot go back",
    ),
    "a file whose attributes raise": (lambda _: Raising(), "RuntimeError: no"),
    "a response of httpx": (lambda _: httpx.Response(200, content=b"x"), "takes no number"),
    "a path that is gone": (lambda path: path / "gone", "cannot read the file 'gone'"),
    "a folder": (lambda path: path, "cannot read the file"),
    "a folder in an archive": (lambda path: zipped(path) / "in", "cannot read the file"),
    "a path of another machine that is gone": (lambda _: UPath("memory:///gone"), "cannot read"),
    "a stream of text": (lambda _: [("x", Stream("text"))], "Stream of str"),  # type: ignore[arg-type]
    "a stream of a negative size": (lambda _: [("x", Stream([], -1))], "it counts bytes"),
    "a stream of nothing that iterates": (lambda _: [("x", Stream(7))], "cannot read"),  # type: ignore[arg-type]
    "an iterator of nothing": (lambda path: path.glob("*.jpg"), "gives nothing"),
    "an iterator that raises": (lambda _: (1 // 0 for _ in "a"), "ZeroDivisionError"),
    "a name that is not UTF-8": (nameless, "a name that is text"),
    "a name of bytes": (lambda _: [(b"a.jpg", SHORT)], "os.fsdecode"),
    "metadata that are no mapping": (lambda _: [("x", b"", None, "text")], "give a mapping"),
    "a metadata key with a space": (lambda _: [("x", b"", None, {"a b": ""})], "needs a key"),
    "a metadata value of another type": (lambda _: [("x", b"", None, {"a": 7})], "type int"),
    "metadata that the client writes": (lambda _: [("x", b"", None, {"filename": ""})], "itself"),
    "half a surrogate in metadata": (lambda _: [("x", b"", None, {"a": "\ud800"})], "surrogate"),
    "a content type of two lines": (lambda _: [("x", b"", "a/b\r\nX: 1")], "content type"),
}


@pytest.mark.parametrize(("make", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_refused_before_anything_is_created(
    client: Any, api: StandIn, tmp_path: Path, make: Callable[[Path], Any], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        client.run(steps=STEPS, files=make(tmp_path))

    assert not api.requests


def test_a_file_that_has_to_be_awaited_is_refused_where_nothing_can(api: StandIn, way: str) -> None:
    """The error says which file to give instead."""
    with Transloadit(api.key, api.secret, base_url=api.url) as client:
        uploaded = UploadFile(io.BytesIO(SHORT), filename="a.jpg")
        for file in (Awaitable(SHORT), uploaded, Reader(lambda _: Future())):
            api.requests.clear()
            with pytest.raises(InvalidInput, match=r"give its \.file"):
                send(client, way, [file])
            assert len(api.requests) == (way == "tus")


# What a file does while it is sent


class Watched(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that tells how many of its bytes have gone out."""

    def __init__(self, stream: Any, on_bytes: Callable[[int], None]) -> None:
        self._stream, self._on_bytes = stream, on_bytes

    def __iter__(self) -> Iterator[bytes]:
        sent = 0
        for piece in self._stream:
            yield piece
            sent += len(piece)
            self._on_bytes(sent)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sent = 0
        async for piece in self._stream:
            yield piece
            sent += len(piece)
            self._on_bytes(sent)


class Watching(httpx.HTTPTransport):
    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        super().__init__()
        self._on_bytes = on_bytes

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.stream = Watched(request.stream, self._on_bytes)
        return super().handle_request(request)


class AsyncWatching(httpx.AsyncHTTPTransport):
    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        super().__init__()
        self._on_bytes = on_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.stream = Watched(request.stream, self._on_bytes)
        return await super().handle_async_request(request)


def watched(connect: Connect, api: StandIn, change: Callable[[], object]) -> Any:
    """A client during whose first large request something happens to the file."""
    happened: list[bool] = []

    def on_bytes(sent: int) -> None:
        if sent > PIECE and not happened:
            happened.append(True)
            change()

    sync = connect(api.key, api.secret)
    transport = Watching if isinstance(sync, Transloadit) else AsyncWatching
    options = {"transport": transport(on_bytes)}
    return connect(api.key, api.secret, base_url=api.url, retry=QUICK, httpx_args=options)


def grow(path: Path) -> None:
    with path.open("ab") as log:
        log.write(b"one more line\n")


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(bytes(len(DATA)))
    other.replace(path)


def rewrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(len(DATA)))


CHANGES: dict[str, Callable[[Path], object]] = {
    "grows": grow,
    "shrinks": lambda path: os.truncate(path, SMALL),
    "is emptied": lambda path: os.truncate(path, 0),
    "is replaced by another of its size": replace,
    "is written anew in place": rewrite,
    "vanishes": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("opened", [False, True], ids=["a path", "an open file"])
def test_a_file_that_changes_while_it_is_sent_never_arrives(
    connect: Connect,
    api: StandIn,
    way: str,
    tmp_path: Path,
    change: Callable[[Path], object],
    *,
    opened: bool,
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(DATA)
    client = watched(connect, api, lambda: change(path))

    with path.open("rb") as file:
        if opened and change in (replace, Path.unlink):  # the open file is what it was
            send(client, way, [file])
            assert arrived(api) == [whole("a.log", DATA)]
            return
        with pytest.raises((FileChanged, UploadIncomplete)) as caught:
            send(client, way, [file if opened else path])

    error = caught.value.__cause__ if way == "tus" else caught.value
    assert isinstance(error, FileChanged)
    assert "'a.log'" in str(caught.value)
    assert error.attempts
    assert not arrived(api)


@pytest.mark.parametrize("by", [-1, 1])
def test_a_buffer_of_another_kind_that_changes_while_it_is_sent_never_arrives(
    connect: Connect, api: StandIn, way: str, by: int
) -> None:
    """It has no version, but fewer or more bytes than it was declared with."""

    class Kept(io.BytesIO):
        name = "kept.bin"

    buffer = Kept(DATA)

    def change() -> None:
        buffer.truncate(len(DATA) + min(by, 0))
        if by > 0:
            buffer.seek(0, io.SEEK_END)
            buffer.write(b"x")

    with pytest.raises(TransloaditError, match=r"'kept\.bin' has (more|fewer) bytes"):
        send(watched(connect, api, change), way, buffer)

    assert not arrived(api)


@pytest.mark.parametrize("make", [io.BytesIO, bytearray])
def test_a_plain_buffer_is_sent_as_it_was_when_it_was_given(
    connect: Connect, api: StandIn, way: str, make: Callable[[bytes], Any]
) -> None:
    buffer = make(DATA)

    def change() -> None:
        with memoryview(buffer.getbuffer() if make is io.BytesIO else buffer) as memory:
            memory[: len(DATA)] = bytes(len(DATA))

    send(watched(connect, api, change), way, [("a.bin", buffer)])

    assert arrived(api) == [whole("a.bin", DATA)]


def test_what_a_backup_program_does_to_a_file_is_no_change(
    connect: Connect, api: StandIn, way: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)

    def back_up() -> None:
        path.chmod(0o600)
        (tmp_path / "link").hardlink_to(path)

    send(watched(connect, api, back_up), way, path)

    assert arrived(api) == [whole("a.bin", DATA)]


@pytest.mark.parametrize("change", [replace, Path.unlink])
def test_a_file_that_changes_before_its_turn_never_arrives(
    client: Any, api: StandIn, way: str, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """Its length is declared when the request begins, and it is opened after those before it."""
    path = tmp_path / "a.bin"
    path.write_bytes(SHORT)

    def changing(size: int) -> bytes:
        if size and path.exists():
            change(path)
        return b""

    files = [("first.bin", Reader(changing)), path]
    with pytest.raises((FileChanged, UploadIncomplete)) as caught:
        send(client, way, files, 2, parallel=1)

    error = caught.value.__cause__ if way == "tus" else caught.value
    assert isinstance(error, FileChanged)
    assert arrived(api) == ([whole("first.bin", b"")] if way == "tus" else [])


@pytest.mark.parametrize("number", [0, 2, 4])
def test_one_file_that_fails_ends_no_other_upload(
    client: Any, api: StandIn, tmp_path: Path, number: int
) -> None:
    """`UploadIncomplete` says which arrived, and which did not."""
    paths = [tmp_path / f"{name}.bin" for name in "abcde"]
    for path in paths:
        path.write_bytes(path.name.encode())
    broken = ("x.bin", Reader(Raising(PIECE).read))
    files: list[Any] = [*paths[:number], broken, *paths[number:]]
    assembly = client.create_assembly(steps=STEPS, num_expected_upload_files=6)

    with pytest.raises(UploadIncomplete, match="ZeroDivisionError: by nobody") as caught:
        client.upload(assembly, files, parallel=2)

    assert caught.value.missing == ("x.bin",)
    assert caught.value.finished == tuple(path.name for path in paths)
    assert sorted(arrived(api)) == sorted(whole(path.name, path.read_bytes()) for path in paths)


def test_a_file_that_cannot_be_read_when_uploads_are_resumed_ends_no_other(
    client: Any, api: StandIn
) -> None:
    class Breaking(Short):
        broken = False

        def readinto(self, buffer: Any) -> int:
            if self.broken:
                raise OSError(5, "Input/output error")
            return super().readinto(buffer)

    breaking = Breaking(DATA)
    files: Any = [("a.bin", breaking), ("b.bin", DATA)]
    assembly = client.create_assembly(steps=STEPS, num_expected_upload_files=2)
    api.faults += [Answer(403, b"", operation="tusPatch")] * 2
    with pytest.raises(UploadIncomplete):
        client.upload(assembly, files)
    breaking.seek(0)
    breaking.broken = True

    with pytest.raises(UploadIncomplete, match=r"'a\.bin'.*Input/output error") as caught:
        client.upload(assembly, files)

    assert caught.value.finished == ("b.bin",)
    assert "goes on from there" not in str(caught.value)  # the same file would fail again


class Reader:
    """Has `read`, and nothing else."""

    def __init__(self, read: Callable[[int], Any]) -> None:
        self.read = read


@pytest.mark.parametrize("piece", ["text", 7, [b"x"], None])
def test_a_piece_that_is_not_bytes_is_refused(client: Any, api: StandIn, piece: Any) -> None:
    """None as well: from an iterator it says neither that more comes nor that this was all."""
    assembly = client.create_assembly(steps=STEPS, num_expected_upload_files=1)

    with pytest.raises(UploadIncomplete, match=f"a piece of type {type(piece).__name__}"):
        client.upload(assembly, [("x", iter([b"first", piece, b"last"]))])

    assert not arrived(api)


@pytest.mark.parametrize("piece", ["text", 7])
def test_a_form_with_a_piece_that_is_not_bytes_is_not_created(
    client: Any, api: StandIn, piece: Any
) -> None:
    pieces = iter([b"", DATA, piece])

    with pytest.raises(InvalidInput, match="a piece of type"):
        client.create_assembly(steps=STEPS, files=[("x", Reader(lambda _: next(pieces)))])

    assert not api.assemblies


# What arrives


class Short(io.RawIOBase):
    """Gives less than was asked for, as sockets and FUSE may; it can go back."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: Any) -> int:
        piece = self._inner.read(min(len(buffer), 7_919))
        buffer[: len(piece)] = piece
        return len(piece)


class Mapped(mmap.mmap):
    """As before Python 3.13: `seek` gives no position. Nor does it in files by SFTP."""

    def seek(self, *position: Any) -> None:
        super().seek(*position)


class NothingYet:
    """Says None now and then, as streams in non-blocking mode do."""

    def __init__(self, content: bytes) -> None:
        self._inner, self._turn = io.BytesIO(content), 0

    def read(self, size: int) -> bytes | None:
        self._turn += 1
        return None if self._turn % 3 == 0 else self._inner.read(size)


class Unruly:
    """Gives less than was asked for, and then more."""

    def __init__(self, content: bytes) -> None:
        self._inner, self._turn = io.BytesIO(content), 0
        self.seek, self.tell = self._inner.seek, self._inner.tell

    def read(self, size: int) -> bytes:
        self._turn += 1
        return self._inner.read(2 * size if self._turn % 2 == 0 else (size + 1) // 2)


class NoTell:
    """Can go back, but does not say where it stands."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)
        self.read, self.seek = self._inner.read, self._inner.seek


class Hidden:
    """A file of another library by which the content of a `Path`-like thing is opened."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self, mode: str) -> IO[bytes]:
        assert mode == "rb"
        return io.BytesIO(self._content)


def mapped(content: bytes) -> mmap.mmap:
    memory: mmap.mmap = kept(Mapped(-1, len(content)))
    memory.write(content)
    memory.seek(0)
    return memory


def spooled(content: bytes) -> Any:
    file = kept(tempfile.SpooledTemporaryFile(max_size=SMALL))  # noqa: SIM115  # `kept` closes it
    file.write(content)
    file.seek(0)
    return file


def member(content: bytes) -> Any:
    """A member of a tar archive that comes through a pipe."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("m")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    stream = kept(tarfile.open(fileobj=pipe(packed.getvalue()), mode="r|gz"))  # noqa: SIM115  # likewise
    found = stream.next()
    assert found is not None
    return stream.extractfile(found)


def zip_path(content: bytes) -> zipfile.Path:
    archive = Path(tempfile.mkdtemp(prefix="given-")) / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("cat.jpg", content)
    inside = zipfile.Path(archive)
    kept(inside.root)  # else the collector may come to its file first, which then warns
    return inside / "cat.jpg"


def remote(content: bytes) -> Any:
    path = UPath("memory:///far/away.bin")
    path.write_bytes(content)
    return path


def on_disk(content: bytes) -> Path:
    path = Path(tempfile.mkdtemp(prefix="given-")) / "d.bin"
    path.write_bytes(content)
    return path


def entry(content: bytes, *, of_bytes: bool = False) -> Any:
    folder = on_disk(content).parent
    with os.scandir(os.fsencode(folder) if of_bytes else folder) as entries:
        return next(entries)


bzip2, xz = cache(bz2.compress), cache(lzma.compress)  # each takes a second or so


def unxz(content: bytes) -> Any:
    return lzma.LZMAFile(pipe(xz(content)))  # its pipe is closed by `pipe`


def opened_member(content: bytes) -> Any:
    return kept(zip_path(content).open("rb"))


HANDED_OVER: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "a bytearray": bytearray,
    "a memoryview": memoryview,
    "a memoryview with a step": lambda it: memoryview(it[::-1])[::-1],
    "a buffer": io.BytesIO,
    "a path": on_disk,
    "an entry of a folder": entry,
    "an entry of a folder of bytes": lambda it: entry(it, of_bytes=True),
    "a file in a zip": zip_path,
    "a path of another machine": remote,
    "what opens": Hidden,
    "a pipe": pipe,
    "a pipe that does not block": lambda it: pipe(it, 300_000, blocking=False),
    "gzip over a file": lambda it: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(it))),
    "gzip over a pipe": lambda it: gzip.GzipFile(fileobj=pipe(gzip.compress(it))),
    "bzip2 over a pipe": lambda it: bz2.BZ2File(pipe(bzip2(it))),
    "xz over a pipe": unxz,
    "a member of a zip": opened_member,
    "a member of a tar that streams": member,
    "a memory map": mapped,
    "a temporary file": spooled,
    "short reads": Short,
    "a buffered file of short reads": lambda it: io.BufferedReader(Short(it)),
    "None at times": NothingYet,
    "less than was asked for, and more": Unruly,
    "no `tell`": NoTell,
    "nothing but `read`": lambda it: Reader(io.BytesIO(it).read),
    "pieces that are bytearrays": lambda it: Reader(bytearrays(it)),
    "Werkzeug's file": lambda it: FileStorage(io.BytesIO(it), filename="w.jpg"),
    "Werkzeug's file without a name": lambda it: FileStorage(io.BytesIO(it)),  # which is falsy
    "Flask's request.stream": lambda it: LimitedStream(io.BytesIO(it), len(it)),
    "Django's uploaded file": lambda it: SimpleUploadedFile("d.jpg", it),
    "Django's file": lambda it: DjangoFile(io.BytesIO(it), name="d.jpg"),
}


def bytearrays(content: bytes) -> Callable[[int], bytearray]:
    file = io.BytesIO(content)
    return lambda size: bytearray(file.read(size))


@pytest.mark.parametrize("content", [DATA, SHORT], ids=["long", "short"])
@pytest.mark.parametrize("make", HANDED_OVER.values(), ids=HANDED_OVER)
def test_whatever_is_handed_over_arrives(
    client: Any, api: StandIn, way: str, make: Callable[[bytes], Any], content: bytes
) -> None:
    send(client, way, [("given.bin", make(content))])

    assert arrived(api) == [whole("given.bin", content)]


@pytest.mark.parametrize("make", [bytes, io.BytesIO, on_disk, pipe, Short, spooled, zip_path])
def test_an_empty_file_arrives(
    client: Any, api: StandIn, way: str, make: Callable[[bytes], Any]
) -> None:
    send(client, way, [("empty.bin", make(b""))])

    assert arrived(api) == [whole("empty.bin", b"")]


@pytest.mark.parametrize("opened", [False, True], ids=["a path", "an open file"])
@pytest.mark.parametrize(
    "name",
    ["/proc/filesystems", "/proc/sys/kernel/ostype", "/sys/kernel/mm/transparent_hugepage/defrag"],
)
def test_a_file_that_tells_a_wrong_size_arrives(
    client: Any, api: StandIn, way: str, name: str, *, opened: bool
) -> None:
    """Files of /proc say 0 bytes, those of /sys say 4096."""
    path = Path(name)
    if not path.exists():
        pytest.skip(f"this machine has no {name}")

    with path.open("rb") as file:
        send(client, way, [("given.txt", file if opened else path)])

    assert arrived(api) == [whole("given.txt", path.read_bytes())]


@pytest.mark.parametrize("size", [None, 3])
def test_a_small_stream_goes_by_tus_whatever_is_known_of_it(
    connect: Callable[..., Any], api: StandIn, size: int | None
) -> None:
    """A form does not carry it, and `run` is what was said to do so."""
    client = connect(api.key, api.secret, base_url=api.url)

    client.run(steps=STEPS, files=[("a.bin", Stream(iter([b"a", b"bc"]), size))])

    assert arrived(api) == [whole("a.bin", b"abc")]


def test_a_large_file_that_says_it_is_empty_is_a_stream(tmp_path: Path) -> None:
    """Documents that a FUSE makes when they are read have no size until then."""
    path = tmp_path / "a.bin"
    path.touch()

    with path.open("rb") as empty:
        descriptor = empty.fileno()

        class Fuse(Short):
            def fileno(self) -> int:
                return descriptor

            def seek(self, offset: int, whence: int = 0) -> int:
                return super().seek(0 if whence == io.SEEK_END else offset)

        (source,) = sources([("a.bin", Fuse(DATA))])

        assert isinstance(source, StreamSource)
        assert b"".join(source.pieces()) == DATA


def test_a_sparse_file_arrives(client: Any, api: StandIn, way: str, tmp_path: Path) -> None:
    """It takes no room on the disk either, and its size is right all the same."""
    path = tmp_path / "a.bin"
    with path.open("wb") as file:
        file.truncate(len(DATA))

    send(client, way, path)

    assert arrived(api) == [whole("a.bin", bytes(len(DATA)))]


@pytest.mark.parametrize("kind", [Path, str])
def test_a_named_pipe_arrives(
    client: Any, api: StandIn, way: str, tmp_path: Path, kind: type[Any]
) -> None:
    """It is opened when it is its turn: before that, its writer may not be there."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[DATA])
    writer.start()

    send(client, way, kind(path))

    writer.join()
    assert arrived(api) == [whole("fifo", DATA)]


class UploadedFile:
    """As frameworks other than Starlette have them: awaited, and with a blocking file inside."""

    def __init__(self, content: bytes) -> None:
        self.file, self.filename = io.BytesIO(content), "photo.jpg"

    async def read(self, size: int = -1) -> bytes:
        return self.file.read(size)


@pytest.mark.parametrize("kind", ["starlette", "aiofiles", "anyio", "another", "any"])
def test_files_that_are_awaited_arrive(api: StandIn, way: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(DATA)

    async def main() -> None:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            files: dict[str, Any] = {
                "starlette": UploadFile(io.BytesIO(DATA), filename="photo.jpg"),
                "another": UploadedFile(DATA),
                "any": ("photo.jpg", Awaitable(DATA)),
            }
            async with aiofiles.open(path, "rb") as one, await anyio.open_file(path, "rb") as two:
                files |= {"aiofiles": one, "anyio": two}
                if way == "form":
                    await client.create_assembly(steps=STEPS, files=[files[kind]])
                else:
                    await client.run(steps=STEPS, files=[files[kind]], tus_above=0)

    asyncio.run(main())

    assert arrived(api) == [whole("photo.jpg", DATA)]


@pytest.mark.parametrize("kind", ["starlette", "aiofiles", "anyio", "another"])
def test_files_that_are_awaited_are_sent_again_after_a_fault(
    api: StandIn, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(DATA)
    api.faults.append(Drop(byte=SMALL))

    async def main() -> None:
        options = {"base_url": api.url, "retry": QUICK}
        async with AsyncTransloadit(api.key, api.secret, **options) as client:  # type: ignore[arg-type]
            files: dict[str, Any] = {
                "starlette": UploadFile(io.BytesIO(DATA), filename="photo.jpg"),
                "another": UploadedFile(DATA),
            }
            async with aiofiles.open(path, "rb") as one, await anyio.open_file(path, "rb") as two:
                files |= {"aiofiles": one, "anyio": two}
                await client.create_assembly(steps=STEPS, files=[files[kind]], assembly_id=None)

    asyncio.run(main())

    assert arrived(api) == [whole("photo.jpg", DATA)]
    assert len(api.requests) == 2


def test_an_awaited_file_that_was_just_written_is_refused(api: StandIn) -> None:
    async def main() -> None:
        file = UploadFile(io.BytesIO(), filename="a.jpg")
        await file.write(SHORT)
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            await client.create_assembly(steps=STEPS, files=[file])

    with pytest.raises(InvalidInput, match=r"seek\(0\)"):
        asyncio.run(main())


def test_an_awaited_stream_that_raises_is_an_error_of_its_file(api: StandIn) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"
        raise ZeroDivisionError

    async def main() -> None:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            files: list[Any] = [("x", pieces()), ("y", SHORT)]
            await client.run(steps=STEPS, files=files)

    with pytest.raises(UploadIncomplete, match="'x': ZeroDivisionError") as caught:
        asyncio.run(main())

    assert caught.value.finished == ("y",)


def test_an_iterator_of_files_is_taken_for_files(
    client: Any, api: StandIn, way: str, tmp_path: Path
) -> None:
    """`Path.glob` gives one; whether it gives files or pieces its first item tells."""
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"%d" % number)
    want = [whole(f"{number}.jpg", b"%d" % number) for number in range(3)]

    send(client, way, {"photos": [tmp_path.glob("*.jpg")]}, 3)
    client.run(steps=STEPS, files=os.scandir(tmp_path), tus_above=0 if way == "tus" else SMALL)

    assert sorted(arrived(api)) == sorted(2 * want)


def test_an_iterator_of_pieces_is_taken_for_one_file(client: Any, api: StandIn) -> None:
    client.run(steps=STEPS, files=iter([b"one, ", b"two"]))
    client.run(steps=STEPS, files={"table": iter([b"one, ", b"two"])})

    assert arrived(api) == [whole("files", b"one, two"), whole("table", b"one, two")]


def test_awaited_iterators_are_looked_into_as_well(api: StandIn, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"%d" % number)

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d" % number

    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""

    async def main() -> None:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            await client.run(steps=STEPS, files=pieces())
            await client.run(steps=STEPS, files=anyio.Path(tmp_path).glob("*.jpg"))
            with pytest.raises(InvalidInput, match="gives nothing"):
                await client.run(steps=STEPS, files=nothing())

    asyncio.run(main())

    want = [whole(f"{number}.jpg", b"%d" % number) for number in range(3)]
    assert sorted(arrived(api)) == sorted([whole("files", b"012"), *want])
    assert len(api.assemblies) == 2


MANY = """
import asyncio, pathlib, resource, sys
from transloadit_client import AsyncTransloadit, Transloadit
kind, way, url, place = sys.argv[1:]
files = sorted(pathlib.Path(place).iterdir())
resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
options = {"steps": {"kept": {"robot": "/file/filter", "use": ":original"}}, "files": files}
options["tus_above"] = 0 if way == "tus" else 10**6
async def main():
    async with AsyncTransloadit("key", "secret", base_url=url) as client:
        await client.run(**options)
if kind == "AsyncTransloadit":
    asyncio.run(main())
else:
    with Transloadit("key", "secret", base_url=url) as client:
        client.run(**options)
"""


@pytest.mark.parametrize("kind", ["Transloadit", "AsyncTransloadit"])
def test_more_files_than_descriptors_arrive(way: str, kind: str, tmp_path: Path) -> None:
    """Each is opened when it is its turn, and closed after its last byte."""
    for number in range(150):
        (tmp_path / f"{number:03}.txt").write_bytes(b"%d" % number)

    with StandIn(key="key", secret="secret") as api:
        subprocess.run(
            [sys.executable, "-W", "error", "-c", MANY, kind, way, api.url, tmp_path],
            check=True,
            timeout=60,
        )

        want = [whole(f"{number:03}.txt", b"%d" % number) for number in range(150)]
        assert sorted(arrived(api)) == want


# How it is called, and what goes along


class Named(io.BytesIO):
    def __init__(self, **names: object) -> None:
        super().__init__(b"x")
        vars(self).update(names)


def gzipped(folder: Path) -> Any:
    (folder / "rows.csv.gz").write_bytes(gzip.compress(b"x"))
    return kept(gzip.GzipFile(folder / "rows.csv.gz"))


NAMES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "`filename` before `name`": (lambda _: Named(name="field", filename="a b.pdf"), "a b.pdf"),
    "no `filename`": (lambda _: Named(name="/tmp/x/b.pdf", filename=None), "b.pdf"),
    "an empty `filename`": (lambda _: Named(name="b.pdf", filename=""), "b.pdf"),
    "a name of bytes": (lambda _: Named(name=b"/tmp/caf\xc3\xa9.pdf"), "café.pdf"),
    "a number": (lambda _: Named(name=7), "files"),
    "no file": (lambda _: Named(name="<stdin>"), "files"),
    "a path of Windows": (lambda _: Named(name="C:\\x\\c.pdf"), "c.pdf"),
    "Werkzeug's": (lambda _: FileStorage(io.BytesIO(b"x"), "w.pdf", "field"), "w.pdf"),
    "Django's": (lambda _: DjangoFile(io.BytesIO(b"x"), "in/d.pdf"), "d.pdf"),
    "a file in a zip": (lambda folder: zipped(folder) / "in" / "cat.jpg", "cat.jpg"),
    "a file in a zip that has no name": (lambda _: zipped_in_memory(), "cat.jpg"),
    "a path of another machine": (lambda _: remote(b"x"), "away.bin"),
    "what gzip unpacks": (gzipped, "rows.csv"),
}


@pytest.mark.parametrize(("make", "name"), NAMES.values(), ids=NAMES)
def test_a_file_is_called_what_its_owner_calls_it(
    client: Any, api: StandIn, way: str, tmp_path: Path, make: Callable[[Path], Any], *, name: str
) -> None:
    send(client, way, [make(tmp_path)])

    assert [stored for stored, _ in arrived(api)] == [name]


def test_a_path_that_is_not_utf8_arrives_under_a_name_of_ones_own(
    client: Any, api: StandIn, way: str, tmp_path: Path
) -> None:
    send(client, way, [("café.jpg", nameless(tmp_path))])

    assert arrived(api) == [whole("café.jpg", SHORT)]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("cat.jpg", "image/jpeg"),
        ("rows.csv.gz", "application/gzip"),
        ("code.tgz", "application/gzip"),
        ("feed.xml.bz2", "application/x-bzip2"),
        ("notes.txt.xz", "application/x-xz"),
        ("old.tar.Z", "application/x-compress"),
        ("no.such-ending", "application/octet-stream"),
    ],
)
def test_a_packed_file_has_the_type_of_its_packing(name: str, content_type: str) -> None:
    assert content_type_of(name) == content_type


def test_by_tus_a_content_type_and_ones_own_metadata_go_along(client: Any, api: StandIn) -> None:
    files: list[Any] = [
        ("a.bin", b"a", "x/own"),
        ("b.bin", b"b", None, {"caption": "naïve, 🙂"}),
        ("c.bin", b"c"),
    ]

    client.run(steps=STEPS, files=files)

    (assembly,) = api.assemblies.values()
    given = {upload.stored.name: dict(upload.user_meta) for upload in assembly.tus_uploads}
    for meta in given.values():
        assert meta.pop("fingerprint")
    assert given == {
        "a.bin": {"filetype": "x/own"},
        "b.bin": {"caption": "naïve, 🙂"},
        "c.bin": {},
    }


# What a source remembers


def test_a_stream_can_be_sent_once_and_a_file_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    files: list[Any] = [path, ("s", pipe(SHORT))]
    file, stream = sources(files)

    assert (file.why_not_again(), stream.why_not_again()) == (None, None)
    assert b"".join(file.pieces()) == b"".join(file.pieces()) == DATA
    assert b"".join(stream.pieces()) == SHORT
    grow(path)

    assert file.why_not_again() == "a file has changed since it was sent"
    assert stream.why_not_again() == "a stream that has been read cannot be sent again"


@pytest.mark.parametrize(
    "kind",
    [
        "a memory map",
        "a temporary file",
        "short reads",
        "a buffered file of short reads",
        "gzip over a file",
        "a member of a zip",
        "a file in a zip",
        "a path of another machine",
        "Werkzeug's file",
        "Django's file",
    ],
)
def test_what_can_go_back_is_sent_with_its_length(kind: str) -> None:
    """A stream, which has none, goes in chunks and cannot be sent again."""
    (source,) = sources([("a.bin", HANDED_OVER[kind](DATA))])

    assert isinstance(source, FileSource)
    assert source.size == len(DATA)


def test_a_temporary_file_in_memory_is_not_moved_to_the_disk() -> None:
    file = spooled(SHORT)

    (source,) = sources([("a.bin", file)])

    assert b"".join(source.pieces()) == SHORT
    assert not file._rolled


def test_a_source_is_made_once(tmp_path: Path) -> None:
    """`run` gives `create_assembly` and `upload` the sources that it has measured."""
    (tmp_path / "a.bin").write_bytes(SHORT)
    files: list[Any] = [tmp_path / "a.bin", ("b", iter([b""]))]
    found = sources(files)

    assert sources(found) == found


def test_sources_are_closed_after_their_last_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    source = FileSource("f", "a.bin", path)

    list(source.pieces())

    assert source._file is None


@pytest.mark.parametrize("side_by_side", [False, True])
def test_an_open_file_may_be_there_twice_where_files_go_one_by_one(*, side_by_side: bool) -> None:
    file = Short(SHORT)

    if side_by_side:
        with pytest.raises(InvalidInput, match="twice"):
            sources([file, file], side_by_side=True)
    else:
        assert [b"".join(it.pieces()) for it in sources([file, file])] == [SHORT, SHORT]


def test_a_type_is_guessed_where_the_systems_table_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first guess of a process opens files, for which no descriptor may be left."""

    def out_of_descriptors(_: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(mimetypes, "guess_type", out_of_descriptors)

    assert content_type_of("cat.jpg") == "image/jpeg"


def test_a_file_that_became_a_folder_is_refused(
    connect: Callable[..., Any], api: StandIn, tmp_path: Path
) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(bytes(3_000_000))

    def becomes_a_folder(progress: Progress) -> None:
        if path.is_file():
            path.unlink()
            path.mkdir()

    with pytest.raises(TransloaditError):
        connect(api.key, api.secret, base_url=api.url).run(
            steps=STEPS, files=[path], tus_above=0, on_progress=becomes_a_folder
        )
