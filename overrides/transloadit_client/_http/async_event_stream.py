"""The stream of an Assembly's events for asynchronous code: the twin of `_events`."""

from collections.abc import Callable
from contextlib import suppress
from typing import Self

import httpx
from anyio import create_memory_object_stream, create_task_group, move_on_after, sleep
from httpx_sse import EventSource

from .._flow import Pause
from .._waiting.wait import CLOSED, OPENED, Listen, Word
from .event_stream import BACKLOG, SLOTS, alone, has_events, request_for, word_of
from .log_filters import OurRequest


class AsyncListener:
    """The twin of `Listener` for asynchronous code."""

    def __init__(
        self, http: httpx.AsyncClient, connect: Callable[[], httpx.AsyncClient | None]
    ) -> None:
        self._http = http
        self._connect = connect
        self._tasks = create_task_group()
        self._say, self._words = create_memory_object_stream[Word](BACKLOG)
        self._listening = False

    async def pause(self, pause: Pause) -> Word | None:
        """Waits; returns the word that ended a `Listen` early."""
        if not isinstance(pause, Listen):
            await sleep(pause.seconds)
            return None
        if not self._listening:
            if (client := alone(self._connect)) is None:
                return Word(CLOSED)
            self._listening = True
            self._tasks.start_soon(self._read, client, request_for(self._http, pause.url))
        with move_on_after(pause.seconds):
            word = await self._words.receive()
            self._listening = word.kind != CLOSED
            return word
        return None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        # The error that ends the wait goes its own way: a task group would wrap it.
        self._tasks.cancel_scope.cancel()
        with self._say, self._words:
            await self._tasks.__aexit__(None, None, None)

    async def _read(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        try:
            with suppress(Exception):  # as in `_Stream`
                async with client:
                    with OurRequest():
                        response = await client.send(request, stream=True)
                    try:
                        await self._listen(response)
                    finally:
                        await response.aclose()
        finally:
            SLOTS.release()
        await self._say.send(Word(CLOSED))

    async def _listen(self, response: httpx.Response) -> None:
        if not has_events(response):
            return
        await self._say.send(Word(OPENED))
        async for event in EventSource(response).aiter_sse():
            await self._say.send(word_of(event.event, event.data))
