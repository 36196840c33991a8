"""What the ledger says of a signature: whether it fits, and the likely reason where it does not."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from .caller import STEPS, Caller

SECRET = "standin_secret"


def mac(text: str, *, secret: str = SECRET, algorithm: str = "sha384") -> str:
    return hmac.new(secret.encode(), text.encode(), algorithm).hexdigest()


def params(caller: Caller) -> str:
    return caller.signed({"steps": STEPS, "fields": {"name": "für"}})["params"]


MISTAKES: dict[str, tuple[Callable[[str], str], str]] = {
    "another algorithm": (
        lambda text: f"sha384:{mac(text, algorithm='sha256')}",
        "it is a sha256 signature, but is marked as sha384",
    ),
    "no algorithm": (mac, "it is a sha384 signature, but is marked as sha1"),
    "an unknown algorithm": (lambda text: f"md5:{mac(text)}", "'md5' is none of sha1, sha256"),
    "capitals": (lambda text: f"sha384:{mac(text).upper()}", "lowercase"),
    "params with a line break": (
        lambda text: f"sha384:{mac(text.strip())}",
        "without white space around them",
    ),
    "params serialised anew": (
        lambda text: f"sha384:{mac(json.dumps(json.loads(text), separators=(',', ':')))}",
        "serialised once more",
    ),
    "a secret with a line break": (
        lambda text: f"sha384:{mac(text, secret=SECRET + chr(10))}",
        "line break at the end of the Auth Secret",
    ),
    "another key's secret": (
        lambda text: f"sha384:{mac(text, secret='other_secret')}",
        "the Auth Secret of the key 'other'",
    ),
    "too short": (lambda _: "sha384:abc", "96 hex digits, and this one 3"),
    "anything": (lambda _: f"sha384:{'0' * 96}", "another Auth Secret, or of another text"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_signature_has_its_likely_reason(caller: Caller, mistake: str) -> None:
    caller.api.add_key("other", "other_secret")
    sign, reason = MISTAKES[mistake]
    text = params(caller)
    if mistake == "params with a line break":
        text += "\n"

    response = caller.create(form={"params": text, "signature": sign(text)})
    received = caller.api.requests[-1]
    assert response.json()["error"] == "INVALID_SIGNATURE"
    assert (received.verdict, received.assembly_id) == ("wrong", None)
    assert received.signature is not None
    assert reason in received.signature.why
    assert received.signature.signed == text


def test_a_wrong_signature_tells_what_would_have_been_right(caller: Caller) -> None:
    text = params(caller)

    caller.create(form={"params": text, "signature": "sha256:00"})
    check = caller.api.requests[-1].signature
    assert check is not None
    assert check.right == f"sha256:{mac(text, algorithm='sha256')}"
    assert check.secret_fingerprint == hashlib.sha256(SECRET.encode()).hexdigest()[:8]
    assert SECRET not in repr(check)


def test_a_good_signature_and_none_at_all(caller: Caller) -> None:
    status = caller.created()
    good = caller.api.requests[-1]
    caller.create(form={"params": params(caller)})
    absent = caller.api.requests[-1]

    assert (good.verdict, good.assembly_id, good.state) == (
        "good",
        status["assembly_id"],
        "ASSEMBLY_EXECUTING",
    )
    assert (absent.verdict, absent.signature) == ("absent", None)


def test_a_signature_that_expired_was_good(caller: Caller) -> None:
    past: dict[str, Any] = {"expires": "2020/01/01 00:00:00+00:00"}

    response = caller.create(form=caller.signed({"steps": STEPS}, **past))
    assert response.json()["error"] == "AUTH_EXPIRED"
    assert caller.api.requests[-1].verdict == "good"
