"""An httpx transport over aiohttp, for awaited requests: a quarter less CPU a create."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx
from yarl import URL

from .._errors import InvalidInput
from .async_pool import AsyncPool
from .connections import LIMITS
from .pool_state import PEER
from .tls import without_certificate

# The first that fits. Only what ends a request before its first byte may say that it was not sent:
# httpx-aiohttp 0.2.0 makes a `ConnectTimeout` of each lost connection, so creates are done twice.
_ERRORS: tuple[tuple[type[Exception], type[httpx.RequestError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (ValueError, httpx.LocalProtocolError),  # of a URL or a header
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientError, httpx.ReadError),
)


class AiohttpTransport(AsyncPool):
    """Sends awaited requests with aiohttp, on asyncio, in any number of event loops.

    Args:
        verify: how servers are verified: True, False, or an `ssl.SSLContext`.
        proxy: the URL of a proxy. No variable of the environment is read.
        limits: how many connections each event loop has, and how long idle ones are kept.

    Example:
        client = AsyncTransloadit(httpx_args={"transport": AiohttpTransport()})
    """

    __module__ = "transloadit_client"

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        limits: httpx.Limits = LIMITS,
    ) -> None:
        tls = httpx.create_ssl_context(verify=verify, trust_env=False)
        bare = without_certificate(tls)
        self.looks_up_names = proxy is None
        super().__init__(lambda origin: _Line(bare if origin.is_stranger else tls, proxy), limits)


class _Line(httpx.AsyncBaseTransport):
    """One connection; a new one, once it was closed."""

    def __init__(self, tls: ssl.SSLContext, proxy: str | None) -> None:
        self._tls, self._proxy = tls, proxy
        self._session: aiohttp.ClientSession | None = None
        self._resolver: Any = None  # it belongs to an event loop, as the session does

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._session is None:
            self._resolver = _Resolver()
            tcp = aiohttp.TCPConnector(
                limit=1,
                ssl=self._tls,
                keepalive_timeout=3600.0,
                resolver=self._resolver,
                use_dns_cache=False,  # each name is looked up, and checked, for each connection
            )
            jar = aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(
                connector=tcp, cookie_jar=jar, auto_decompress=False
            )
        for _ in range(2):  # the loop notices here that the server closed what was idle
            await asyncio.sleep(0)
        self._resolver.check_peer = request.extensions.get(PEER)
        timeout = request.extensions.get("timeout", {})
        connect, body = timeout.get("connect"), _Body(request, timeout.get("write"))
        with _as_httpx(body):
            async with body.limit:
                answer = await self._session.request(
                    request.method,
                    URL(str(request.url), encoded=True),
                    headers=body.headers.multi_items(),
                    data=aiter(body) if body.length != 0 else None,
                    skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                    allow_redirects=False,
                    proxy=self._proxy,
                    timeout=aiohttp.ClientTimeout(connect=connect, sock_read=timeout.get("read")),
                )
        headers, stream = list(answer.raw_headers), _Answer(answer, body)
        # By its `network_stream` the connection of an answer is ended.
        more = {"http_version": b"HTTP/1.1", "network_stream": self}
        return httpx.Response(answer.status, headers=headers, stream=stream, extensions=more)

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class _Resolver(aiohttp.ThreadedResolver):
    """Looks up names, and checks the addresses of hosts that may be anyone's."""

    check_peer: Callable[[str], None] | None = None

    async def resolve(self, *args: Any, **kwargs: Any) -> Any:
        found = await super().resolve(*args, **kwargs)
        check = self.check_peer
        for one in found:
            if check is not None:
                check(one["host"])
        return found


class _Body:
    """The body of a request: its length is checked, as h11 does, and the time for each piece."""

    def __init__(self, request: httpx.Request, seconds: float | None) -> None:
        self.headers = httpx.Headers(request.headers)
        is_chunked = self.headers.pop("Transfer-Encoding", None)  # aiohttp sets it itself
        self.length = None if is_chunked else int(self.headers.get("Content-Length", 0))
        self.limit = asyncio.timeout(None)
        self.error: Exception | None = None
        self._stream: Any = request.stream
        self._seconds = seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sent, now = 0, asyncio.get_running_loop().time
        try:
            async for piece in self._stream:
                sent += len(piece)
                if self.length is not None and sent > self.length:
                    break
                self.limit.reschedule(now() + self._seconds if self._seconds else None)
                yield piece
            self.limit.reschedule(None)
            if self.length not in (None, sent):
                raise httpx.LocalProtocolError("not the length it had")  # noqa: TRY301  # as all
        except Exception as error:  # as of a file; aiohttp would raise one of its own for it
            self.error = error
            raise


class _Answer(httpx.AsyncByteStream):
    """The body of an answer."""

    def __init__(self, answer: aiohttp.ClientResponse, body: _Body) -> None:
        self._answer, self._body = answer, body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._body):
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        self._answer.close()  # of an answer that was read, the connection is free already


@contextmanager
def _as_httpx(body: _Body) -> Iterator[None]:
    """Turns errors into those that httpx raises with its own transports."""
    try:
        yield
    except InvalidInput:  # a ValueError too, but it is ours
        raise
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        if body.error is not None:
            raise body.error from None
        kind = next(kind for found, kind in _ERRORS if isinstance(error, found))
        raise kind(str(error)) from error
