"""Which connections of a pool are free, and whose turn is next. Nothing here waits or does HTTP.

httpx's own pool looks through all of its requests and connections whenever one of them begins or
ends, so a request costs four times as much CPU with 256 in flight as alone. Here every request has
an httpx transport with a single connection to itself, and nothing is searched.
"""

import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import httpx
from attrs import define, field

T = TypeVar("T")
E = TypeVar("E", bound="Event")

PEER = "transloadit_client.check_peer"
"""The name of a request's extension: a function that raises for an address it must not go to."""

APART = "transloadit_client.apart"
"""The name of a request's extension: True for a new connection that is not kept, nor counted."""

STRANGER = "transloadit_client.stranger"
"""The name of a request's extension: True where the host may be anyone's, as for a result."""


class Origin(NamedTuple):
    """Where a connection leads.

    Attributes:
        scheme, host: of a URL.
        port: None for the scheme's own.
        is_stranger: whether the host may be anyone's, so that it is shown no client certificate.
    """

    scheme: str
    host: str
    port: int | None
    is_stranger: bool


CONNECTED = "connection.connect_tcp.complete"
"""What httpcore calls the step after which a connection stands, before anything is sent on it."""


def origin_of(request: httpx.Request) -> Origin:
    """Where a request goes."""
    url, is_stranger = request.url, bool(request.extensions.get(STRANGER))
    return Origin(url.scheme, url.host, url.port, is_stranger)


@define(eq=False)
class Line(Generic[T]):
    """An httpx transport that holds at most one connection.

    Attributes:
        origin: where its connection leads.
        transport: the transport.
        apart: whether it serves one request alone, and is not counted.
    """

    origin: Origin
    transport: T
    apart: bool = False
    _stream: Any = None

    def trace(
        self,
        check_peer: Callable[[str], None] | None,
        check_ended: Callable[[], None],
        step: str,
        details: Any,
    ) -> None:
        """httpcore tells each step of a request, among them a new connection."""
        if not step.endswith((".connect_tcp.complete", ".start_tls.complete")):
            return
        self._stream = details["return_value"]
        try:
            check_ended()  # a wait that ended while it connected left nothing to hang up yet
            if check_peer is not None and step == CONNECTED:
                check_peer(self._stream.get_extra_info("server_addr")[0])
        except BaseException:
            self._stream.close()
            raise

    def hang_up(self) -> None:
        """Shuts the connection down, which ends a read in another thread."""
        connection = self._stream and self._stream.get_extra_info("socket")
        with suppress(OSError):  # it may be closed already
            if isinstance(connection, socket.SocketType):
                # Not the method of an `ssl.SSLSocket`: it would touch what the thread is using.
                socket.SocketType.shutdown(connection, socket.SHUT_RDWR)
            elif connection is not None:  # eventlet's are sockets of their own, and so are threads
                connection.shutdown(socket.SHUT_RDWR)


class Event(Protocol):
    """One of `threading` or `anyio`."""

    def set(self) -> object: ...


@define(eq=False)
class Turn(Generic[T, E]):
    """What a request gets: a line that is free, leave to make one, or an event to wait for.

    Attributes:
        origin: where the request goes.
        line: what was free; None for leave to make a new one.
        granted: set once it is its turn; None where it is at once.
        leaving: lines that have to be closed first.
    """

    origin: Origin
    line: Line[T] | None = None
    granted: E | None = None
    leaving: list[Line[T]] = field(factory=list)


class PoolState(Generic[T, E]):
    """The lines of one pool. Safe to share between threads.

    Args:
        limits: as httpx has them; `keepalive_expiry` is looked at whenever a line becomes free.
        event: makes an event, for a request that has to wait.
        shared: whether requests share a line, since HTTP/2 carries many over one connection.
    """

    def __init__(self, limits: httpx.Limits, event: Callable[[], E], *, shared: bool) -> None:
        self._event = event
        self._shared: dict[Origin, Line[T]] | None = {} if shared else None
        self._most = limits.max_connections
        self._most_idle = limits.max_keepalive_connections
        self._expiry = limits.keepalive_expiry
        self._lock = threading.Lock()
        self._idle: dict[Line[T], float] = {}  # since when; the oldest comes first
        self._waiting: OrderedDict[Turn[T, E], E] = OrderedDict()
        self._count = 0

    def take(self, origin: Origin) -> Turn[T, E]:
        """The turn of a request: the line that was used last, if there is one, and so on."""
        turn = Turn[T, E](origin)
        with self._lock:
            if self._shared is not None:
                turn.line = self._shared.get(origin)
                return turn
            # The last one used first: it is the least likely to have been closed by the server, and
            # the others can grow old and go.
            for line in reversed(self._idle):
                if line.origin == origin:
                    del self._idle[line]
                    turn.line = line
                    return turn
            if self._most is None or self._count < self._most:
                self._count += 1
            elif self._idle:  # all of them lead elsewhere
                oldest = next(iter(self._idle))
                del self._idle[oldest]
                turn.leaving.append(oldest)
            else:
                # An event for each, and no condition for all: waking everybody to let one go on is
                # the cost that grows with what is in flight.
                turn.granted = self._waiting[turn] = self._event()
        return turn

    def made(self, line: Line[T]) -> Line[T]:
        """The line to use in the place of a new one: another request may have made it to share."""
        if self._shared is None:
            return line
        with self._lock:
            return self._shared.setdefault(line.origin, line)

    def give_up(self, turn: Turn[T, E]) -> bool:
        """Ends the wait of a request; False if its turn has just come, so that it has a line."""
        with self._lock:
            # Its turn may come in the moment in which it gives up; then there is a line to give
            # back.
            return self._waiting.pop(turn, None) is not None

    def give_back(self, line: Line[T] | None) -> list[Line[T]]:
        """Takes a line back, or the leave to make one; tells which lines have to be closed."""
        if line is not None and line.apart:
            return [line]
        with self._lock:
            if self._shared is not None:
                return []
            # To the longest waiter, so that a newcomer cannot overtake.
            if self._waiting:
                turn, granted = self._waiting.popitem(last=False)
                fits = line is not None and line.origin == turn.origin
                turn.line = line if fits else None
                turn.leaving += [] if fits or line is None else [line]
                granted.set()
                return []
            if line is None:
                self._count -= 1
                return []
            # Old connections are noticed when another one comes back: a timer would need a thread
            # or a task.
            now = time.monotonic()
            self._idle[line] = now
            surplus = [one for one, since in self._idle.items() if self._is_expired(now - since)]
            if self._most_idle is not None:
                surplus += list(self._idle)[len(surplus) : len(self._idle) - self._most_idle]
            for one in surplus:
                del self._idle[one]
            self._count -= len(surplus)
            return surplus

    def drain(self) -> list[Line[T]]:
        """All idle lines, to be closed."""
        with self._lock:
            idle, shared = list(self._idle), self._shared or {}
            lines = [*idle, *shared.values()]
            self._idle.clear()
            shared.clear()
            self._count -= len(idle)
            return lines

    def _is_expired(self, seconds: float) -> bool:
        return self._expiry is not None and seconds > self._expiry
