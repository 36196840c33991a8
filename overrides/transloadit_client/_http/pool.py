"""A pool of connections for blocking requests: an httpx transport over httpx's own transports."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx

from .pool_state import APART, PEER, Line, Origin, PoolState, Turn, origin_of
from .watchdog import WATCH

_Turn = Turn[httpx.BaseTransport, threading.Event]


class Pool(httpx.BaseTransport):
    """Gives each request an httpx transport of one connection; see `pool_state`.

    Args:
        make: makes an httpx transport of one connection, for requests to an origin.
        limits: how many connections there are, how many are kept, and for how long.
    """

    def __init__(
        self,
        make: Callable[[Origin], httpx.BaseTransport],
        limits: httpx.Limits,
    ) -> None:
        self._make = make
        # Not shared over HTTP/2 either: httpcore's HTTP/2 mixes up the frames of several threads
        # (encode/httpx issue 3072).
        self._state = PoolState[httpx.BaseTransport, threading.Event](
            limits, threading.Event, shared=False
        )
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        line = self._line(request)
        watch = request.extensions.get(WATCH)
        if watch is not None:
            watch.line = line
            check_peer = request.extensions.get(PEER)
            request.extensions["trace"] = partial(line.trace, check_peer, watch.check)
        try:
            response = line.transport.handle_request(request)
        # BaseException, as Ctrl-C and a cancellation must give the connection back as well.
        except BaseException:
            self._give_back(line)
            raise
        # The connection is busy until the body was read or dropped, not until the headers came.
        response.stream = _Body(response.stream, lambda: self._give_back(line))
        return response

    def close(self) -> None:
        # What is in use is closed when it comes back: its request may still be answered.
        self._closed = True
        for line in self._state.drain():
            line.transport.close()

    def _line(self, request: httpx.Request) -> Line[httpx.BaseTransport]:
        origin = origin_of(request)
        if request.extensions.get(APART):
            return Line(origin, self._make(origin), apart=True)
        turn = self._state.take(origin)
        if turn.granted is not None:
            self._wait(turn, turn.granted, request)
        # Closed outside of the lock: a TLS farewell may take its time.
        for line in turn.leaving:
            line.transport.close()
        try:
            return turn.line or Line(origin, self._make(origin))
        except BaseException:
            self._state.give_back(None)
            raise

    def _wait(self, turn: _Turn, granted: threading.Event, request: httpx.Request) -> None:
        try:
            its_turn = granted.wait(request.extensions.get("timeout", {}).get("pool"))
        except BaseException:  # Ctrl-C
            if not self._state.give_up(turn):
                # Its turn came all the same: what it was given goes on to the next.
                for line in turn.leaving:
                    line.transport.close()
                self._give_back(turn.line)
            raise
        if not its_turn and self._state.give_up(turn):
            raise httpx.PoolTimeout("no connection became free")

    def _give_back(self, line: Line[httpx.BaseTransport] | None) -> None:
        for one in self._state.give_back(line):
            one.transport.close()
        if self._closed:
            self.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer, whose end makes its connection free."""

    def __init__(self, stream: Any, end: Callable[[], None]) -> None:
        self._stream = stream
        self._end: Callable[[], None] | None = end

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        # httpx may close a stream twice; a connection given back twice would serve two requests.
        end, self._end = self._end, None
        try:
            self._stream.close()
        finally:
            if end is not None:
                end()
