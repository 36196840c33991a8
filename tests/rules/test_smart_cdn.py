"""`smart_cdn.sign_url()`: the bytes that JavaScript's own encoders write, or a clear refusal."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client import InvalidInput, MissingCredentials, Secret, Transloadit, smart_cdn

from ..foreign import many_cases

TESTS = Path(__file__).parents[1]
VECTORS = TESTS.parent / "openapi" / "vectors" / "smart_cdn.json"
ROWS = [pytest.param(r, id=r["name"]) for r in json.loads(VECTORS.read_text("utf-8"))["rows"]]
GIVEN: dict[str, Any] = {
    "workspace": "workspace", "template": "template", "input": "file.jpg", "params": None,
    "key": "test-key", "secret": "test-secret", "expires_at": 1732550672867,
}  # fmt: skip


def signed(**changes: Any) -> str:
    return smart_cdn.sign_url(**{**GIVEN, **changes})


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        *[({name: value}, name) for name in ("workspace", "template", "input")
          for value in (None, 7, b"x", ".", "..", "\ud800")],
        ({"workspace": ""}, "workspace is empty"),
        ({"template": ""}, "template is empty"),
        ({"key": ""}, "not empty"), ({"key": None}, "be strings"), ({"key": 7}, "be strings"),
        ({"key": "\ud800"}, "key holds half a surrogate pair"),
        ({"secret": ""}, "not empty"), ({"secret": None}, "be strings"),
        ({"secret": b"s"}, "is not a string"), ({"secret": "\ud800"}, "is not a string"),
        ({"params": "a=b"}, "must be a mapping or pairs, not str"),
        ({"params": 7}, "must be a mapping or pairs, not int"),
        ({"params": ["ab"]}, "hold a str, which is not a pair"),
        ({"params": [("a", "b", "c")]}, "hold a tuple, which is not a pair"),
        ({"params": {7: "x"}}, "name must be a string, not int"),
        ({"params": {"\ud800": "x"}}, "name holds half a surrogate pair"),
        ({"params": {"a": "\udfff"}}, "the parameter 'a' holds half a surrogate pair"),
        *[({"params": {"a": value}}, f"the parameter 'a' is of type {kind}; it takes a string, a n")
          for value, kind in ((None, "NoneType"), (b"x", "bytes"), ({}, "dict"),
                              ([None], "NoneType"), ([["x"]], "list"))],
        *[({"params": {"a": value}}, "'a' is a number that JavaScript rounds: give a string")
          for value in (2**53 + 1, -(2**53) - 1, 10**5000, 123456789012345678901)],
        *[({"params": {"a": float(value)}}, f"'a' is {value}, which is not a number")
          for value in ("nan", "inf", "-inf")],
        *[({"expires_at": value},
           r"^expires_at must be milliseconds since 1970 \(not seconds\), as an int$")
          for value in (0, -1, True, False, 1732550672, 10**11 - 1, 2**53, 10**5000, 1.7e12, "1")],
        ({"expires_at": datetime(2030, 1, 1)},  # noqa: DTZ001  # the point
         r"^expires_at has no time zone: use datetime.now\(UTC\) and a timedelta$"),
    ],
)  # fmt: skip
def test_what_cannot_be_signed_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        signed(**change)


@pytest.mark.parametrize("row", ROWS)
def test_every_vector(row: dict[str, Any]) -> None:
    path = (row["workspace"], row["template"], row["input"])
    own = {"key": row["auth_key"], "secret": row["secret"]}
    client = Transloadit(**own, signature_algorithm="sha1")  # another scheme: it is not asked

    assert smart_cdn.sign_url(*path, row["params"], **own, expires_at=row["exp"]) == row["url"]
    assert client.sign_smart_cdn_url(*path, row["params"], expires_at=row["exp"]) == row["url"]


@pytest.mark.parametrize(
    ("params", "pairs"),
    [
        (None, []),
        ({}, []),
        ({"a": ["2", "1"], "b": ("x",), "c": []}, [("a", "2"), ("a", "1"), ("b", "x")]),
        ({"w": 200, "low": -3, "on": True, "off": False},
         [("w", "200"), ("low", "-3"), ("on", "true"), ("off", "false")]),
        ({"most": 2**53 - 1, "least": 1 - 2**53},
         [("most", "9007199254740991"), ("least", "-9007199254740991")]),
        ([["a", "1"], ("a", ["2", 3])], [("a", "1"), ("a", "2"), ("a", "3")]),
        ({"a": "1"}.items(), [("a", "1")]),
    ],
)  # fmt: skip
def test_values_are_texts_as_javascript_writes_them(
    params: Any, pairs: list[tuple[str, str]]
) -> None:
    assert signed(params=params) == signed(params=pairs)
    assert len(query(signed(params=pairs))) == len(dict(pairs)) + 3


@pytest.mark.parametrize(
    "expires_at",
    [
        1893456000001,
        datetime(2030, 1, 1, 0, 0, 0, 1999, tzinfo=UTC),
        datetime(2030, 1, 1, 2, 0, 0, 1000, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_expires_at_is_milliseconds_or_an_aware_time(expires_at: Any) -> None:
    assert query(signed(expires_at=expires_at))["exp"] == ["1893456000001"]


@pytest.mark.parametrize("expires_at", [10**11, 2**53 - 1])
def test_the_first_and_the_last_moment_can_be_signed(expires_at: int) -> None:
    assert query(signed(expires_at=expires_at))["exp"] == [str(expires_at)]


@pytest.mark.parametrize("sign", [
    lambda: smart_cdn.sign_url("w", "t", "i", key="k", secret="s"),
    lambda: Transloadit("k", "s").sign_smart_cdn_url("w", "t", "i"),
])  # fmt: skip
def test_without_expires_at_a_url_is_good_for_an_hour(sign: Callable[[], str]) -> None:
    before = int(time.time() * 1000)
    (exp,) = query(sign())["exp"]

    assert before <= int(exp) - 3_600_000 <= time.time() * 1000


def test_a_client_signs_with_its_credentials(connect: Callable[..., Any]) -> None:
    url = connect("test-key", Secret("test-secret")).sign_smart_cdn_url(
        "workspace", "template", "file.jpg", {"w": 1}, expires_at=1732550672867
    )

    assert url == signed(params={"w": 1})


def test_a_client_without_a_secret_says_so(connect: Callable[..., Any]) -> None:
    """A token signs nothing: the Smart CDN knows the key and its secret alone."""
    with pytest.raises(MissingCredentials, match="TRANSLOADIT_SECRET"):
        connect("k", auth_token="t").sign_smart_cdn_url("w", "t", "i")


def test_the_callers_params_are_left_alone() -> None:
    params = {"sig": "x", "z": ["2", "1"], "a": "1"}
    before = json.dumps(params)

    signed(params=params)

    assert json.dumps(params) == before


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (1.5, "1.5"), (1.0, "1"), (-0.0, "0"), (-2.5, "-2.5"), (100.0, "100"),
        (0.1 + 0.2, "0.30000000000000004"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (123456789012345680000.0, "123456789012345680000"), (1e-6, "0.000001"), (1e-7, "1e-7"),
        (-1.25e-9, "-1.25e-9"), (5e-324, "5e-324"), (2.0**53, "9007199254740992"),
        (2**53, "9007199254740992"), (-(2**53), "-9007199254740992"), (10**21, "1e+21"),
        (2**64, "18446744073709552000"), (123456789012345680000, "123456789012345680000"),
        (True, "true"),
    ],
)  # fmt: skip
def test_numbers_are_spelled_as_in_javascript(value: float, spelled: str) -> None:
    assert query(signed(params={"n": value}))["n"] == [spelled]


class Javascript:
    """A node process that signs as JavaScript would, from `with` to its end."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, TESTS / "node" / "smart_cdn.mjs"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip

    def close(self) -> None:
        self._process.communicate(timeout=30)

    def signed(self, row: dict[str, Any]) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(row) + "\n")
        self._process.stdin.flush()
        return str(json.loads(self._process.stdout.readline()))


@pytest.fixture(scope="module")
def javascript() -> Iterator[Javascript]:
    program = shutil.which("node")
    if program is None:
        lacking = "node not found: JavaScript's own encoders are not there to compare with"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(lacking)
    javascript = Javascript(program)
    yield javascript
    javascript.close()


TEXTS = st.text(st.characters(codec="utf-8")) | st.text(
    st.characters(max_codepoint=0x7F) | st.sampled_from("\ud7ff\ue000\uffff\U00010000é~*'()!")
)
NAMED = TEXTS.filter(lambda text: text not in {"", ".", ".."})


@many_cases
@given(
    workspace=NAMED, template=NAMED, input=TEXTS.filter(lambda text: text not in {".", ".."}),
    params=st.lists(
        st.tuples(TEXTS | st.sampled_from(["sig", "auth_key", "exp", "a"]),
                  TEXTS | st.booleans() | st.integers(1 - 2**53, 2**53 - 1)
                  | st.floats(allow_nan=False, allow_infinity=False)), max_size=6),
    key=TEXTS.filter(bool), secret=TEXTS.filter(bool), exp=st.integers(10**11, 2**53 - 1),
)  # fmt: skip
def test_every_url_is_what_javascript_signs(javascript: Javascript, **row: Any) -> None:
    exp = row.pop("exp")

    assert smart_cdn.sign_url(**row, expires_at=exp) == javascript.signed({**row, "exp": exp})
