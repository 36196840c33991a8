"""`pingback.verify()`: whatever anyone sends is genuine, or refused in one way."""

import hmac
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client import InvalidInput, Secret, pingback

from ..foreign import many_cases

VECTORS = Path(__file__).parents[2] / "openapi" / "vectors" / "pingbacks.json"
ROWS = [pytest.param(r, id=r["name"]) for r in json.loads(VECTORS.read_text("utf-8"))["rows"]]
SECRET = "foo_secret"
TEXT = '{"ok":"ASSEMBLY_COMPLETED","assembly_id":"3f1c8a90","fields":{"a":"Grüße & mehr; 100%+"}}'
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
NAMED = 'Content-Disposition: form-data; name="{}"'


def signature_of(text: str, algorithm: str = "sha1") -> str:
    return hmac.new(SECRET.encode(), text.encode(errors="surrogatepass"), algorithm).hexdigest()


def urlencoded(*fields: tuple[str, str]) -> bytes:
    return urlencode(fields).encode()


def multipart(*parts: tuple[str | bytes, str | bytes]) -> bytes:
    """A form of parts, each a name or a whole head, and a content."""
    body = bytearray()
    for head, content in parts:
        lines = head if isinstance(head, bytes) else NAMED.format(head).encode()
        raw = content if isinstance(content, bytes) else content.encode()
        body += b"--b\r\n" + lines + b"\r\n\r\n" + raw + b"\r\n"
    return bytes(body + b"--b--\r\n")


def head(name: str, rest: str = "", *headers: str) -> bytes:
    return "\r\n".join([NAMED.format(name) + rest, *headers]).encode()


SIGNED = ("signature", signature_of(TEXT))
STATUS = ("transloadit", TEXT)
LATIN = '{"ok":"Grüße"}'.encode("latin-1")
LATIN_SIGNED = ("signature", hmac.new(SECRET.encode(), LATIN, "sha1").hexdigest())

REFUSED: dict[str, tuple[bytes, str | None, str]] = {
    "nothing": (b"", URLENCODED, "lacks"),
    "no content type": (urlencoded(STATUS, SIGNED), None, "not that of a form"),
    "an empty content type": (urlencoded(STATUS, SIGNED), "", "not that of a form"),
    "JSON": (TEXT.encode(), "application/json", "not that of a form"),
    "text": (urlencoded(STATUS, SIGNED), "text/plain", "not that of a form"),
    "no signature": (urlencoded(STATUS), URLENCODED, "lacks"),
    "no status": (urlencoded(SIGNED), URLENCODED, "lacks"),
    "another case": (
        urlencoded(("Transloadit", TEXT), ("SIGNATURE", SIGNED[1])), URLENCODED, "lacks",
    ),
    "two statuses": (
        urlencoded(STATUS, STATUS, SIGNED), URLENCODED, "cannot be read: .*transloadit twice",
    ),
    "two signatures": (urlencoded(STATUS, SIGNED, SIGNED), URLENCODED, "signature twice"),
    "101 fields": (
        urlencoded(STATUS, SIGNED, *[("x", "")] * 99), URLENCODED, "the form is broken",
    ),
    "not UTF-8": (
        b"transloadit=%FF&signature=" + signature_of("\udcff").encode(), URLENCODED,
        "transloadit is not UTF-8",
    ),
    "Latin-1, undeclared": (
        b"transloadit=" + quote_plus(LATIN).encode() + b"&signature=" + LATIN_SIGNED[1].encode(),
        URLENCODED, "transloadit is not UTF-8",
    ),
    "Latin-1, declared": (
        urlencoded(STATUS, SIGNED), f"{URLENCODED}; charset=iso-8859-1", "another charset",
    ),
    "a content type beyond Latin-1": (
        urlencoded(STATUS, SIGNED), f"{URLENCODED}; charset=\u0100", "the form is broken",
    ),
    "half a pair in the content type": (multipart(STATUS, SIGNED), f"{MULTIPART}\ud800", "broken"),
    "no boundary": (multipart(STATUS, SIGNED), "multipart/form-data", "names no boundary"),
    "another boundary": (
        multipart(STATUS, SIGNED), "multipart/form-data; boundary=c", "the form is broken",
    ),
    "a boundary too long": (b"", f"multipart/form-data; boundary={'b' * 999}", "broken"),
    "an empty multipart body": (b"", MULTIPART, "cut short"),
    "no part": (b"--b--\r\n", MULTIPART, "lacks|cut short|broken"),
    "no end": (multipart(STATUS, SIGNED)[:-4], MULTIPART, "cut short"),
    "bare line feeds": (multipart(STATUS, SIGNED).replace(b"\r\n", b"\n"), MULTIPART, "broken"),
    "two statuses in parts": (multipart(STATUS, STATUS, SIGNED), MULTIPART, "transloadit twice"),
    "two signatures in parts": (multipart(STATUS, SIGNED, SIGNED), MULTIPART, "signature twice"),
    "101 parts": (multipart(STATUS, SIGNED, *[("x", "")] * 99), MULTIPART, "too many parts"),
    "a status that is a file": (
        multipart((head("transloadit", '; filename="a.json"'), TEXT), SIGNED), MULTIPART,
        "transloadit is a file",
    ),
    "a status that is a file without a name": (
        multipart((head("transloadit", '; filename=""'), TEXT), SIGNED), MULTIPART,
        "transloadit is a file",
    ),
    "a signature that is a file": (
        multipart(STATUS, (head("signature", '; filename="a"'), SIGNED[1])), MULTIPART,
        "signature is a file",
    ),
    "a status in base64": (
        multipart(
            (head("transloadit", "", "Content-Transfer-Encoding: base64"), "e30="), SIGNED,
        ), MULTIPART, "encoded once more",
    ),
    "a status in Latin-1": (
        multipart(
            (head("transloadit", "", "Content-Type: text/plain; charset=iso-8859-1"), LATIN),
            LATIN_SIGNED,
        ), MULTIPART, "transloadit is in another charset",
    ),
    "a part with two names": (
        multipart((head("x", "", NAMED.format("transloadit")), TEXT), SIGNED), MULTIPART,
        "has content-disposition twice",
    ),
    "a part without a name": (multipart((b"X: y", TEXT), SIGNED), MULTIPART, "is no field"),
    "a part that is an attachment": (
        multipart((b'Content-Disposition: attachment; name="transloadit"', TEXT), SIGNED),
        MULTIPART, "is no field",
    ),
    "a name that some read and some do not": (
        multipart((head("x", "; name*=utf-8''transloadit"), TEXT), STATUS, SIGNED), MULTIPART,
        "no name that all read alike",
    ),
    "a name that some cut short": (
        multipart((b"Content-Disposition: form-data; name=transloadit[]", TEXT), STATUS, SIGNED),
        MULTIPART, "no name that all read alike",
    ),
    "two names in one header": (
        multipart((head("x", '; name="transloadit"'), TEXT), STATUS, SIGNED), MULTIPART,
        "no name that all read alike",
    ),
    "a field that nobody named": (
        multipart((b"Content-Disposition: form-data", TEXT), STATUS, SIGNED), MULTIPART,
        "no name that all read alike",
    ),
    "the boundary behind half a line break": (
        multipart(STATUS, SIGNED, ("x", "a\r--b")), MULTIPART, "holds the boundary",
    ),
    "the boundary behind the other half": (
        multipart(STATUS, SIGNED, ("x", "a\n--b")), MULTIPART, "holds the boundary",
    ),
    "the boundary at the start": (
        multipart(STATUS, SIGNED, ("x", "--b")), MULTIPART, "holds the boundary",
    ),
    "a part with many headers": (
        multipart((head("transloadit", "", *["X: y"] * 20), TEXT), SIGNED), MULTIPART, "broken",
    ),
}  # fmt: skip

ACCEPTED: dict[str, tuple[bytes, str]] = {
    "urlencoded": (urlencoded(STATUS, SIGNED), URLENCODED),
    "multipart": (multipart(STATUS, SIGNED), MULTIPART),
    "the signature first": (multipart(SIGNED, STATUS), MULTIPART),
    "a content type in another case": (urlencoded(SIGNED, STATUS), URLENCODED.upper()),
    "a charset": (urlencoded(STATUS, SIGNED), f"{URLENCODED}; charset=UTF-8"),
    "spaces around": (urlencoded(STATUS, SIGNED), f" {URLENCODED} ; charset=utf8"),
    "raw UTF-8": (f"signature={SIGNED[1]}&transloadit=".encode()
                  + TEXT.translate({ord(c): quote_plus(c) for c in "&;+% "}).encode(), URLENCODED),
    "further fields": (urlencoded(STATUS, SIGNED, ("x", "1"), ("x", "2"), ("", "")), URLENCODED),
    "100 fields": (urlencoded(STATUS, SIGNED, *[("x", "")] * 98), URLENCODED),
    "100 parts": (multipart(STATUS, SIGNED, *[("x", "")] * 98), MULTIPART),
    "a file beside it": (
        multipart(STATUS, SIGNED, (head("x", '; filename="x"', "Content-Type: a/b"), b"\xff")),
        MULTIPART,
    ),
    "a quoted boundary": (multipart(STATUS, SIGNED), 'multipart/form-data; boundary="b"'),
    "headers in another case": (
        multipart((head("transloadit").upper().replace(b"TRANSLOADIT", b"transloadit")
                   .replace(b"FORM-DATA; NAME", b"Form-Data; Name"), TEXT), SIGNED), MULTIPART,
    ),
    "a type and an encoding that change nothing": (
        multipart((head("transloadit", "", "Content-Type: text/plain; charset=UTF-8",
                        "Content-Transfer-Encoding: 8BIT"), TEXT), SIGNED), MULTIPART,
    ),
    "an ASCII field in another charset": (
        multipart(STATUS, (head("signature", "", "Content-Type: text/plain; charset=us-ascii"),
                           SIGNED[1])), MULTIPART,
    ),
    "something behind the end": (multipart(STATUS, SIGNED) + b"epilogue", MULTIPART),
}  # fmt: skip


def refused(body: Any, content_type: Any, secret: Any = SECRET, **options: Any) -> str:
    with pytest.raises(pingback.PingbackError) as caught:
        pingback.verify(body, content_type, secret, **options)
    return str(caught.value)


@pytest.mark.parametrize(("body", "content_type", "why"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_is_none_or_can_be_read_in_two_ways_is_refused(
    body: bytes, content_type: str | None, why: str
) -> None:
    with pytest.raises(pingback.PingbackError, match=why):
        pingback.verify(body, content_type, SECRET)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("JSON", "the request's content type is not that of a form"),
        ("101 fields", "the form is broken"),
        ("no boundary", "the content type names no boundary"),
        ("101 parts", "the form has too many parts"),
        ("no end", "the form was cut short"),
        ("a part without a name", "a part of the form is no field"),
        ("two names in one header", "a part of the form has no name that all read alike"),
        ("a status in base64", "a part of the form is encoded once more"),
        ("the boundary at the start", "a part of the form holds the boundary"),
    ],
)
def test_an_error_says_why_a_form_cannot_be_read(name: str, why: str) -> None:
    body, content_type, _ = REFUSED[name]

    assert refused(body, content_type) == f"the Pingback cannot be read: {why}"


@pytest.mark.parametrize(
    "signature",
    [
        "", " ", "sha1", "sha1:", ":", "é", "\U0001f511", "\ud800", "\0", "0" * 40, "0" * 10**6,
        "sha1:é" + "0" * 39, signature_of(TEXT).upper(), signature_of(TEXT) + "\n",
        "sha1:sha1:" + signature_of(TEXT), "sha1 :" + signature_of(TEXT), "SHA1:" + SIGNED[1],
        "sha224:" + signature_of(TEXT, "sha224"), "sha3:" + SIGNED[1], "sha0:" + SIGNED[1],
        "md5:" + signature_of(TEXT, "md5"), "sha256:" + SIGNED[1], signature_of(TEXT, "sha256"),
        "sha\uff11:" + SIGNED[1], signature_of("{}"), SIGNED[1][:-1], SIGNED[1] + "0",
    ],
)  # fmt: skip
def test_a_signature_that_does_not_fit_is_refused_whatever_it_is(signature: str) -> None:
    """Also one that is not ASCII, for which `hmac.compare_digest` has a `TypeError`."""
    raw = signature.encode(errors="surrogatepass")
    form = f"transloadit={quote_plus(TEXT)}&signature={quote_plus(raw)}"

    refused(form.encode(), URLENCODED)
    refused(multipart(STATUS, ("signature", raw)), MULTIPART)
    with pytest.raises(pingback.PingbackError):
        pingback.verify_fields(TEXT, signature, SECRET)


@pytest.mark.parametrize("value", [None, b"bytes", 7, ["a", "b"], object()])
def test_a_field_that_a_framework_did_not_read_as_a_text_is_refused(value: Any) -> None:
    """An `UploadFile`, say, where the sender made the field a file."""
    with pytest.raises(pingback.PingbackError, match="lacks the text field"):
        pingback.verify_fields(value, SIGNED[1], SECRET)
    with pytest.raises(pingback.PingbackError, match="lacks the text field"):
        pingback.verify_fields(TEXT, value, SECRET)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '"text"', "7", "{", "{}x", "\ufeff{}", '{"a":' * 100_000, "[" * 100_000,
     '{"n":' + "9" * 5000 + "}"],
    ids=lambda text: ascii(text).replace("\\", "")[1:9],
)  # fmt: skip
def test_a_well_signed_text_that_is_no_status_is_refused(text: str) -> None:
    message = refused(
        urlencoded(("transloadit", text), ("signature", signature_of(text))), URLENCODED
    )

    assert message == "the Pingback does not hold an Assembly's status"


def test_a_text_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(pingback.PingbackError, match="not UTF-8"):
        pingback.verify_fields("\ud800", signature_of("\ud800"), SECRET)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"secret": None}, "Auth Secret", id="no secret"),
        pytest.param({"secret": ""}, "Auth Secret", id="an empty secret"),
        pytest.param({"secret": Secret("")}, "Auth Secret", id="an empty Secret"),
        pytest.param({"secret": b"s"}, "Auth Secret", id="a secret in bytes"),
        pytest.param({"secret": "\ud800"}, "Auth Secret", id="a secret that is not UTF-8"),
        pytest.param({"body": "text"}, "body must be the bytes .* not str", id="a text as body"),
        pytest.param({"body": None}, "body must be the bytes .* not NoneType", id="no body"),
        pytest.param({"content_type": b"x"}, "content_type .* not bytes", id="type in bytes"),
        pytest.param({"algorithms": ()}, "algorithms must be", id="no algorithm"),
        pytest.param({"algorithms": None}, "algorithms must be", id="None for algorithms"),
        pytest.param({"algorithms": 7}, "algorithms must be", id="a number for algorithms"),
        pytest.param({"algorithms": ["sha1", "md5"]}, "some of sha384, ", id="unknown algorithm"),
        pytest.param({"algorithms": [["sha1"]]}, "algorithms must be", id="a list in the list"),
        pytest.param({"algorithms": "sha384"}, "algorithms must be", id="a text, with sha3 in it"),
        pytest.param({"algorithms": iter(["sha1"])}, "algorithms", id="what is empty next time"),
    ],
)
def test_the_callers_own_mistakes_are_no_pingback_errors(change: dict[str, Any], why: str) -> None:
    """Else a receiver without its secret would look like one that is under attack."""
    given = {"body": b"", "content_type": None, "secret": SECRET, **change}

    with pytest.raises(InvalidInput, match=why):
        pingback.verify(**given)
    if not change.keys() & {"body", "content_type"}:
        del given["body"], given["content_type"]
        with pytest.raises(InvalidInput, match=why):
            pingback.verify_fields(None, None, **given)


@pytest.mark.parametrize(("body", "content_type"), ACCEPTED.values(), ids=ACCEPTED)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_genuine_pingback_gives_its_status(kind: Any, body: bytes, content_type: str) -> None:
    status = pingback.verify(kind(body), content_type, SECRET)

    assert status.to_dict() == json.loads(TEXT)
    assert status.done
    assert pingback.verify(kind(body), content_type, Secret(SECRET)) == status


@pytest.mark.parametrize("row", ROWS)
def test_every_vector(row: dict[str, Any]) -> None:
    fields = [(name, row[name]) for name in ("transloadit", "signature") if row[name] is not None]
    readings: list[Any] = [
        lambda: pingback.verify_fields(row["transloadit"], row["signature"], row["secret"]),
        lambda: pingback.verify(urlencoded(*fields), URLENCODED, row["secret"]),
        lambda: pingback.verify(multipart(*fields), MULTIPART, row["secret"]),
    ]

    for reading in readings:
        if row["accept"]:
            assert reading().to_dict() == json.loads(row["transloadit"])
        else:
            with pytest.raises(pingback.PingbackError):
                reading()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, dict.fromkeys])
def test_accepted_algorithms_can_be_narrowed(algorithm: str, kind: Any) -> None:
    body = urlencoded(STATUS, ("signature", f"{algorithm}:{signature_of(TEXT, algorithm)}"))
    others = {"sha1", "sha256", "sha384", "sha512"} - {algorithm}

    assert pingback.verify(body, URLENCODED, SECRET, algorithms=kind([algorithm])).done
    assert "not of an accepted algorithm" in refused(
        body, URLENCODED, algorithms=kind(sorted(others))
    )


def test_without_a_prefix_it_is_sha1_for_the_allow_list_too() -> None:
    body = urlencoded(STATUS, SIGNED)

    assert pingback.verify(body, URLENCODED, SECRET, algorithms=["sha1"]).done
    assert "not of an accepted algorithm" in refused(body, URLENCODED, algorithms=["sha384"])


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
def test_a_status_of_8_mb_and_a_flood_are_read_in_a_moment(form: str) -> None:
    """8 MB is the most a status has; 64 MB of separators, and of parts, is somebody else."""
    text = json.dumps({"ok": "ASSEMBLY_COMPLETED", "filler": "é\r\n--" * 1_000_000})
    fields = [("transloadit", text), ("signature", signature_of(text))]
    encode, kind = {"urlencoded": (urlencoded, URLENCODED), "multipart": (multipart, MULTIPART)}[
        form
    ]
    body = encode(*fields)
    flood = {"urlencoded": b"&" * 2**26, "multipart": multipart(*[("x", "")] * 10**6)}[form]

    begun = time.monotonic()
    assert pingback.verify(body, kind, SECRET).done
    refused(flood, kind)
    assert time.monotonic() - begun < 20


CONTENT_TYPES = st.sampled_from([URLENCODED, MULTIPART, f"{MULTIPART}; charset=latin-1"])
PIECES = st.sampled_from([
    b"--b", b"--b--", b"\r\n", b"\n", b"=", b"&", b";", b"%", b"%C3", b"+", b'"', b"\xff", b"\0",
    b"transloadit", b"signature", b"; filename=", b"; name*=utf-8''transloadit", b"{}",
    b'Content-Disposition: form-data; name="transloadit"\r\n\r\n', SIGNED[1].encode(), b"sha384:",
])  # fmt: skip


@pytest.mark.parametrize(
    "body", [b"nothing", b"--b\r\nX: y\x00", b"--b\r\n\r\n--b--x", b"--b--\r\nmore", b"--c"]
)
def test_a_broken_form_is_not_logged(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Anyone may send those, and its parser would say so at level WARNING."""
    caplog.set_level(0)

    with pytest.raises(pingback.PingbackError):
        pingback.verify(body, MULTIPART, SECRET)

    assert caplog.records == []


@many_cases
@given(st.binary() | st.lists(PIECES | st.binary(max_size=3)).map(b"".join),
       CONTENT_TYPES | st.none() | st.text(st.characters(codec=None)))  # fmt: skip
def test_whatever_bytes_arrive_they_are_refused_and_nothing_else(
    body: bytes, content_type: str | None
) -> None:
    refused(body, content_type)


@many_cases
@given(st.sampled_from(list(ACCEPTED.values())), st.data())
def test_a_genuine_pingback_that_was_changed_is_refused_or_means_the_same(
    genuine: tuple[bytes, str], data: st.DataObject
) -> None:
    body, content_type = genuine
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 9)))
    changed = body[:start] + data.draw(PIECES | st.binary(max_size=3)) + body[end:]

    try:
        status = pingback.verify(changed, content_type, SECRET)
    except pingback.PingbackError:
        return
    assert status.to_dict() == json.loads(TEXT)


KEYS = st.sampled_from(
    ["ok", "error", "results", "uploads", "fields", "http_code", "info"]
) | st.text(max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
STATUSES = st.dictionaries(KEYS, JSON, max_size=4)


def is_an_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@many_cases
@given(STATUSES.map(json.dumps) | st.text(), st.sampled_from(["sha1", "sha256", "sha512"]))
def test_whatever_text_is_well_signed_it_is_a_status_or_refused(text: str, algorithm: str) -> None:
    signature = f"{algorithm}:{signature_of(text, algorithm)}"

    for body, kind in (
        (urlencoded(("transloadit", text), ("signature", signature)), URLENCODED),
        (multipart(("transloadit", text), ("signature", signature)), MULTIPART),
    ):
        try:
            status = pingback.verify(body, kind, SECRET)
        except pingback.PingbackError:
            assert not is_an_object(text)
        else:
            # As texts, for NaN is not equal to itself.
            assert json.dumps(status.to_dict(), sort_keys=True) == json.dumps(
                json.loads(text), sort_keys=True
            )


@many_cases
@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_whatever_texts_a_framework_read_they_are_refused(text: str, signature: str) -> None:
    with pytest.raises(pingback.PingbackError):
        pingback.verify_fields(text, signature, SECRET)
