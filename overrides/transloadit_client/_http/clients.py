"""Our httpx clients: they build safe requests, and send them over connections that copies share."""

from collections.abc import Mapping
from typing import Any

import httpx

from .._errors import InvalidInput, NoAnswer
from .._version import __version__
from .connections import Connections
from .form import in_few_pieces, off_the_loop, on_the_wire
from .log_filters import OurRequest, keep_secrets

keep_secrets()

CLIENT_HEADERS = {"Transloadit-Client": f"python-transloadit-client:{__version__}"}

# What `on_the_wire` makes of a form without files.
_FORM = {"content", "files", "headers"}

# What may go wrong between a request and its answer. An OSError is a file's, broken while read.
# A UnicodeError is a host, such as that of a redirect, that httpx or the resolver cannot encode.
FAILURES = (httpx.RequestError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError)
# The connection never stood, so nobody can have received anything.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# Sending it again would fail again: an illegal header, a file that is shorter than it was.
HOPELESS = (
    httpx.InvalidURL,
    httpx.LocalProtocolError,
    httpx.StreamError,
    httpx.UnsupportedProtocol,
    OSError,
)


def timeout_of(timeout: float | httpx.Timeout) -> httpx.Timeout:
    """Checks a timeout: seconds, or an `httpx.Timeout`.

    Raises:
        InvalidInput: it is neither; httpx itself would take anything and fail later.
    """
    if isinstance(timeout, httpx.Timeout):
        return timeout
    if isinstance(timeout, int | float) and timeout >= 0:
        return httpx.Timeout(timeout)
    raise InvalidInput(f"timeout is {timeout!r}; it takes seconds, or an httpx.Timeout")


def shortened(
    timeout: float | httpx.Timeout | None, http: httpx.Client | httpx.AsyncClient, seconds: float
) -> httpx.Timeout:
    """A timeout, or else the one of a client, whose parts are at most so many seconds."""
    parts = (http.timeout if timeout is None else timeout_of(timeout)).as_dict()
    return httpx.Timeout(
        **{name: seconds if part is None else min(part, seconds) for name, part in parts.items()}
    )


def no_answer(request: str, error: Exception) -> NoAnswer:
    """The error for a request that got no answer, to be raised `from` httpx's own `error`.

    The frames of the HTTP stack are dropped: their locals hold the token and the signed form, and
    tracebacks with locals end up in logs. So is the request, but for its URL: engines that send
    errors from one process to another pickle all that hangs on them.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        if isinstance(link, httpx.RequestError) and link._request is not None:
            link.request = httpx.Request(link.request.method, link.request.url)
        link = link.__cause__ or link.__context__
    kind = "timed out" if isinstance(error, httpx.TimeoutException) else "got no answer"
    # h11 says which header it does not like, and may quote what is none of a log's business.
    words = "" if isinstance(error, httpx.LocalProtocolError) else f": {error}"
    return NoAnswer(f"could not {request}: the request {kind} ({type(error).__name__}{words})")


class HttpClient(httpx.Client):
    """An httpx client that sends safe forms, over connections that others share."""

    def __init__(self, connections: Connections, options: Mapping[str, Any]) -> None:
        super().__init__(transport=httpx.BaseTransport(), **_like(connections.sync(), options))
        self._connections = connections

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        arguments = on_the_wire(kwargs)
        url = _absolute(url, self)
        request = self._connections.is_straight and _short(self, method, url, arguments)
        request = request or super().build_request(method, url, **arguments)
        return in_few_pieces(request, arguments)

    def send(self, request: httpx.Request, **kwargs: Any) -> httpx.Response:
        with OurRequest():
            return self._connections.sync().send(request, **_sending(self, kwargs))


class AsyncHttpClient(httpx.AsyncClient):
    """The asynchronous twin of `HttpClient`."""

    def __init__(self, connections: Connections, options: Mapping[str, Any]) -> None:
        sender = connections.asynchronous()
        super().__init__(transport=httpx.AsyncBaseTransport(), **_like(sender, options))
        self._connections = connections

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        arguments = on_the_wire(kwargs)
        url = _absolute(url, self)
        request = self._connections.is_straight and _short(self, method, url, arguments)
        request = request or super().build_request(method, url, **arguments)
        return off_the_loop(in_few_pieces(request, arguments), arguments)

    async def send(self, request: httpx.Request, **kwargs: Any) -> httpx.Response:
        options = _sending(self, kwargs)
        lanes = None if options.get("stream") else self._connections.lanes()
        with OurRequest():
            return await (lanes or self._connections.asynchronous()).send(request, **options)


def _short(
    client: httpx.Client | httpx.AsyncClient,
    method: str,
    url: httpx.URL | str,
    arguments: Mapping[str, Any],
) -> httpx.Request | None:
    """What `build_request` gives for a form without files, in two thirds of the time.

    httpx would merge what is not there. None where something is, or where it is another request.
    """
    content = arguments.get("content")
    given = client.params or client.cookies or arguments.keys() != _FORM
    if given or not isinstance(content, bytes):
        return None
    url = httpx.URL(url)
    headers = httpx.Headers(client.headers)
    for name, value in arguments["headers"].items():
        headers[name] = value
    headers["Host"] = url.netloc.decode("ascii")
    headers["Content-Length"] = str(len(content))
    timeout = {"timeout": client.timeout.as_dict()}
    stream = httpx.ByteStream(content)
    request = httpx.Request(method, url, headers=headers, stream=stream, extensions=timeout)
    request.read()
    return request


def _absolute(url: httpx.URL | str, client: httpx.Client | httpx.AsyncClient) -> httpx.URL | str:
    """A path on the client's base URL, as httpx joins them, but parsed once instead of twice."""
    if isinstance(url, str) and url.startswith("/") and not url.startswith("//"):
        return str(client.base_url).rstrip("/") + url
    return url


def _sending(
    client: httpx.Client | httpx.AsyncClient, options: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of `send`; whether to follow redirects is decided here, not by the sender."""
    if options.get("follow_redirects", httpx.USE_CLIENT_DEFAULT) is httpx.USE_CLIENT_DEFAULT:
        return {**options, "follow_redirects": client.follow_redirects}
    return dict(options)


def _like(sender: httpx.Client | httpx.AsyncClient, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a client that builds requests as `sender` would, except for `options`."""
    cookies = httpx.Cookies(sender.cookies)
    cookies.update(options["cookies"])
    return {
        "params": sender.params,
        **options,
        "headers": {**sender.headers, **CLIENT_HEADERS, **options["headers"]},
        "cookies": cookies,
        "timeout": sender.timeout if options["timeout"] is None else options["timeout"],
    }
