"""Pingbacks: the POST that Transloadit sends to `notify_url` when an Assembly is done.

    status = pingback.verify(body, content_type, secret)

Its form has two fields: `transloadit`, the Assembly's status as JSON text, and `signature`, the
HMAC of exactly that text. Check it before you believe it: anyone can send a POST. Any answer but
200 makes the API send it again, so one status may come more than once.
"""

import hmac
import json
import re
from collections.abc import Collection
from typing import Any, Protocol

from .._errors import InvalidInput, TransloaditError
from .._signing import ALGORITHMS, Secret, signature_of
from .._status import AssemblyStatus, as_received
from .forms import BrokenForm, read_form

_SIGNATURE = re.compile(r"(?:(?P<algorithm>sha[0-9]+):)?(?P<hex>[0-9a-f]+)")


class Headers(Protocol):
    """The headers of a request, by any spelling of their names."""

    def get(self, name: str, /) -> str | None: ...


class BlockingRequest(Protocol):
    """A request of Flask or Django."""

    @property
    def headers(self) -> Any: ...  # Django's is a descriptor of its own, which is no `Headers`


class AsyncRequest(Protocol):
    """A request of FastAPI or Starlette."""

    @property
    def headers(self) -> Headers: ...
    async def body(self) -> bytes: ...


class PingbackError(TransloaditError):
    """The Pingback is not signed with this Auth Secret, or is not an Assembly's status."""


def verify(
    body: bytes,
    content_type: str | None,
    secret: str | Secret,
    *,
    algorithms: Collection[str] = ALGORITHMS,
) -> AssemblyStatus:
    """The status in a Pingback, after its signature was checked in constant time.

    Args:
        body: the request's body as it came, urlencoded or multipart.
        content_type: the request's `Content-Type`; None if it has none.
        secret: the Auth Secret.
        algorithms: which ones to accept, of `sha1`, `sha256`, `sha384` and `sha512`. A signature
            without a prefix, which is what the API's pages show, is a `sha1`.

    Raises:
        PingbackError: whatever is wrong with the request: no bytes raise anything else.
        InvalidInput: what is yours is wrong: an empty secret, an unknown algorithm, a text as body.
    """
    secret = Secret(secret)  # the plain text leaves this frame before anything can fail in it
    _check_own(secret, algorithms)
    if not isinstance(body, bytes | bytearray | memoryview):
        raise InvalidInput(f"body must be the bytes that came, not {type(body).__name__}")
    if not isinstance(content_type, str | None):
        raise InvalidInput(f"content_type must be a string, not {type(content_type).__name__}")
    try:
        form = read_form(bytes(body), content_type or "", ("transloadit", "signature"))
    except BrokenForm as error:
        raise PingbackError(f"the Pingback cannot be read: {error}") from None
    return verify_fields(
        form.get("transloadit"), form.get("signature"), secret, algorithms=algorithms
    )


def verify_request(
    request: BlockingRequest, secret: str | Secret, *, algorithms: Collection[str] = ALGORITHMS
) -> AssemblyStatus:
    """Verifies the request object of Flask, Django or another blocking framework.

    It needs none of them installed: it reads the headers, and `get_data()` or `body`. Call it
    before the form is read: Flask then has no body left, and Django raises an error of its own.

    Args:
        request: the request, as a view gets it.
        secret: the Auth Secret.
        algorithms: which ones to accept; see `verify`.

    Raises:
        PingbackError, InvalidInput: as `verify`.

    Example:
        status = pingback.verify_request(request, os.environ["TRANSLOADIT_SECRET"])
    """
    secret = Secret(secret)
    read: Any = getattr(request, "get_data", None)  # Flask's `data` is empty for a form
    body: Any = read() if read is not None else getattr(request, "body", None)
    if callable(body):
        raise InvalidInput("the request's body is awaited: use `await verify_async_request(…)`")
    return verify(body, request.headers.get("Content-Type"), secret, algorithms=algorithms)


async def verify_async_request(
    request: AsyncRequest, secret: str | Secret, *, algorithms: Collection[str] = ALGORITHMS
) -> AssemblyStatus:
    """Verifies the request object of FastAPI, Starlette or another framework with `await body()`.

    Args:
        request: the request, as an endpoint gets it.
        secret: the Auth Secret.
        algorithms: which ones to accept; see `verify`.

    Raises:
        PingbackError, InvalidInput: as `verify`.

    Example:
        status = await pingback.verify_async_request(request, os.environ["TRANSLOADIT_SECRET"])
    """
    secret = Secret(secret)
    body, content_type = await request.body(), request.headers.get("Content-Type")
    return verify(body, content_type, secret, algorithms=algorithms)


def verify_fields(
    transloadit: str | None,
    signature: str | None,
    secret: str | Secret,
    *,
    algorithms: Collection[str] = ALGORITHMS,
) -> AssemblyStatus:
    """The same for a form that something else has read already, such as a framework.

    Args:
        transloadit: the form field `transloadit` exactly as received; None if missing.
        signature: the form field `signature`: `ALGORITHM:HEX`, or hex alone, which means SHA-1;
            None if missing.
        secret: the Auth Secret.
        algorithms: which ones to accept; see `verify`.

    Raises:
        PingbackError: the signature is missing or does not fit, or the text is not a status.
        InvalidInput: the secret or `algorithms` are none.
    """
    secret = Secret(secret)
    _check_own(secret, algorithms)
    # Not a text: a framework's file, or a list of fields, and so the sender's doing.
    if not isinstance(transloadit, str) or not isinstance(signature, str):
        raise PingbackError("the Pingback lacks the text field transloadit or signature")
    given = _SIGNATURE.fullmatch(signature)
    algorithm = (given["algorithm"] or "sha1") if given else "none"
    if given is None or algorithm not in algorithms:
        raise PingbackError("the Pingback's signature is not of an accepted algorithm")
    try:
        expected = signature_of(transloadit, secret, algorithm)
    except UnicodeEncodeError:
        raise PingbackError("the Pingback's text is not UTF-8") from None
    if not hmac.compare_digest(f"{algorithm}:{given['hex']}", expected):
        raise PingbackError("the Pingback is not signed with this Auth Secret")
    return _status(transloadit)


def _check_own(secret: Secret, algorithms: Collection[str]) -> None:
    """Refuses what would accept nothing, or everything: the caller's mistakes, not the sender's."""
    if not secret.is_text() or not secret.reveal():
        raise InvalidInput("the Auth Secret must be a string, and anybody can sign with ''")
    if (
        isinstance(algorithms, str)
        or not isinstance(algorithms, Collection)
        or not algorithms
        or not all(algorithm in ALGORITHMS for algorithm in algorithms)
    ):
        raise InvalidInput(f"algorithms must be a list of some of {', '.join(ALGORITHMS)}")


def _status(text: str) -> AssemblyStatus:
    try:
        status = json.loads(text)
    except (ValueError, RecursionError):
        status = None
    if not isinstance(status, dict):
        raise PingbackError("the Pingback does not hold an Assembly's status")
    return as_received(status)
