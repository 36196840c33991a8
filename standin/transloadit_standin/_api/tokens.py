"""`POST /token`: a bearer token, for an Auth Key and its secret."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import TYPE_CHECKING

from .._codes import Refusal
from .._network.exchange import json_response
from .._service.keys import check_scopes
from .forms import FormReader

if TYPE_CHECKING:
    from starlette.responses import Response

    from .._network.exchange import Exchange
    from .._service.service import Service
    from .._storage import StoredFile

LIFETIME = timedelta(hours=6)
"""Chosen: the service's is not known."""


async def create_token(service: Service, exchange: Exchange) -> Response:
    """A token with the key's own scopes, or those of them that `scope` asks for."""
    reader = FormReader(service.folder, typed_text=service.settings.typed_text, watch=_take_no_file)
    await reader.read(exchange.header("content-type") or "", exchange.chunks())
    fields = reader.form.fields()
    exchange.received.names, exchange.received.fields = reader.form.names, fields
    key = service.keys.by_secret(*_credentials(exchange))
    if fields.get("grant_type") != "client_credentials":
        raise Refusal("INVALID_FORM_DATA", "grant_type has to be client_credentials")
    scopes = key.scopes
    if fields.get("scope"):
        scopes = check_scopes(key, fields["scope"].split())
    token = service.keys.mint(key, scopes, service.now() + LIFETIME)
    return json_response(
        {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": " ".join(sorted(scopes)),
        }
    )


def _credentials(exchange: Exchange) -> tuple[str, str]:
    """The key and the secret of `Authorization: Basic`."""
    scheme, _, encoded = (exchange.header("authorization") or "").partition(" ")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    name, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Refusal("TOKEN_INVALID_CREDENTIALS", "send Authorization: Basic with key:secret")
    return name, secret


def _take_no_file(_: StoredFile) -> None:
    """A file in this form is no error, and of no use."""
