"""An Assembly's life: its states, its files, its cancellation."""

import struct
import zlib
from typing import Any

import pytest

from .caller import STEPS, Caller, calling

ID = "0123456789abcdef0123456789abcdef"


def png(width: int, height: int) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("assembly_id", "expected"), [(ID, "ASSEMBLY_NOT_FOUND"), ("nothing", "SERVER_404")]
)
def test_an_assembly_that_is_not_there(
    caller: Caller, method: str, assembly_id: str, expected: str
) -> None:
    response = caller.send(method, f"/assemblies/{assembly_id}")

    assert (response.status_code, response.json()["error"]) == (404, expected)


def test_an_assembly_executes_and_completes() -> None:
    with calling(step_seconds=0.3) as caller:
        steps = {
            "a": {"robot": "/image/resize", "result": True},
            "b": {"robot": "/image/optimize", "use": ["a", ":original"]},
        }
        created = caller.created({"steps": steps}, files={"f": ("f.txt", b"bytes")})
        begun = caller.status(created["assembly_id"])
        caller.api.settle()
        status = caller.status(created["assembly_id"])

    assert (created["ok"], begun["ok"]) == ("ASSEMBLY_EXECUTING", "ASSEMBLY_EXECUTING")
    assert (begun["executing_jobs"], begun["results"]) == (["a:::original"], {})
    assert status["ok"] == "ASSEMBLY_COMPLETED"
    assert status["executing_jobs"] == []
    assert status["started_jobs"] == [
        ":original:::original",
        "a:::original",
        "b::a",
        "b:::original",
    ]
    assert status["execution_duration"] >= 0.6
    assert {name: len(files) for name, files in status["results"].items()} == {"a": 1, "b": 2}


LISTED: list[tuple[str, dict[str, Any], set[str]]] = [
    ("a Step that no other uses", {"a": {"robot": "/file/hash"}}, {"a"}),
    ("unless it says no", {"a": {"robot": "/file/hash", "result": False}}, set()),
    (
        "no Step in between",
        {"a": {"robot": "/file/hash"}, "b": {"robot": "/file/hash", "use": "a"}},
        {"b"},
    ),
    (
        "unless it says so",
        {"a": {"robot": "/file/hash", "result": True}, "b": {"robot": "/file/hash", "use": "a"}},
        {"a", "b"},
    ),
    (
        "uploads that are declared",
        {":original": {"robot": "/upload/handle"}, "b": {"robot": "/file/hash"}},
        {":original", "b"},
    ),
    (
        "nothing that only stores",
        {
            "a": {"robot": "/file/hash", "result": True},
            "b": {"robot": "/s3/store", "use": [{"name": "a"}], "result": True},
        },
        {"a"},
    ),
    (
        "a bundle",
        {"a": {"robot": "/file/compress", "use": {"steps": [":original"], "bundle_steps": True}}},
        {"a"},
    ),
]


@pytest.mark.parametrize(
    ("steps", "expected"), [row[1:] for row in LISTED], ids=[row[0] for row in LISTED]
)
def test_the_status_lists_the_results_of(
    caller: Caller, steps: dict[str, Any], expected: set[str]
) -> None:
    status = caller.finished({"steps": steps}, files={"f": ("f.txt", b"bytes")})

    assert set(status["results"]) == expected


STEPS_THAT_CANNOT_BE = [
    ({"a": {"robot": "/image/rezise"}}, "ASSEMBLY_STEP_UNKNOWN_ROBOT", "'/image/rezise'"),
    ({"a": {"robot": "/file/hash", "use": "nope"}}, "ASSEMBLY_STEP_UNKNOWN_USE", "'nope'"),
    ({"a": {"robot": "/file/hash", "use": 7}}, "ASSEMBLY_STEP_INVALID_USE", "name"),
    ({"a": {"robot": "/file/hash", "use": [{"step": "b"}]}}, "ASSEMBLY_STEP_INVALID_USE", "name"),
    ({"a": {"robot": "/file/hash", "use": "a"}}, "ASSEMBLY_INFINITE", "a → a"),
]


@pytest.mark.parametrize(("steps", "code", "reason"), STEPS_THAT_CANNOT_BE)
def test_steps_that_cannot_be_run_are_refused(
    caller: Caller, steps: dict[str, Any], code: str, reason: str
) -> None:
    response = caller.create({"steps": steps})

    assert (response.status_code, response.json()["error"]) == (400, code)
    assert reason in response.json()["reason"]
    assert not caller.api.assemblies


def test_steps_of_other_robots_and_uses_pass_where_that_is_asked_for() -> None:
    with calling(strict=False) as caller:
        steps = {"a": {"robot": "/new/robot"}, "b": {"robot": "/file/hash", "use": "nope"}}
        status = caller.finished({"steps": steps}, files={"f": ("f.txt", b"bytes")})

    assert (status["ok"], set(status["results"])) == ("ASSEMBLY_COMPLETED", {"a"})


def test_every_file_is_served_where_the_status_says(caller: Caller) -> None:
    picture = png(7, 5)
    files = {"f": ("my picture?.png", picture, "image/png; x=y"), "g": ("notes.txt", b"notes")}

    status = caller.finished({"steps": {"kept": {"robot": "/file/hash"}}}, files=files)
    for listed in [status["uploads"], status["results"]["kept"]]:
        first, second = (caller.send("GET", file["ssl_url"]) for file in listed)
        assert (first.content, second.content) == (picture, b"notes")
        assert first.headers["content-type"] == "image/png"
    part = caller.send("GET", status["uploads"][0]["url"], headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    assert caller.api.requests[-1].operation == "downloadFile"


def test_a_file_says_what_it_is() -> None:
    with calling(media=False) as caller:
        status = caller.finished(files={"f": ("picture.PNG", png(7, 5), "image/png")})

    upload, result = status["uploads"][0], status["results"]["resized"][0]
    assert (upload["basename"], upload["ext"], upload["field"]) == ("picture", "png", "f")
    assert (upload["mime"], upload["type"]) == ("image/png", "image")
    assert upload["meta"] == result["meta"] == {"width": 7, "height": 5}
    assert upload["original_id"] == result["original_id"] == upload["id"] != result["id"]


def test_the_type_of_a_file_is_guessed_when_nobody_names_it(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS})
    parts: list[Any] = [(name, (None, text)) for name, text in form.items()]
    head = {"Content-Type": ""}
    parts += [("f", ("a.mp4", b"\x89PNG", None, head)), ("f", ("a", b"", None, head))]

    status = caller.send("POST", "/assemblies", files=parts).json()
    types = [(file["mime"], file["type"], file["meta"]) for file in status["uploads"]]
    assert types == [("video/mp4", "video", {}), ("application/octet-stream", None, {})]


def test_a_file_is_nowhere_else(caller: Caller) -> None:
    url = caller.finished(files={"f": ("a.txt", b"bytes")})["uploads"][0]["url"]

    elsewhere = url.replace(caller.api.instance_urls[0], caller.api.url)
    for wrong in (url + "x", url.replace("/files/", "/files/0"), elsewhere):
        assert caller.http.get(wrong).json()["error"] == "SERVER_404"


def test_the_stand_in_says_what_it_does_not_do(caller: Caller) -> None:
    steps = {
        "imported": {"robot": "/http/import", "url": "https://example.org/a.jpg"},
        "hidden": {"robot": "/image/resize", "result": False},
    }

    status = caller.finished({"steps": steps}, files={"f": ("f.txt", b"bytes")})
    warnings = " ".join(warning["msg"] for warning in status["warnings"])
    assert "does not do /image/resize" in warnings
    assert "'imported'" in warnings
    assert status["results"] == {}


def test_an_assembly_without_files_has_no_results(caller: Caller) -> None:
    status = caller.finished({"steps": {":original": {"robot": "/upload/handle"}, **STEPS}})

    assert (status["ok"], status["results"]) == ("ASSEMBLY_COMPLETED", {})


def test_cancel_stops_an_assembly_that_runs() -> None:
    with calling(step_seconds=60) as caller:
        status = caller.created()
        canceled = caller.send("DELETE", status["assembly_ssl_url"]).json()
        caller.api.settle()

        assert canceled["ok"] == "ASSEMBLY_CANCELED"
        assert caller.status(status["assembly_id"])["ok"] == "ASSEMBLY_CANCELED"


def test_cancel_leaves_an_outcome_alone(caller: Caller) -> None:
    completed, crashed = caller.finished(), caller.crashed()

    for status in (completed, crashed):
        answer = caller.send("DELETE", f"/assemblies/{status['assembly_id']}")
        assert (answer.status_code, answer.json()) == (200, status)


def test_a_crashed_assembly_reads_as_an_error_with_http_200(caller: Caller) -> None:
    status = caller.crashed(files={"f": ("f.txt", b"bytes")})

    assert (status["error"], status["step"]) == ("INTERNAL_COMMAND_ERROR", "resized")
    assert "ok" not in status
    assert status["results"] == {}


def test_an_assembly_crashes_with_the_code_it_was_given(caller: Caller) -> None:
    caller.api.crash_next(code="FILE_DOWNLOAD_ERROR")

    assert caller.finished()["error"] == "FILE_DOWNLOAD_ERROR"
    assert caller.finished()["ok"] == "ASSEMBLY_COMPLETED"
