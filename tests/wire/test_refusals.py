"""What `files=` and `form_fields=` refuse: clearly, and before anything is sent."""

import tempfile
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, Any

import pytest

from transloadit_api.api.assemblies import create_assembly
from transloadit_api.models import CreateAssemblyForm
from transloadit_client import InvalidInput, Stream, Transloadit

from .senders import KEY, SECRET, call
from .tap import Tap


def refusal(tap: Tap, kind: type[Any], **arguments: Any) -> str:
    """What the error says; not even a connection was opened."""
    with pytest.raises(InvalidInput) as caught:
        call(kind, tap.url, "create_assembly", **arguments)
    assert tap.connections() == 0
    return str(caught.value)


def closed_file(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        return file


class Reader:
    """Has `read`, and no way back."""

    def read(self, size: int) -> bytes:
        return b""


READER = Reader()
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
    "an iterator of nothing": (lambda path: iter([]), "give [] for no files"),
    "an iterator of None": (lambda path: iter([None, path]), "None"),
    "an iterator that begins with a file": (lambda path: iter([path, None]), "NoneType"),
    "a stream of a file": (lambda path: [("a", Stream(READER, 1))], "is a stream"),
    "an iterator of pieces": (lambda path: iter([b"x"]), "iterator"),
    "a stream twice": (lambda path: [READER, READER], "twice"),
    "an iterator of bytes": (lambda path: [("cat.jpg", iter([b"x"]))], "iterator"),
    "a mapping in a mapping": (lambda path: {"a": {"b": path}}, "dict"),
    "a tuple of one": (lambda path: [(path,)], "tuple of 1"),
    "a tuple of five": (lambda path: [("a", b"", "b/c", {}, 7)], "tuple of 5"),
    "metadata": (lambda path: [("a", b"", None, {"k": "v"})], "use `upload` or `run`"),
}
UNNAMEABLE: dict[str, tuple[Any, str]] = {
    "an empty name": ("", "no name"),
    "one dot": (".", "no name"),
    "two dots": ("..", "no name"),
    "a path of a folder": ("a/b/", "no name"),
    "a path to the folder above": ("a/..", "no name"),
    "half a surrogate pair": ("\ud800.jpg", "surrogate"),
    "bytes": (b"cat.jpg", "os.fsdecode"),
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
