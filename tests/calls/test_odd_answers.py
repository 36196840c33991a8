"""Uploads and results, whatever is said of them: nothing but our own errors, and nothing elsewhere.

What a single answer may look like is tried in `test_answers`; here a job has to live with several.
"""

import tempfile
from hashlib import md5
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transloadit_client import (
    AssemblyStatus,
    DownloadIncomplete,
    Transloadit,
    TransloaditError,
)

from ..foreign import many_cases

ID = "7828446e5acd4aa996dce3455ec914e9"
HOST = "https://api2-a.transloadit.com"
FILE = ("a.bin", b"four")
STATUS: dict[str, Any] = {
    "ok": "ASSEMBLY_UPLOADING",
    "assembly_id": ID,
    "assembly_ssl_url": f"{HOST}/assemblies/{ID}",
    "tus_url": f"{HOST}/resumable/files/",
    "expected_tus_uploads": 1,
}
BEGUN: dict[str, Any] = {
    "filename": "a.bin",
    "fieldname": "files",
    "user_meta": {},
    "size": 4,
    "offset": 4,
    "finished": True,
    "upload_url": f"{HOST}/resumable/files/1",
}
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=3,
)


def changed(usual: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The usual keys and values, some of which are of any type, and some missing."""
    missing = object()
    changes = st.dictionaries(st.sampled_from(sorted(usual)), ODD | st.just(missing), max_size=3)
    return changes.map(
        lambda odd: {key: value for key, value in {**usual, **odd}.items() if value is not missing}
    )


def statuses() -> st.SearchStrategy[dict[str, Any]]:
    uploads = st.lists(changed(BEGUN) | ODD, max_size=3) | ODD
    return st.tuples(changed(STATUS), uploads).map(lambda two: {**two[0], "tus_uploads": two[1]})


NUMBERS = st.sampled_from(["0", "2", "4", "9", "-1", "four", "", "4.0"])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Location": st.sampled_from([f"{HOST}/resumable/files/1", "1", "//elsewhere/1", "\\", ""]),
        "Upload-Offset": NUMBERS,
        "Upload-Length": NUMBERS,
        "Tus-Extension": st.sampled_from(["checksum,creation-with-upload", "creation-with-upload"]),
        "Tus-Checksum-Algorithm": st.sampled_from(["sha1", "md5"]),
    },
)
ANSWERS = st.tuples(st.sampled_from([200, 201, 204, 302, 404, 409, 500]), HEADERS)


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


BEGINS: list[tuple[int, dict[str, str]]] = [(204, {}), (201, {"Location": "1"})]


@many_cases
@example(told=[STATUS, {**STATUS, "tus_uploads": [{**BEGUN, "upload_url": [1]}]}], answers=BEGINS)
@given(
    told=st.lists(statuses(), min_size=1, max_size=4),
    answers=st.sampled_from([[], BEGINS]).flatmap(
        lambda begun: st.lists(ANSWERS, max_size=5).map(lambda more: begun + more)
    ),
)
def test_whatever_is_said_of_uploads_raises_nothing_but_our_errors(
    told: list[dict[str, Any]], answers: list[tuple[int, dict[str, str]]]
) -> None:
    """And nothing is sent elsewhere."""
    reads, others = iter(told), iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        assert request.url.host in ("api2-a.transloadit.com", "api2.transloadit.com")
        if "/assemblies/" in request.url.path:
            return httpx.Response(200, json=next(reads, told[-1]))
        http_status, headers = next(others, (204, {"Upload-Offset": "4"}))
        return httpx.Response(http_status, headers=headers)

    transport = httpx.MockTransport(answer)
    with Transloadit(retry=None, httpx_args={"transport": transport}) as client:
        try:
            status = client.upload(ID, [FILE])
        except TransloaditError:
            return
    assert status.assembly_id


RESULT: dict[str, Any] = {
    "id": "1",
    "name": "a.bin",
    "basename": "a",
    "ext": "bin",
    "size": 4,
    "md5hash": md5(b"four", usedforsecurity=False).hexdigest(),
    "url": "http://files.example.com/a.bin",
    "ssl_url": "https://files.example.com/a.bin",
}
NAMES = st.sampled_from(["a.bin", "../../a", "/etc/a", "CON", "a\x00b", "", "..", "a" * 300])
RESULTS = (
    st.dictionaries(
        st.sampled_from(["resized", "../up", ""]),
        st.lists(
            changed(RESULT) | st.builds(lambda name: {**RESULT, "name": name}, NAMES) | ODD,
            max_size=3,
        )
        | ODD,
        max_size=3,
    )
    | ODD
)
FILES = st.tuples(
    st.sampled_from([200, 206, 304, 404, 416, 500]),
    st.sampled_from([b"four", b"", b"fou", b"fours"]),
    st.fixed_dictionaries(
        {},
        optional={
            "Content-Range": st.sampled_from(["bytes 0-3/4", "bytes 2-3/4", "bytes */4", "4", ""]),
            "ETag": st.sampled_from(['"1"', "W/", ""]),
            "Content-Length": st.sampled_from(["4", "3"]),
        },
    ),
)


@many_cases
@given(results=RESULTS, answers=st.lists(FILES, max_size=5))
def test_whatever_is_said_of_results_raises_nothing_but_our_errors(
    results: Any, answers: list[tuple[int, bytes, dict[str, str]]]
) -> None:
    """And nothing is written elsewhere; what is said to be saved is what it was to be."""
    others = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        http_status, content, headers = next(others, (200, b"four", {}))
        return httpx.Response(http_status, content=content, headers=headers)

    status = AssemblyStatus.from_dict({**STATUS, "ok": "ASSEMBLY_COMPLETED", "results": results})
    with (
        tempfile.TemporaryDirectory() as parent,
        Transloadit(retry=None, httpx_args={"transport": httpx.MockTransport(answer)}) as client,
    ):
        folder = Path(parent).resolve() / "in" / "here"
        try:
            saved = client.download_results(status, folder)
        except DownloadIncomplete as error:
            saved = error.saved
        except TransloaditError:
            saved = ()

        for one in saved:
            assert one.path.resolve().is_relative_to(folder)
            if one.file.size == 4 and one.file.md5hash == RESULT["md5hash"]:
                assert one.path.read_bytes() == b"four"
        written = Path(parent).resolve().rglob("*")
        assert all(path.is_relative_to(folder.parent) for path in written)
