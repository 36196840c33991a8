"""Settings that the environment has where they are not given; errors name the variable then."""

import os

from .._calls.addresses import DEFAULT_BASE_URL, checked_base_url
from .._errors import InvalidInput
from .._signing import Secret, checked_algorithm


def secret_of(text: str | Secret | None) -> Secret | None:
    """A secret that is not printed; None for none."""
    return Secret(text) if text else None


def token_of(given: Secret | None, *, is_wanted: bool) -> Secret | None:
    """The bearer token; where none is given, that of the environment is used if it is wanted.

    Raises:
        InvalidInput: it cannot stand in a header.
    """
    name, token = "auth_token", given
    if token is None and is_wanted:
        name = "TRANSLOADIT_AUTH_TOKEN"
        token = secret_of(os.environ.get(name))
    if token is not None and not token.is_token():
        raise InvalidInput(f"{name} has a space, a line end or the like in it; nothing was sent")
    return token


def key_and_secret(key: str | None, secret: Secret | None) -> tuple[str | None, Secret | None]:
    """The Auth Key and the Auth Secret.

    Raises:
        InvalidInput: one of them has a line end in it.
    """
    found = key or os.environ.get("TRANSLOADIT_KEY") or None
    found_secret = secret or secret_of(os.environ.get("TRANSLOADIT_SECRET"))
    for name, given, text in (
        ("key", key, Secret(found or "")),
        ("secret", secret, found_secret or Secret("")),
    ):
        if not text.is_line():
            raise InvalidInput(
                f"{name if given else f'TRANSLOADIT_{name.upper()}'} has a line end or another"
                " control character in it, perhaps from the file that it was read from;"
                " nothing was sent"
            )
    return found, found_secret


def algorithm_of(given: str | None) -> str:
    """The algorithm of signatures.

    Raises:
        InvalidInput: the API knows no such algorithm.
    """
    name = "TRANSLOADIT_SIGNATURE_ALGORITHM"
    if given:
        return checked_algorithm(given)
    return checked_algorithm(os.environ.get(name) or "sha384", name)


def base_url_of(given: str | None, *, secret: bool) -> str:
    """Where the API is; `secret` says whether credentials are sent there.

    Raises:
        InvalidInput: it is no http(s) URL of a host, or credentials would travel in plain text.
    """
    if given:
        return checked_base_url(given, secret=secret)
    name = "TRANSLOADIT_ENDPOINT"
    return checked_base_url(os.environ.get(name) or DEFAULT_BASE_URL, secret=secret, name=name)
