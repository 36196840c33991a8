"""The pool of connections for awaited requests: the twin of `pool`, with a state per event loop.

A connection belongs to the event loop it was opened in. A program may have many: one after the
other (`asyncio.run` in a script, a notebook, Django's `async_to_sync`), or one in each thread.
"""

import asyncio
import concurrent.futures.thread  # noqa: F401  # asyncio would, for the first host name
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import anyio
import httpx
from sniffio import current_async_library

from .pool_state import APART, CONNECTED, PEER, Line, Origin, PoolState, Turn, origin_of

# anyio would import it on the first call, and hold up the event loop meanwhile.
with suppress(ImportError):  # the name is anyio's own business
    import anyio._backends._asyncio

_State = PoolState[httpx.AsyncBaseTransport, anyio.Event]
_Turn = Turn[httpx.AsyncBaseTransport, anyio.Event]


class AsyncPool(httpx.AsyncBaseTransport):
    """Gives each request an httpx transport of one connection; see `pool_state`.

    Args:
        make: makes an httpx transport of one connection, for requests to an origin.
        limits: how many connections an event loop has, how many are kept, and for how long.
        shared: see `PoolState`.
    """

    def __init__(
        self,
        make: Callable[[Origin], httpx.AsyncBaseTransport],
        limits: httpx.Limits,
        *,
        shared: bool = False,
    ) -> None:
        self._make = make
        self._shared = shared
        self._limits = limits
        # Weakly: a loop that is gone takes its connections along, and a test suite makes thousands
        # of them.
        self._states: WeakKeyDictionary[Any, tuple[_State, AsyncGenerator[None]]] = (
            WeakKeyDictionary()
        )
        # Of `threading`, for loops in several threads; it is never held across an `await`.
        self._lock = threading.Lock()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        state = await self._here()
        line = await self._line(state, request)
        if PEER in request.extensions:
            request.extensions["trace"] = partial(_check_peer, request.extensions[PEER])
        try:
            response = await line.transport.handle_async_request(request)
        except BaseException:
            await _closed(state.give_back(line))
            raise
        response.stream = _Body(response.stream, lambda: self._give_back(state, line))
        return response

    async def aclose(self) -> None:
        self._closed = True
        # Only those of this loop: sockets of another one may not be touched from here.
        state, keeper = self._states.pop(running_loop(), (None, None))
        if state is not None and keeper is not None:
            await keeper.aclose()

    async def _here(self) -> _State:
        """The state that belongs to the running event loop."""
        loop = running_loop()
        with self._lock:
            found = self._states.get(loop)
            if found is not None:
                return found[0]
            for other in list(self._states):  # such as ended without a shutdown
                if isinstance(other, asyncio.AbstractEventLoop) and other.is_closed():
                    del self._states[other]
            state = _State(self._limits, anyio.Event, shared=self._shared)
            keeper = _keep(state)
            self._states[loop] = state, keeper
        # Runs to its `yield`: event loops shut down only those generators that have begun.
        await anext(keeper)
        return state

    async def _line(self, state: _State, request: httpx.Request) -> Line[httpx.AsyncBaseTransport]:
        origin = origin_of(request)
        if request.extensions.get(APART):
            return Line(origin, self._make(origin), apart=True)
        turn = state.take(origin)
        if turn.granted is not None:
            await _wait(state, turn, turn.granted, request)
        await _closed(turn.leaving)
        try:
            return turn.line or state.made(Line(origin, self._make(origin)))
        except BaseException:
            state.give_back(None)
            raise

    async def _give_back(self, state: _State, line: Line[httpx.AsyncBaseTransport]) -> None:
        await _closed(state.give_back(line))
        if self._closed:
            await _closed(state.drain())


async def _wait(state: _State, turn: _Turn, granted: anyio.Event, request: httpx.Request) -> None:
    try:
        with anyio.fail_after(request.extensions.get("timeout", {}).get("pool")):
            await granted.wait()
    except TimeoutError:
        if state.give_up(turn):
            raise httpx.PoolTimeout("no connection became free") from None
    except BaseException:  # canceled, perhaps in the moment in which its turn came
        if not state.give_up(turn):
            await _closed(turn.leaving)
            await _closed(state.give_back(turn.line))
        raise


async def _check_peer(check_peer: Callable[[str], None], step: str, details: Any) -> None:
    """httpcore tells each step of a request: here its new connection, before anything is sent."""
    if step == CONNECTED:
        stream = details["return_value"]
        try:
            check_peer(stream.get_extra_info("server_addr")[0])
        except BaseException:
            await stream.aclose()
            raise


async def _keep(state: _State) -> AsyncGenerator[None]:
    """Closes the idle connections when the event loop is shut down.

    That is what event loops do with asynchronous generators that nobody has finished: `asyncio.run`
    and its like call `shutdown_asyncgens` while the loop can still close sockets. Afterwards it is
    too late: closing them would raise "Event loop is closed".
    """
    try:
        yield
    finally:
        await _closed(state.drain())


async def _closed(lines: list[Line[httpx.AsyncBaseTransport]]) -> None:
    """Closes connections that serve no request. However that ends, it is no concern of a call."""
    if not lines:
        return
    # A canceled call would otherwise leave half-closed sockets behind.
    with anyio.CancelScope(shield=True):
        for line in lines:
            with suppress(Exception):
                await line.transport.aclose()


def running_loop() -> Any:
    """The event loop that runs in this thread: asyncio's, or what stands for trio's."""
    # trio has no loop object; its token is one for each run, and can be referred to weakly.
    if current_async_library() == "trio":
        return sys.modules["trio"].lowlevel.current_trio_token()
    return asyncio.get_running_loop()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, whose end makes its connection free."""

    def __init__(self, stream: Any, end: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._end: Callable[[], Awaitable[None]] | None = end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        end, self._end = self._end, None
        try:
            await self._stream.aclose()
        finally:
            if end is not None:
                await end()
