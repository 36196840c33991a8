"""Encoding and signing: pure, with no clock, no randomness and no network.

The invariant of this package stands here: the text that was signed is the text that is sent.
The known answers are in `openapi/vectors/`.
"""

import hmac
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol, runtime_checkable

from attrs import field, frozen

from ._errors import InvalidInput

_DEEPEST = 100  # levels; Instructions need about ten
ALGORITHMS = ("sha384", "sha256", "sha512", "sha1")


@runtime_checkable
class Model(Protocol):
    """A generated model, such as `transloadit_api.models.CreateAssemblyParams`."""

    def to_dict(self) -> dict[str, Any]: ...


@runtime_checkable
class PydanticModel(Protocol):
    """A model of pydantic, whose package is not needed for that."""

    def model_dump(
        self, *, mode: str = ..., by_alias: bool = ..., exclude_none: bool = ...
    ) -> dict[str, Any]: ...


Params = Mapping[str, Any] | Model | PydanticModel


class Secret:
    """A string that is never printed: not in `repr`, logs, pickles or tracebacks with locals."""

    __module__ = "transloadit_client"

    __slots__ = ("_text",)

    def __init__(self, text: "str | Secret") -> None:
        self._text: str = text._text if isinstance(text, Secret) else text

    def reveal(self) -> str:
        """The text itself. Use it in an expression, never keep it in a variable."""
        return self._text

    def is_text(self) -> bool:
        """Whether it can be encoded; the error that says so otherwise would hold the text."""
        return isinstance(self._text, str) and not any(
            "\ud800" <= character <= "\udfff" for character in self._text
        )

    def is_line(self) -> bool:
        """Whether it has no line end or other control character in it, as from a file."""
        return re.search(r"[\x00-\x1f\x7f]", str(self._text)) is None

    def is_token(self) -> bool:
        """Whether it can stand in an HTTP header."""
        return self.is_text() and re.fullmatch(r"[\x21-\x7e]+", self._text) is not None

    def __repr__(self) -> str:
        return "Secret('…')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._text.encode(), other._text.encode()
        )

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Secret cannot be pickled: give it to each process through its environment"
        )


@frozen(init=False)
class Credentials:
    """An Auth Key, its Auth Secret, and the algorithm that the key wants signatures in.

    Args:
        key: the Auth Key.
        secret: the Auth Secret.
        algorithm: `sha384` (the API's default), `sha256`, `sha512` or `sha1`.

    Raises:
        InvalidInput: the key or the secret is empty or not a string, or the algorithm is unknown.
    """

    __module__ = "transloadit_client"

    key: str
    secret: Secret = field(repr=False)
    algorithm: str

    def __init__(self, key: str, secret: str | Secret, algorithm: str = "sha384") -> None:
        secret = Secret(secret)  # the plain text leaves this frame before anything can fail in it
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "secret", secret)
        object.__setattr__(self, "algorithm", algorithm)
        if not key or not isinstance(key, str) or not secret.reveal():
            raise InvalidInput("the Auth Key and the Auth Secret must be strings, and not empty")
        if not secret.is_text():
            raise InvalidInput("the Auth Secret is not a string, or holds half a surrogate pair")
        checked_algorithm(algorithm)


def checked_algorithm(algorithm: str, name: str = "signature_algorithm") -> str:
    """The algorithm of a signature, by the name that hashlib has for it.

    Args:
        algorithm: what was given.
        name: where: an argument or a variable of the environment.

    Raises:
        InvalidInput: the API knows no such algorithm.
    """
    if algorithm not in ALGORITHMS:
        raise InvalidInput(f"{name} is {algorithm!r}; it can be {', '.join(ALGORITHMS)}")
    return algorithm


@frozen
class SignedParams:
    """The two form fields of a signed request, to be sent as they are."""

    __module__ = "transloadit_client"

    params: str = field(repr=False)  # Steps can hold credentials of their own
    signature: str = field(repr=False)


def sign(
    params: Params, credentials: Credentials, *, expires: datetime | str, nonce: str
) -> SignedParams:
    """Adds `auth` to `params`, encodes them once, and signs exactly that text.

    Args:
        params: a mapping, or a generated model such as `CreateAssemblyParams`; not modified.
            Its `auth` keys (`referer`, `max_size` …) are kept.
        credentials: the key and secret to sign with.
        expires: until when the signature is valid: an aware datetime, or a string in one of the
            two formats that the API's pages use.
        nonce: a value never used before with this key. It makes the request single-use.

    Raises:
        InvalidInput: `params` hold what JSON cannot, `expires` is naive, or `auth` already has
            another value.

    Example:
        expires = datetime.now(UTC) + timedelta(hours=1)
        signed = sign(params, Credentials("key", "secret"), expires=expires, nonce=token_hex(16))
    """
    fields = as_dict(params)
    auth = as_dict(fields.get("auth") or {})
    for name, value in (
        ("key", credentials.key),
        ("expires", format_expires(expires)),
        ("nonce", nonce),
    ):
        if auth.setdefault(name, value) != value:
            raise InvalidInput(f"params.auth.{name} is already set, to another value")
    text = encode({**fields, "auth": auth})
    return SignedParams(text, signature_of(text, credentials.secret, credentials.algorithm))


def signature_of(text: str, secret: Secret, algorithm: str) -> str:
    """`ALGORITHM:HEX`, the HMAC of `text` in UTF-8, keyed with `secret`."""
    return f"{algorithm}:{hmac.digest(secret.reveal().encode(), text.encode(), algorithm).hex()}"


def format_expires(expires: datetime | str) -> str:
    """`expires` as the API's pages write it: `2024/01/01 16:53:14+00:00`, always in UTC.

    A text is taken as it is.

    Raises:
        InvalidInput: `expires` has no time zone.
    """
    if isinstance(expires, str):
        return expires
    if expires.tzinfo is None:
        raise InvalidInput("expires has no time zone: use datetime.now(UTC) and a timedelta")
    return expires.astimezone(UTC).isoformat(" ", "seconds").replace("-", "/")


def encode(params: Params) -> str:
    """Encodes `params` as one JSON text in pure ASCII, which no HTTP stack will re-encode.

    Raises:
        InvalidInput: `params` hold NaN, infinity, or what is not JSON; it says where, not what.

    Example:
        encode({"template_id": "t"})  # '{"template_id":"t"}'
    """
    fields = as_dict(params)
    try:
        return _ENCODER.encode(fields)
    except (TypeError, ValueError, RecursionError):
        place = next(_not_json(fields, "params"), "params hold a number too long for JSON")
    raise InvalidInput(f"{place}; nothing was sent")


JSON_OBJECTS = (Mapping, Model, PydanticModel)
"""The types of what becomes a JSON object."""


def as_dict(value: Params) -> dict[str, Any]:
    """A new dict with what a mapping or a model holds; None in a pydantic model is not given.

    Raises:
        InvalidInput: it is neither.
    """
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, PydanticModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    raise InvalidInput(f"a mapping or a model is needed, not {type(value).__name__}")


def _as_jsonable(value: object) -> dict[str, Any]:
    if isinstance(value, JSON_OBJECTS):
        return as_dict(value)
    raise TypeError


# `json.dumps` would make one for every call.
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_as_jsonable)


def _not_json(value: object, place: str, depth: int = 0) -> Iterator[str]:
    """Where `value` is not JSON, and why. Looked for only once encoding has failed."""
    if isinstance(value, JSON_OBJECTS):
        for name, item in as_dict(value).items():
            if not isinstance(name, str | int | float | None):
                yield f"{place} has a key of type {type(name).__name__}"
            yield from _not_json_inside(item, f"{place}.{name}", depth)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _not_json_inside(item, f"{place}[{index}]", depth)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place} is {value}, which JSON cannot hold"
    elif not isinstance(value, str | int | float | None):
        yield f"{place} is of type {type(value).__name__}, which JSON cannot hold"


def _not_json_inside(item: object, place: str, depth: int) -> Iterator[str]:
    if depth == _DEEPEST:
        yield f"{place} is nested too deeply, or in itself"
    else:
        yield from _not_json(item, place, depth + 1)
