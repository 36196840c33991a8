"""What may go wrong between a request and its answer, and what that says of the request."""

import re

import httpcore
import httpx

from .._errors import InvalidInput, NoAnswer

# A UnicodeError is a host, such as that of a redirect, that httpx or the resolver cannot encode.
# InvalidInput is that of a file of the body, which broke while it was read.
FAILURES = (
    httpx.RequestError,
    httpx.InvalidURL,
    httpx.StreamError,
    OSError,
    UnicodeError,
    InvalidInput,
)
# The connection never stood, so the request cannot have been received.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# Sending it again would fail again: an illegal header, a file that is shorter than it was.
CANNOT_BE_SENT = (
    httpx.InvalidURL,
    httpx.LocalProtocolError,
    httpx.StreamError,
    httpx.UnsupportedProtocol,
    OSError,
)


# Errors of the protocol quote what a peer said, or a header of ours: a secret may stand in it.
_QUOTING = (httpx.ProtocolError, httpx.DecodingError, httpcore.ProtocolError)
_HARMLESS = re.compile(
    r"Server disconnected without sending a response\.|peer closed connection[\w (),]*"
    r"|Too (?:much|little) data for declared Content-Length|Illegal header (?:name|value)"
)


def _plain(words: str) -> str:
    """What of a protocol error quotes nobody."""
    found = _HARMLESS.match(words)
    return found[0] if found else "it was no valid HTTP"


def no_answer(
    request: str, error: Exception, host: str | None = None, proxy: str | None = None
) -> NoAnswer:
    """The error for a request that got no answer, to be raised `from` httpx's own `error`.

    The frames of the HTTP stack are dropped: their locals hold the token and the signed form, and
    tracebacks with locals end up in logs. So is the request, but for its URL: engines that send
    errors from one process to another pickle all that hangs on them.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        if isinstance(link, _QUOTING) or "h11" in type(link).__module__:
            link.args = (_plain(str(link)),)
        if isinstance(link, httpx.RequestError) and link._request is not None:
            link.request = httpx.Request(link.request.method, link.request.url)
        link = link.__cause__ or link.__context__
    kind = "timed out" if isinstance(error, httpx.TimeoutException) else "got no answer"
    words = f": {error}" if str(error) else ""
    where = f" to {host}" if host else ""
    way = f" through the proxy {proxy}" if proxy else ""
    said = f"{type(error).__name__}{words}"
    return NoAnswer(f"could not {request}: the request{where}{way} {kind} ({said})")
