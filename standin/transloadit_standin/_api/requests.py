"""Reading a signed form: from the bytes of `params` to an Auth Key that may do what is asked."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._codes import Refusal
from .._service.keys import auth_of, check_expires, check_referer, check_scope, nonce_of
from .._service.verdict import judge

if TYPE_CHECKING:
    from .._network.exchange import Exchange
    from .._service.keys import AuthKey
    from .._service.service import Service


class Interrupted(Exception):
    """The service breaks down once it has noted the nonce: a fault wants that."""


_ID = re.compile(r"[0-9a-fA-F]{32}")


def bearer_token(exchange: Exchange) -> str | None:
    """The token of `Authorization: Bearer`, which replaces `auth` and `signature`."""
    scheme, _, token = (exchange.header("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def identify(
    service: Service,
    exchange: Exchange,
    raw: bytes | None,
    signature: str | None,
    *,
    scope: str,
    must_sign: bool,
    instructions: bool = True,
) -> tuple[AuthKey, dict[str, Any]]:
    """The Auth Key behind a request, and its params, of their text and their signature.

    A nonce is checked here, so the same bytes sent twice are told of the nonce, whatever else they
    would be told [chosen]. It is noted here too, unless the stand-in was told otherwise. Unless
    params are `instructions`, `fields` and URLs in them mean something else.
    """
    params = read_params(raw)
    if instructions and not isinstance(params.get("fields"), dict | None):
        raise Refusal("INVALID_PARAMS_FIELD", "fields has to be an object")
    assert raw is not None  # noqa: S101 - read_params() refuses None
    token = bearer_token(exchange)
    if token is not None:
        key = service.keys.by_token(token, service.now())
    else:
        key = service.keys.by_params(params)
        if signature is not None:
            exchange.received.signature = judge(signature, key, raw, service.keys)
        elif must_sign or key.signature_required:
            raise Refusal("NO_SIGNATURE_FIELD")
        check_expires(auth_of(params), service.now(), required=signature is not None)
        if exchange.received.verdict == "wrong":
            raise Refusal("INVALID_SIGNATURE")
    check_scope(key, scope)
    check_referer(auth_of(params), exchange.header("referer"))
    _use_nonce(service, exchange, key, params)
    if instructions:
        check_urls(params)
    return key, params


def _use_nonce(service: Service, exchange: Exchange, key: AuthKey, params: dict[str, Any]) -> None:
    nonce = nonce_of(params)
    if nonce is not None:
        if nonce in key.nonces:
            raise Refusal("SIGNATURE_REUSE_DETECTED")
        exchange.nonce = key.nonces, nonce
        if service.settings.single_use == "arrival":
            key.nonces.add(nonce)
    if exchange.breaks_down:
        raise Interrupted


def read_params(raw: bytes | None) -> dict[str, Any]:
    """The JSON object in `params`."""
    if raw is None:
        raise Refusal("NO_PARAMS_FIELD")
    try:
        params = json.loads(
            raw.decode("utf-8"), parse_constant=_finite_float, parse_float=_finite_float
        )
    except (ValueError, RecursionError) as error:
        raise Refusal("INVALID_PARAMS_FIELD", str(error)) from error
    if not isinstance(params, dict):
        raise Refusal("NO_OBJECT_PARAMS_FIELD")
    return params


def check_urls(params: dict[str, Any]) -> None:
    """Refuse a `notify_url` that is neither text nor null, and a `redirect_url` that is no URL."""
    if not isinstance(params.get("notify_url"), str | None):
        raise Refusal("ASSEMBLY_INVALID_NOTIFY_URL")
    redirect = params.get("redirect_url")
    if redirect not in (None, "") and not _is_web_address(redirect):
        raise Refusal("INVALID_PARAMS_FIELD", "redirect_url has to be an http or https URL")


def _is_web_address(value: Any) -> bool:
    try:
        parts = urlsplit(value)
    except (ValueError, AttributeError, TypeError):
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and value.isprintable()


def checked_id(exchange: Exchange) -> str:
    """The id in the path.

    Raises:
        Refusal: `SERVER_404` if that is no Assembly's id.
    """
    assembly_id = exchange.arguments["assembly_id"]
    if not _ID.fullmatch(assembly_id):
        raise Refusal("SERVER_404")
    exchange.received.assembly_id = assembly_id
    return assembly_id


def check_auth_limits(merged: dict[str, Any]) -> None:
    """Refuse limits that are no whole numbers."""
    auth = merged.get("auth") or {}
    for name in ("max_size", "max_number_of_files"):
        if not is_count(auth.get(name, 0)):
            raise Refusal(f"INVALID_AUTH_{name.upper()}_PARAMETER")


def is_count(value: Any) -> bool:
    """Whether a JSON value is a whole number from 0; `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def describe(exchange: Exchange) -> dict[str, Any]:
    """What an Assembly's status tells of the request that created it."""
    length = exchange.header("content-length")
    return {
        "bytes_received": 0,
        "bytes_expected": int(length) if length else None,
        "client_agent": exchange.header("user-agent"),
        "client_ip": exchange.link.client_ip,
        "client_referer": exchange.header("referer"),
        "transloadit_client": exchange.header("transloadit-client"),
    }


def _finite_float(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is not JSON")
    return number
