"""The form of a create, as it came over a socket, is what four form parsers take it for.

Sent by our methods and by generated functions called directly, each synchronous and asynchronous.
"""

import hmac
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transloadit_client import Transloadit

from .parsers import Parser, Part
from .senders import KEY, SECRET, SENDERS, STEPS, NamedFile, Sender, call
from .tap import Received, Tap

VALUES = {
    "plain": "value",
    "empty": "",
    "spaces around": "  value\t",
    "accents": "naïve café ÿ",
    "emoji": "🙂👩‍👩‍👧",
    "other scripts": "日本語 العربية עברית",
    "quotes": "\"double\" 'single' `back` \\backslash\\",
    "line feed": "a\nb\n",
    "carriage return": "a\rb\r",
    "both": "\r\na\r\n\r\nb\r\n",
    "percent": "100%25 %22 %0D%0A a+b=c&d;e",
    "markup": "</script><!--&amp;-->",
    "like a boundary": "\r\n--+++--\r\n--boundary\r\n------WebKitFormBoundary",
    "like a head": '\r\nContent-Disposition: form-data; name="params"\r\n\r\n{}',
    "a NUL": "a\0b",
    "one MiB": "0123456789abcdé" * 65536,
    "a field's name: that, is = odd; 名前 🙂 100% + &": "odd",
}
FILES: list[NamedFile] = [
    ("cat.jpg", b"\xff\xd8 a picture", "image/jpeg"),
    ("two words, and; more=x.txt", b"text", "text/plain"),
    ("it's (1) [2] {3} &amp; 100%.png", b"", "image/png"),
    ("résumé naïve.pdf", b"\r\n", "application/pdf"),
    ("日本語🙂.webm", b"--", "video/webm"),
    ("without a suffix", bytes(range(256)) * 300, "application/octet-stream"),
    (".hidden", b"\n", "text/plain"),
    ("a.tar.gz", b"\0", "application/gzip"),
    ("cat.jpg", b"another of that name", "image/jpeg"),
]
TEXT_HEAD = re.compile(rb'Content-Disposition: form-data; name="[^"]+"')
FILE_HEAD = re.compile(
    rb'Content-Disposition: form-data; name="[^"]+"; filename="[^"/\\]+"\r\nContent-Type: [^\r\n]+'
)


def parts_of(received: Received, parse: Parser) -> list[Part]:
    return parse(received.content_type, received.body)


def texts(fields: dict[str, str]) -> list[Part]:
    return [Part(name, value.encode()) for name, value in fields.items()]


def is_signed(params: bytes, signature: bytes) -> bool:
    """Whether `signature` fits the bytes of `params` as they came."""
    return (
        signature == b"sha384:" + hmac.new(SECRET.encode(), params, "sha384").hexdigest().encode()
    )


def test_fields_are_fields_and_files_are_files(tap: Tap, send: Sender, parse: Parser) -> None:
    """Every part, in order: `params` and `signature`, then further fields, then the files."""
    send(tap.url, FILES, VALUES)

    params, signature, *rest = parts_of(tap.only(), parse)
    assert (params.name, params.file_name) == ("params", None)
    assert (signature.name, signature.file_name) == ("signature", None)
    assert is_signed(params.content, signature.content)
    assert rest == texts(VALUES) + [
        Part("files", content, name, kind) for name, content, kind in FILES
    ]


def test_a_create_is_multipart_without_a_file_too(tap: Tap, send: Sender, parse: Parser) -> None:
    send(tap.url, [], VALUES)

    received = tap.only()
    assert received.content_type.startswith("multipart/form-data; boundary=")
    params, signature, *rest = parts_of(received, parse)
    assert (params.name, signature.name) == ("params", "signature")
    assert is_signed(params.content, signature.content)
    assert rest == texts(VALUES)


def test_the_text_that_was_signed_is_the_text_that_is_sent(tap: Tap, send: Sender) -> None:
    """One JSON text in ASCII, with what was given, the key, a time and a nonce in it."""
    send(tap.url, FILES, {})

    (_, params), (_, signature), *_ = tap.only().raw_parts()
    assert is_signed(params, signature)
    assert params.isascii()
    decoded = json.loads(params)
    assert decoded.keys() == {"steps", "auth"}
    assert decoded["steps"] == STEPS
    assert decoded["auth"].keys() == {"key", "expires", "nonce"}
    assert decoded["auth"]["key"] == KEY


def test_text_parts_have_a_name_and_nothing_else(tap: Tap, send: Sender) -> None:
    """formidable takes a text part that has a content type for a file."""
    send(tap.url, FILES, VALUES)

    heads = [head for head, _ in tap.only().raw_parts()]
    text_heads, file_heads = heads[: -len(FILES)], heads[-len(FILES) :]
    assert len(text_heads) == 2 + len(VALUES)
    assert all(TEXT_HEAD.fullmatch(head) for head in text_heads)
    assert all(FILE_HEAD.fullmatch(head) for head in file_heads)


@pytest.mark.parametrize(
    "function", [SENDERS["generated function"], SENDERS["generated async function"]]
)
def test_a_generated_file_without_name_and_type_gets_both(
    tap: Tap, function: Sender, parse: Parser
) -> None:
    """Without a name it would arrive as a field, and in formidable also without a type."""
    function(tap.url, [("", b"content", "")], {})

    assert parts_of(tap.only(), parse)[2:] == [
        Part("files", b"content", "files", "application/octet-stream")
    ]


def test_a_content_type_is_sent_as_it_is(tap: Tap, send: Sender) -> None:
    types = ["text/plain; charset=utf-8", "x-own/type", 'multipart/mixed; boundary="a b"']
    send(tap.url, [("a", b"content", kind) for kind in types], {})

    heads = [head.decode().splitlines() for head, _ in tap.only().raw_parts()[2:]]
    assert [lines[1:] for lines in heads] == [[f"Content-Type: {kind}"] for kind in types]


@pytest.mark.parametrize(
    "path", ["/home/me/secret project/cat.jpg", "C:\\Users\\me\\cat.jpg", "../../cat.jpg"]
)
def test_no_path_leaves_the_machine(tap: Tap, send: Sender, parse: Parser, path: str) -> None:
    send(tap.url, [(path, b"content", "image/jpeg")], {})

    assert parts_of(tap.only(), parse)[-1].file_name == "cat.jpg"
    disposition, _ = tap.only().raw_parts()[-1][0].splitlines()
    assert disposition == b'Content-Disposition: form-data; name="files"; filename="cat.jpg"'


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        pytest.param('a "quoted".jpg', "a %22quoted%22.jpg", id="quotes"),
        pytest.param('x"; filename="y.jpg', "x%22; filename=%22y.jpg", id="a second name"),
        pytest.param(
            'x.jpg"\r\nContent-Type: html\r\n\r\n<b>',
            "x.jpg%22%0D%0AContent-Type: html%0D%0A%0D%0A<b>",
            id="a second head",
        ),
        pytest.param("a\tb\0c\n.jpg", "a%09b%00c%0A.jpg", id="control characters"),
    ],
)
def test_a_file_name_cannot_leave_its_quotes(
    tap: Tap, send: Sender, parse: Parser, name: str, sent: str
) -> None:
    """Escaped as browsers do, with a percent sign, which formidable alone undoes for quotes."""
    send(tap.url, [(name, b"content", "image/jpeg")], {})

    file = parts_of(tap.only(), parse)[-1]
    assert (file.name, file.content, file.content_type) == ("files", b"content", "image/jpeg")
    assert (file.file_name or "").replace('"', "%22") == sent


def test_a_boundary_is_used_once(tap: Tap, send: Sender) -> None:
    """And is too long to guess: 128 random bits."""
    for _ in range(3):
        send(tap.url, FILES[:1], {})

    boundaries = {received.boundary for received in tap.requests}
    assert len(boundaries) == 3
    assert all(re.fullmatch(rb"[0-9a-f]{32}", boundary) for boundary in boundaries)


def test_numbers_and_booleans_arrive_as_json(tap: Tap, parse: Parser) -> None:
    fields = {"number": 7, "big": 2**70, "float": 1.5, "tiny": 1e-9, "yes": True, "no": False}

    call(Transloadit, tap.url, "create_assembly", form_fields=fields, files=[b"x"])

    assert parts_of(tap.only(), parse)[2:-1] == texts(
        {
            "number": "7",
            "big": "1180591620717411303424",
            "float": "1.5",
            "tiny": "1e-09",
            "yes": "true",
            "no": "false",
        }
    )


def test_files_keep_the_fields_they_were_given_for(tap: Tap, parse: Parser) -> None:
    """A mapping names the fields; each takes one file or several."""
    files = {
        "main picture": ("a.jpg", b"a"),
        "Überblick": [("b.png", b"b"), ("c", b"c", "x-own/type")],
    }

    call(Transloadit, tap.url, "create_assembly", files=files, num_expected_upload_files=2)

    assert parts_of(tap.only(), parse)[2:] == [
        *texts({"num_expected_upload_files": "2", "tus_num_expected_upload_files": "2"}),
        Part("main picture", b"a", "a.jpg", "image/jpeg"),
        Part("Überblick", b"b", "b.png", "image/png"),
        Part("Überblick", b"c", "c", "x-own/type"),
    ]


@settings(
    max_examples=100,
    deadline=None,  # a request each
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the server serves all examples
)
@given(value=st.text(), with_file=st.booleans())
def test_any_text_arrives_as_it_was(tap: Tap, parse: Parser, value: str, with_file: bool) -> None:
    files = [("a", b"content", "image/jpeg")] if with_file else []

    call(Transloadit, tap.url, "create_assembly", files=files, form_fields={"value": value})

    assert parts_of(tap.requests[-1], parse)[2] == Part("value", value.encode())
