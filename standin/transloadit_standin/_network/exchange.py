"""One request while it is being answered: its body as a stream, and its line in the ledger."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NoReturn

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope

    from .._ledger import Received
    from .line import Line
    from .link import Ending, Link


READ_AHEAD = 8 * 1024 * 1024
"""Bytes of a request that may wait in memory; more than that waits where it is."""


class ClientGone(Exception):
    """The connection ended before the request was answered."""


class Exchange:
    """What a handler sees of a request."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        received: Received,
        *,
        link: Link,
        host: str,
        arguments: dict[str, str],
        keep_body: int,
        line: Line,
    ) -> None:
        self.scope = scope
        self.received = received
        self.link = link
        """The connection it came by."""
        self.host = host
        """The origin that serves it, such as `http://127.0.0.1:40001`."""
        self.arguments = arguments
        """The variables of its path."""
        self.receive = receive
        self.nonce: tuple[set[str], str] | None = None
        """The used nonces of its Auth Key, and its own, once the signature was good."""
        self.breaks_down = False
        """Whether the service breaks down once it has noted the nonce."""
        self._keep_body = keep_body
        self._line = line
        self._ended = False
        self._read: list[bytes] = []
        self._breaks: tuple[int, Ending] | None = None

    def header(self, name: str) -> str | None:
        """A header's value."""
        return self.received.headers.get(name)

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body as it arrives.

        Raises:
            ClientGone: when it ends too early.
        """
        while self._read:
            yield self._read.pop(0)
        received = self.received
        while not self._ended:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                self._ended = True
                raise ClientGone
            self._ended = not message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            if self._breaks is not None:
                chunk = chunk[: self._breaks[0] - received.body_size]
            await self._line.carry(len(chunk))
            received.body_size += len(chunk)
            received.body += chunk[: max(0, self._keep_body - len(received.body))]
            if chunk:
                yield chunk
            if self._breaks and (self._ended or received.body_size == self._breaks[0]):
                await self.lose(self._breaks[1])

    def break_at(self, byte: int, ending: Ending) -> None:
        """End the connection after so many bytes of the body, or where it ends before that."""
        self._breaks = byte, ending

    async def read_ahead(self) -> None:
        """Take the body now, or its first bytes; `chunks()` then gives it without the client.

        Raises:
            ClientGone: when it ends too early.
        """
        read: list[bytes] = []
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                read.append(chunk)
                if self.received.body_size > READ_AHEAD:
                    break
        self._read = read

    async def lose(self, ending: Ending) -> NoReturn:
        """End the connection, and wait until that is known.

        Raises:
            ClientGone: always.
        """
        self._ended = True
        self.link.end(ending)
        while (await self.receive())["type"] != "http.disconnect":
            pass
        raise ClientGone

    async def drain(self) -> None:
        """Take the rest of the body, so that the client can send it and read the answer."""
        try:
            async for _ in self.chunks():
                pass
        except ClientGone:
            pass


def json_response(body: dict[str, Any], status: int = 200) -> Response:
    """An answer in JSON: ASCII, so that lone surrogates in a user's fields do not break it."""
    return Response(json.dumps(body), status, media_type="application/json")
