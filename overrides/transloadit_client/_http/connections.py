"""The sockets of a client and of its copies, and what carries requests to them."""

import encodings.idna  # noqa: F401  # socket and ssl would, for the first host name
import functools
import os
import ssl
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import httpx
from sniffio import current_async_library

from .._errors import InvalidInput
from .._locks import Lock
from .senders import AsyncSender, Sender

if TYPE_CHECKING:
    from anyio import Semaphore

    from .asyncio_transport import Lanes

# A host is reached within seconds or not at all. Uploads and answers may pause, but not for
# minutes: the longest wait is that of a Notification's replay, which waits for the receiver.
DEFAULT_TIMEOUT = httpx.Timeout(60.0, connect=10.0)

# Reads that those who wait make at once, so that the calls of others find a connection. And httpx's
# pool looks at each request that queues for each of its connections whenever one is free: 2,000
# that queue there take all of a processor.
_READS_AT_ONCE = 20
# httpx's own, which it does not export.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
# A connection that nobody else gets, and that is not kept.
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=0)

# Settings that leave httpx's client nothing to do to a request on its way to the transport.
_PLAIN = {
    "cookies", "headers", "follow_redirects", "http1", "http2", "limits", "max_redirects",
    "params", "timeout", "trust_env", "verify",
}  # fmt: skip
_OF_TRANSPORTS = ("http1", "http2", "limits", "trust_env", "verify")

# Connections remember no cookie of an answer, and a redirect is given none. (Those that a client
# was given stand in its requests.) A caller's own httpx client keeps its ways.
_NO_COOKIES = DefaultCookiePolicy(allowed_domains=())


class Connections:
    """The sockets of a client and of its copies: made when first used, or the caller's own."""

    def __init__(
        self,
        verify: str | bool | ssl.SSLContext,
        httpx_args: Mapping[str, Any],
        own_sync: httpx.Client | None = None,
        own_asynchronous: httpx.AsyncClient | None = None,
    ) -> None:
        if isinstance(verify, str):
            tls_context(verify)  # what is wrong with it is to be told where it was given
        self._verify = verify
        self._httpx_args = httpx_args
        self._http2 = bool(httpx_args.get("http2"))
        self._lock = Lock()
        self._sync = self._own_sync = own_sync
        self._asynchronous = self._own_asynchronous = own_asynchronous
        self._lanes: Lanes | None = None
        self._process = os.getpid()
        self._queue = BoundedSemaphore(_READS_AT_ONCE)
        self._asynchronous_queue: Semaphore | None = None

    @property
    def are_the_callers(self) -> bool:
        """Whether they go through an httpx client of the caller's own."""
        return self._own_sync is not None or self._own_asynchronous is not None

    def sync(self) -> httpx.Client:
        with self._lock:
            self._forget_after_fork()
            if self._sync is None:
                self._sync = Sender(self._straight_transport(), **self._options())
            return self._sync

    def asynchronous(self) -> httpx.AsyncClient:
        with self._lock:
            self._forget_after_fork()
            if self._asynchronous is None:
                self._asynchronous = AsyncSender(**self._options())
            return self._asynchronous

    def queue(self) -> BoundedSemaphore:
        """Where those who wait queue for a read."""
        with self._lock:
            self._forget_after_fork()
            return self._queue

    def asynchronous_queue(self) -> "Semaphore":
        """The asynchronous twin of `queue`."""
        if self._asynchronous_queue is None:
            from anyio import Semaphore  # noqa: PLC0415  # httpx imports it as late, it costs a lot

            self._asynchronous_queue = Semaphore(_READS_AT_ONCE)
        return self._asynchronous_queue

    def lanes(self) -> "Lanes | None":
        """Where requests that are read as a whole run side by side.

        None where the caller chose what carries them, where HTTP/2 does the same with a single
        connection, on event loops other than asyncio's, and once all is closed.
        """
        with self._lock:
            self._forget_after_fork()
            open_one = self._asynchronous is not None and not self._asynchronous.is_closed
            if self._lanes is None and open_one and self._has_lanes:
                self._lanes = self._new_lanes()
            return self._lanes if open_one else None

    def for_a_stream(self) -> httpx.Client | None:
        """A client with a connection of its own, for whoever asks to close.

        None where the caller chose what carries the requests: there is no second one to be had.
        """
        if self._own_sync is not None or self._is_carried:
            return None
        return httpx.Client(**{**self._options(), "limits": _ONE})

    def for_an_asynchronous_stream(self) -> httpx.AsyncClient | None:
        """The asynchronous twin of `for_a_stream`."""
        if self._own_asynchronous is not None or self._is_carried:
            return None
        return httpx.AsyncClient(**{**self._options(), "limits": _ONE})

    def over(
        self, sync: httpx.Client | None = None, asynchronous: httpx.AsyncClient | None = None
    ) -> "Connections":
        """The same settings, over an httpx client of the caller's own."""
        return Connections(
            self._verify,
            self._httpx_args,
            sync or self._own_sync,
            asynchronous or self._own_asynchronous,
        )

    def close(self) -> None:
        """Closes what was made here; the caller's own client is the caller's to close."""
        if self._sync is not None and self._sync is not self._own_sync:
            self._sync.close()

    async def aclose(self) -> None:
        if self._asynchronous is not None and self._asynchronous is not self._own_asynchronous:
            await self._asynchronous.aclose()
        if self._lanes is not None:
            await self._lanes.aclose()

    @property
    def _is_carried(self) -> bool:
        """Whether a transport of the caller's own carries the requests."""
        return not {"transport", "mounts"}.isdisjoint(self._httpx_args)

    @property
    def _has_lanes(self) -> bool:
        other = self._own_asynchronous or self._is_carried or self._http2
        return not other and current_async_library() == "asyncio"

    @functools.cached_property
    def is_straight(self) -> bool:
        """Whether nothing stands between a request and its connection: auth, hooks, proxies."""
        proxies = self._httpx_args.get("trust_env", True) and getproxies().keys() - {"no"}
        return not (self.are_the_callers or proxies or self._httpx_args.keys() - _PLAIN)

    def _straight_transport(self) -> httpx.HTTPTransport | None:
        if not self.is_straight:
            return None
        options = self._options()
        return httpx.HTTPTransport(
            **{key: options[key] for key in _OF_TRANSPORTS if key in options}
        )

    def _new_lanes(self) -> "Lanes":
        from .asyncio_transport import Lane, Lanes  # noqa: PLC0415  # asyncio costs a lot

        limits = self._httpx_args.get("limits", _LIMITS)
        options = {**self._options(), "limits": _one_of(limits)}

        def by_httpx() -> httpx.AsyncClient:
            return AsyncSender(**options)

        def straight() -> Lane:
            return Lane(tls, by_httpx)

        tls = httpx.create_ssl_context(verify=options["verify"])
        return Lanes(straight if self.is_straight else by_httpx, limits)

    def _forget_after_fork(self) -> None:
        """A forked process must not talk on its parent's sockets."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._sync, self._asynchronous = self._own_sync, self._own_asynchronous
            self._lanes = None
            self._queue = BoundedSemaphore(_READS_AT_ONCE)

    def _options(self) -> dict[str, Any]:
        return {
            "timeout": DEFAULT_TIMEOUT,
            "verify": tls_context(self._verify, http2=self._http2),
            **self._httpx_args,
            "cookies": _jar_of(self._httpx_args.get("cookies")),
        }


def _one_of(limits: httpx.Limits) -> httpx.Limits:
    """The limits of a single one of so many connections."""
    kept = limits.max_keepalive_connections
    return httpx.Limits(
        max_connections=1,
        max_keepalive_connections=None if kept is None else min(1, kept),
        keepalive_expiry=limits.keepalive_expiry,
    )


def _jar_of(cookies: Any) -> CookieJar:
    """A jar with the cookies that were given, in any of httpx's ways, that takes no others."""
    jar = CookieJar(_NO_COOKIES)
    for cookie in httpx.Cookies(cookies).jar:
        jar.set_cookie(cookie)
    return jar


@functools.cache
def tls_context(
    verify: str | bool | ssl.SSLContext, *, http2: bool = False
) -> bool | ssl.SSLContext:
    """What httpx takes as `verify`: one context for all clients, since each costs some 20 ms.

    Those with HTTP/2 have another: each new connection sets on its context which protocols it
    offers, and one that knows HTTP/1.1 alone may be on its way by then.

    Raises:
        InvalidInput: there are no certificates at that path.
    """
    del http2  # it tells two contexts apart
    if verify is True:
        return httpx.create_ssl_context()
    if not isinstance(verify, str):
        return verify
    try:
        if Path(verify).is_dir():
            return ssl.create_default_context(capath=verify)
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise InvalidInput(f"verify_ssl is {verify!r}, which cannot be used: {error}") from error
