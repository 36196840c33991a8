"""One request and its answer: how a `Send` becomes an httpx request, and what came of it. Pure.

The two drivers only send what is built here, and read the body.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import httpx

from .._calls.answers import Answer, unreadable
from .._errors import ApiError, InvalidInput, UnreadableAnswer, UntrustedUrl
from .._flow import Outcome, Send
from .._retry.clock import seconds_until
from .._version import __version__
from .bodies import BodyProblem
from .failures import CANNOT_BE_SENT, NEVER_SENT, no_answer
from .pool_state import APART, STRANGER

# Some servers of files answer no request without one.
_AGENT = {"User-Agent": f"python-transloadit-client/{__version__}"}
SHOWN = 4096
"""Bytes that are read of a refusal, where the body was to go to a `Sink`."""


def built(
    send: Send, http: httpx.Client | httpx.AsyncClient, timeout: httpx.Timeout | None
) -> httpx.Request:
    """The request, which is built once and then sent again as it is.

    Raises:
        UntrustedUrl: it has no URL that httpx can use.
    """
    call, prepared = send.call, send.request
    # A repeat is the very same request: built anew it would have another boundary.
    if prepared.built is None:
        request = (
            _bare(prepared.arguments) if call.sink else http.build_request(**prepared.arguments)
        )
        # Set here, since a bare request comes from no client that would set it.
        request.extensions["timeout"] = (timeout or http.timeout).as_dict()
        if call.sink is not None:
            request.extensions[STRANGER] = True
        if call.own_connection:
            request.extensions[APART] = True
        if prepared.bearer is not None:
            request.headers["Authorization"] = f"Bearer {prepared.bearer.reveal()}"
        prepared.built = request
    built: httpx.Request = prepared.built
    return built


def _bare(arguments: Mapping[str, str]) -> httpx.Request:
    """A request to a URL that may lead anywhere: with no header or cookie of the client's."""
    headers: Mapping[str, str] = arguments["headers"]  # type: ignore[assignment]
    try:
        return httpx.Request(arguments["method"], arguments["url"], headers={**_AGENT, **headers})
    except (httpx.InvalidURL, ValueError):
        raise UntrustedUrl("it has no URL that is safe to use") from None


def received(
    send: Send,
    http_status: int,
    headers: Mapping[str, str],
    body: bytes | BodyProblem,
    base_path: str,
) -> Outcome:
    """What an answer says.

    Args:
        send: the request that is answered.
        http_status: the answer's.
        headers: the answer's.
        body: the answer's, or why it cannot be read.
        base_path: the path of `base_url`.
    """
    call = send.call
    if send.request.bearer is not None:
        body, headers = _without(send.request.bearer.reveal(), body, headers)
    try:
        if isinstance(body, BodyProblem):
            raise unreadable(Answer(call.title, http_status, b"", headers), str(body))
        return Outcome(call.read(Answer(call.title, http_status, body, headers)))
    except ApiError as error:
        if _is_no_route(error) and base_path != "/" and _is_under_base(send):
            hint = f"base_url has the path {base_path!r}, to which routes are appended:"
            error.args = (f"{error} {hint} is it one too many?",)
        date = headers.get("Date")
        # The body's `info.retryIn` goes before the header, which a proxy may have written.
        if error.retry_in is None:
            error.retry_in = seconds_until(headers.get("Retry-After"), date)
        return Outcome(error=error, date=date)


def _is_no_route(error: ApiError) -> bool:
    """Whether nothing is at the URL: so says the API, or a web server that is none."""
    is_page = isinstance(error, UnreadableAnswer) and error.http_status == 404
    return is_page or error.code == "SERVER_404"


def _is_under_base(send: Send) -> bool:
    """Whether the URL was made of `base_url`, and is not one of an answer."""
    return str(send.request.arguments.get("url")).startswith("/")


def _without(
    token: str, body: bytes | BodyProblem, headers: Mapping[str, str]
) -> tuple[bytes | BodyProblem, Mapping[str, str]]:
    """A server may echo what it was sent, and errors keep the body and name the `Location`."""
    hidden = httpx.Headers({name: _hide(value, token) for name, value in headers.items()})
    if isinstance(body, BodyProblem):
        return body, hidden
    with suppress(ValueError, RecursionError):  # JSON can spell every character in several ways
        data = json.loads(body)
        if (clean := _cleaned(data, token)) != data:
            body = json.dumps(clean, ensure_ascii=False).encode(errors="replace")
    text = _hide(body.decode("utf-8", "surrogateescape"), token)
    return text.encode("utf-8", "surrogateescape"), hidden


def _hide(text: str, token: str) -> str:
    """A text without a token, also one that is escaped for a URL, for HTML or for JSON."""
    text = clear = text.replace(token, _HIDDEN)
    for _ in range(2):  # one may be inside the other
        for mark, readable in _READABLE.items():
            clear = readable(clear) if mark in clear else clear
            if token in clear:
                text = clear = clear.replace(token, _HIDDEN)
    return text


def _cleaned(data: Any, token: str) -> Any:
    """JSON in whose texts the token is hidden."""
    if isinstance(data, str):
        return _hide(data, token)
    if isinstance(data, dict):
        return {_hide(name, token): _cleaned(value, token) for name, value in data.items()}
    return [_cleaned(value, token) for value in data] if isinstance(data, list) else data


def _without_escapes(text: str) -> str:
    """A text in which `\\u0041` is the letter that it stands for."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _without_entities(text: str) -> str:
    """A text in which `&amp;` is the letter that it stands for."""
    import html  # noqa: PLC0415  # a thousand names of letters, which hardly an answer needs

    return html.unescape(text)


_READABLE: dict[str, Callable[[str], str]] = {
    "%": unquote,
    "&": _without_entities,
    "\\u": _without_escapes,
    "\\/": lambda text: text.replace("\\/", "/"),
}
_HIDDEN = "(auth token)"


def is_mixed_up(outcome: Outcome) -> bool:
    """Whether the answer is that of another request: its connection is one answer behind."""
    return isinstance(outcome.error, UnreadableAnswer) and outcome.error.wrong_assembly


def lost(send: Send, error: Exception, proxy: str | None = None) -> Outcome:
    """No answer came.

    Args:
        send: the request.
        error: what httpx raised.
        proxy: the proxy that it went through, without a password.
    """
    if isinstance(error, InvalidInput):  # a file broke while it was sent: it would break again
        return Outcome(error=error, cannot_be_sent=True)
    host = None
    if isinstance(built := send.request.built, httpx.Request):
        port = built.url.port or (443 if built.url.scheme == "https" else 80)
        bare = built.url.host
        host = f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"
    failure = no_answer(send.call.title, error, host, proxy)
    failure.__cause__ = error
    failure.host, failure.proxy = host, proxy
    return Outcome(
        error=failure,
        never_sent=isinstance(error, NEVER_SENT),
        cannot_be_sent=isinstance(error, CANNOT_BE_SENT),
        is_queued=isinstance(error, httpx.PoolTimeout),
    )
