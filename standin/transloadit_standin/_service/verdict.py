"""Whether a signature fits, and where it does not, the likely reason."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .._ledger import SignatureCheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .keys import AuthKey

ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")


def hmac_hex(algorithm: str, secret: str, message: bytes) -> str:
    """The lowercase hex HMAC of a message, keyed with a secret."""
    return hmac.new(secret.encode(), message, getattr(hashlib, algorithm)).hexdigest()


def judge(signature: str, key: AuthKey, message: bytes, keys: Iterable[AuthKey]) -> SignatureCheck:
    """Whether a signature, `ALGORITHM:HEX` or bare hex for SHA-1, is that of the message."""
    algorithm, separator, digest = signature.partition(":")
    if not separator:
        algorithm, digest = "sha1", signature
    known = algorithm if algorithm in ALGORITHMS else "sha384"
    right = hmac_hex(known, key.secret, message)
    good = known == algorithm and hmac.compare_digest(digest.encode(), right.encode())
    check = SignatureCheck(
        good=good,
        given=signature,
        right=f"{known}:{right}",
        signed=message.decode("utf-8", "replace"),
        secret_fingerprint=hashlib.sha256(key.secret.encode()).hexdigest()[:8],
    )
    if not good:
        check.why = _reason(algorithm, digest, key, message, keys)
    return check


def _reason(
    algorithm: str, digest: str, key: AuthKey, message: bytes, keys: Iterable[AuthKey]
) -> str:
    if algorithm not in ALGORITHMS:
        return f"{algorithm!r} is none of {', '.join(ALGORITHMS)}"
    for reason, other_algorithm, secret, text in _mistakes(algorithm, key, message, keys):
        if digest == hmac_hex(other_algorithm, secret, text):
            return reason
    if digest.lower() == hmac_hex(algorithm, key.secret, message):
        return "its digits have to be lowercase"
    digits = hashlib.new(algorithm).digest_size * 2
    if len(digest) != digits:
        return f"a {algorithm} signature has {digits} hex digits, and this one {len(digest)}"
    return "it was made with another Auth Secret, or of another text"


def _mistakes(
    algorithm: str, key: AuthKey, message: bytes, keys: Iterable[AuthKey]
) -> Iterator[tuple[str, str, str, bytes]]:
    """How signatures go wrong: a sentence, with the algorithm, secret and text that it means."""
    for other in ALGORITHMS:
        reason = f"it is a {other} signature, but is marked as {algorithm}"
        yield reason, other, key.secret, message
    for what, text in _misreadings(message):
        yield f"it signs {what}, and not the text that was sent", algorithm, key.secret, text
    reason = "it was made with a line break at the end of the Auth Secret"
    yield reason, algorithm, f"{key.secret}\n", message
    for another in keys:
        reason = f"it was made with the Auth Secret of the key {another.key!r}"
        yield reason, algorithm, another.secret, message


def _misreadings(message: bytes) -> Iterator[tuple[str, bytes]]:
    """Other texts that programs sign by mistake, with a name for each."""
    text = message.decode("utf-8", "replace")
    yield "the params without white space around them", text.strip().encode()
    yield "the params percent-decoded", unquote(text).encode()
    try:
        params = json.loads(text)
    except ValueError:
        return
    for ascii_only in (True, False):
        for separators in ((",", ":"), (", ", ": ")):
            again = json.dumps(params, separators=separators, ensure_ascii=ascii_only)
            yield "the params serialised once more", again.encode("utf-8", "replace")
