"""The stream of an Assembly's events, heard beside the pauses of whoever waits for it.

Each stream has a connection of its own, in no pool: thousands of them must not keep the calls from
theirs. What is heard decides nothing; `_waiting` does.
"""

import json
import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from typing import Self, TypeVar

import httpx
from httpx_sse import EventSource

from .._flow import Pause
from .._waiting.wait import CLOSED, OPENED, Listen, Word
from .log_filters import OurRequest

C = TypeVar("C", httpx.Client, httpx.AsyncClient)

_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
BACKLOG = 256  # words; a stream that talks faster than it is heard has to wait

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


def word_of(event: str, data: str) -> Word:
    """What an event says. The kind of one without a name is its data."""
    if event in ("", "message"):
        return Word(data)
    try:
        return Word(event, json.loads(data))
    except (ValueError, RecursionError):
        return Word(event)


def has_events(response: httpx.Response) -> bool:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return response.status_code == 200 and kind == "text/event-stream"


class Listener:
    """Carries out the pauses of one wait, and listens meanwhile.

    Args:
        http: builds the request for a stream.
        connect: makes an httpx client that a stream can have for itself; None if there is no way.
    """

    def __init__(self, http: httpx.Client, connect: Callable[[], httpx.Client | None]) -> None:
        self._http = http
        self._connect = connect
        self._stream: _Stream | None = None

    def pause(self, pause: Pause) -> Word | None:
        """Waits; returns the word that ended a `Listen` early."""
        if not isinstance(pause, Listen):
            time.sleep(pause.seconds)
            return None
        if self._stream is None:
            if (client := alone(self._connect)) is None:
                return Word(CLOSED)
            self._stream = _Stream(client, request_for(self._http, pause.url))
        word = self._stream.next(pause.seconds)
        if word is not None and word.kind == CLOSED:
            self._hang_up()
        return word

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

    def __init__(self, client: httpx.Client, request: httpx.Request) -> None:
        self._client = client
        self._request = request
        self._words: queue.Queue[Word] = queue.Queue(BACKLOG)
        self._closed = threading.Event()
        self._socket: socket.socket | None = None
        threading.Thread(target=self._read, name="transloadit-events", daemon=True).start()

    def next(self, seconds: float) -> Word | None:
        try:
            return self._words.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Ends the thread, as soon as it is out of whatever it is in."""
        self._closed.set()
        if self._socket is not None:
            with suppress(OSError):  # it may be closed already
                # Not the method of an `ssl.SSLSocket`: it would touch what the thread is using.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _read(self) -> None:
        try:
            # Whatever breaks a stream, the status tells how things are.
            with suppress(Exception), self._client:
                with OurRequest():
                    response = self._client.send(self._request, stream=True)
                try:
                    self._listen(response)
                finally:
                    response.close()
        finally:
            SLOTS.release()
        self._say(Word(CLOSED))

    def _listen(self, response: httpx.Response) -> None:
        if not has_events(response):
            return
        stream = response.extensions.get("network_stream")
        self._socket = stream and stream.get_extra_info("socket")
        self._say(Word(OPENED))
        events = EventSource(response).iter_sse()
        for event in takewhile(lambda _: not self._closed.is_set(), events):
            self._say(word_of(event.event, event.data))

    def _say(self, word: Word) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._words.put(word, timeout=1.0)
                return


def alone(connect: Callable[[], C | None]) -> C | None:
    """A client for one stream, which then has to release its slot."""
    if not SLOTS.acquire(blocking=False):
        return None
    client = connect()
    if client is None:
        SLOTS.release()
    return client


def request_for(http: httpx.Client | httpx.AsyncClient, url: str) -> httpx.Request:
    return http.build_request("GET", url, headers=_HEADERS, timeout=_TIMEOUT)
