"""Requests that are awaited side by side on asyncio: a connection each, and none looks for one."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from ssl import SSLContext
from typing import Any, TypeAlias

import httpx

from .asyncio_connection import Connection, connected, within
from .log_filters import tell
from .senders import STRAIGHT


class Lanes:
    """Lanes for requests that are in flight at the same time.

    The pool of httpx looks through all of its requests and connections whenever one of them begins
    or ends, so that 256 in flight take four times as long as one by one. Here nobody looks.

    Args:
        make: makes a lane: one that is straight, or an httpx client of one connection.
        limits: how many there are at once, how many are kept, and for how long.
    """

    def __init__(self, make: Callable[[], "AnyLane"], limits: httpx.Limits) -> None:
        self._make = make
        self._limits = limits
        self._idle: deque[tuple[AnyLane, float]] = deque()
        self._waiting: deque[asyncio.Future[AnyLane]] = deque()
        self._made = 0

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx does, and read as a whole: on the lane that was last used."""
        await self._tidy()
        lane = await self._taken(request)
        try:
            response = await lane.send(request, **options)
        finally:
            self._give_back(lane)
        await self._tidy()
        return response

    async def aclose(self) -> None:
        while self._idle:
            await self._close_one()

    async def _taken(self, request: httpx.Request) -> "AnyLane":
        if self._idle:
            return self._idle.pop()[0]
        most = self._limits.max_connections
        if most is None or self._made < most:
            lane = self._make()
            self._made += 1
            return lane
        turn: asyncio.Future[AnyLane] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await within(request.extensions.get("timeout", {}).get("pool"), turn)
        except TimeoutError:
            raise httpx.PoolTimeout("", request=request) from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back(turn.result())  # it had its turn in the same moment
            raise

    def _give_back(self, lane: "AnyLane") -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(lane)
                return
        self._idle.append((lane, time.monotonic()))

    async def _tidy(self) -> None:
        """Closes what is too many to keep, or has been idle for too long."""
        while self._idle and self._is_surplus(self._idle[0][1]):
            await self._close_one()

    def _is_surplus(self, since: float) -> bool:
        kept, expiry = self._limits.max_keepalive_connections, self._limits.keepalive_expiry
        many = kept is not None and len(self._idle) > kept
        return many or (expiry is not None and time.monotonic() - since > expiry)

    async def _close_one(self) -> None:
        self._made -= 1
        await self._idle.popleft()[0].aclose()


class Lane:
    """One connection, and the straight way to it.

    httpx and httpcore take a request through a dozen layers, for auth, hooks, proxies, redirects
    and more. What needs none of them, and is read as a whole, is written and read here at once.

    Args:
        tls: how servers are verified.
        make: makes an httpx client of one connection, for requests that need its ways: those that
            generated functions make, and those that have to choose their connection.
    """

    def __init__(self, tls: SSLContext, make: Callable[[], httpx.AsyncClient]) -> None:
        self._tls = tls
        self._make = make
        self._connection: Connection | None = None
        self._client: httpx.AsyncClient | None = None

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        if options != STRAIGHT or not request.extensions.keys() <= {"timeout"}:
            return await self._by_httpx().send(request, **options)
        try:
            connection = await self._reaching(request)
            response = await connection.exchange(request)
        except httpx.RequestError as error:
            error.request = request
            raise
        tell(request, response)
        return response

    async def aclose(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            await asyncio.sleep(0)  # until it is
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _by_httpx(self) -> httpx.AsyncClient:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._client is None:
            self._client = self._make()
        return self._client

    async def _reaching(self, request: httpx.Request) -> Connection:
        url = request.url
        origin = (url.scheme, url.raw_host.decode("ascii"), url.port)
        if self._connection is None or not self._connection.leads_to(origin):
            await self.aclose()
            timeout = request.extensions.get("timeout", {}).get("connect")
            self._connection = await connected(origin, self._tls, timeout)
        return self._connection


AnyLane: TypeAlias = Lane | httpx.AsyncClient
