"""A TCP relay in front of the stand-in's server: the place where connections really break.

It passes bytes on and knows nothing of faults. What is to go wrong is decided in `_enactment`,
which has a request's `Link` end, or has it change the answer that is about to come.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from .link import Address, Link

BACKLOG = 1024
"""Connections that may wait until they are taken."""


class Relay:
    """Listens where clients connect to, and passes their bytes to the server and back."""

    def __init__(self) -> None:
        self._server: Address = ("", 0)
        self._sockets: list[socket.socket] = []
        self._joining: set[asyncio.Task[None]] = set()
        self._links: dict[Address, Link] = {}
        self._again: asyncio.TimerHandle | None = None

    def open(self, server: Address, sockets: list[socket.socket]) -> None:
        """Begin to take connections at these sockets; they are the relay's from now on."""
        self._server, self._sockets = server, sockets
        self._listen()

    def link(self, address: Address) -> Link:
        """The link whose connection to the server comes from this address."""
        return self._links[address]

    def refuse(self, seconds: float) -> None:
        """Refuse connections for so long; those that exist live on."""
        self._unlisten()
        self._again = asyncio.get_running_loop().call_later(seconds, self._listen)

    async def vanish(self) -> None:
        """Reset all connections, and refuse new ones until `listen()`."""
        self._unlisten()
        await asyncio.gather(*self._joining)
        for link in list(self._links.values()):
            link.end("reset")

    async def listen(self) -> None:
        """Take connections again."""
        self._unlisten()
        self._listen()

    async def close(self) -> None:
        """Break all connections, and take no more."""
        self._close_sockets()
        for task in self._joining:
            task.cancel()
        await asyncio.gather(*self._joining, return_exceptions=True)
        for link in list(self._links.values()):
            link.abort()

    def _listen(self) -> None:
        for listener in self._sockets:
            listener.setblocking(False)
            listener.listen(BACKLOG)
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _unlisten(self) -> None:
        # Bound again, so that nobody else takes the ports, and not listening.
        self._sockets = [bind(address) for address in self._close_sockets()]

    def _close_sockets(self) -> list[Address]:
        if self._again is not None:
            self._again.cancel()
        addresses: list[Address] = [listener.getsockname() for listener in self._sockets]
        for listener in self._sockets:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        self._sockets = []
        return addresses

    def _accept(self, listener: socket.socket) -> None:
        with suppress(BlockingIOError, ConnectionAbortedError):  # gone before it was taken
            client, address = listener.accept()
            link = Link(origin(listener), client, address[0], self._lost)
            task = asyncio.create_task(self._join(link))
            self._joining.add(task)

            def joined(task: asyncio.Task[None]) -> None:
                self._joining.discard(task)
                if task.cancelled():  # perhaps before its first step, where no `except` is reached
                    link.abort()

            task.add_done_callback(joined)

    async def _join(self, link: Link) -> None:
        """Connect to the server, and only then begin to read what the client sends."""
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: link.server, *self._server)
            self._links[link.address] = link
            await loop.connect_accepted_socket(lambda: link.client, link.socket)
        except BaseException:  # the stand-in stops meanwhile
            link.abort()
            raise

    def _lost(self, link: Link) -> None:
        self._links.pop(link.address, None)


def bind(address: Address) -> socket.socket:
    """A socket of that address, not listening yet."""
    # asyncio turns Nagle's algorithm off for a socket that names TCP; else answers take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener


def origin(listener: socket.socket) -> str:
    """The origin of what listens there, such as `http://127.0.0.1:40001`."""
    address, port = listener.getsockname()
    return f"http://{address}:{port}"
