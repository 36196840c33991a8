"""Browsers: pages of other origins, plain forms, and pages that should not get in."""

import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from transloadit_standin import unavailable

from .caller import STEPS, Caller, calling

ASKED = {
    "Origin": "http://localhost:3000",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "transloadit-client,x-requested-with",
}


def foreign(caller: Caller, url: str, host: str) -> httpx.Response:
    return caller.http.get(url, headers={"Host": host})


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "["])
def test_a_request_with_a_foreign_host_is_refused_on_every_route(caller: Caller, host: str) -> None:
    """A page that lets its own name point to this machine could read everything otherwise."""
    status = caller.finished(files={"f": ("a.txt", b"bytes")})
    urls = (
        caller.api.url + "/assemblies",
        status["assembly_ssl_url"],
        status["assembly_url"],
        status["uploads"][0]["url"],
        status["update_stream_url"],
        status["tus_url"],
        caller.api.url + "/_standin/",
        caller.api.url + "/_standin/assemblies",
    )

    for url in urls:
        response = foreign(caller, url, host)
        assert (response.status_code, response.json()["error"]) == (403, "SERVER_403"), url
        assert "access-control-allow-origin" not in response.headers


def test_a_foreign_host_uses_up_no_fault(caller: Caller) -> None:
    caller.api.faults.append(unavailable())

    assert foreign(caller, caller.api.url + "/", "evil.example").status_code == 403
    assert len(caller.api.faults) == 1


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "a.localhost", socket.gethostname()],
)
def test_names_of_this_machine_are_its_own(caller: Caller, host: str) -> None:
    assert foreign(caller, caller.api.url + "/", host).status_code == 404


def test_further_names_can_be_admitted() -> None:
    with calling(host_names=["Media.Internal"]) as caller:
        assert foreign(caller, caller.api.url + "/", "media.internal:8080").status_code == 404


@pytest.mark.parametrize("path", ["/assemblies", "/no/such/path", "/token"])
def test_a_browser_may_ask_for_every_route(caller: Caller, path: str) -> None:
    for origin in (caller.api.url, *caller.api.instance_urls):
        answer = caller.http.options(origin + path, headers=ASKED)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
        assert {"transloadit-client", "x-requested-with", "upload-metadata"} <= set(allowed)
        assert {"PATCH", "DELETE"} <= set(
            answer.headers["access-control-allow-methods"].split(", ")
        )


def test_a_question_without_its_method_is_answered_as_well(caller: Caller) -> None:
    answer = caller.http.options(caller.api.url + "/assemblies", headers={"Origin": "null"})

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_browser_can_read_answers_errors_and_files(caller: Caller) -> None:
    status = caller.finished(files={"f": ("a.txt", b"bytes")})
    caller.api.answer_next(503, b"busy", operation="getAssembly")

    answers = [
        caller.http.get(status["assembly_ssl_url"]),
        caller.http.get(status["assembly_ssl_url"]),
        caller.http.get(caller.api.url + "/nowhere"),
        caller.http.get(status["uploads"][0]["url"]),
        caller.http.post(status["tus_url"]),
        caller.http.get(status["update_stream_url"], headers={"Accept": "text/event-stream"}),
    ]
    assert [answer.status_code for answer in answers] == [503, 200, 404, 200, 412, 200]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"Location", "Upload-Offset", "Tus-Resumable"} <= set(exposed)


def test_a_question_of_the_browser_uses_up_no_fault(caller: Caller) -> None:
    caller.api.faults.append(unavailable())

    caller.http.options(caller.api.url + "/assemblies", headers=ASKED)
    assert len(caller.api.faults) == 1
    assert caller.api.requests[-1].operation == "preflight"


def test_other_origins_can_be_left_out() -> None:
    with calling(cors=False) as caller:
        status = caller.created()

        assert caller.http.options(caller.api.url + "/assemblies", headers=ASKED).status_code == 404
        answer = caller.http.get(status["assembly_ssl_url"])
        assert "access-control-allow-origin" not in answer.headers


def test_an_uploaded_page_cannot_run(caller: Caller) -> None:
    page = b"<script>alert(1)</script>"
    status = caller.finished(files={"f": ("a.html", page, "text/html")})

    headers = caller.http.get(status["uploads"][0]["url"]).headers
    assert headers["content-security-policy"] == "sandbox"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_plain_form_is_redirected_with_the_address_of_its_assembly(caller: Caller) -> None:
    params = {"steps": STEPS, "redirect_url": "http://localhost:3000/done?a=b#end"}

    response = caller.create(params, files={"f": ("a.txt", b"bytes")})
    target = urlsplit(response.headers["location"])
    query = {name: values[0] for name, values in parse_qs(target.query).items()}
    status = response.json()
    assert (response.status_code, status["ok"]) == (302, "ASSEMBLY_EXECUTING")
    assert (target.netloc, target.path, target.fragment) == ("localhost:3000", "/done", "end")
    assert query == {
        "a": "b",
        "assembly_id": status["assembly_id"],
        "assembly_url": status["assembly_url"],
        "assembly_ssl_url": status["assembly_ssl_url"],
    }


def test_a_refused_form_is_not_redirected(caller: Caller) -> None:
    params = {"steps": STEPS, "redirect_url": "http://localhost/", "auth": {"max_size": 1}}

    response = caller.create(params, files={"f": ("a.txt", b"bytes")})
    assert (response.status_code, response.json()["error"]) == (400, "MAX_SIZE_EXCEEDED")
    assert "location" not in response.headers


@pytest.mark.parametrize(
    ("redirect_url", "location"),
    [
        ("http://日本.example/ü?a=ä", "http://%E6%97%A5%E6%9C%AC.example/%C3%BC?a=%C3%A4&"),
        ("HTTPS://example.org/a%20b", "https://example.org/a%20b?"),
    ],
)
def test_a_redirect_is_written_in_ascii(caller: Caller, redirect_url: str, location: str) -> None:
    response = caller.create({"steps": STEPS, "redirect_url": redirect_url})

    assert response.headers["location"].startswith(location)


@pytest.mark.parametrize(
    "redirect_url",
    [
        7,
        ["http://localhost"],
        "http://a\r\nX-Evil: 1",
        "http://[",
        "http:///path",
        "/path",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_to_no_url_is_refused(caller: Caller, redirect_url: Any) -> None:
    response = caller.create({"steps": STEPS, "redirect_url": redirect_url})

    assert (response.status_code, response.json()["error"]) == (400, "INVALID_PARAMS_FIELD")


def test_a_blocking_create_is_answered_when_its_assembly_is_done() -> None:
    with calling(step_seconds=0.2) as caller:
        status = caller.created({"steps": STEPS, "blocking": True})

    assert status["ok"] == "ASSEMBLY_COMPLETED"


def test_a_blocking_create_waits_for_no_uploads_that_are_to_come(caller: Caller) -> None:
    fields = {"num_expected_upload_files": "1"}

    status = caller.created({"steps": STEPS, "blocking": True}, fields=fields)
    assert status["ok"] == "ASSEMBLY_UPLOADING"


def test_a_new_assembly_can_be_hidden_from_its_first_reads() -> None:
    with calling(not_found_reads=2) as caller:
        assembly_id = caller.created()["assembly_id"]

        found = [caller.send("GET", f"/assemblies/{assembly_id}").status_code for _ in range(3)]
    assert found == [404, 404, 200]
