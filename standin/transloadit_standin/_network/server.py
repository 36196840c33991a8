"""uvicorn in a thread of its own, started and stopped at once."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Coroutine

    from starlette.types import ASGIApp


class PromptServer(uvicorn.Server):
    """uvicorn's server without its tenths of a second.

    uvicorn looks for its end ten times a second, and sleeps as long before it ends. That is nothing
    for a service, and a minute for a few hundred tests. Only the waiting is replaced.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        opened: Callable[[], None],
        closing: Callable[[], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
        each_second: Callable[[], None],
    ) -> None:
        # No logging of uvicorn's own: it would set up handlers in somebody else's process.
        config = uvicorn.Config(
            app,
            http="h11",  # the one that is always there, so that all machines run the same
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=60,  # seconds: longer than a test thinks between two requests
        )
        super().__init__(config)
        self._opened = opened
        self._closing = closing
        self._close = close
        self._each_second = each_second
        self._stop = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        """Wait for the end, and renew the Date header every second."""
        self.loop = asyncio.get_running_loop()
        await self.on_tick(0)
        self._opened()
        self.ready.set()
        while not self._stop.is_set():
            try:
                await asyncio.wait_for(self._stop.wait(), timeout=1)
            except TimeoutError:
                await self.on_tick(0)
                self._each_second()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut all connections, then end what runs."""
        await self._closing()
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for _ in range(3):  # asyncio's turns until a connection it has taken is known to uvicorn
            await asyncio.sleep(0)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # the connections learn that they are gone
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close()

    def stop(self) -> None:
        """End the server; safe from any thread."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._stop.set)


class ServerThread:
    """Runs a server on sockets that are bound already."""

    def __init__(self, server: PromptServer, sockets: list[socket.socket]) -> None:
        self._server = server
        self._sockets = sockets
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="transloadit-standin", daemon=True)

    def start(self) -> None:
        """Return when connections are accepted."""
        self._thread.start()
        self._server.ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error

    def wait_for(self, work: Coroutine[Any, Any, None], timeout: float) -> None:
        """Run something on the server's event loop, and wait for it.

        Raises:
            TimeoutError: if it takes longer than `timeout` seconds.
        """
        assert self._server.loop is not None  # noqa: S101 - start() has returned
        future = asyncio.run_coroutine_threadsafe(work, self._server.loop)
        try:
            future.result(timeout)
        finally:
            future.cancel()

    def stop(self) -> None:
        """Return when all has ended."""
        self._server.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._server.serve(self._sockets))
        except BaseException as error:  # noqa: BLE001 - raised where somebody waits for it
            self._error = error
        finally:
            self._server.ready.set()
