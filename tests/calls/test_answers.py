"""Hostile answers: whatever a server says, it is a status or one of our own errors."""

import gzip
import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client import (
    ApiError,
    NoAnswer,
    OutcomeUnknown,
    Transloadit,
    TransloaditError,
    UnreadableAnswer,
)
from transloadit_client._http.failures import no_answer

from ..foreign import many_cases

Connect = Callable[..., Any]
ID = "7828446e5acd4aa996dce3455ec914e9"
CALLS: dict[str, Callable[[Any], Any]] = {
    "create": lambda client: client.create_assembly(template_id="t", assembly_id=None),
    "get": lambda client: client.get_assembly(ID),
    "cancel": lambda client: client.cancel_assembly(ID),
    "replay": lambda client: client.replay_assembly(ID),
    "notification": lambda client: client.replay_assembly_notification(ID),
}
UNREADABLE = {
    "empty": (200, b""),
    "blank": (200, b" \r\n "),
    "html": (200, b"<html><h1>It works!</h1></html>"),
    "cut short": (200, b'{"ok":"ASSEMBLY_EXEC'),
    "a list": (200, b"[1, 2]"),
    "null": (200, b"null"),
    "a text": (200, b'"ok"'),
    "a number": (200, b"12"),
    "too deep": (200, b'{"a":' * 100_000),
    "too long a number": (200, b'{"a":' + b"1" * 5000 + b"}"),
    "not utf-8": (200, b'{"a":"\xff\xfe\xff"}'),
    "neither ok nor error": (200, b"{}"),
    "null and null": (200, b'{"ok":null,"error":null}'),
    "a gateway's page": (502, b"<html>502 Bad Gateway</html>"),
    "a status code of Cloudflare's": (520, b"<html>520</html>"),
    "a status code nobody has": (599, b""),
    "a redirect": (302, b""),
}


def answering(connect: Connect, status: int, body: bytes, **headers: str) -> Any:
    """A client that tries once, and gets this answer."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body, headers=headers))
    return connect("k", "s", retry=None, httpx_args={"transport": transport})


def error_of(call: Callable[[Any], Any], client: Any) -> Any:
    """What a call says of the answer, also where it adds that the outcome is unknown."""
    with pytest.raises(TransloaditError) as caught:
        call(client)
    error = caught.value
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), repr(vars(again))) == (str(error), repr(vars(error)))
    return error.last if isinstance(error, OutcomeUnknown) else error


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("status", "body"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_answer_of_the_api_raises_with_all_that_is_known(
    connect: Connect, call: Callable[[Any], Any], status: int, body: bytes
) -> None:
    error = error_of(call, answering(connect, status, body))

    assert isinstance(error, UnreadableAnswer)
    assert error.http_status == status
    assert f"HTTP {status}" in str(error)
    assert error.body.encode() == body[:4096] or "\ufffd" in error.body


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_refusal_raises_and_carries_its_evidence(
    connect: Connect, call: Callable[[Any], Any]
) -> None:
    body = {"error": "RATE_LIMIT_REACHED", "message": "Slow down", "reason": {"a": 1},
            "info": {"retryIn": 0}}  # fmt: skip

    with pytest.raises(ApiError) as caught:
        call(answering(connect, 413, json.dumps(body).encode()))

    error = caught.value
    assert (error.http_status, error.code, error.reason) == (413, "RATE_LIMIT_REACHED", {"a": 1})
    assert (error.retry_in, error.assembly_id, error.status) == (0.0, None, None)
    assert "RATE_LIMIT_REACHED: Slow down" in str(error)
    assert "Wait" in str(error)


FORGED = {
    "half a surrogate pair": "\ud800",
    "an escape sequence": "\x1b[2J",
    "another line": "no\r\nCRITICAL forged",
    "right to left": "\u202e",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("said", FORGED.values(), ids=FORGED)
def test_an_error_is_one_line_that_can_be_written_whatever_was_said(
    connect: Connect, call: Callable[[Any], Any], said: str
) -> None:
    body = {"error": said, "message": said, "assembly_id": said}
    error = error_of(call, answering(connect, 400, json.dumps(body).encode()))

    assert str(error).isprintable()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_error_quotes_a_long_message_in_part_and_still_advises(
    connect: Connect, call: Callable[[Any], Any]
) -> None:
    body = {"error": "RATE_LIMIT_REACHED", "message": "x" * 10**6}
    error = error_of(call, answering(connect, 413, json.dumps(body).encode()))

    assert len(str(error)) < 1500
    assert "xxx … Wait `retry_in` seconds" in str(error)


@pytest.mark.parametrize(
    ("headers", "info", "seconds"),
    [
        ({}, {}, None),
        ({"Retry-After": "7"}, {}, 7.0),
        ({"Retry-After": "7"}, {"retryIn": 3}, 3.0),  # a proxy may have written the header
        ({"Retry-After": "soon"}, {}, None),
        (
            {"Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT",
             "Date": "Thu, 01 Jan 2026 00:00:02 GMT"}, {}, 7.0,
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_refusal_says_how_long_to_wait(
    connect: Connect,
    call: Callable[[Any], Any],
    headers: dict[str, str],
    info: dict[str, Any],
    seconds: float | None,
) -> None:
    body = {"error": "RATE_LIMIT_REACHED", "info": info}
    error = error_of(call, answering(connect, 429, json.dumps(body).encode(), **headers))

    assert error.retry_in == seconds


@pytest.mark.parametrize(
    "body",
    [
        {"errno": -111, "code": "ECONNREFUSED", "syscall": "connect"},
        {"error": 3},
        {"error": ["x"], "message": {"a": 1}, "info": "soon"},
        {"error": "X", "info": {"retryIn": "soon"}},
        {"error": "X", "info": {"retryIn": -1}},
        {"error": "X", "info": {"retryIn": True}},
        {"error": "429 Too Many Requests"},
        {"message": "no code at all"},
    ],
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_odd_refusals_raise_all_the_same(
    connect: Connect, call: Callable[[Any], Any], body: dict[str, Any]
) -> None:
    error = error_of(call, answering(connect, 500, json.dumps(body).encode()))

    assert isinstance(error, ApiError)
    assert error.code in ("ECONNREFUSED", "X", "429 Too Many Requests", None)
    assert error.retry_in is None


@pytest.mark.parametrize("status", [200, 201, 302, 304])
@pytest.mark.parametrize("call", ["get", "cancel"])
def test_a_failed_assembly_is_a_status_and_no_error(
    connect: Connect, call: str, status: int
) -> None:
    body = {"ok": "ASSEMBLY_COMPLETED", "error": "SOMETHING_BROKE", "assembly_id": ID}

    assembly = CALLS[call](answering(connect, status, json.dumps(body).encode()))

    assert assembly.failed
    assert assembly.to_dict() == body


@pytest.mark.parametrize("call", ["create", "replay", "get", "cancel"])
def test_an_error_with_an_assembly_carries_its_status(connect: Connect, call: str) -> None:
    body = {"error": "ASSEMBLY_CANCEL_UNAVAILABLE", "assembly_id": ID, "odd": [None]}

    error = error_of(CALLS[call], answering(connect, 503, json.dumps(body).encode()))

    assert isinstance(error, ApiError)
    assert ID in str(error)
    assert error.assembly_id == ID
    assert error.status is not None
    assert error.status.to_dict() == body


@pytest.mark.parametrize("call", ["create", "replay"])
def test_an_error_in_a_create_raises_even_with_http_200(connect: Connect, call: str) -> None:
    body = {"error": "TEMPLATE_NOT_FOUND", "assembly_id": ID}

    with pytest.raises(ApiError) as caught:
        CALLS[call](answering(connect, 200, json.dumps(body).encode()))

    assert caught.value.code == "TEMPLATE_NOT_FOUND"


@pytest.mark.parametrize("own_id", [None, ID])
def test_a_template_that_is_not_there_is_named(connect: Connect, own_id: str | None) -> None:
    body = {"error": "TEMPLATE_NOT_FOUND", "message": "There is no such Template."}
    client = answering(connect, 404, json.dumps(body).encode())

    with pytest.raises(ApiError, match=r"such Template\. The template_id was 'resize'\.$"):
        client.create_assembly(template_id="resize", assembly_id=own_id)
    with pytest.raises(ApiError, match="The template_id was 'another'"):
        client.replay_assembly(ID, template_id="another")
    with pytest.raises(ApiError, match=r"There is no such Template\.$"):
        client.replay_assembly(ID)


@pytest.mark.parametrize("content", [b'{"error": "SERVER_404"}', b"<html>"])
def test_a_base_url_with_a_path_too_many_is_suspected(connect: Connect, content: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(404, content=content))
    beyond = connect(
        base_url="https://api2.transloadit.com/assemblies",
        retry=None,
        httpx_args={"transport": transport},
    )

    with pytest.raises(ApiError, match=r"base_url has the path '/assemblies/'.* too many"):
        beyond.get_assembly(ID)

    with pytest.raises(ApiError) as caught:  # it is asked at a URL of its own
        beyond.get_assembly(f"https://api2-a.transloadit.com/assemblies/{ID}")
    assert "base_url" not in str(caught.value)
    with pytest.raises(ApiError) as caught:
        answering(connect, 404, content).get_assembly(ID)
    assert "base_url" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "content"), [(404, b'{"error": "ASSEMBLY_NOT_FOUND"}'), (502, b"<html>")]
)
def test_a_base_url_that_was_answered_is_not_suspected(
    connect: Connect, status: int, content: bytes
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    client = connect(
        base_url="https://gateway.example/transloadit", retry=None,
        httpx_args={"transport": transport},
    )  # fmt: skip

    with pytest.raises(ApiError) as caught:
        client.get_assembly(ID)

    assert "base_url" not in str(caught.value)


@pytest.mark.parametrize("call", ["create", "replay", "get", "cancel"])
@pytest.mark.parametrize(
    "body", [{"assembly_id": ID}, {"ok": "SOMETHING_NEW", "assembly_id": ID, "x": {"y": 1}}]
)
def test_a_state_nobody_knows_is_a_busy_status(
    connect: Connect, call: str, body: dict[str, Any]
) -> None:
    assembly = CALLS[call](answering(connect, 200, json.dumps(body).encode()))

    assert assembly.busy
    assert assembly.to_dict() == body


@pytest.mark.parametrize("call", ["get", "cancel"])
@pytest.mark.parametrize("body", [{"ok": "ASSEMBLY_COMPLETED"}, {"ok": "X", "assembly_id": None}])
def test_a_status_without_an_assembly_raises(
    connect: Connect, call: str, body: dict[str, Any]
) -> None:
    error = error_of(CALLS[call], answering(connect, 200, json.dumps(body).encode()))

    assert isinstance(error, UnreadableAnswer)
    assert "has no assembly_id" in str(error)


@many_cases
@given(
    st.integers(200, 599),
    st.dictionaries(
        st.sampled_from(["ok", "error", "assembly_id", "message", "info", "code", "results", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["retryIn", "a"]), inner, max_size=2)
            ),
            max_leaves=4,
        ),
    ),
    st.sampled_from(list(CALLS.values())),
)
def test_any_object_is_an_answer_or_our_own_error(
    status: int, body: dict[str, Any], call: Callable[[Any], Any]
) -> None:
    client = answering(Transloadit, status, json.dumps(body).encode())

    try:
        assert call(client).to_dict() == body
    except TransloaditError as error:
        said = str(error)
    else:
        said = "an answer"
    assert said.isprintable()


@many_cases
@given(st.binary(), st.sampled_from(list(CALLS.values())))
def test_any_bytes_are_an_answer_or_our_own_error(body: bytes, call: Callable[[Any], Any]) -> None:
    with pytest.raises(TransloaditError):
        call(answering(Transloadit, 200, body))


HEADERS = st.sampled_from(
    ["Location", "Retry-After", "Date", "Content-Encoding", "Content-Type", "Set-Cookie", "X"]
)
URLS = st.from_regex(r"(https?|ftp|)(:|//|://)[a-z0-9.@:%\\\[\]-]{0,20}(/[a-z?#%]{0,5})?$")
VALUES = (
    st.binary(max_size=30)
    | st.text(max_size=30).map(str.encode)
    | URLS.map(str.encode)
    | st.integers().map(lambda number: str(number).encode())
    | st.datetimes().map(lambda time: f"{time:%a, %d %b %Y %H:%M:%S} GMT".encode())
    | st.sampled_from([b"gzip", b"br, deflate", b"text/html; charset=utf-7", b"a=b; Domain=x"])
)


@many_cases
@given(
    st.integers(200, 599),
    st.dictionaries(HEADERS, VALUES, max_size=4),
    st.sampled_from([b"", b'{"error":"RATE_LIMIT_REACHED"}', b'{"ok":"X","assembly_id":"1"}']),
    st.sampled_from(list(CALLS.values())),
)
def test_any_headers_belong_to_an_answer_or_our_own_error(
    status: int, headers: dict[str, bytes], body: bytes, call: Callable[[Any], Any]
) -> None:
    raw = [(name.encode(), value) for name, value in headers.items()]
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body, headers=raw))
    client = Transloadit("k", "s", retry=None, httpx_args={"transport": transport})

    with suppress(TransloaditError):
        assert call(client).ok == "X"


def test_a_body_that_is_not_compressed_as_it_says_is_no_answer(connect: Connect) -> None:
    client = answering(connect, 200, b"not gzip", **{"Content-Encoding": "gzip"})

    with pytest.raises(NoAnswer, match="could not read Assembly 7828"):
        client.get_assembly(ID)


def test_a_compressed_body_is_read(connect: Connect) -> None:
    body = gzip.compress(json.dumps({"ok": "ASSEMBLY_CANCELED", "assembly_id": ID}).encode())

    assert answering(connect, 200, body, **{"Content-Encoding": "gzip"}).get_assembly(ID).done


@pytest.mark.parametrize(
    ("failure", "host", "words"),
    [
        (httpx.ReadTimeout(""), "a.example", "the request to a.example timed out (ReadTimeout)"),
        (httpx.ReadError("cut"), None, "the request got no answer (ReadError: cut)"),
    ],
)
def test_no_answer_is_told_in_one_sentence(
    failure: Exception, host: str | None, words: str
) -> None:
    assert str(no_answer("read the status", failure, host)) == f"could not read the status: {words}"


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (httpx.ConnectError("refused"), "got no answer"),
        (httpx.ReadTimeout("slow"), "timed out"),
        (httpx.RemoteProtocolError("broken"), "got no answer"),
        (OSError("disk"), "got no answer"),
    ],
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_broken_connection_is_our_own_error_with_its_cause(
    connect: Connect, call: Callable[[Any], Any], failure: Exception, words: str
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    client = connect("k", "s", retry=None, httpx_args={"transport": httpx.MockTransport(fail)})

    error = error_of(call, client)

    assert isinstance(error, NoAnswer)
    assert words in str(error)
    assert error.__cause__ is failure
