"""A Pingback's form is read as python-multipart's own reader and werkzeug read it, or refused."""

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client.pingback.forms import BrokenForm, read_form

from ..foreign import many_cases
from ..wire.parsers import Parser, Part, python_multipart, werkzeug

WANTED = ("transloadit", "signature")
PARSERS = pytest.mark.parametrize("parse", [python_multipart, werkzeug])

NAMES = st.sampled_from([*WANTED, "x", "Transloadit", "transloadit[]", ""])
CONTENTS = st.lists(
    st.sampled_from(
        ["\r", "\n", "\r\n", "--", "--b", "\r\n--", "é", "🙂", "{}", "=", "&", "+", "%C3", ";"]
    )
    | st.characters(codec="utf-8")
).map("".join)  # fmt: skip
HEADS = st.sampled_from([
    'form-data; name="{}"', "form-data; name={}", 'form-data;name="{}"', 'Form-Data; NAME="{}"',
    'form-data; name="{}"; filename="a"', 'form-data; filename=""; name="{}"',
    "form-data; name*=utf-8''{}", "form-data; name=\"x\"; name*=utf-8''{}",
    'form-data; name="x"; name="{}"', 'form-data; name="{}"; name="x"', 'attachment; name="{}"',
    'form-data; name="{}"; x="a;b"', 'form-data; name="{}" ; x=y', 'form-data; name=" {}"',
])  # fmt: skip
MORE_HEADERS = st.lists(
    st.sampled_from([
        "Content-Type: text/plain", "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Type: text/plain; charset=utf-16", "content-type: a/b; charset=UTF-8", "X: y",
        "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: 8bit",
        'Content-Disposition: form-data; name="signature"',
    ]), max_size=2)  # fmt: skip


@st.composite
def forms(draw: st.DrawFn) -> bytes:
    """A multipart body with the boundary `b`, mostly whole."""
    body = draw(st.sampled_from([b"", b"", b"\r\n", b"preamble\r\n"]))
    for _ in range(draw(st.integers(0, 4))):
        head = "\r\n".join(
            [f"Content-Disposition: {draw(HEADS).format(draw(NAMES))}", *draw(MORE_HEADERS)]
        )
        content = draw(CONTENTS).encode()
        body += b"--b\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"
    return body + draw(st.sampled_from([b"--b--\r\n", b"--b--", b"--b--\r\nmore", b"--b", b""]))


@st.composite
def simple_forms(draw: st.DrawFn) -> bytes:
    """What a Pingback looks like."""
    apart = CONTENTS.filter(lambda text: "--b" not in text)  # as every sender sees to
    fields = {name: draw(apart) for name in WANTED}
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    ]
    return "".join([*draw(st.permutations(parts)), "--b--\r\n"]).encode()


def texts(parts: list[Part]) -> dict[str, list[str]]:
    """The wanted fields as a receiver sees them that asks for its texts."""
    fields = [(part.name, part.content) for part in parts if part.file_name is None]
    return {wanted: [raw.decode() for name, raw in fields if name == wanted] for wanted in WANTED}


def ours(body: bytes, content_type: str) -> dict[str, list[str]]:
    form = read_form(body, content_type, WANTED)
    return {name: [form[name]] if name in form else [] for name in WANTED}


@PARSERS
@many_cases
@given(simple_forms())
def test_a_multipart_pingback_is_read_as_others_read_it(parse: Parser, body: bytes) -> None:
    content_type = "multipart/form-data; boundary=b"

    assert ours(body, content_type) == texts(parse(content_type, body))


@PARSERS
@many_cases
@given(forms())
def test_a_strange_multipart_form_is_read_as_others_read_it_or_refused(
    parse: Parser, body: bytes
) -> None:
    content_type = "multipart/form-data; boundary=b"
    try:
        form = ours(body, content_type)
    except BrokenForm:
        return

    assert form == texts(parse(content_type, body))


@PARSERS
@many_cases
@given(
    st.lists(
        st.tuples(NAMES, CONTENTS, st.booleans()).map(
            lambda field: (
                f"{field[0]}={quote_plus(field[1]) if field[2] else field[1].replace('&', '')}"
            )
        ),
        max_size=4,
    ).map("&".join)
)
def test_an_urlencoded_form_is_read_as_others_read_it_or_refused(parse: Parser, text: str) -> None:
    content_type = "application/x-www-form-urlencoded"
    try:
        form = ours(text.encode(), content_type)
    except BrokenForm:
        return

    assert form == texts(parse(content_type, text.encode()))
