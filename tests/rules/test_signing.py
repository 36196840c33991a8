"""`encode()` and `sign()`: pure, exact, and clear about what cannot be signed."""

import hmac
import json
import pickle
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_api.models import Auth, CreateAssemblyParams, Step
from transloadit_client import Credentials, InvalidInput, Secret, encode, sign
from transloadit_client._signing import signature_of

CREDENTIALS = Credentials("foo_key", "foo_secret")
EXPIRES = datetime(2030, 1, 1, tzinfo=UTC)
VECTORS = Path(__file__).parents[2] / "openapi" / "vectors"
TOO_LONG = "params hold a number too long for JSON; nothing was sent"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)  # fmt: skip


def vector_rows(kind: str) -> list[Any]:
    rows = json.loads((VECTORS / f"{kind}.json").read_text(encoding="utf-8"))["rows"]
    return [pytest.param(row, id=row["name"]) for row in rows]


def signed(params: Any, **changes: Any) -> dict[str, Any]:
    given = {"expires": EXPIRES, "nonce": "n", **changes}
    decoded = json.loads(sign(params, CREDENTIALS, **given).params)
    assert isinstance(decoded, dict)
    return decoded


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def nested_params(levels: int, value: object) -> dict[str, Any]:
    for _ in range(levels):
        value = {"a": value}
    assert isinstance(value, dict)
    return value


def in_itself() -> dict[str, Any]:
    steps: dict[str, Any] = {}
    steps["again"] = [steps, steps]
    return {"steps": steps}


@pytest.mark.parametrize(
    ("params", "place"),
    [
        pytest.param({"fields": {"x": float("nan")}}, "params.fields.x is nan", id="nan"),
        pytest.param({"fields": [1, float("-inf")]}, "params.fields[1] is -inf", id="infinity"),
        pytest.param({"steps": {"a": {"b": {1, 2}}}}, "params.steps.a.b is of type set", id="set"),
        pytest.param({"a": b"x"}, "params.a is of type bytes", id="bytes"),
        pytest.param({"a": [1, "2"], "b": {3}}, "params.b is of type set", id="behind a list"),
        pytest.param({"a": Decimal(1)}, "params.a is of type Decimal", id="decimal"),
        pytest.param({"a": EXPIRES}, "params.a is of type datetime", id="datetime"),
        pytest.param({"a": Path("x")}, "params.a is of type PosixPath", id="path"),
        pytest.param({"a": {(1, 2): 3}}, "params.a has a key of type tuple", id="name"),
        pytest.param(in_itself(), "nested too deeply, or in itself", id="circle"),
        pytest.param(nested_params(100, {1}), f"params{'.a' * 100} is of type set", id="100"),
        pytest.param(nested_params(101, {1}), f"{'.a' * 101} is nested too deeply", id="101"),
        pytest.param({"a": nested(100_000)}, "nested too deeply, or in itself", id="deep"),
        pytest.param(
            {"a": 10**5000}, "params hold a number too long for JSON; nothing was sent", id="number"
        ),
    ],
)
def test_what_is_not_json_is_refused_and_its_place_named(params: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        encode(params)

    assert place in str(caught.value)


@pytest.mark.parametrize("params", [None, "text", 3, [("a", 1)]])
def test_params_must_be_a_mapping_or_a_model(params: Any) -> None:
    what = rf"^a mapping or a model is needed, not {type(params).__name__}$"
    with pytest.raises(InvalidInput, match=what):
        encode(params)


def test_a_refusal_does_not_show_the_value() -> None:
    """Instructions hold credentials of storage services."""
    with pytest.raises(InvalidInput) as caught:
        encode({"steps": {"export": {"password": b"hunter2"}}})

    assert "hunter2" not in str(caught.value)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match=r"^expires has no time zone: use datetime\.now\(UTC\) and a"
    ):
        sign({}, CREDENTIALS, expires=datetime(2030, 1, 1), nonce="n")  # noqa: DTZ001  # the point


@pytest.mark.parametrize(
    "auth", [{"key": "other"}, {"expires": "2029/01/01 00:00:00+00:00"}, {"nonce": "x"}]
)
def test_auth_that_says_something_else_is_refused(auth: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="already set, to another value"):
        signed({"auth": auth})


NO_TEXTS = "the Auth Key and the Auth Secret must be strings, and not empty"
NO_TEXT = "the Auth Secret is not a string, or holds half a surrogate pair"
NO_ALGORITHM = "it can be sha384, sha256, sha512, sha1"


@pytest.mark.parametrize(
    ("key", "secret", "algorithm", "why"),
    [
        ("", "s", "sha384", NO_TEXTS), ("k", "", "sha384", NO_TEXTS),
        (b"k", "s", "sha384", NO_TEXTS),
        ("k", b"s", "sha384", NO_TEXT), ("k", "\ud800", "sha384", NO_TEXT),
        ("k", "s\udfff", "sha384", NO_TEXT),
        ("k", "s", "md5", f"signature_algorithm is 'md5'; {NO_ALGORITHM}"),
        ("k", "s", "SHA384", f"signature_algorithm is 'SHA384'; {NO_ALGORITHM}"),
    ],
)  # fmt: skip
def test_credentials_that_cannot_sign_are_refused(
    key: Any, secret: Any, algorithm: str, why: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        Credentials(key, secret, algorithm)

    assert str(caught.value) == why


def test_a_secret_compares_by_its_text_and_shows_it_nowhere() -> None:
    """Texts beyond ASCII too, which `hmac.compare_digest` takes as bytes alone."""
    secret = Secret("geheïm")

    assert secret == Secret(secret)
    assert hash(secret) == hash(Secret("geheïm")) != hash(Secret("geheim"))
    assert secret != Secret("geheim")
    assert secret != "geheïm"
    assert repr(secret) == "Secret('…')"
    with pytest.raises(TypeError, match=r"^a Secret cannot be pickled: give it .* environment$"):
        pickle.dumps(secret)


@pytest.fixture(params=["UTC", "Asia/Kathmandu"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone of this machine, for one test."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "expires",
    [
        datetime(2030, 1, 1, 16, 53, 14, 999_999, tzinfo=UTC),
        datetime(2030, 1, 1, 18, 53, 14, tzinfo=timezone(timedelta(hours=2))),
        "2030/01/01 16:53:14+00:00",
    ],
)
def test_expires_is_sent_in_utc_as_the_pages_write_it(expires: Any) -> None:
    """Wherever this machine is."""
    assert signed({}, expires=expires)["auth"]["expires"] == "2030/01/01 16:53:14+00:00"


def test_the_callers_other_auth_keys_are_kept_and_the_params_left_alone() -> None:
    params = {"auth": {"max_size": 5, "referer": "x"}, "template_id": "t"}
    before = json.dumps(params)

    auth = signed(params)["auth"]

    assert auth == {
        "key": "foo_key", "expires": "2030/01/01 00:00:00+00:00", "nonce": "n",
        "max_size": 5, "referer": "x",
    }  # fmt: skip
    assert json.dumps(params) == before


@pytest.mark.parametrize("algorithm", ["sha384", "sha256", "sha512", "sha1"])
def test_the_signature_is_the_hmac_of_the_params_that_are_sent(algorithm: str) -> None:
    both = sign({"a": "é"}, Credentials("k", "s", algorithm), expires=EXPIRES, nonce="n")

    digest = hmac.new(b"s", both.params.encode(), algorithm).hexdigest()
    assert both.signature == f"{algorithm}:{digest}"


def test_generated_models_are_params_too_at_any_depth() -> None:
    model = CreateAssemblyParams(auth=Auth(max_size=5), template_id="t")
    mixed = {"auth": Auth(max_size=5), "template_id": "t"}

    assert signed(model) == signed(mixed)
    assert encode({"steps": {"a": Step(robot="/x")}}) == '{"steps":{"a":{"robot":"/x"}}}'


@given(st.dictionaries(st.text(st.characters()), JSON_VALUES))
def test_any_json_is_encoded_once_as_ascii_without_loss(params: dict[str, Any]) -> None:
    text = encode(params)

    assert text.isascii()
    assert json.loads(text) == params


@pytest.mark.parametrize("row", vector_rows("encoding"))
def test_every_encoding_vector(row: dict[str, Any]) -> None:
    assert encode(json.loads(row["json"])) == row["text"]


@pytest.mark.parametrize("row", vector_rows("signing"))
def test_every_signing_vector(row: dict[str, Any]) -> None:
    assert signature_of(row["params"], Secret(row["secret"]), row["algorithm"]) == row["signature"]
