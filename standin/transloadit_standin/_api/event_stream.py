"""An Assembly's events over HTTP (server-sent events)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import Response

from .._codes import Refusal

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from .._network.exchange import Exchange
    from .._service.events import Events, Listener
    from .._service.service import Service


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
    if service.settings.event_stream is None or "text/event-stream" not in accepts:
        raise Refusal("SERVER_404")
    exchange.received.assembly_id = assembly_id
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
