"""The connections of a client and of its copies: made when first used, or the caller's own."""

# What a first call would import, and hold up an event loop meanwhile:
import encodings.idna  # noqa: F401  # socket and ssl, for the first host name
import functools
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import httpcore  # noqa: F401  # httpx's transports
import httpx

from .._errors import InvalidInput
from .._locks import Lock
from .environment import Proxies, check_certificates
from .pool import Pool
from .settings import checked_args, checked_verify
from .tls import without_certificate

if TYPE_CHECKING:
    from anyio import Semaphore

    from .pool_state import Origin

# A host is reached within seconds or not at all. Uploads and answers may pause, but not for
# minutes: the longest wait is that of a Notification's replay, which waits for the receiver. How
# long a request waits for a connection is up to the deadline of its call: it is no fault.
DEFAULT_TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)

# At most 20 status reads of waits run at a time, so that waiting never starves other calls.
_READS_AT_ONCE = 20
# httpx's own, which it does not export.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0)
_OF_TRANSPORTS = {
    "verify", "cert", "trust_env", "http1", "http2", "limits", "proxy", "transport",
}  # fmt: skip
# For connections without TLS: httpx would load all certificates for each, in 20 ms.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Connections:
    """What carries the requests of a client and of its copies.

    Args:
        verify: as httpx takes it; also a CA file or a folder of them.
        httpx_args: the caller's settings for httpx's clients.
        own_sync: an httpx client of the caller's own, for blocking calls.
        own_asynchronous: one for awaited calls.

    Raises:
        InvalidInput: a setting, or a variable of the environment, cannot be used.
    """

    def __init__(
        self,
        verify: str | bool | ssl.SSLContext,
        httpx_args: Mapping[str, Any],
        own_sync: httpx.Client | None = None,
        own_asynchronous: httpx.AsyncClient | None = None,
    ) -> None:
        # Here and not at the first call, so that the traceback shows the line with the mistake.
        args = checked_args(httpx_args)
        self.own_sync = own_sync
        self.own_asynchronous = own_asynchronous
        self._args = args
        self._verify = checked_verify(args.get("verify", verify))
        self._trust_env = bool(args.get("trust_env", True))
        self._limits: httpx.Limits = args.get("limits") or LIMITS
        if isinstance(self._verify, str) or args.get("cert"):
            _ = self._tls  # what is wrong with a path is told where it was given
        elif self._verify is True and self._trust_env and not args.get("transport"):
            check_certificates()
        # A transport or proxy that was given goes before the environment, as it does in httpx.
        reads_proxies = self._trust_env and not {"transport", "proxy"} & args.keys()
        self._proxies = Proxies() if reads_proxies else None
        self._lock = Lock()
        self._is_closed = False
        self._pool: httpx.BaseTransport | None
        self._async_pool: httpx.AsyncBaseTransport | None
        self._forget()

    @property
    def are_the_callers(self) -> bool:
        """Whether they go through an httpx client of the caller's own."""
        return self.own_sync is not None or self.own_asynchronous is not None

    @property
    def are_apart(self) -> bool:
        """Whether a request can have a connection to itself, for as long as it takes."""
        return not (self.are_the_callers or {"transport", "mounts"} & self._args.keys())

    @property
    def are_direct(self) -> bool:
        """Whether names are looked up here, and not by a proxy or a transport of the caller's."""
        transport = self._args.get("transport")
        if transport is not None:
            return bool(getattr(transport, "looks_up_names", False))  # as ours over aiohttp does
        through = self._args.get("proxy") or (self._proxies and self._proxies.are_any)
        return self.are_apart and not through

    def proxy_for(self, url: httpx.URL) -> str | None:
        """The proxy on the way to a URL, without user and password; None for none, or unknown."""
        if not self.are_apart:
            return None
        proxy = self._proxy(url.scheme, url.host, url.port)
        return None if proxy is None else str(proxy.url)

    def options(self) -> dict[str, Any]:
        """The arguments of an httpx client beside those of its transport."""
        return {name: value for name, value in self._args.items() if name not in _OF_TRANSPORTS}

    def transport(self) -> httpx.BaseTransport:
        """What sends blocking requests."""
        with self._lock:
            self._look_around()
            pool: httpx.BaseTransport = (
                self._pool or self._args.get("transport") or Pool(self._connection, self._limits)
            )
            self._pool = pool
            return pool

    def async_transport(self) -> httpx.AsyncBaseTransport:
        """What sends awaited requests."""
        from .async_pool import AsyncPool  # noqa: PLC0415  # asyncio takes as long as httpx

        with self._lock:
            self._look_around()
            pool: httpx.AsyncBaseTransport = (
                self._async_pool
                or self._args.get("transport")
                or AsyncPool(self._async_connection, self._limits, shared=self._http2)
            )
            self._async_pool = pool
            return pool

    def queue(self) -> BoundedSemaphore:
        """Where the status reads of waits queue."""
        with self._lock:
            self._look_around()
            return self._queue

    def async_queue(self) -> "Semaphore":
        """The asynchronous twin of `queue`; each event loop has its own."""
        from anyio import Semaphore  # noqa: PLC0415  # asyncio takes as long as httpx

        from .async_pool import running_loop  # noqa: PLC0415

        with self._lock:
            self._look_around()
            return self._async_queues.setdefault(running_loop(), Semaphore(_READS_AT_ONCE))

    def over(
        self, sync: httpx.Client | None = None, asynchronous: httpx.AsyncClient | None = None
    ) -> "Connections":
        """The same settings, over an httpx client of the caller's own."""
        return Connections(
            self._verify,
            self._args,
            sync or self.own_sync,
            asynchronous or self.own_asynchronous,
        )

    def close(self) -> None:
        """Closes what was made here; the caller's own client is the caller's to close."""
        self._is_closed = True
        for transport in (self._pool, *(self._args.get("mounts") or {}).values()):
            if isinstance(transport, httpx.BaseTransport):
                transport.close()

    async def aclose(self) -> None:
        """The asynchronous twin of `close`."""
        self._is_closed = True
        for transport in (self._async_pool, *(self._args.get("mounts") or {}).values()):
            if isinstance(transport, httpx.AsyncBaseTransport):
                await transport.aclose()

    @property
    def _http2(self) -> bool:
        return bool(self._args.get("http2"))

    def _connection(self, origin: "Origin") -> httpx.HTTPTransport:
        return httpx.HTTPTransport(**self._transport_options(origin, self._one))

    def _async_connection(self, origin: "Origin") -> httpx.AsyncHTTPTransport:
        limits = self._limits if self._http2 else self._one  # HTTP/2 carries many at a time
        return httpx.AsyncHTTPTransport(**self._transport_options(origin, limits))

    @property
    def _one(self) -> httpx.Limits:
        return httpx.Limits(
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=self._limits.keepalive_expiry,
        )

    def _transport_options(self, origin: "Origin", limits: httpx.Limits) -> dict[str, Any]:
        return {
            "http1": self._args.get("http1", True),
            "http2": self._http2,
            "limits": limits,
            "proxy": self._proxy(origin.scheme, origin.host, origin.port),
            "verify": self._verify_for(origin),
        }

    def _proxy(self, scheme: str, host: str, port: int | None) -> httpx.Proxy | None:
        given: httpx.Proxy | None = self._args.get("proxy")
        return self._proxies(scheme, host, port) if self._proxies else given

    def _verify_for(self, origin: "Origin") -> ssl.SSLContext:
        if origin.scheme != "https":
            return _NO_TLS
        return self._tls_for_strangers if origin.is_stranger else self._tls

    @functools.cached_property
    def _tls_for_strangers(self) -> ssl.SSLContext:
        """Trusts whom `_tls` trusts, and has no client certificate."""
        if isinstance(self._verify, ssl.SSLContext):
            return without_certificate(self._verify)
        has_none = not self._args.get("cert")
        return self._tls if has_none else _context(self._verify, trust_env=self._trust_env)

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        """A TLS context of this client's alone, since each new connection writes to its context."""
        cert = self._args.get("cert")
        if cert and isinstance(self._verify, ssl.SSLContext):
            raise InvalidInput(
                "there are both an SSLContext and httpx_args['cert']: load the certificate into the"
                " context, with its load_cert_chain"
            )
        try:
            context = _context(self._verify, trust_env=self._trust_env)
            if cert:
                context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
        except (OSError, TypeError, ValueError) as error:  # an SSLError is an OSError
            by_default = self._verify is True and self._trust_env
            file = os.environ.get("SSL_CERT_FILE") if by_default else None
            given = f"SSL_CERT_FILE={file!r}" if file else f"verify_ssl={self._verify!r}"
            given += f" and cert={cert!r}" if cert else ""
            raise InvalidInput(f"the certificates of {given} cannot be used: {error}") from error
        return context

    def _look_around(self) -> None:
        """Whether requests can be sent from here. A forked process leaves its parent's sockets."""
        if self._is_closed:
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        if self._process != os.getpid():
            self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._pool = self._async_pool = None
        self._queue = BoundedSemaphore(_READS_AT_ONCE)
        self._async_queues: WeakKeyDictionary[Any, Semaphore] = WeakKeyDictionary()


class Carrier(httpx.BaseTransport):
    """The transport of our httpx clients: the connections that copies share."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._connections.transport().handle_request(request)


class AsyncCarrier(httpx.AsyncBaseTransport):
    """The asynchronous twin of `Carrier`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._connections.async_transport().handle_async_request(request)


def _context(verify: str | bool | ssl.SSLContext, *, trust_env: bool) -> ssl.SSLContext:
    """How servers are verified, in any of httpx's ways."""
    if verify is True and not trust_env:
        import certifi  # noqa: PLC0415  # httpx imports it as late

        verify = certifi.where()
    folders = os.environ.get("SSL_CERT_DIR")
    if verify is True and folders and not os.environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(capath=folders)  # httpx 0.27 takes it as one folder
    if not isinstance(verify, str):
        # By its name: httpx 0.27 has another argument in front of it.
        return httpx.create_ssl_context(verify=verify, trust_env=trust_env)
    file, folder = (None, verify) if Path(verify).is_dir() else (verify, None)
    if trust_env:
        return ssl.create_default_context(cafile=file, capath=folder)
    # The default context would write the keys of its connections to `SSLKEYLOGFILE`.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file, folder)
    return context
