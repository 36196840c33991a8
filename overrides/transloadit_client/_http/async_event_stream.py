"""The stream of an Assembly's events for asynchronous code: the twin of `event_stream`."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

import httpx
from anyio import create_memory_object_stream, create_task_group, move_on_after, sleep
from httpx_sse import EventSource

from .._flow import CLOSED, OPENED, Event, Listen, Pause
from .event_stream import BACKLOG, SLOTS, Bounded, event_of, has_events, request_for


class AsyncListener:
    """The twin of `Listener` for asynchronous code."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        # A task for the read, since a cancelled read of httpx closes its connection: a pause that
        # ends must not end the stream.
        self._tasks = create_task_group()
        self._say, self._events = create_memory_object_stream[Event](BACKLOG)
        self._listening = False

    async def pause(self, pause: Pause) -> Event | None:
        """Waits; returns the event that ended a `Listen` early."""
        if not isinstance(pause, Listen):
            await sleep(pause.seconds)
            return None
        if not self._listening:
            request = request_for(self._http, pause.url)
            if not SLOTS.acquire(blocking=False):
                return Event(CLOSED)
            self._listening = True
            self._tasks.start_soon(self._read, request)
        with move_on_after(pause.seconds):
            event = await self._events.receive()
            self._listening = event.kind != CLOSED
            return event
        return None

    def start_soon(self, task: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs something beside the wait, which ends with it at the latest."""
        self._tasks.start_soon(task)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        # The error that ends the wait goes its own way: a task group would wrap it.
        # Before the group is left, which would otherwise wait for the server to end the stream.
        self._tasks.cancel_scope.cancel()
        with self._say, self._events:
            await self._tasks.__aexit__(None, None, None)

    async def _read(self, request: httpx.Request) -> None:
        try:
            with suppress(Exception):  # as in `_Stream`
                response = await self._http.send(request, stream=True, follow_redirects=False)
                try:
                    await self._listen(response)
                finally:
                    await response.aclose()
        finally:
            SLOTS.release()
        await self._say.send(Event(CLOSED))

    async def _listen(self, response: httpx.Response) -> None:
        if not has_events(response):
            return
        await self._say.send(Event(OPENED))
        response.stream = Bounded(response.stream)
        async for event in EventSource(response).aiter_sse():
            await self._say.send(event_of(event.event, event.data))
