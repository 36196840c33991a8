"""Smart CDN URLs: a file through a Template, signed until a time, for any browser to fetch.

    url = smart_cdn.sign_url("acme", "thumbnail", "cat.jpg", {"w": 200}, key=…, secret=…)

Every byte counts: the path is what JavaScript's `encodeURIComponent` writes, the query what its
`URLSearchParams` writes. The known answers are in `openapi/vectors/smart_cdn.json`.
"""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote, quote_plus

from ._errors import InvalidInput
from ._signing import Credentials, Secret, signature_of

LIFETIME = timedelta(hours=1)
"""How long a URL is good where `expires_at` does not say; the vendor's SDKs have the same."""

Value = str | float  # or int, as everywhere; a bool is one too, and is written `true` or `false`
Params = Mapping[str, Value | Sequence[Value]] | Iterable[tuple[str, Value]]

_OURS = frozenset({"auth_key", "exp", "sig"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EARLIEST = 10**11  # in 1973; what is less is a time in seconds, by mistake
_LARGEST = 2**53 - 1  # beyond it JavaScript's numbers are no longer exact


def sign_url(
    workspace: str,
    template: str,
    input: str,  # noqa: A002  # the API's own word for it
    params: Params | None = None,
    *,
    key: str,
    secret: str | Secret,
    expires_at: int | datetime | None = None,
) -> str:
    """The signed URL at which the Smart CDN serves what `template` makes of `input`.

    Args:
        workspace: the workspace's slug.
        template: the Template's id or name.
        input: the file, as the Template's `${fields.input}`: a path or a URL; may be empty.
        params: further fields for the Template: pairs, or a mapping in which a list repeats its
            name. Values are texts, numbers or booleans, spelled as in JavaScript: `1.5`, `1` for
            1.0, `1e+21`, `true`. `auth_key`, `exp` and `sig` among them are replaced.
        key: an Auth Key.
        secret: its Auth Secret.
        expires_at: until when the URL is good, in milliseconds since 1970 or as an aware datetime;
            one hour from now if not given.

    Raises:
        InvalidInput: something is missing, of another type, or cannot stand in a URL.

    Example:
        url = sign_url("acme", "thumbnail", "cat.jpg", {"w": 200}, key="…", secret="…")
    """
    secret = Secret(secret)  # the plain text leaves this frame before anything can fail in it
    credentials = Credentials(key, secret)
    if expires_at is None:
        expires_at = time.time_ns() // 1_000_000 + LIFETIME // _MILLISECOND
    return _url(
        _path(workspace, template, input), _pairs(params or ()), _exp(expires_at), credentials
    )


def _url(
    path: Sequence[str], params: Iterable[tuple[str, str]], exp: int, credentials: Credentials
) -> str:
    """Signs parts that are checked, and the path's encoded; the host is the path's first."""
    query = [pair for pair in params if pair[0] not in _OURS]
    query += [("auth_key", _text("key", credentials.key)), ("exp", str(exp))]
    query.sort(key=lambda pair: pair[0].encode("utf-16-be"))
    encoded = "&".join(f"{_query_part(name)}={_query_part(value)}" for name, value in query)
    signed = f"{'/'.join(path)}?{encoded}"
    signature = signature_of(signed, credentials.secret, "sha256")
    return f"https://{path[0]}.tlcdn.com{signed.removeprefix(path[0])}&sig={quote_plus(signature)}"


def _path(workspace: object, template: object, input: object) -> list[str]:  # noqa: A002  # as above
    parts = {"workspace": workspace, "template": template, "input": input}
    for name, part in parts.items():
        if not part and name != "input":
            raise InvalidInput(f"{name} is empty")
        if part in (".", ".."):
            raise InvalidInput(f"{name} is {part!r}, which cannot stand in a URL's path")
    # As encodeURIComponent: letters, digits, _ . - ~ (those are Python's own) and these five stay.
    return [quote(_text(name, part), safe="!'()*") for name, part in parts.items()]


def _pairs(params: object) -> Iterator[tuple[str, str]]:
    """Names and values as texts, those of a list one after another."""
    if isinstance(params, Mapping):
        params = params.items()
    if isinstance(params, str) or not isinstance(params, Iterable):
        raise InvalidInput(f"params must be a mapping or pairs, not {type(params).__name__}")
    for pair in params:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise InvalidInput(f"params hold a {type(pair).__name__}, which is not a pair")
        name = _text("a parameter's name", pair[0])
        for value in pair[1] if isinstance(pair[1], list | tuple) else [pair[1]]:
            yield name, _value(name, value)


def _value(name: str, value: object) -> str:
    """`value` in JavaScript's spelling, since the service compares with what that would sign."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return _whole(name, value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput(f"the parameter {name!r} is {value}, which is not a number")
        return _as_javascript(value)
    if not isinstance(value, str):
        raise InvalidInput(
            f"the parameter {name!r} is of type {type(value).__name__}; it takes a string, a"
            " number, a boolean or a list of those"
        )
    return _text(f"the parameter {name!r}", value)


def _whole(name: str, value: int) -> str:
    """A whole number; JavaScript knows those beyond 2**53 as floats, and not all of them."""
    if abs(value) <= _LARGEST:
        return str(value)
    with suppress(OverflowError):
        spelled = _as_javascript(float(value))
        if float(value) == value or spelled == str(value):
            return spelled
    raise InvalidInput(f"the parameter {name!r} is a number that JavaScript rounds: give a string")


def _as_javascript(value: float) -> str:
    """ECMA-262, Number::toString: Python has the same digits, and other rules for the exponent."""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)  # where the decimal point stands, counted from the left
    if value == 0:
        return "0"  # of both zeros
    if len(text) <= point <= 21:
        spelled = text.ljust(point, "0")
    elif 0 < point <= 21:
        spelled = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        spelled = f"0.{'0' * -point}{text}"
    else:
        mantissa = f"{text[0]}.{text[1:]}" if len(text) > 1 else text
        spelled = f"{mantissa}e{point - 1:+d}"
    return f"-{spelled}" if sign else spelled


def _query_part(text: str) -> str:
    # As URLSearchParams: letters, digits and * - . _ stay, and a space becomes a plus.
    return quote_plus(text, safe="*").replace("~", "%7E")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name} holds half a surrogate pair, which no URL can") from None
    return value


def _exp(expires_at: object) -> int:
    if isinstance(expires_at, datetime):
        if expires_at.tzinfo is None:
            raise InvalidInput("expires_at has no time zone: use datetime.now(UTC) and a timedelta")
        return (expires_at - _EPOCH) // _MILLISECOND
    if not isinstance(expires_at, int) or not _EARLIEST <= expires_at <= _LARGEST:
        raise InvalidInput("expires_at must be milliseconds since 1970 (not seconds), as an int")
    return expires_at
