"""One connection of a client through the relay: passed on, broken, or answered otherwise."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable
from typing import Literal

Address = tuple[str, int]

Ending = Literal["end", "reset", "stall"]
"""How a connection ends: by FIN, by RST, or not at all, with nothing said any more."""

Change = Callable[[bytes, bytes], bytes]
"""What goes out in place of an answer's head (with its empty line) and body."""

Cut = Callable[[int, int | None], int]
"""How many bytes of an answer go out, by the sizes of its head and its body; None if the body has
no length, as events have not."""

MAX_CHANGED = 8 * 1024 * 1024
"""Bytes of the largest answer that is changed, since that holds all of it in memory; what is
larger, or has no length, is passed on as it is."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BODILESS = re.compile(rb"HTTP/1\.1 (204|304) ")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no seconds: closing sends RST


class Side(asyncio.Protocol):
    """One of the two connections of a link; a side that is slow lets the other wait."""

    transport: asyncio.Transport
    other: Side
    made = False

    def __init__(self, take: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._take = take
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP has no other
        self.transport = transport
        self.made = True

    def data_received(self, data: bytes) -> None:
        """Bytes for the other side."""
        self._take(data)

    def pause_writing(self) -> None:
        """Too much is on its way to this side."""
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """There is room again."""
        self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """It has gone, and so does the other; what is on its way there still arrives."""
        self._lost()


class Link:
    """A client's connection to the relay, and the relay's own to the server."""

    def __init__(
        self, origin: str, client: socket.socket, client_ip: str, lost: Callable[[Link], None]
    ) -> None:
        self.origin = origin
        """Where the client connected to, such as `http://127.0.0.1:40001`."""
        self.socket = client
        self.client_ip = client_ip
        self.bodiless = False
        """Whether what is asked for is answered without a body, as HEAD is."""
        self.client = Side(self._up, self._client_lost)
        self.server = Side(self._down, self._server_lost)
        self.client.other, self.server.other = self.server, self.client
        self._lost = lost
        self._answer = bytearray()
        self._change: Change | None = None
        self._cut: Cut | None = None
        self._left: int | None = None
        self._then: Ending | None = None
        self._silent = False

    @property
    def address(self) -> Address:
        """Where the connection to the server comes from."""
        address: Address = self.server.transport.get_extra_info("sockname")
        return address

    def end(self, ending: Ending) -> None:
        """End the client's connection; what was written before still goes out.

        A FIN becomes an RST, by TCP's own rule, if bytes of the client are still unread.
        """
        self._silent = True
        if ending == "reset" and not self.client.transport.is_closing():
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if ending != "stall":
            self.client.transport.close()

    def change_answer(self, change: Change, then: Ending | None = None) -> None:
        """Send something else in place of the next answer, then end the connection, or go on."""
        self._change, self._then = change, then

    def cut_answer(self, cut: Cut, then: Ending) -> None:
        """Pass a part of the next answer on as it comes, then end the connection."""
        self._cut, self._then = cut, then

    def abort(self) -> None:
        """Break both connections, and lose what is under way."""
        self._silent = True
        if self.server.made:
            self.server.transport.abort()
        if self.client.made:
            self.client.transport.abort()
        else:
            self.socket.close()

    def _up(self, data: bytes) -> None:
        self.server.transport.write(data)

    def _down(self, data: bytes) -> None:
        if self._silent:
            return
        if self._cut is None and self._change is None:
            self.client.transport.write(data)
            return
        self._answer += data
        head = self._answer.find(b"\r\n\r\n") + 4
        if head >= 4 or self._left is not None:
            if self._change is None:
                self._pass(head)
            else:
                self._replace(self._change, head)

    def _pass(self, head: int) -> None:
        if self._left is None:
            assert self._cut is not None  # noqa: S101 - or it would not be asked
            self._left = self._cut(head, self._length(head))
        data = self._take()[: self._left]
        self._left -= len(data)
        self.client.transport.write(data)
        if self._left == 0:
            self._over()

    def _replace(self, change: Change, head: int) -> None:
        length = self._length(head)
        if length is None or length > MAX_CHANGED:
            self._change = self._then = None
            self.client.transport.write(self._take())
        elif len(self._answer) >= head + length:
            answer = self._take()
            self._change = None
            self.client.transport.write(change(answer[:head], answer[head:]))
            self._over()

    def _take(self) -> bytes:
        data = bytes(self._answer)
        self._answer.clear()
        return data

    def _length(self, head: int) -> int | None:
        """The size of the answer's body."""
        text = bytes(self._answer[:head])
        if self.bodiless or _BODILESS.match(text):
            return 0
        found = _LENGTH.search(text)
        return None if found is None else int(found[1])

    def _over(self) -> None:
        self._change = self._cut = self._left = None
        if self._then is not None:
            self.end(self._then)

    def _client_lost(self) -> None:
        # Not closed: the server has requests to read yet, and asks for the link of each.
        if not self.server.transport.is_closing():
            self.server.transport.write_eof()

    def _server_lost(self) -> None:
        self._lost(self)
        if self.client.made:
            self.client.transport.close()
