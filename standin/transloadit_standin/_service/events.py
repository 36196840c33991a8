"""An Assembly's events, sent while they happen to whoever listens (server-sent events)."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def _block(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in (*lines, "")).encode()
