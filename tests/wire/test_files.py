"""What `files=` and `form_fields=` take, what they refuse, and how files are read."""

import gzip
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, Any

import pytest

from transloadit_api.api.assemblies import create_assembly
from transloadit_api.models import CreateAssemblyForm
from transloadit_api.types import File
from transloadit_client import AsyncTransloadit, InvalidInput, NoAnswer, Transloadit

from .parsers import Part, python_multipart
from .senders import KEY, SECRET, call
from .tap import Tap

CONTENT = b"0123456789\r\n\x00\xff"


@pytest.fixture(params=[Transloadit, AsyncTransloadit])
def kind(request: pytest.FixtureRequest) -> type[Any]:
    kind: type[Any] = request.param
    return kind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cat.jpg"
    path.write_bytes(CONTENT)
    return path


def refusal(tap: Tap, kind: type[Any], **arguments: Any) -> str:
    """What the error says; not even a connection was opened."""
    with pytest.raises(InvalidInput) as caught:
        call(kind, tap.url, "create_assembly", **arguments)
    assert tap.connections() == 0
    return str(caught.value)


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


def closed_file(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        return file


# What is refused ---------------------------------------------------------------------------------

UNREADABLE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a path where nothing is": (lambda path: path.with_name("dog.jpg"), "dog.jpg"),
    "a text of such a path": (lambda path: str(path.with_name("dog.jpg")), "dog.jpg"),
    "the second of two": (lambda path: [path, path.with_name("dog.jpg")], "dog.jpg"),
    "a folder": (lambda path: path.parent, "directory"),
    "the folder above": (lambda path: "..", "no name"),
    "an empty path": (lambda path: "", "cannot read"),
    "a path with a NUL": (lambda path: "a\0b", "null"),
    "a closed file": (closed_file, "closed"),
    "closed bytes": (lambda path: _closed(BytesIO()), "closed"),
    "text in memory": (lambda path: StringIO("text"), "'rb'"),
    "text as a content": (lambda path: [("cat.jpg", "text")], "bytes or a Path"),
    "an absent content": (lambda path: [("cat.jpg", None)], "NoneType"),
    "a number": (lambda path: 7, "int"),
    "a list of None": (lambda path: [None], "NoneType"),
    "a generator": (lambda path: (item for item in [path]), "generator"),
    "an iterator of bytes": (lambda path: [("cat.jpg", iter([b"x"]))], "iterator"),
    "a mapping in a mapping": (lambda path: {"a": {"b": path}}, "dict"),
    "a tuple of one": (lambda path: [(path,)], "tuple of 1"),
    "a tuple of four": (lambda path: [("a", b"", "b/c", {})], "tuple of 4"),
}
UNNAMEABLE: dict[str, tuple[Any, str]] = {
    "an empty name": ("", "no name"),
    "one dot": (".", "no name"),
    "two dots": ("..", "no name"),
    "a path of a folder": ("a/b/", "no name"),
    "a path to the folder above": ("a/..", "no name"),
    "half a surrogate pair": ("\ud800.jpg", "surrogate"),
    "bytes": (b"cat.jpg", "name"),
    "a number": (7, "name"),
}
NO_FIELDS: dict[str, tuple[Any, str]] = {
    "params": ("params", "API's own"),
    "signature": ("signature", "API's own"),
    "the number of files": ("num_expected_upload_files", "API's own"),
    "its other name": ("tus_num_expected_upload_files", "API's own"),
    "max_size": ("max_size", "API's own"),
    "empty": ("", "not a form field's name"),
    "a quote": ('a"; filename="b', "not a form field's name"),
    "a backslash": ("a\\", "not a form field's name"),
    "a line end": ("a\r\nContent-Type: text/html", "not a form field's name"),
    "a NUL": ("a\0", "not a form field's name"),
    "an escape": ("a\x1b", "not a form field's name"),
    "a delete": ("a\x7f", "not a form field's name"),
    "a number": (7, "not a form field's name"),
    "absent": (None, "not a form field's name"),
    "half a surrogate pair": ("a\ud800", "surrogate"),
}
NO_VALUES: dict[str, tuple[Any, str]] = {
    "absent": (None, "NoneType"),
    "not a number": (float("nan"), "finite"),
    "infinite": (float("-inf"), "finite"),
    "a list": (["a"], "list"),
    "an object": ({"a": "b"}, "dict"),
    "bytes": (b"a", "bytes"),
    "a decimal": (Decimal(1), "Decimal"),
    "half a surrogate pair": ("\udc00", "surrogate"),
    "a number too long to print": (10**5000, "'field'"),
}
NO_TYPES: dict[str, Any] = {
    "empty": "",
    "a line end": "image/jpeg\r\nX-Other: 1",
    "accents": "imagé/jpeg",
    "bytes": b"image/jpeg",
    "a number": 7,
}


def _closed(file: BytesIO) -> BytesIO:
    file.close()
    return file


@pytest.mark.parametrize(("make", "says"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused(
    tap: Tap, kind: type[Any], path: Path, make: Callable[[Path], Any], says: str
) -> None:
    assert says.lower() in refusal(tap, kind, files=make(path)).lower()
    assert descriptors(path) == 0


@pytest.mark.parametrize("mode", ["r", "w", "a", "r+"])
def test_a_file_open_for_text_is_refused(tap: Tap, kind: type[Any], path: Path, mode: str) -> None:
    with path.open(mode) as file:
        assert "'rb'" in refusal(tap, kind, files=file)


def test_a_temporary_file_open_for_text_is_refused(tap: Tap, kind: type[Any]) -> None:
    """It is no `io.TextIOBase`, but wraps one."""
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("naïve")
        file.seek(0)
        assert "'rb'" in refusal(tap, kind, files=file)


@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_a_file_open_for_writing_alone_is_refused(
    tap: Tap, kind: type[Any], path: Path, mode: str
) -> None:
    with path.open(mode) as file:
        assert "cat.jpg" in refusal(tap, kind, files=file)


@pytest.mark.parametrize(("name", "says"), UNNAMEABLE.values(), ids=UNNAMEABLE)
def test_a_file_needs_a_name(tap: Tap, kind: type[Any], name: Any, says: str) -> None:
    assert says in refusal(tap, kind, files=[(name, b"content")])


@pytest.mark.parametrize("content_type", NO_TYPES.values(), ids=NO_TYPES)
def test_a_content_type_has_to_be_one(tap: Tap, kind: type[Any], content_type: Any) -> None:
    says = refusal(tap, kind, files=[("cat.jpg", b"content", content_type)])

    assert says == f"the content type of 'cat.jpg' is not one: {content_type!r}"


@pytest.mark.parametrize(("name", "says"), NO_FIELDS.values(), ids=NO_FIELDS)
@pytest.mark.parametrize("argument", ["files", "form_fields"])
def test_a_field_needs_a_name_of_its_own(
    tap: Tap, kind: type[Any], argument: str, name: Any, says: str
) -> None:
    value = b"content" if argument == "files" else "value"
    assert says in refusal(tap, kind, **{argument: {name: value}})


@pytest.mark.parametrize(("value", "says"), NO_VALUES.values(), ids=NO_VALUES)
def test_a_field_is_text_a_number_or_a_boolean(
    tap: Tap, kind: type[Any], value: Any, says: str
) -> None:
    message = refusal(tap, kind, form_fields={"field": value})
    assert says in message
    assert "'field'" in message


@pytest.mark.parametrize("form_fields", [[("a", "b")], "a=b", 7])
def test_form_fields_are_a_mapping(tap: Tap, kind: type[Any], form_fields: Any) -> None:
    assert "form_fields" in refusal(tap, kind, form_fields=form_fields)


@pytest.mark.parametrize("name", ["params", "signature"])
def test_a_generated_form_cannot_name_a_field_twice(tap: Tap, name: str) -> None:
    """The generated class takes any further field; the seam refuses what would be a second one."""
    form = CreateAssemblyForm(params="{}", signature="sha384:0")
    form.additional_properties = {name: "another"}

    with Transloadit(KEY, SECRET, base_url=tap.url) as client, pytest.raises(InvalidInput):
        create_assembly.sync_detailed(client=client, body=form)
    assert tap.connections() == 0


# What is taken ----------------------------------------------------------------------------------

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


@pytest.mark.parametrize("position", [0, 3, len(CONTENT), len(CONTENT) + 10])
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
