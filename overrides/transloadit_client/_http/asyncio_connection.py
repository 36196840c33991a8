"""A connection over HTTP/1.1, on asyncio: a request, its answer, and the next.

h11 writes and reads the protocol, as it does for httpx. What stands between the two there serves
streams, several event loops and HTTP/2; without it a call takes half the time.
"""

import asyncio
from ssl import SSLContext
from typing import Any, TypeAlias, TypeVar, cast

import h11
import httpx

T = TypeVar("T")

Origin: TypeAlias = tuple[str, str, int | None]
"""Scheme, host, and the port if it is not the scheme's own."""

_NEXT_ADDRESS = 0.25  # seconds until the host's next address is tried as well, as RFC 8305 says
_LONGEST_HEAD = 100 * 1024  # bytes, as in httpcore


async def within(seconds: float | None, future: "asyncio.Future[T]") -> T:
    """Awaits a future that nobody else awaits, in half the time that `asyncio.timeout` takes.

    Raises:
        TimeoutError: it took longer.
    """
    if seconds is None:
        return await future
    alarm = future.get_loop().call_later(seconds, _give_up, future)
    try:
        return await future
    finally:
        alarm.cancel()


def _give_up(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())


async def connected(origin: Origin, tls: SSLContext, seconds: float | None) -> "Connection":
    """A new connection.

    Raises:
        httpx.ConnectTimeout, httpx.ConnectError: there is none to be had.
    """
    scheme, host, port = origin
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {}
    if scheme != "http":
        tls.set_alpn_protocols(["http/1.1"])  # as all do that share this context; see `tls_context`
        options = {"ssl": tls, "server_hostname": host}
    port = port or (443 if options else 80)
    if isinstance(loop, asyncio.BaseEventLoop):  # others, such as uvloop, try one after the other
        options["happy_eyeballs_delay"] = _NEXT_ADDRESS
    try:
        async with asyncio.timeout(seconds):
            _, connection = await loop.create_connection(
                lambda: Connection(origin), host, port, **options
            )
    except TimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError) as error:  # the latter of a host that cannot be one
        raise httpx.ConnectError(str(error)) from error
    return connection


class Connection(asyncio.Protocol):
    """One that stands; see `connected`. It serves one request at a time."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._change: asyncio.Future[None] | None = None
        self._full = self._heard = self._ended = False
        self._broken: Exception | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def data_received(self, data: bytes) -> None:
        if self._http.our_state is h11.IDLE:
            self.close()  # nobody asked, and nobody would read it
        else:
            self._heard = True
            self._http.receive_data(data)
            self._changed()

    def eof_received(self) -> None:
        self._ended = True
        self._http.receive_data(b"")
        self._changed()

    def connection_lost(self, exc: Exception | None) -> None:
        self._broken = exc
        self.eof_received()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._changed()

    def leads_to(self, origin: Origin) -> bool:
        """Whether a request to there can be sent on it, from the event loop that runs.

        Not where something came unasked: it would be taken for the answer to the next request.
        """
        return (
            origin == self._origin
            and not (self._ended or self._http.trailing_data[0] or self._transport.is_closing())
            and self._loop is asyncio.get_running_loop()
        )

    def close(self) -> None:
        if not self._loop.is_closed():
            self._transport.abort()

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """Sends a request, and reads the whole answer. Whatever goes wrong ends the connection.

        Raises:
            httpx.RequestError: as httpx itself would.
        """
        self._heard = False
        timeouts = request.extensions.get("timeout", {})
        try:
            await self._say(request, timeouts.get("write"))
            response = await self._hear(timeouts.get("read"))
            response.request = request
            response.read()
        except h11.LocalProtocolError as error:
            self.close()
            raise httpx.LocalProtocolError(str(error)) from error
        except h11.RemoteProtocolError as error:
            self.close()
            raise self._failure(error) from error
        except BaseException:
            self.close()
            raise
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        return response

    async def _say(self, request: httpx.Request, seconds: float | None) -> None:
        """Sends the request, or what of it is wanted: a server may answer and hang up meanwhile."""
        target, headers = request.url.raw_path, request.headers.raw
        head = h11.Request(method=request.method, target=target, headers=headers)
        written = self._http.send(head)
        async for piece in cast("httpx.AsyncByteStream", request.stream):
            # The head goes along with the first piece, since each write costs a system call.
            self._transport.write(written + self._http.send(h11.Data(data=piece)))
            written = b""
            while self._full and not self._ended:
                await self._until_changed(seconds, httpx.WriteTimeout)
            if self._ended:
                return
        self._transport.write(written + self._http.send(h11.EndOfMessage()))

    async def _hear(self, seconds: float | None) -> httpx.Response:
        events: list[Any] = []
        while not (events and isinstance(events[-1], h11.EndOfMessage)):
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                await self._until_changed(seconds, httpx.ReadTimeout)
            else:
                events.append(event)
        head = next(event for event in events if isinstance(event, h11.Response))
        body = b"".join(event.data for event in events if isinstance(event, h11.Data))
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=httpx.ByteStream(body),
            extensions={
                "http_version": b"HTTP/" + head.http_version,
                "reason_phrase": head.reason,
                "abandon": self.close,
            },
        )

    def _failure(self, error: h11.RemoteProtocolError) -> httpx.RequestError:
        if self._broken is not None:
            return httpx.ReadError(str(self._broken))
        return httpx.RemoteProtocolError(
            str(error) if self._heard else "the server hung up before it answered"
        )

    def _changed(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    async def _until_changed(
        self, seconds: float | None, late: type[httpx.TimeoutException]
    ) -> None:
        self._change = self._loop.create_future()
        try:
            await within(seconds, self._change)
        except TimeoutError as error:
            raise late(str(error)) from error
