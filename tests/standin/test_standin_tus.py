"""Uploads by tus, sent by hand: what is refused, what is kept, and when the Assembly goes on."""

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from transloadit_standin import Answer

from .caller import STEPS, Caller, calling

BYTES = "application/offset+octet-stream"


def metadata(**pairs: str) -> str:
    return ",".join(
        f"{k} {base64.b64encode(v.encode()).decode()}".strip() for k, v in pairs.items()
    )


def waiting(caller: Caller, number: int = 1, **options: Any) -> dict[str, Any]:
    """The status of an Assembly that waits for so many files."""
    return caller.created(fields={"num_expected_upload_files": str(number)}, **options)


def tus(
    caller: Caller,
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    headers = {"Tus-Resumable": "1.0.0", **(headers or {})}
    return caller.http.request(method, url, headers=headers, content=content)


def begin(
    caller: Caller,
    status: dict[str, Any],
    size: int | None,
    *,
    name: str = "a.bin",
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
    **user_meta: str,
) -> httpx.Response:
    length = {"Upload-Defer-Length": "1"} if size is None else {"Upload-Length": str(size)}
    url = status["assembly_ssl_url"]
    meta = metadata(assembly_url=url, fieldname="f", filename=name, **user_meta)
    headers = {**length, "Upload-Metadata": meta, **(headers or {})}
    return tus(caller, "POST", status["tus_url"], headers, content)


def begun(caller: Caller, status: dict[str, Any], size: int | None, **options: Any) -> str:
    response = begin(caller, status, size, **options)
    assert response.status_code == 201, response.text
    return response.headers["location"]


def patch(
    caller: Caller, url: str, offset: int, content: bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    headers = {"Content-Type": BYTES, "Upload-Offset": str(offset), **(headers or {})}
    return tus(caller, "PATCH", url, headers, content)


def offset(caller: Caller, url: str) -> int:
    return int(tus(caller, "HEAD", url).headers["upload-offset"])


def refused(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["tus-resumable"] == "1.0.0"
    assert response.headers["content-type"].startswith("text/plain")
    return response.status_code, response.text.partition(":")[0]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize("version", [None, "0.2.2"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_another_version_is_refused(caller: Caller, method: str, version: str | None) -> None:
    status = waiting(caller)
    url = begun(caller, status, 3) if method != "POST" else status["tus_url"]

    headers = {"Tus-Resumable": version} if version else {}
    response = caller.http.request(method, url, headers=headers)
    assert (response.status_code, response.headers["tus-version"]) == (412, "1.0.0")
    assert caller.api.requests[-1].code == "ERR_UNSUPPORTED_VERSION"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "1", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Length": "-1"},
        {"Upload-Length": "one"},
        {"Upload-Length": "1.0"},
    ],
)
def test_an_upload_has_one_length_or_will_have(caller: Caller, headers: dict[str, str]) -> None:
    status = waiting(caller)

    response = tus(caller, "POST", status["tus_url"], headers)
    assert refused(response) == (400, "ERR_INVALID_UPLOAD_LENGTH")
    assert caller.api.requests[-1].code == "ERR_INVALID_UPLOAD_LENGTH"


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        "assembly_url",
        "assembly_url =",
        "assembly_url /w==",
        "a ,a",
        "a ,,b",
    ],
)
def test_metadata_that_cannot_be_read_is_refused(caller: Caller, wrong: str | None) -> None:
    status = waiting(caller)

    headers = {"Upload-Length": "1"} | ({} if wrong is None else {"Upload-Metadata": wrong})
    response = tus(caller, "POST", status["tus_url"], headers)
    assert refused(response) == (400, "ERR_INVALID_METADATA")


@pytest.mark.parametrize("missing", ["assembly_url", "fieldname", "filename"])
def test_metadata_has_to_say_what_the_file_is_for(caller: Caller, missing: str) -> None:
    status = waiting(caller)
    pairs = {"assembly_url": status["assembly_ssl_url"], "fieldname": "f", "filename": "a"}
    del pairs[missing]

    headers = {"Upload-Length": "1", "Upload-Metadata": metadata(**pairs)}
    response = tus(caller, "POST", status["tus_url"], headers)
    assert refused(response) == (400, "ERR_INVALID_METADATA")
    assert missing in response.text


def test_an_upload_for_no_assembly_is_refused() -> None:
    with calling(instances=2) as caller:
        status, other = waiting(caller), waiting(caller)
        url = status["assembly_ssl_url"]
        strangers = [
            url[:-1] + ("0" if url[-1] != "0" else "1"),
            other["assembly_ssl_url"],
            url.replace("http://", "http://example.org/"),
            status["assembly_id"],
        ]

        for stranger in strangers:
            response = begin(caller, {**status, "assembly_ssl_url": stranger}, 1)
            assert refused(response) == (400, "ERR_UPLOAD_REJECTED")
        assert caller.status(status["assembly_id"])["started_tus_uploads"] == 0
        # Both of its URLs name it.
        assert begun(caller, {**status, "assembly_ssl_url": status["assembly_url"]}, 1)


@pytest.mark.parametrize("outcome", ["ASSEMBLY_CANCELED", "ASSEMBLY_COMPLETED", "CRASHED"])
def test_an_assembly_with_an_outcome_takes_no_uploads(caller: Caller, outcome: str) -> None:
    if outcome == "ASSEMBLY_CANCELED":
        status = waiting(caller)
        caller.send("DELETE", status["assembly_ssl_url"])
    else:
        status = caller.finished() if outcome == "ASSEMBLY_COMPLETED" else caller.crashed()

    assert refused(begin(caller, status, 1)) == (400, "ERR_UPLOAD_REJECTED")


def test_an_upload_is_nowhere_else() -> None:
    with calling(instances=2) as caller:
        status = waiting(caller)
        url = begun(caller, status, 3)
        host, other = caller.api.instance_urls

        for wrong in (url + "0", url.replace(host, other)):
            for method in ("HEAD", "PATCH", "DELETE"):
                headers = {"Content-Type": BYTES, "Upload-Offset": "0"}
                assert tus(caller, method, wrong, headers).status_code == 404
        for path in (url, status["tus_url"]):
            on_api = tus(caller, "POST", path.replace(host, caller.api.url))
            assert on_api.json()["error"] == "SERVER_404"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Type": "application/octet-stream"}, (415, "ERR_INVALID_CONTENT_TYPE")),
        ({"Upload-Offset": "-1"}, (400, "ERR_INVALID_OFFSET")),
        ({"Upload-Offset": "two"}, (400, "ERR_INVALID_OFFSET")),
        ({"Upload-Offset": "3"}, (409, "ERR_MISMATCHED_OFFSET")),
        ({"Upload-Offset": "1"}, (409, "ERR_MISMATCHED_OFFSET")),
        ({"Upload-Length": "9"}, (400, "ERR_INVALID_UPLOAD_LENGTH")),
        ({"Upload-Checksum": "crc32 AAAA"}, (400, "ERR_UNSUPPORTED_CHECKSUM")),
        ({"Upload-Checksum": "sha1 =A"}, (400, "ERR_UNSUPPORTED_CHECKSUM")),
        ({"Upload-Checksum": "sha1 AAAA"}, (460, "ERR_CHECKSUM_MISMATCH")),
    ],
)
def test_bytes_that_do_not_fit_are_refused_and_none_is_kept(
    caller: Caller, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    url = begun(caller, waiting(caller), 4)
    assert patch(caller, url, 0, b"ab").status_code == 204

    assert refused(patch(caller, url, 2, b"c", headers)) == expected
    assert offset(caller, url) == 2
    assert patch(caller, url, 2, b"cd").headers["upload-offset"] == "4"


def test_bytes_without_an_offset_are_refused(caller: Caller) -> None:
    url = begun(caller, waiting(caller), 4)

    response = tus(caller, "PATCH", url, {"Content-Type": BYTES}, b"ab")
    assert refused(response) == (400, "ERR_INVALID_OFFSET")


def test_more_bytes_than_the_upload_has_are_refused_and_none_is_kept(caller: Caller) -> None:
    url = begun(caller, waiting(caller), 4)
    patch(caller, url, 0, b"ab")

    assert refused(patch(caller, url, 2, b"cde")) == (413, "ERR_UPLOAD_SIZE_EXCEEDED")
    assert offset(caller, url) == 2


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_checksum_covers_the_bytes_of_one_request(caller: Caller, algorithm: str) -> None:
    status = waiting(caller)
    url = begun(caller, status, 6)
    patch(caller, url, 0, b"ab")

    def checksum(content: bytes) -> dict[str, str]:
        digest = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
        return {"Upload-Checksum": f"{algorithm} {digest}"}

    assert patch(caller, url, 2, b"cd", checksum(b"abcd")).status_code == 460
    assert patch(caller, url, 2, b"cd", checksum(b"cd")).headers["upload-offset"] == "4"
    assert patch(caller, url, 4, b"ef", checksum(b"ef")).headers["upload-offset"] == "6"
    (upload,) = caller.status(status["assembly_id"])["uploads"]
    assert upload["md5hash"] == hashlib.md5(b"abcdef").hexdigest()
    assert caller.http.get(upload["ssl_url"]).content == b"abcdef"


def test_a_server_without_checksums_does_not_look_at_them() -> None:
    with calling(tus_checksum=False) as caller:
        status = waiting(caller)
        options = tus(caller, "OPTIONS", status["tus_url"])
        url = begun(caller, status, 4)

        assert "checksum" not in options.headers["tus-extension"]
        assert patch(caller, url, 0, b"ab", {"Upload-Checksum": "sha1 AAAA"}).status_code == 204


def test_options_say_what_the_server_can(caller: Caller) -> None:
    status = waiting(caller)

    for url in (status["tus_url"], begun(caller, status, 1)):
        response = caller.http.options(url)
        assert response.status_code == 204
        assert response.headers["tus-version"] == response.headers["tus-resumable"] == "1.0.0"
        assert response.headers["tus-checksum-algorithm"] == "sha1,sha256"
        assert set(response.headers["tus-extension"].split(",")) == {
            "creation",
            "creation-with-upload",
            "creation-defer-length",
            "termination",
            "checksum",
        }


def test_the_status_mirrors_an_upload(caller: Caller) -> None:
    created = waiting(caller, 2)
    before = created["bytes_received"]
    url = begun(caller, created, 10, name="ä b.png", note="für mich", empty="")
    patch(caller, url, 0, b"abc")

    status = caller.status(created["assembly_id"])
    assert status["tus_uploads"] == [
        {
            "filename": "ä b.png",
            "fieldname": "f",
            "user_meta": {"note": "für mich", "empty": ""},
            "size": 10,
            "offset": 3,
            "finished": False,
            "upload_url": url,
        }
    ]
    names = ("expected_tus_uploads", "started_tus_uploads", "finished_tus_uploads")
    assert [status[name] for name in names] == [2, 1, 0]
    assert (status["bytes_received"], status["bytes_expected"]) == (before + 3, before + 10)
    assert (status["ok"], status["uploads"]) == ("ASSEMBLY_UPLOADING", [])
    head = tus(caller, "HEAD", url).headers
    assert (head["upload-offset"], head["upload-length"]) == ("3", "10")
    assert head["cache-control"] == "no-store"
    assert metadata(note="für mich") in head["upload-metadata"]


def test_the_assembly_goes_on_once_all_have_come(caller: Caller) -> None:
    created = waiting(caller, 2, files={"form": ("form.txt", b"form")})
    first, second = (begun(caller, created, 3, name=name) for name in ("a.txt", "b.png"))
    patch(caller, second, 0, b"BBB")
    caller.api.settle()
    assert caller.status(created["assembly_id"])["ok"] == "ASSEMBLY_UPLOADING"
    patch(caller, first, 0, b"AAA")
    caller.api.settle()

    status = caller.status(created["assembly_id"])
    assert (created["ok"], status["ok"]) == ("ASSEMBLY_UPLOADING", "ASSEMBLY_COMPLETED")
    assert [(file["name"], file["field"]) for file in status["uploads"]] == [
        ("form.txt", "form"),
        ("b.png", "f"),
        ("a.txt", "f"),
    ]
    assert [file["tus_upload_url"] for file in status["uploads"]] == [None, second, first]
    assert [file["is_tus_file"] for file in status["uploads"]] == [False, True, True]
    results = status["results"]["resized"]
    assert [caller.http.get(file["url"]).content for file in results] == [b"form", b"BBB", b"AAA"]
    assert [upload["finished"] for upload in status["tus_uploads"]] == [True, True]


def test_an_empty_file_has_come_as_soon_as_it_is_begun(caller: Caller) -> None:
    created = waiting(caller)
    url = begun(caller, created, 0)
    caller.api.settle()

    status = caller.status(created["assembly_id"])
    assert (status["ok"], status["uploads"][0]["size"]) == ("ASSEMBLY_COMPLETED", 0)
    assert caller.http.get(status["uploads"][0]["url"]).content == b""
    assert patch(caller, url, 0, b"").status_code == 204


@pytest.mark.parametrize("concat", ["partial", "final;/a /b"])
def test_uploads_in_parts_at_the_same_time_are_refused(caller: Caller, concat: str) -> None:
    """Also by the service, one of its people wrote; a client's parts would be whole files else."""
    created = waiting(caller)

    response = begin(caller, created, 4, headers={"Upload-Concat": concat})
    assert refused(response) == (400, "ERR_CONCATENATION_UNSUPPORTED")
    assert caller.status(created["assembly_id"])["started_tus_uploads"] == 0


def test_an_upload_may_bring_its_first_bytes_along(caller: Caller) -> None:
    created = waiting(caller)

    response = begin(caller, created, 4, headers={"Content-Type": BYTES}, content=b"ab")
    url = response.headers["location"]
    assert (response.status_code, response.headers["upload-offset"]) == (201, "2")
    assert patch(caller, url, 2, b"cd").status_code == 204
    (upload,) = caller.status(created["assembly_id"])["uploads"]
    assert upload["md5hash"] == hashlib.md5(b"abcd").hexdigest()


def test_a_length_may_come_later_and_once(caller: Caller) -> None:
    created = waiting(caller)
    url = begun(caller, created, None)
    patch(caller, url, 0, b"ab")
    head = tus(caller, "HEAD", url).headers
    assert (head["upload-defer-length"], head.get("upload-length")) == ("1", None)
    status = caller.status(created["assembly_id"])
    assert status["tus_uploads"][0]["size"] == 0
    assert status["bytes_expected"] == status["bytes_received"]

    short, right, other = ({"Upload-Length": length} for length in ("1", "4", "5"))
    assert refused(patch(caller, url, 2, b"", short)) == (400, "ERR_INVALID_UPLOAD_LENGTH")
    assert patch(caller, url, 2, b"c", right).status_code == 204
    assert refused(patch(caller, url, 3, b"", other)) == (400, "ERR_INVALID_UPLOAD_LENGTH")
    assert patch(caller, url, 3, b"d", right).headers["upload-offset"] == "4"
    caller.api.settle()
    assert caller.status(created["assembly_id"])["ok"] == "ASSEMBLY_COMPLETED"


def test_a_method_can_be_named_in_a_header(caller: Caller) -> None:
    url = begun(caller, waiting(caller), 4)
    headers = {"Content-Type": BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}

    assert tus(caller, "POST", url, headers, b"ab").status_code == 204
    assert caller.api.requests[-1].operation == "tusPatch"


def test_what_arrived_of_a_broken_request_is_kept(caller: Caller) -> None:
    created = waiting(caller)
    content = bytes(range(256)) * 1000
    url = begun(caller, created, len(content))
    caller.api.drop_next(after="headers", byte=100_000, how="reset", operation="tusPatch")

    with pytest.raises(httpx.TransportError):
        patch(caller, url, 0, content)
    assert caller.api.requests[-1].fault == "Drop"
    assert offset(caller, url) == 100_000
    assert patch(caller, url, 100_000, content[100_000:]).status_code == 204
    (upload,) = caller.status(created["assembly_id"])["uploads"]
    assert upload["md5hash"] == hashlib.md5(content).hexdigest()


def test_an_upload_has_come_though_the_client_went_before_its_answer(caller: Caller) -> None:
    created = waiting(caller)
    url = begun(caller, created, 1000)
    caller.api.drop_next(after="headers", byte=1000, operation="tusPatch")

    with pytest.raises(httpx.TransportError):
        patch(caller, url, 0, bytes(1000))

    wait_for(lambda: caller.status(created["assembly_id"])["ok"] == "ASSEMBLY_COMPLETED")


def test_nothing_is_kept_of_a_broken_request_that_a_checksum_was_to_cover(caller: Caller) -> None:
    url = begun(caller, waiting(caller), 300_000)
    caller.api.drop_next(after="headers", byte=100_000, operation="tusPatch")

    with pytest.raises(httpx.TransportError):
        patch(caller, url, 0, b"x" * 300_000, {"Upload-Checksum": "sha1 AAAA"})
    assert offset(caller, url) == 0


def test_an_upload_whose_beginning_broke_is_found_in_the_status(caller: Caller) -> None:
    created = waiting(caller)
    caller.api.drop_next(after="headers", byte=100_000, operation="tusCreate")

    with pytest.raises(httpx.TransportError):
        begin(caller, created, 300_000, headers={"Content-Type": BYTES}, content=b"x" * 300_000)
    wait_for(lambda: caller.status(created["assembly_id"])["tus_uploads"][0]["offset"] == 100_000)


def test_a_second_upload_counts_where_the_first_was_lost(caller: Caller) -> None:
    created = waiting(caller)
    caller.api.drop_next(after="work", operation="tusCreate")
    with pytest.raises(httpx.TransportError):
        begin(caller, created, 3)
    url = begun(caller, created, 3)

    patch(caller, url, 0, b"abc")
    caller.api.settle()
    assert caller.status(created["assembly_id"])["ok"] == "ASSEMBLY_COMPLETED"


@pytest.mark.parametrize("newer", ["HEAD", "PATCH", "DELETE"])
def test_a_newer_request_ends_the_older_one(caller: Caller, newer: str) -> None:
    url = begun(caller, waiting(caller), 10)
    host, _, path = url.removeprefix("http://").partition("/")
    address, _, port = host.partition(":")
    with socket.create_connection((address, int(port)), timeout=5) as older:
        older.sendall(
            f"PATCH /{path} HTTP/1.1\r\nHost: [::1]\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            f"Content-Type: {BYTES}\r\nContent-Length: 10\r\n\r\nabc".encode()
        )
        (upload,) = next(iter(caller.api.assemblies.values())).tus_uploads
        wait_for(lambda: upload.offset == 3)

        headers = {"Content-Type": BYTES, "Upload-Offset": "3"}
        content = b"defghij" if newer == "PATCH" else None
        response = tus(caller, newer, url, headers, content)
        assert response.status_code == (200 if newer == "HEAD" else 204)
        assert response.headers.get("upload-offset") == {"HEAD": "3", "PATCH": "10"}.get(newer)
        with pytest.raises(ConnectionResetError):
            older.recv(100)


def test_of_two_that_wait_for_their_turn_the_newest_has_it(caller: Caller) -> None:
    """Each of them ends whoever came before, so that none waits for a connection that is dead."""
    url = begun(caller, waiting(caller), 10)
    host, _, path = url.removeprefix("http://").partition("/")
    address, _, port = host.partition(":")
    request = (
        f"PATCH /{path} HTTP/1.1\r\nHost: [::1]\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: {BYTES}\r\nContent-Length: 10\r\n\r\n"
    ).encode()
    connections = [socket.create_connection((address, int(port)), timeout=5) for _ in range(5)]
    try:
        for connection in connections:
            connection.sendall(request)
        wait_for(lambda: sum(r.operation == "tusPatch" for r in caller.api.requests) == 5)

        assert offset(caller, url) == 0
        for connection in connections:
            with pytest.raises(ConnectionResetError):
                connection.recv(100)
    finally:
        for connection in connections:
            connection.close()
    assert patch(caller, url, 0, b"0123456789").status_code == 204


def test_an_upload_can_be_forgotten(caller: Caller) -> None:
    created = waiting(caller, 2)
    first, second = begun(caller, created, 3), begun(caller, created, 3)
    patch(caller, first, 0, b"abc")
    files = list(caller.api._service.folder.iterdir())

    for url in (first, second):
        assert tus(caller, "DELETE", url).status_code == 204
        assert refused(patch(caller, url, 0, b"abc")) == (404, "ERR_UPLOAD_NOT_FOUND")
    status = caller.status(created["assembly_id"])
    assert (status["uploads"], status["tus_uploads"]) == ([], [])
    assert [path for path in files if path.exists()] == []


def test_an_assembly_keeps_what_it_works_with(caller: Caller) -> None:
    created = waiting(caller)
    url = begun(caller, created, 3)
    patch(caller, url, 0, b"abc")
    caller.api.settle()

    assert tus(caller, "DELETE", url).status_code == 204
    status = caller.status(created["assembly_id"])
    assert (status["ok"], len(status["uploads"])) == ("ASSEMBLY_COMPLETED", 1)
    assert caller.http.get(status["uploads"][0]["url"]).content == b"abc"


@pytest.mark.parametrize("declared", [0, 1])
def test_files_beyond_the_declared_number_are_dropped_and_nobody_is_told(declared: int) -> None:
    with calling(step_seconds=0.3) as caller:
        created = waiting(caller, declared)
        urls = [begun(caller, created, 3, name=f"{n}.txt") for n in range(declared + 1)]
        answers = [patch(caller, url, 0, b"abc").status_code for url in urls]
        caller.api.settle()

        status = caller.status(created["assembly_id"])
        assert set(answers) == {204}
        assert [file["name"] for file in status["uploads"]] == ["0.txt"][:declared]
        assert len(status["tus_uploads"]) == status["finished_tus_uploads"] == declared
        assert offset(caller, urls[-1]) == 3
        assert tus(caller, "DELETE", urls[-1]).status_code == 204
        kept = [path for path in caller.api._service.folder.iterdir() if path.is_file()]
        assert len(kept) == declared


def test_what_is_dropped_may_come_after_the_end(caller: Caller) -> None:
    created = waiting(caller)
    counted, dropped = begun(caller, created, 3), begun(caller, created, 6)
    patch(caller, dropped, 0, b"abc")
    patch(caller, counted, 0, b"abc")
    caller.api.settle()

    assert patch(caller, dropped, 3, b"def").headers["upload-offset"] == "6"
    assert len(caller.status(created["assembly_id"])["uploads"]) == 1


def test_cancel_stops_uploads(caller: Caller) -> None:
    created = waiting(caller)
    url = begun(caller, created, 6)
    patch(caller, url, 0, b"abc")
    caller.send("DELETE", created["assembly_ssl_url"])

    assert refused(patch(caller, url, 3, b"def")) == (400, "ERR_UPLOAD_STOPPED")
    assert offset(caller, url) == 3


def test_cancel_stops_an_upload_that_is_under_way(caller: Caller) -> None:
    created = waiting(caller)
    url = begun(caller, created, 300_000)

    def content() -> Any:
        yield b"x" * 100_000
        caller.api.assemblies[created["assembly_id"]].finish("ASSEMBLY_CANCELED")
        yield b"x" * 200_000

    headers = {"Content-Type": BYTES, "Upload-Offset": "0", "Tus-Resumable": "1.0.0"}
    response = caller.http.patch(url, headers=headers, content=content())
    assert refused(response) == (400, "ERR_UPLOAD_STOPPED")


@pytest.mark.parametrize("when", ["begun", "declared", "sent"])
def test_one_file_too_large_fails_the_whole_assembly(caller: Caller, when: str) -> None:
    params = {"steps": STEPS, "auth": {"max_size": 4}}
    created = caller.created(params, fields={"num_expected_upload_files": "2"})
    other = begun(caller, created, 4)

    if when == "begun":
        response = begin(caller, created, 5)
    else:
        url = begun(caller, created, None)
        length = {"Upload-Length": "5"} if when == "declared" else {}
        response = patch(caller, url, 0, b"12345", length)
    assert refused(response) == (413, "ERR_MAX_SIZE_EXCEEDED")
    status = caller.status(created["assembly_id"])
    assert (status["error"], status["reason"]) == ("MAX_SIZE_EXCEEDED", "'a.bin' exceeds 4 bytes")
    assert refused(patch(caller, other, 0, b"1234")) == (400, "ERR_UPLOAD_STOPPED")


def test_one_file_too_many_fails_the_assembly(caller: Caller) -> None:
    params = {"steps": STEPS, "auth": {"max_number_of_files": 1}}
    created = caller.created(params, fields={"num_expected_upload_files": "2"})

    for _ in range(2):
        patch(caller, begun(caller, created, 3), 0, b"abc")
    status = caller.status(created["assembly_id"])
    assert status["error"] == "MAX_NUMBER_OF_FILES_EXCEEDED"


def test_files_may_come_before_the_form_has(caller: Caller) -> None:
    """The id is the client's, so it can send them at once."""
    assembly_id = "0123456789abcdef0123456789abcdef"

    def content() -> Any:
        fields = {**caller.signed({"steps": STEPS}), "num_expected_upload_files": "1"}
        for name, text in fields.items():
            head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            yield f"{head}{text}\r\n".encode()
        yield b'--x\r\nContent-Disposition: form-data; name="g"; filename="g.txt"\r\n\r\nform'
        wait_for(lambda: assembly_id in caller.api.assemblies)
        status = caller.api.assemblies[assembly_id].status()
        second = Caller(caller.api)
        with second.http:
            assert patch(second, begun(second, status, 3), 0, b"abc").status_code == 204
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    path = f"{caller.api.url}/assemblies/{assembly_id}"
    created = caller.http.post(path, headers=headers, content=content()).json()
    caller.api.settle()
    status = caller.status(assembly_id)
    assert (created["ok"], status["ok"]) == ("ASSEMBLY_EXECUTING", "ASSEMBLY_COMPLETED")
    assert [file["name"] for file in status["uploads"]] == ["a.bin", "g.txt"]


def test_a_replay_has_the_uploads_of_its_original(caller: Caller) -> None:
    caller.api.crash_next()
    created = waiting(caller)
    patch(caller, begun(caller, created, 3), 0, b"abc")
    caller.api.settle()

    replayed = caller.replay(created["assembly_id"]).json()
    caller.api.settle()
    status = caller.status(replayed["assembly_id"])
    assert (status["ok"], len(status["uploads"])) == ("ASSEMBLY_COMPLETED", 1)
    original = caller.status(created["assembly_id"])
    assert status["bytes_received"] == original["bytes_received"]
    assert (status["expected_tus_uploads"], status["tus_uploads"]) == (0, [])


@pytest.mark.parametrize(("after", "expected"), [("body", 0), ("nonce", 0), ("work", 4)])
def test_a_proxy_answers_instead_and_the_bytes_are_kept_or_not(
    caller: Caller, after: Any, expected: int
) -> None:
    url = begun(caller, waiting(caller), 8)
    caller.api.faults.append(Answer(502, after=after, operation="tusPatch"))

    response = patch(caller, url, 0, b"abcd")
    assert (response.status_code, response.text) == (502, "<html><h1>502 Bad Gateway</h1></html>")
    assert offset(caller, url) == expected


@pytest.mark.parametrize("operation", ["tusHead", "tusPatch"])
def test_an_offset_may_be_told_wrongly(caller: Caller, operation: str) -> None:
    url = begun(caller, waiting(caller), 8)
    patch(caller, url, 0, b"abcd")
    caller.api.garble_next("offset", operation=operation)

    told = patch(caller, url, 4, b"ef") if operation == "tusPatch" else tus(caller, "HEAD", url)
    assert told.headers["upload-offset"] == ("3" if operation == "tusPatch" else "2")
    assert offset(caller, url) == (6 if operation == "tusPatch" else 4)


@pytest.mark.parametrize("operation", ["tusCreate", "tusHead", "tusPatch", "tusDelete"])
@pytest.mark.parametrize("how", ["end", "reset"])
def test_an_answer_may_be_lost_though_the_work_was_done(
    caller: Caller, operation: str, how: Any
) -> None:
    created = waiting(caller)
    url = begun(caller, created, 8)
    requests: dict[str, Callable[[], httpx.Response]] = {
        "tusCreate": lambda: begin(caller, created, 8),
        "tusHead": lambda: tus(caller, "HEAD", url),
        "tusPatch": lambda: patch(caller, url, 0, b"abcd"),
        "tusDelete": lambda: tus(caller, "DELETE", url),
    }
    caller.api.drop_next(after="work", how=how, operation=operation)

    with pytest.raises(httpx.TransportError):
        requests[operation]()
    uploads = caller.status(created["assembly_id"])["tus_uploads"]
    assert [upload["offset"] for upload in uploads] == {
        "tusCreate": [0, 0],
        "tusHead": [0],
        "tusPatch": [4],
        "tusDelete": [],
    }[operation]
    assert (caller.api.requests[-2].fault, caller.api.requests[-2].status) == ("Drop", None)


def test_a_large_request_that_is_worked_on_late_waits_where_it_is(caller: Caller) -> None:
    content = bytes(range(256)) * 80_000
    url = begun(caller, waiting(caller), len(content))
    caller.api.delay_next(0.3, operation="tusPatch")
    other = Caller(caller.api)
    sender = threading.Thread(target=patch, args=(other, url, 0, content))
    sender.start()

    wait_for(lambda: caller.api.requests[-1].body_size > 8_000_000)
    time.sleep(0.1)
    assert caller.api.requests[-1].body_size < 12_000_000
    sender.join()
    other.http.close()
    (upload,) = next(iter(caller.api.assemblies.values())).uploads
    assert upload.stored.md5 == hashlib.md5(content).hexdigest()


def test_the_ledger_keeps_no_bytes_of_uploads(caller: Caller) -> None:
    url = begun(caller, waiting(caller), 300_000)
    patch(caller, url, 0, b"x" * 200_000)
    offset(caller, url)

    created, patched, headed = caller.api.requests[-3:]
    assert [r.operation for r in (created, patched, headed)] == ["tusCreate", "tusPatch", "tusHead"]
    assert (patched.body, patched.body_size, patched.status) == (b"", 200_000, 204)


def test_runs_of_zeros_are_holes_on_disk(caller: Caller) -> None:
    created = waiting(caller)
    content = bytes(30_000_000) + b"x" + bytes(30_000_000)
    url = begun(caller, created, len(content))
    for start in range(0, len(content), 20_000_000):
        patch(caller, url, start, content[start : start + 20_000_000])

    (upload,) = caller.status(created["assembly_id"])["uploads"]
    assert upload["md5hash"] == hashlib.md5(content).hexdigest()
    assert caller.http.get(upload["url"]).content == content
    (path,) = caller.api._service.folder.iterdir()
    assert path.stat().st_size == len(content)
    assert path.stat().st_blocks * 512 < 1_000_000
