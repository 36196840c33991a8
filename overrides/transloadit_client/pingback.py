"""Pingbacks: the POST that Transloadit sends to `notify_url` when an Assembly is done.

Its form has two fields: `transloadit`, the Assembly's status as JSON text, and `signature`, the
HMAC of exactly that text. Check it before you believe it: anyone can send a POST.
"""

import hmac
import json
import re
from collections.abc import Collection

from ._errors import TransloaditError
from ._signing import ALGORITHMS, Secret, signature_of
from ._status import AssemblyStatus

_SIGNATURE = re.compile(r"(?:(?P<algorithm>sha[0-9]+):)?(?P<hex>[0-9a-f]+)")


class PingbackError(TransloaditError):
    """The Pingback is not signed with this Auth Secret, or is not an Assembly's status."""


def verify_fields(
    transloadit: str | None,
    signature: str | None,
    secret: str | Secret,
    *,
    algorithms: Collection[str] = ALGORITHMS,
) -> AssemblyStatus:
    """The status in a Pingback, after its signature was checked in constant time.

    Args:
        transloadit: the form field `transloadit` exactly as received; None if missing.
        signature: the form field `signature`: `ALGORITHM:HEX`, or hex alone, which means SHA-1;
            None if missing.
        secret: the Auth Secret.
        algorithms: which ones to accept.

    Raises:
        PingbackError: the signature is missing or does not fit, or the text is not a status.
    """
    secret = Secret(secret)
    given = _SIGNATURE.fullmatch(signature or "")
    algorithm = (given["algorithm"] or "sha1") if given else "none"
    if (
        transloadit is None
        or given is None
        or algorithm not in ALGORITHMS
        or algorithm not in algorithms
    ):
        raise PingbackError("the Pingback has no text, or no signature of an accepted algorithm")
    try:
        expected = signature_of(transloadit, secret, algorithm)
    except UnicodeEncodeError:
        raise PingbackError("the Pingback's text is not UTF-8") from None
    if not hmac.compare_digest(f"{algorithm}:{given['hex']}", expected):
        raise PingbackError("the Pingback is not signed with this Auth Secret")
    try:
        status = json.loads(transloadit)
    except (ValueError, RecursionError):
        status = None
    if not isinstance(status, dict):
        raise PingbackError("the Pingback does not hold an Assembly's status")
    return AssemblyStatus.from_dict(status)
