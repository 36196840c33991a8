"""How the stand-in reads forms: as strictly as the service's own parser."""

import hashlib
import json
import socket
import threading
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from .caller import STEPS, Caller, calling

BOUNDARY = "x-boundary"
ID = "0123456789abcdef0123456789abcdef"


def multipart(*parts: tuple[str, bytes]) -> bytes:
    """A multipart body of header blocks and contents, written out."""
    blocks = [f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + body + b"\r\n" for head, body in parts]
    return b"".join(blocks) + f"--{BOUNDARY}--\r\n".encode()


def text_part(name: str, value: str, *more: str) -> tuple[str, bytes]:
    return "\r\n".join([f'Content-Disposition: form-data; name="{name}"', *more]), value.encode()


def file_part(name: str, filename: str, content: bytes) -> tuple[str, bytes]:
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    return f"{head}\r\nContent-Type: application/octet-stream", content


def post(caller: Caller, body: bytes, **headers: str) -> dict[str, Any]:
    """The answer to a create with this very body."""
    kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    response = caller.send("POST", "/assemblies", content=body, headers={**kind, **headers})
    answer: dict[str, Any] = response.json()
    return answer


def connect(caller: Caller, path: str, size: int) -> socket.socket:
    """A connection that has sent the headers of a multipart POST."""
    parts = urlsplit(caller.api.url)
    assert parts.hostname is not None
    assert parts.port is not None
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()
    )
    return connection


def read_answer(connection: socket.socket) -> dict[str, Any]:
    """Read one answer, while the connection stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)[15:]
    )
    while len(body) < length:
        body += connection.recv(65536)
    answer: dict[str, Any] = json.loads(body)
    return answer


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"--x-boundary\r\nContent-Disp", {}),
        (multipart(text_part("a", "b"))[:-20], {}),
        (b"something else entirely", {}),
        (multipart(("X-Nothing: 1", b"")), {}),
        (multipart(("Content-Disposition: form-data", b"")), {}),
        (multipart(("No colon", b"")), {}),
        (b"", {"content-type": "multipart/form-data"}),
        (b"", {"content-type": f"multipart/form-data; boundary={'x' * 5000}"}),
    ],
)
def test_a_broken_form_is_refused(caller: Caller, body: bytes, headers: dict[str, str]) -> None:
    assert post(caller, body, **headers)["error"] == "INVALID_FORM_DATA"


def test_too_much_text_is_refused(caller: Caller) -> None:
    text = "x" * (17 * 1024 * 1024)
    kind = {"content-type": "application/x-www-form-urlencoded"}

    for body, headers in [(multipart(text_part("a", text)), {}), (b"a=" + text.encode(), kind)]:
        answer = post(caller, body, **headers)
        assert (answer["error"], answer["http_code"]) == ("INVALID_FORM_DATA", 413)


def test_a_signed_field_that_comes_twice_is_refused(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS})
    parts = [text_part(name, value) for name, value in form.items()]

    assert post(caller, multipart(*parts, parts[0]))["error"] == "INVALID_FORM_DATA"
    assert post(caller, multipart(*parts, parts[1]))["error"] == "INVALID_FORM_DATA"
    behind = multipart(*parts, file_part("f", "f.bin", b"x"), text_part("params", "{}"))
    assert post(caller, behind)["error"] == "INVALID_FORM_DATA"


def test_a_body_of_another_type_holds_no_params(caller: Caller) -> None:
    response = caller.send("POST", "/assemblies", json={"params": "{}"})

    assert response.json()["error"] == "NO_PARAMS_FIELD"


def test_params_with_a_content_type_is_a_file_to_a_strict_parser() -> None:
    with calling(typed_text="file") as caller:
        form = caller.signed({"steps": STEPS})
        typed = text_part("params", form["params"], "Content-Type: text/plain")

        answer = post(caller, multipart(typed, text_part("signature", form["signature"])))
        assert answer["error"] == "NO_PARAMS_FIELD"
        [file] = caller.api.requests[-1].files
    assert (file.field_name, file.filename, file.content_type) == ("params", None, "text/plain")


def test_typed_text_is_text(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS})
    parts = [text_part(name, value, "Content-Type: text/plain") for name, value in form.items()]

    assert post(caller, multipart(*parts))["ok"] == "ASSEMBLY_EXECUTING"


def test_a_part_without_a_file_name_but_with_a_type_is_an_upload_to_a_strict_parser() -> None:
    with calling(typed_text="file") as caller:
        form = caller.signed({"steps": STEPS})
        parts = [text_part(name, value) for name, value in form.items()]
        typed = text_part("width", "75", "Content-Type: text/plain")
        status = post(caller, multipart(*parts, typed))

    assert status["fields"] == {}
    assert [(file["field"], file["name"]) for file in status["uploads"]] == [("width", "")]


def test_a_file_input_that_was_left_empty_is_no_upload(caller: Caller) -> None:
    """A browser sends a part for it, with an empty file name and no bytes."""
    form = caller.signed({"steps": STEPS})
    parts = [text_part(name, value) for name, value in form.items()]

    left_empty, nameless = file_part("f", "", b""), file_part("g", "", b"bytes")
    status = post(caller, multipart(*parts, left_empty, nameless))
    assert [(file["field"], file["size"]) for file in status["uploads"]] == [("g", 5)]


def test_text_that_is_no_utf8_is_refused_in_params_and_replaced_elsewhere(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS})
    parts = [text_part(name, value) for name, value in form.items()]
    latin = ('Content-Disposition: form-data; name="caption"', "Grüße".encode("latin-1"))

    assert post(caller, multipart(*parts, latin))["fields"] == {"caption": "Gr\ufffd\ufffde"}
    params = ('Content-Disposition: form-data; name="params"', b"\xff")
    assert post(caller, multipart(params))["error"] == "INVALID_PARAMS_FIELD"


def test_an_urlencoded_form_will_do_where_there_is_no_file(caller: Caller) -> None:
    status = caller.created(
        {"steps": STEPS, "fields": {"a": "Grüße 💛 \ud800"}}, fields={"b": "ü &="}
    )

    assert caller.api.requests[-1].headers["content-type"] == "application/x-www-form-urlencoded"
    assert status["fields"] == {"a": "Grüße 💛 \ud800", "b": "ü &="}


def test_an_urlencoded_form_is_signed_as_the_bytes_it_stands_for(caller: Caller) -> None:
    text = json.dumps(
        {
            "auth": {"key": caller.api.key, "expires": "2099-01-01T00:00:00Z"},
            "steps": STEPS,
            "é": "+",
        },
        ensure_ascii=False,
    )
    form = caller.sign_text(text)
    body = "&".join(f"{name}={quote(value, safe='')}" for name, value in form.items())

    kind = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert post(caller, body.encode(), **kind)["ok"] == "ASSEMBLY_EXECUTING"


def test_the_ledger_holds_the_form_in_its_order(caller: Caller) -> None:
    files = [("b", ("/home/me/b.txt", b"bb", "text/plain")), ("a", ("../a.png", b"", "image/png"))]

    status = caller.created(files=files, fields={"z": "1"})
    request = caller.api.requests[-1]
    assert request.names == ["params", "signature", "z", "b", "a"]
    assert request.fields["z"] == "1"
    assert request.params["steps"] == STEPS
    assert [(file.filename, file.size, file.complete) for file in request.files] == [
        ("/home/me/b.txt", 2, True),
        ("../a.png", 0, True),
    ]
    assert request.files[0].sha256 == hashlib.sha256(b"bb").hexdigest()
    assert (request.status, request.code) == (200, "ASSEMBLY_EXECUTING")
    assert request.body_complete
    assert [file["name"] for file in status["uploads"]] == ["b.txt", "a.png"]


def test_the_ledger_keeps_as_much_of_a_body_as_it_was_told() -> None:
    with calling(keep_body=10) as caller:
        caller.send("POST", "/nowhere?a=b", content=b"0123456789abc")

        [request] = caller.api.requests
        assert (request.body, request.body_size) == (b"0123456789", 13)
        assert not request.body_complete
        assert request.url == f"{caller.api.url}/nowhere?a=b"


def test_a_boundary_in_a_file_is_content(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS})
    parts = [text_part(name, value) for name, value in form.items()]
    hostile = b'\r\n--+++\r\nContent-Disposition: form-data; name="params"\r\n\r\n{}'

    status = post(caller, multipart(*parts, file_part("f", "f.bin", hostile)))
    assert status["uploads"][0]["md5hash"] == hashlib.md5(hostile).hexdigest()


def test_a_wrong_signature_is_answered_while_the_file_is_still_on_its_way(caller: Caller) -> None:
    form = {**caller.signed({"steps": STEPS}), "signature": "sha384:00"}
    parts = [text_part(name, value) for name, value in form.items()]
    body = multipart(*parts, file_part("f", "f.bin", b"x" * 1_000_000))

    with connect(caller, "/assemblies", len(body)) as connection:
        connection.sendall(body[: len(body) // 2])
        assert read_answer(connection)["error"] == "INVALID_SIGNATURE"
        assert caller.api.requests[-1].body_size < len(body)
        connection.sendall(body[len(body) // 2 :])
        connection.sendall(b"GET /again HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection)["error"] == "SERVER_404"


def test_params_that_come_after_the_files_are_checked_in_the_end(caller: Caller) -> None:
    form = {**caller.signed({"steps": STEPS}), "signature": "sha384:00"}
    parts = [text_part(name, value) for name, value in form.items()]

    answer = post(caller, multipart(file_part("f", "f.bin", b"x"), *parts))
    assert answer["error"] == "INVALID_SIGNATURE"
    assert caller.api.requests[-1].files[0].complete


def test_a_file_too_large_is_answered_at_once(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS}, max_size=1000)
    parts = [text_part(name, value) for name, value in form.items()]
    body = multipart(*parts, file_part("f", "f.bin", b"x" * 1_000_000))

    with connect(caller, "/assemblies", len(body)) as connection:
        connection.sendall(body[:50_000])
        answer = read_answer(connection)
    assert answer["error"] == "MAX_SIZE_EXCEEDED"
    assert caller.status(answer["assembly_id"])["error"] == "MAX_SIZE_EXCEEDED"


def start_upload(caller: Caller) -> tuple[socket.socket, bytes]:
    """Begin an upload under a known id; gives the connection and what is still to be sent."""
    parts = [text_part(name, value) for name, value in caller.signed({"steps": STEPS}).items()]
    body = multipart(*parts, file_part("f", "f.bin", b"x" * 200_000))
    connection = connect(caller, f"/assemblies/{ID}", len(body))
    connection.sendall(body[:100_000])
    while ID not in caller.api.assemblies:
        threading.Event().wait(0.005)
    return connection, body[100_000:]


def test_an_upload_in_progress_can_be_seen_and_canceled(caller: Caller) -> None:
    connection, rest = start_upload(caller)

    with connection:
        assert caller.status(ID)["ok"] == "ASSEMBLY_UPLOADING"
        canceled = caller.send("DELETE", f"/assemblies/{ID}").json()
        assert canceled["ok"] == "ASSEMBLY_CANCELED"
        connection.sendall(rest)
        assert read_answer(connection)["ok"] == "ASSEMBLY_CANCELED"
    assert caller.status(ID)["uploads"] == []


def test_an_upload_given_up_is_aborted(caller: Caller) -> None:
    connection, _ = start_upload(caller)

    connection.close()
    while (status := caller.status(ID))["ok"] == "ASSEMBLY_UPLOADING":
        threading.Event().wait(0.005)
    assert status["ok"] == "REQUEST_ABORTED"
    assert not caller.api.requests[0].files[0].complete


def test_a_connection_given_up_before_params_leaves_nothing(caller: Caller) -> None:
    connect(caller, "/assemblies", 1000).close()
    connect(caller, "/nowhere", 1000).close()

    with pytest.raises(httpx.HTTPStatusError):
        caller.send("GET", f"/assemblies/{ID}").raise_for_status()
    assert not caller.api.assemblies
