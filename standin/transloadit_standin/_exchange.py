"""One request while it is being answered: its body as a stream, and its line in the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope

    from transloadit_standin._ledger import Received


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class Exchange:
    """What a handler sees of a request."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        received: Received,
        *,
        host: str,
        arguments: dict[str, str],
        keep_body: int,
    ) -> None:
        self.scope = scope
        self.received = received
        self.host = host
        """The origin it was sent to, such as `http://127.0.0.1:40001`."""
        self.arguments = arguments
        """The variables of its path."""
        self.receive = receive
        self._keep_body = keep_body
        self._ended = False

    def header(self, name: str) -> str | None:
        """A header's value."""
        return self.received.headers.get(name)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives.

        Raises:
            ClientGone: when it ends too early.
        """
        received = self.received
        while not self._ended:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                self._ended = True
                raise ClientGone
            self._ended = not message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            received.body_size += len(chunk)
            received.body += chunk[: max(0, self._keep_body - len(received.body))]
            if chunk:
                yield chunk

    async def drain(self) -> None:
        """Take the rest of the body, so that the client can send it and read the answer."""
        try:
            async for _ in self.chunks():
                pass
        except ClientGone:
            pass

    async def gone(self) -> None:
        """Wait until the connection, which was cut, is known to be gone."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


def json_response(body: dict[str, Any], status: int = 200) -> Response:
    """An answer in JSON: ASCII, so that lone surrogates in a user's fields do not break it."""
    return Response(json.dumps(body), status, media_type="application/json")
