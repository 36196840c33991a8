"""Auth Keys, bearer tokens and scopes, and what `auth` in params says."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .._codes import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCOPES = frozenset({"assemblies:read", "assemblies:write", "assembly_notifications:write"})

# Both `2024/01/01 16:53:14+00:00` and `2009-08-28T01:02:03.000Z` are in use; without a zone it is
# nobody's time.
_EXPIRES = re.compile(
    r"\d{4}([/-])\d\d\1\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass
class AuthKey:
    """An Auth Key with all that belongs to it."""

    key: str
    secret: str = field(repr=False)
    auth_token: str | None = field(default=None, repr=False)
    scopes: frozenset[str] = SCOPES
    signature_required: bool = False
    """Whether creates have to be signed, too; replays always have to."""
    nonces: set[str] = field(default_factory=set, repr=False)
    """Those that were used."""


@dataclass(frozen=True)
class Token:
    """A bearer token that was asked for."""

    key: AuthKey = field(repr=False)
    scopes: frozenset[str]
    expires: datetime


class Keyring:
    """The Auth Keys there are."""

    def __init__(self) -> None:
        self._keys: dict[str, AuthKey] = {}
        self._tokens: dict[str, Token] = {}

    def add(self, key: AuthKey) -> AuthKey:
        """Add a key, or replace the one of the same name."""
        self._keys[key.key] = key
        return key

    def __iter__(self) -> Iterator[AuthKey]:
        """All of them."""
        return iter(self._keys.values())

    def by_name(self, name: str) -> AuthKey:
        """The key of that name.

        Raises:
            KeyError: there is none.
        """
        return self._keys[name]

    def by_secret(self, name: str, secret: str) -> AuthKey:
        """The key of that name, if the secret is its own."""
        key = self._keys.get(name)
        if key is None or not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise Refusal("TOKEN_INVALID_CREDENTIALS")
        return key

    def mint(self, key: AuthKey, scopes: frozenset[str], expires: datetime) -> str:
        """A new bearer token."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = Token(key, scopes, expires)
        return token

    def by_token(self, token: str, now: datetime) -> AuthKey:
        """The key that a bearer token stands for, with the token's own scopes."""
        if minted := self._tokens.get(token):
            if minted.expires <= now:
                raise Refusal("BEARER_TOKEN_EXPIRED")
            return replace(minted.key, scopes=minted.scopes)  # the used nonces stay the key's own
        for key in self._keys.values():
            if key.auth_token and hmac.compare_digest(key.auth_token.encode(), token.encode()):
                return key
        raise Refusal("BEARER_TOKEN_INVALID")

    def by_params(self, params: dict[str, Any]) -> AuthKey:
        """The key that `auth.key` names."""
        auth = auth_of(params)
        if not auth:
            raise Refusal("NO_AUTH_PARAMETER")
        key = auth.get("key")
        if key is None:
            raise Refusal("NO_AUTH_KEY_PARAMETER")
        if not isinstance(key, str):
            raise Refusal("INVALID_AUTH_KEY_PARAMETER")
        if key not in self._keys:
            raise Refusal("GET_ACCOUNT_UNKNOWN_AUTH_KEY")
        return self._keys[key]


def auth_of(params: dict[str, Any]) -> dict[str, Any]:
    """The `auth` in params, empty when there is none."""
    auth = params.get("auth")
    if auth is not None and not isinstance(auth, dict):
        raise Refusal("NO_OBJECT_AUTH_PARAMETER")
    return auth or {}


def check_expires(auth: dict[str, Any], now: datetime, *, required: bool) -> None:
    """Refuse a request past its time, and one that is signed for ever."""
    expires = auth.get("expires")
    if expires is None:
        if required:
            raise Refusal("NO_AUTH_EXPIRES_PARAMETER")
        return
    if not isinstance(expires, str) or not _EXPIRES.fullmatch(expires):
        raise Refusal("INVALID_AUTH_EXPIRES_PARAMETER")
    try:
        moment = datetime.fromisoformat(expires.replace("/", "-"))
    except ValueError as error:
        raise Refusal("INVALID_AUTH_EXPIRES_PARAMETER", str(error)) from error
    if moment <= now:
        raise Refusal("AUTH_EXPIRED", f"it is {now.astimezone(UTC):%Y/%m/%d %H:%M:%S+00:00}")


def nonce_of(params: dict[str, Any]) -> str | None:
    """The nonce, which makes a request single-use. SDKs put it into `auth`, or beside it."""
    nonce = auth_of(params).get("nonce", params.get("nonce"))
    return None if nonce is None else str(nonce)


def check_scope(key: AuthKey, scope: str) -> None:
    """Refuse what the key may not do."""
    if scope not in key.scopes:
        raise Refusal("INSUFFICIENT_AUTH_SCOPE", f"the Auth Key needs the scope {scope}")


def check_scopes(key: AuthKey, wanted: Iterable[str]) -> frozenset[str]:
    """Scopes for a token; refuse those that its key lacks."""
    scopes = frozenset(wanted)
    for scope in scopes:
        check_scope(key, scope)
    return scopes


def check_referer(auth: dict[str, Any], referer: str | None) -> None:
    """Refuse a referer that `auth.referer` does not match; without a referer all pass.

    The service reads the pattern in JavaScript's dialect. Python's is near enough for the patterns
    people write here (`example\\.org`), and differs in the rare ones.
    """
    pattern = auth.get("referer")
    if pattern is None:
        return
    try:
        matches = referer is None or re.search(pattern, referer) is not None
        re.compile(pattern)
    except (TypeError, re.error) as error:
        raise Refusal("INVALID_AUTH_REFERER_PARAMETER", str(error)) from error
    if not matches:
        raise Refusal("REFERER_MISMATCH")


def scopes_of(scopes: Iterable[str] | None) -> frozenset[str]:
    """The scopes given, or all."""
    return SCOPES if scopes is None else frozenset(scopes)
