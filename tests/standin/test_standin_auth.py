"""Whom the stand-in lets in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .caller import STEPS, Caller, calling

PAST, FUTURE = "2020/01/01 00:00:00+00:00", "2099/01/01 00:00:00+00:00"


def code(caller: Caller, form: dict[str, str], **options: Any) -> str:
    """The code that a create with this form is refused with."""
    response = caller.create(form=form, **options)
    assert response.json()["http_code"] == response.status_code >= 400, response.text
    error: str = response.json()["error"]
    return error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "INVALID_PARAMS_FIELD"),
        ('{"a": NaN}', "INVALID_PARAMS_FIELD"),
        ('{"a": 1e999}', "INVALID_PARAMS_FIELD"),
        ("[" * 100_000, "INVALID_PARAMS_FIELD"),
        ("[]", "NO_OBJECT_PARAMS_FIELD"),
        ('{"fields": []}', "INVALID_PARAMS_FIELD"),
        ("{}", "NO_AUTH_PARAMETER"),
        ('{"auth": "foo"}', "NO_OBJECT_AUTH_PARAMETER"),
        ('{"auth": {"expires": "x"}}', "NO_AUTH_KEY_PARAMETER"),
        ('{"auth": {"key": 1}}', "INVALID_AUTH_KEY_PARAMETER"),
        ('{"auth": {"key": "who"}}', "GET_ACCOUNT_UNKNOWN_AUTH_KEY"),
    ],
)
def test_params_that_say_nobody_are_refused(caller: Caller, text: str, expected: str) -> None:
    assert code(caller, caller.sign_text(text)) == expected


def test_without_params_nothing_happens(caller: Caller) -> None:
    assert code(caller, {"signature": "sha384:00"}) == "NO_PARAMS_FIELD"
    assert not caller.api.assemblies


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signature_holds_in_each_algorithm(caller: Caller, algorithm: str) -> None:
    form = caller.signed({"steps": STEPS}, algorithm=algorithm)

    assert caller.create(form=form).status_code == 200
    tampered = {**form, "params": form["params"].replace("75", "76")}
    assert code(caller, tampered) == "INVALID_SIGNATURE"


def test_a_signature_without_a_prefix_is_sha1(caller: Caller) -> None:
    sha1 = caller.signed({"steps": STEPS}, algorithm="sha1")
    sha384 = caller.signed({"steps": STEPS})
    bare = {form["signature"]: form["signature"].partition(":")[2] for form in (sha1, sha384)}

    assert caller.create(form={**sha1, "signature": bare[sha1["signature"]]}).status_code == 200
    assert code(caller, {**sha384, "signature": bare[sha384["signature"]]}) == "INVALID_SIGNATURE"


@pytest.mark.parametrize("signature", ["", "sha384:", "md5:00", "sha384:ÄÖ"])
def test_what_is_no_signature_is_refused(caller: Caller, signature: str) -> None:
    form = {**caller.signed({"steps": STEPS}), "signature": signature}

    assert code(caller, form) == "INVALID_SIGNATURE"


def test_a_wrong_secret_is_refused(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS}, secret="not it")

    assert code(caller, form) == "INVALID_SIGNATURE"


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        (None, "NO_AUTH_EXPIRES_PARAMETER"),
        (4102444800, "INVALID_AUTH_EXPIRES_PARAMETER"),
        ("tomorrow", "INVALID_AUTH_EXPIRES_PARAMETER"),
        ("2099/01/01 00:00:00", "INVALID_AUTH_EXPIRES_PARAMETER"),
        ("2099/13/01 00:00:00+00:00", "INVALID_AUTH_EXPIRES_PARAMETER"),
        ("2099-01/01 00:00:00+00:00", "INVALID_AUTH_EXPIRES_PARAMETER"),
        (PAST, "AUTH_EXPIRED"),
        ("2020-01-01T00:00:00.000Z", "AUTH_EXPIRED"),
    ],
)
def test_a_signed_request_says_until_when(caller: Caller, expires: Any, expected: str) -> None:
    assert code(caller, caller.signed({"steps": STEPS}, expires=expires)) == expected


@pytest.mark.parametrize("expires", [FUTURE, "2099-01-01T00:00:00.000Z", "2099-01-01T00:00:00Z"])
def test_expires_is_read_in_both_spellings(caller: Caller, expires: str) -> None:
    assert caller.create(form=caller.signed({"steps": STEPS}, expires=expires)).status_code == 200


def test_the_clock_can_be_set() -> None:
    def tomorrow() -> datetime:
        return datetime.now(UTC) + timedelta(days=1)

    soon = f"{datetime.now(UTC) + timedelta(hours=1):%Y/%m/%d %H:%M:%S+00:00}"
    with calling(clock=tomorrow) as caller:
        assert code(caller, caller.signed({"steps": STEPS}, expires=soon)) == "AUTH_EXPIRED"


def test_a_create_may_go_unsigned_unless_its_key_demands_a_signature(caller: Caller) -> None:
    caller.api.add_key("strict", "secret", signature_required=True)
    params = {"auth": {"key": caller.api.key}, "steps": STEPS}
    strict = {"auth": {"key": "strict"}, "steps": STEPS}

    assert code(caller, {"params": json.dumps(strict)}) == "NO_SIGNATURE_FIELD"
    assert caller.create(form={"params": json.dumps(params)}).status_code == 200
    assert code(
        caller, {"params": json.dumps({**params, "auth": {"key": caller.api.key, "expires": PAST}})}
    ) == ("AUTH_EXPIRED")


def test_replays_are_always_signed(caller: Caller) -> None:
    crashed = caller.crashed()["assembly_id"]
    form = {"params": json.dumps({"auth": {"key": caller.api.key}, "reparse_template": 0})}

    for path in (f"/assemblies/{crashed}/replay", f"/assembly_notifications/{crashed}/replay"):
        assert caller.send("POST", path, data=form).json()["error"] == "NO_SIGNATURE_FIELD"


def test_a_nonce_is_good_for_one_request_of_its_key(caller: Caller) -> None:
    caller.api.add_key("other", "secret")
    form = caller.signed({"steps": STEPS}, nonce="once")
    other = caller.signed({"steps": STEPS}, nonce="once", key="other", secret="secret")
    beside = caller.signed({"steps": STEPS, "nonce": "once"})

    assert caller.create(form=form).status_code == 200
    assert code(caller, form) == "SIGNATURE_REUSE_DETECTED"
    assert code(caller, beside) == "SIGNATURE_REUSE_DETECTED"
    assert caller.create(form=other).status_code == 200


def test_a_request_with_a_wrong_signature_leaves_the_nonce_unused(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS}, nonce="once")

    assert code(caller, {**form, "signature": "sha1:00"}) == "INVALID_SIGNATURE"
    assert caller.create(form=form).status_code == 200


def test_a_bearer_token_replaces_auth_and_signature(caller: Caller) -> None:
    form = {"params": json.dumps({"steps": STEPS, "auth": None})}
    right = {"authorization": f"Bearer {caller.api.auth_token}"}

    assert code(caller, form, headers={"authorization": "Bearer not-it"}) == "BEARER_TOKEN_INVALID"
    assert code(caller, form, headers={"authorization": "Basic Zm9v"}) == "NO_AUTH_PARAMETER"
    assert caller.create(form=form, headers=right).status_code == 200
    path = f"/assemblies/{caller.crashed()['assembly_id']}/replay"
    replay = {"params": '{"reparse_template": 0}'}
    assert caller.send("POST", path, data=replay, headers=right).status_code == 200


def test_a_key_needs_the_scope_of_what_it_does(caller: Caller) -> None:
    caller.api.add_key("reader", "secret", scopes=[])
    caller.api.add_key("notifier", "secret", scopes=["assembly_notifications:write"])
    crashed = caller.crashed()["assembly_id"]
    form = caller.signed({"steps": STEPS}, key="notifier", secret="secret")
    reader = caller.signed({"steps": STEPS}, key="reader", secret="secret")
    replay = f"/assemblies/{crashed}/replay"
    notification = f"/assembly_notifications/{crashed}/replay"

    for path in ("/assemblies", replay):
        response = caller.send("POST", path, data=form)
        assert (response.status_code, response.json()["error"]) == (403, "INSUFFICIENT_AUTH_SCOPE")
    assert caller.send("POST", notification, data=reader).status_code == 403
    assert caller.send("POST", notification, data=form).json()["error"] == "ASSEMBLY_NO_NOTIFY_URL"


@pytest.mark.parametrize(
    ("pattern", "referer", "expected"),
    [
        ("(", "https://example.org", "INVALID_AUTH_REFERER_PARAMETER"),
        ("(", None, "INVALID_AUTH_REFERER_PARAMETER"),
        (1, "https://example.org", "INVALID_AUTH_REFERER_PARAMETER"),
        (r"example\.org", "https://evil.example", "REFERER_MISMATCH"),
        (r"example\.org", "https://www.example.org/page", None),
        (r"example\.org", None, None),
    ],
)
def test_a_referer_has_to_match_if_there_is_one(
    caller: Caller, pattern: Any, referer: str | None, expected: str | None
) -> None:
    headers = {"referer": referer} if referer else {}

    answer = caller.create(form=caller.signed({"steps": STEPS}, referer=pattern), headers=headers)
    assert answer.json().get("error") == expected
