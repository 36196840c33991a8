"""An Assembly's events, sent while they happen to its listeners (server-sent events)."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Listener = asyncio.Queue["bytes | None"]
"""Takes blocks of the stream, and None at its end."""


@dataclass(frozen=True)
class EventStream:
    """How Assemblies send their events; what the service does for late listeners is not known.

    Args:
        first_id: Whether the first block holds nothing but an `id`, of 32 hex digits.
        repeat_end: Whether a stream that is opened after the end is told the end, and closes.
            Otherwise it stays silent, and a client that does not read the status as well hangs.
        replay: Whether a stream that is opened late is told everything that has happened.
    """

    first_id: bool = True
    repeat_end: bool = True
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

    def end(self, event: str, data: Callable[[], Any] | None = None) -> None:
        """Send the last event: a message, or a named event if there is data."""
        last = f"data: {event}" if data is None else f"event: {event}\ndata: {json.dumps(data())}"
        if self.stream is not None and self.stream.repeat_end and not self.stream.replay:
            self._past = [_block(last), None]
        self._send(lambda: _block(last))
        self._send(lambda: None)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Hear the events from now on, after those that late listeners are told."""
        listener: Listener = asyncio.Queue()
        if self.stream is not None and self.stream.first_id:
            listener.put_nowait(_block(f"id: {uuid.uuid4().hex}"))
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


def _block(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in (*lines, "")).encode()
