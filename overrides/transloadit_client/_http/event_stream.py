"""The stream of an Assembly's events, heard beside the pauses of whoever waits for it.

Each stream has a connection of its own, which is not counted: thousands of them must not keep the
calls from theirs. What is heard decides nothing; `_waiting` does.
"""

import json
import os
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from typing import Any, Self

import httpx
from httpx_sse import EventSource

from .._flow import CLOSED, OPENED, Event, Listen, Pause
from .pool_state import APART
from .watchdog import WATCH, Watch

_HEADERS = {
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-store",
}
_LARGEST = 4 * 1024 * 1024  # bytes of an event; one that holds a file's metadata has some kilobytes
BACKLOG = 256  # events; a stream that talks faster than it is heard has to wait

# A server that says nothing for minutes may be gone, and a new connection will tell.
_TIMEOUT = httpx.Timeout(300.0, connect=10.0)


def most_streams(system: str) -> int:
    """How many streams this process may hold: half of its descriptors are for all the rest."""
    if system != "posix":
        return 10_000  # only there are sockets counted
    resource = import_module("resource")
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 10_000 if limit == resource.RLIM_INFINITY else max(1, limit // 2)


SLOTS = threading.BoundedSemaphore(most_streams(os.name))


def event_of(event: str, data: str) -> Event:
    """What an event says. The kind of one without a name is its data."""
    if event in ("", "message"):
        return Event(data)
    try:
        return Event(event, json.loads(data))
    except (ValueError, RecursionError):
        return Event(event)


def has_events(response: httpx.Response) -> bool:
    """Whether an answer is a stream of events that came as it is: a packed one could be a bomb."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    packed = response.headers.get("Content-Encoding", "identity").strip().lower() != "identity"
    return response.status_code == 200 and kind == "text/event-stream" and not packed


class Ceiling:
    """Ends a stream whose event never ends, before it fills the memory."""

    def __init__(self) -> None:
        self._since_end = 0
        self._before = b""  # an event may end in the middle of its empty line

    def check(self, piece: bytes) -> bytes:
        """The piece; raises if the present event is too large."""
        text = self._before + piece
        last = max(text.rfind(end) for end in (b"\n\n", b"\r\r", b"\n\r\n"))
        self._since_end = len(text) - last if last >= 0 else self._since_end + len(piece)
        self._before = text[-2:]
        if self._since_end > _LARGEST:
            raise httpx.DecodingError("an event of the stream has no end")
        return piece


class Bounded(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a stream of events, with a ceiling on each event."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._ceiling = Ceiling()

    def __iter__(self) -> Iterator[bytes]:
        return map(self._ceiling.check, self._stream)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield self._ceiling.check(piece)

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Listener:
    """Carries out the pauses of one wait, and listens meanwhile.

    Args:
        http: builds the request for a stream, and sends it.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._stream: _Stream | None = None

    def pause(self, pause: Pause) -> Event | None:
        """Waits; returns the event that ended a `Listen` early."""
        if not isinstance(pause, Listen):
            time.sleep(pause.seconds)
            return None
        if self._stream is None:
            request = request_for(self._http, pause.url)
            if not SLOTS.acquire(blocking=False):
                return Event(CLOSED)
            self._stream = _Stream(self._http, request)
        event = self._stream.next(pause.seconds)
        if event is not None and event.kind == CLOSED:
            self._hang_up()
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class _Stream:
    """A stream that is read on a thread of its own, since a read cannot be given up."""

    def __init__(self, http: httpx.Client, request: httpx.Request) -> None:
        self._http = http
        self._request = request
        self._events: queue.Queue[Event] = queue.Queue(BACKLOG)
        self._closed = threading.Event()
        self._watch = request.extensions[WATCH] = Watch(float("inf"))
        # A daemon: a stream may be silent for minutes, and a program must be able to end.
        threading.Thread(target=self._read, name="transloadit-events", daemon=True).start()

    def next(self, seconds: float) -> Event | None:
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Ends the thread, as soon as it is out of whatever it is in."""
        self._closed.set()
        self._watch.end()

    def _read(self) -> None:
        try:
            # Whatever breaks a stream, the status tells how things are.
            with suppress(Exception):
                response = self._http.send(self._request, stream=True, follow_redirects=False)
                try:
                    self._listen(response)
                finally:
                    response.close()
        finally:
            SLOTS.release()
        self._say(Event(CLOSED))

    def _listen(self, response: httpx.Response) -> None:
        if not has_events(response):
            return
        self._say(Event(OPENED))
        response.stream = Bounded(response.stream)
        events = EventSource(response).iter_sse()
        for event in takewhile(lambda _: not self._closed.is_set(), events):
            self._say(event_of(event.event, event.data))

    def _say(self, event: Event) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                # A second at a time, to notice that the wait has ended.
                self._events.put(event, timeout=1.0)
                return


def request_for(http: httpx.Client | httpx.AsyncClient, url: str) -> httpx.Request:
    """The request for a stream, which has a connection to itself, and never ends by itself."""
    request = http.build_request("GET", url, headers=_HEADERS, timeout=_TIMEOUT)
    request.extensions[APART] = True
    return request
