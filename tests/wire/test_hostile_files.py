"""What a file holds changes nothing in the form around it, whoever reads it."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transloadit_client import Transloadit

from .parsers import Parser, Part
from .senders import STEPS, Sender, call
from .tap import Tap

EVIL = b'{"auth":{"key":"the key of another"}}'


def forged(boundary: bytes, name: bytes = b"params") -> bytes:
    """What would be a part of its own, if `boundary` were the form's."""
    head = b'Content-Disposition: form-data; name="' + name + b'"'
    return b"a picture\r\n--" + boundary + b"\r\n" + head + b"\r\n\r\n" + EVIL


HOSTILE = {
    "the generator's boundary": forged(b"+++"),
    "the generator's boundary, and the end": forged(b"+++") + b"\r\n--+++--\r\n",
    "a second signature": forged(b"+++", b"signature"),
    "a browser's boundary": forged(b"----WebKitFormBoundary7MA4YWxkTrZu0gW"),
    "a boundary of httpx's form": forged(b"0123456789abcdef0123456789abcdef"),
    "an empty boundary": forged(b""),
    "an end at once": b"\r\n--+++--\r\n",
    "dashes and line ends": b"\r\n--\r\n-\r\n----\r\n--" * 1000,
    "a whole form": b"--+++\r\n" + forged(b"+++") + forged(b"+++") + b"\r\n--+++--\r\n",
}


@pytest.mark.parametrize("content", [pytest.param(HOSTILE[name], id=name) for name in HOSTILE])
def test_a_file_forges_no_field(tap: Tap, send: Sender, parse: Parser, content: bytes) -> None:
    send(tap.url, [("cat.jpg", content, "image/jpeg")], {"field": "value"})

    received = tap.only()
    params, signature, *rest = parse(received.content_type, received.body)
    assert (params.name, signature.name) == ("params", "signature")
    assert EVIL not in params.content + signature.content
    assert rest == [
        Part("field", b"value"),
        Part("files", content, "cat.jpg", "image/jpeg"),
    ]


def test_the_boundary_of_an_earlier_request_forges_nothing(
    tap: Tap, send: Sender, parse: Parser
) -> None:
    """Who saw one request can prepare a file for the next."""
    send(tap.url, [("cat.jpg", b"", "image/jpeg")], {})
    content = forged(tap.only().boundary)
    send(tap.url, [("cat.jpg", content, "image/jpeg")], {})

    parts = parse(tap.requests[1].content_type, tap.requests[1].body)
    assert [part.name for part in parts] == ["params", "signature", "files"]
    assert parts[-1].content == content


FRAGMENTS = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b"--", b"-", b"+++", b"\r\n--", b"--\r\n", b"\r\n\r\n", b"\0", b'"',
        b"Content-Disposition: form-data; ", b'name="params"', b'filename="x"', b"Content-Type: ",
        b"the boundary before",
    ]
)  # fmt: skip


@settings(
    max_examples=250,
    deadline=None,  # a request each
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the server serves all examples
)
@given(fragments=st.lists(FRAGMENTS | st.binary(max_size=20), max_size=30))
def test_no_content_at_all_changes_the_form(
    tap: Tap, parse: Parser, fragments: list[bytes]
) -> None:
    """Any bytes, and with a liking for what a form is made of."""
    before = tap.requests[-1].boundary if tap.requests else b"+++"
    content = b"".join(fragments).replace(b"the boundary before", before)
    files = [("a.jpg", content), ("b.jpg", content + b"\r\n")]

    call(Transloadit, tap.url, "create_assembly", steps=STEPS, files=files)

    received = tap.requests[-1]
    params, signature, *rest = parse(received.content_type, received.body)
    assert (params.name, signature.name) == ("params", "signature")
    assert re.fullmatch(rb"sha384:[0-9a-f]{96}", signature.content)
    assert rest == [
        Part("files", content, "a.jpg", "image/jpeg"),
        Part("files", content + b"\r\n", "b.jpg", "image/jpeg"),
    ]
