"""What `files=` takes, and how files are read."""

import gzip
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from transloadit_api.api.assemblies import create_assembly
from transloadit_api.models import CreateAssemblyForm
from transloadit_api.types import File
from transloadit_client import InvalidInput, NoAnswer, Transloadit
from transloadit_client._calls.contents import PIECE

from .parsers import Part, python_multipart
from .senders import CONTENT, KEY, SECRET, call
from .tap import Tap


def sent(tap: Tap, kind: type[Any], files: Any) -> list[Part]:
    """The file parts that arrive."""
    call(kind, tap.url, "create_assembly", files=files)
    received = tap.requests[-1]
    parts = python_multipart(received.content_type, received.body)
    return [part for part in parts if part.file_name is not None]


def descriptors(path: Path) -> int:
    """How often this process has the file open."""
    there = path.stat()

    def is_it(descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), there)
        except OSError:
            return False

    return sum(is_it(descriptor) for descriptor in range(1024))


class Reader:
    """Has `read`, and nothing else."""

    def __init__(self, content: bytes) -> None:
        self.read = BytesIO(content).read


class OwnPath:
    """A path that is no `Path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


UNTYPED = "application/octet-stream"
JPEG = Part("files", CONTENT, "cat.jpg", "image/jpeg")
PNG = Part("files", CONTENT, "a.png", "image/png")
NAMELESS = Part("files", CONTENT, "files", UNTYPED)

TAKEN: dict[str, tuple[Callable[[Path], Any], list[Part]]] = {
    "a text of a path": (str, [JPEG]),
    "a path": (lambda path: path, [JPEG]),
    "a path of another kind": (OwnPath, [JPEG]),
    "bytes": (lambda path: CONTENT, [NAMELESS]),
    "a bytearray": (lambda path: bytearray(CONTENT), [NAMELESS]),
    "a memoryview": (lambda path: memoryview(CONTENT), [NAMELESS]),
    "bytes in memory": (lambda path: BytesIO(CONTENT), [NAMELESS]),
    "whatever reads": (lambda path: Reader(CONTENT), [NAMELESS]),
    "nothing": (lambda path: None, []),
    "an empty list": (lambda path: [], []),
    "an empty mapping": (lambda path: {}, []),
    "an empty list in a mapping": (lambda path: {"a": []}, []),
    "a list": (lambda path: [path, CONTENT, ("a.png", path)], [JPEG, NAMELESS, PNG]),
    "a tuple of paths": (lambda path: (path, str(path)), [JPEG, JPEG]),
    "a name and bytes": (lambda path: [("a.png", CONTENT)], [PNG]),
    "a name and a path": (lambda path: [("a.png", path)], [PNG]),
    "a name and a file": (lambda path: [("a.png", BytesIO(CONTENT))], [PNG]),
    "a name, bytes, and a type": (
        lambda path: [("cat.jpg", CONTENT, "image/jpeg"), ("cat.jpg", CONTENT, "x/own")],
        [JPEG, Part("files", CONTENT, "cat.jpg", "x/own")],
    ),
    "a field each": (
        lambda path: {"a": path, "b": CONTENT, "c": ("a.png", path)},
        [
            Part("a", CONTENT, "cat.jpg", "image/jpeg"),
            Part("b", CONTENT, "b", UNTYPED),
            Part("c", CONTENT, "a.png", "image/png"),
        ],
    ),
    "several for a field": (
        lambda path: {"a": [path, ("empty", b"")], "b": [CONTENT]},
        [
            Part("a", CONTENT, "cat.jpg", "image/jpeg"),
            Part("a", b"", "empty", UNTYPED),
            Part("b", CONTENT, "b", UNTYPED),
        ],
    ),
}


@pytest.mark.parametrize(("make", "arrive"), TAKEN.values(), ids=TAKEN)
def test_every_shape_of_files_arrives(
    tap: Tap,
    kind: type[Any],
    path: Path,
    make: Callable[[Path], Any],
    arrive: list[Part],
) -> None:
    assert sent(tap, kind, make(path)) == arrive
    assert descriptors(path) == 0


@pytest.mark.parametrize("buffering", [-1, 0], ids=["buffered", "raw"])
def test_an_open_file_has_its_own_name_and_stays_open(
    tap: Tap, kind: type[Any], path: Path, buffering: int
) -> None:
    """It is its owner's to close; what is given as a path is closed again."""
    with path.open("rb", buffering=buffering) as file:
        assert sent(tap, kind, [file, path]) == [JPEG, JPEG]

        assert not file.closed
        assert descriptors(path) == 1


@pytest.mark.parametrize("error", [NoAnswer, InvalidInput])
def test_paths_are_closed_when_the_call_fails(
    kind: type[Any], path: Path, error: type[Exception]
) -> None:
    with path.open("rb") as file, Tap() as tap:
        url = tap.url
        files: list[Any] = [path, file]
        if error is InvalidInput:
            files.append(path.with_name("dog.jpg"))
        else:
            tap.__exit__()
        with pytest.raises(error):
            call(kind, url, "create_assembly", files=files)
        assert descriptors(path) == 1
        assert not file.closed


@pytest.mark.parametrize("position", [0, 3, len(CONTENT) - 1])
def test_streams_are_read_from_where_they_stand(
    tap: Tap, kind: type[Any], path: Path, position: int
) -> None:
    in_memory = BytesIO(CONTENT)
    in_memory.seek(position)
    with path.open("rb") as file:
        file.seek(position)
        parts = sent(tap, kind, [file, in_memory, Reader(CONTENT[position:])])

    assert [part.content for part in parts] == [CONTENT[position:]] * 3


def test_a_stream_can_be_given_twice(tap: Tap, kind: type[Any], path: Path) -> None:
    with path.open("rb") as file:
        file.seek(3)
        parts = sent(tap, kind, {"a": file, "b": file})

    assert [part.content for part in parts] == [CONTENT[3:]] * 2


def test_a_generated_file_is_read_from_where_it_stands(tap: Tap, path: Path) -> None:
    """The generator alone would rewind it."""
    with Transloadit(KEY, SECRET, base_url=tap.url) as client, path.open("rb") as file:
        file.seek(3)
        form = CreateAssemblyForm(params="{}", files=[File(file, "cat.jpg", "image/jpeg")])
        create_assembly.sync_detailed(client=client, body=form)

    parts = python_multipart(tap.only().content_type, tap.only().body)
    assert parts[-1].content == CONTENT[3:]


def unpacked(path: Path) -> Iterator[Any]:
    """Files whose size on disk is not the size of their content."""
    gzipped = path.with_suffix(".gz")
    gzipped.write_bytes(gzip.compress(CONTENT * 1000))
    with gzip.open(gzipped, "rb") as file:
        yield file
    zipped = path.with_suffix(".zip")
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat.jpg", CONTENT * 1000)
    with zipfile.ZipFile(zipped) as archive, archive.open("cat.jpg") as member:
        yield member
    for size in (1, 1 << 20):  # bytes from which on it is on disk
        with tempfile.SpooledTemporaryFile(size) as spooled:
            spooled.write(CONTENT * 1000)
            spooled.seek(0)
            yield spooled


def test_the_length_is_that_of_the_content(tap: Tap, kind: type[Any], path: Path) -> None:
    """Also of compressed files, members of an archive, and temporary files of both kinds."""
    for file in unpacked(path):
        (part,) = sent(tap, kind, [("cat.jpg", file)])
        assert part.content == CONTENT * 1000
    assert len(tap.requests) == 4


def test_a_pipe_goes_in_chunks_and_arrives_whole(tap: Tap, kind: type[Any]) -> None:
    """Nobody knows its length, and its name is a number, so it is named for its field."""
    content = CONTENT * 50_000
    read_end, write_end = os.pipe()

    def write() -> None:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(read_end, "rb") as pipe:
        parts = sent(tap, kind, {"video": pipe})
    writer.join()

    assert tap.only().header("Transfer-Encoding") == "chunked"
    assert tap.only().header("Content-Length") is None
    assert parts == [Part("video", content, "video", "application/octet-stream")]


def test_files_of_known_length_go_with_it(tap: Tap, kind: type[Any], path: Path) -> None:
    with path.open("rb") as file:
        file.seek(3)
        sent(tap, kind, [path, file, CONTENT, BytesIO(CONTENT)])

    assert tap.only().header("Transfer-Encoding") is None
    assert tap.only().header("Content-Length") == str(len(tap.only().body))


class Pieces(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Notes the size of each piece of a body, as each is a write to the socket."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        self.sizes += [len(piece) for piece in request.stream]
        return httpx.Response(200, json={"ok": "ASSEMBLY_EXECUTING", "assembly_id": "0" * 32})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self.sizes += [len(piece) async for piece in request.stream]
        return httpx.Response(200, json={"ok": "ASSEMBLY_EXECUTING", "assembly_id": "0" * 32})


def pieces(connect: Callable[..., Any], files: Any) -> list[int]:
    transport = Pieces()
    client = connect(KEY, SECRET, httpx_args={"transport": transport}, retry=None)
    client.create_assembly(files=files, assembly_id="0" * 32)
    return transport.sizes


def test_small_files_share_a_piece(connect: Callable[..., Any], tmp_path: Path) -> None:
    """From disk too; httpx alone makes four or more for each file."""
    paths = [tmp_path / f"{number}.bin" for number in range(5)]
    for path in paths:
        path.write_bytes(bytes(10_000))

    (size,) = pieces(connect, paths)

    assert 50_000 < size < 60_000


@pytest.mark.parametrize("is_path", [True, False])
def test_large_files_go_in_pieces_of_one_size(
    connect: Callable[..., Any], tmp_path: Path, *, is_path: bool
) -> None:
    """In memory too: httpx alone makes one of it, and copies what the socket leaves of it."""
    content = bytes(3 * PIECE + 100_000)
    path = tmp_path / "large.bin"
    path.write_bytes(content)

    before, *large, after = pieces(connect, [path if is_path else ("large.bin", content)])

    assert large == [PIECE, PIECE, PIECE, 100_000]
    assert before + after < 2_000


MEBIBYTE = 1 << 20
UPLOAD = """
import asyncio, resource, sys, transloadit_client
kind, url, path = sys.argv[1:]
options = {"key": "key", "secret": "secret", "base_url": url}
unit = 1 if sys.platform == "darwin" else 1024

def upload(file):
    if kind == "Transloadit":
        with transloadit_client.Transloadit(**options) as client:
            client.create_assembly(files=file)
    else:
        asyncio.run(upload_asynchronously(file))

async def upload_asynchronously(file):
    async with transloadit_client.AsyncTransloadit(**options) as client:
        await client.create_assembly(files=file)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

upload(b"a first upload, so that all is imported")
before = peak()
upload(path)
print(peak() - before)
"""


def test_a_big_file_is_never_loaded_whole(tap: Tap, kind: type[Any], tmp_path: Path) -> None:
    """256 MiB go through a process that grows by less than a sixteenth of that."""
    size = 256 * MEBIBYTE
    path = tmp_path / "big.mp4"
    with path.open("wb") as file:
        file.truncate(size)
    tap.keep = 1000

    grown = subprocess.run(
        [sys.executable, "-W", "error", "-c", UPLOAD, kind.__name__, tap.url, path],
        check=True,
        stdout=subprocess.PIPE,
        timeout=120,
    ).stdout

    assert tap.requests[-1].size > size
    assert int(grown) < size / 16
