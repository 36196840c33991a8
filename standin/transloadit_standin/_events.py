"""An Assembly's events, sent while they happen to whoever listens (server-sent events)."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.responses import Response

from transloadit_standin._codes import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from transloadit_standin._exchange import Exchange
    from transloadit_standin._service import Service

EVENTS_PATH = "/ws20000"

Listener = asyncio.Queue["bytes | None"]
"""Takes blocks of the stream, and None at its end."""


@dataclass(frozen=True)
class EventStream:
    """How the stand-in sends events; none of this is known of the service.

    Args:
        first_id: Whether the first block holds nothing but an `id`.
        replay: Whether who comes late is told what has happened, and that it is over. Otherwise the
            stream is silent, and one who listens has to read the status once after connecting.
    """

    first_id: bool = True
    replay: bool = False


class Events:
    """The events of one Assembly."""

    def __init__(self, stream: EventStream | None) -> None:
        self.stream = stream
        """None: the status names no URL for them."""
        self._past: list[bytes | None] = []
        self._listeners: set[Listener] = set()

    def say(self, message: str) -> None:
        """Send a message without a name."""
        self._send(lambda: _block(f"data: {message}"))

    def tell(self, event: str, data: Callable[[], Any]) -> None:
        """Send a named event; its data is made if somebody listens, or may come to."""
        self._send(lambda: _block(f"event: {event}", f"data: {json.dumps(data())}"))

    def end(self) -> None:
        """Nothing more is going to happen."""
        self._send(lambda: None)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Hear what is sent from now on, or from the beginning if that is replayed."""
        listener: Listener = asyncio.Queue()
        if self.stream is not None and self.stream.first_id:
            listener.put_nowait(_block("id: 1"))
        for block in self._past:
            listener.put_nowait(block)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _send(self, make: Callable[[], bytes | None]) -> None:
        replays = self.stream is not None and self.stream.replay
        if not (replays or self._listeners):
            return
        block = make()
        if replays:
            self._past.append(block)
        for listener in self._listeners:
            listener.put_nowait(block)


class EventResponse(Response):
    """The stream, until the Assembly has its outcome or the listener has gone."""

    media_type = "text/event-stream"

    def __init__(self, events: Events) -> None:
        super().__init__(headers={"Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send the blocks as they come."""
        head = {"status": 200, "headers": self.raw_headers}
        with self._events.listen() as listener:
            await send({"type": "http.response.start", **head})
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            gone = asyncio.ensure_future(_disconnect(receive))
            try:
                while block := await _next(listener, gone):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
            finally:
                gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def stream_events(service: Service, exchange: Exchange) -> Response:
    """`update_stream_url`; Socket.IO, which the service speaks at the same path, is not here."""
    query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
    (assembly_id,) = query.get("assembly", [""])[:1]
    accepts = exchange.header("accept") or ""
    if service.event_stream is None or "text/event-stream" not in accepts:
        raise Refusal("SERVER_404")
    return EventResponse(service.find(assembly_id, exchange.host).events)


async def _next(listener: Listener, gone: asyncio.Future[None]) -> bytes | None:
    block = asyncio.ensure_future(listener.get())
    try:
        await asyncio.wait((block, gone), return_when=asyncio.FIRST_COMPLETED)
        return block.result() if block.done() else None
    finally:
        block.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _block(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in (*lines, "")).encode()
