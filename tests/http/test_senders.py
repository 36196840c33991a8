"""Requests awaited side by side: a connection each, as many as asked for, and no cookies."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from transloadit_client import AsyncTransloadit, NoAnswer, Transloadit

ASSEMBLY_ID = "0123456789abcdef0123456789abcdef"
BODY = b'{"ok":"ASSEMBLY_EXECUTING","assembly_id":"%s"}' % ASSEMBLY_ID.encode()


@dataclass
class Server:
    """Answers each request once it is let go, and counts."""

    url: str = ""
    open: int = 0
    opened: int = 0
    busy: int = 0
    most: int = 0
    cookies: list[bytes] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open, self.opened = self.open + 1, self.opened + 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.cookies += [line for line in head.split(b"\r\n") if b"ookie:" in line]
                self.busy += 1
                self.most = max(self.most, self.busy)
                await self.go.wait()
                self.busy -= 1
                length = b"Content-Length: %d\r\nSet-Cookie: a=b\r\n\r\n" % len(BODY)
                writer.write(b"HTTP/1.1 200 OK\r\n" + length + BODY)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield server
    listening.close()


async def until(true: object) -> None:
    """Waits until the callable says so, or ten seconds have gone."""
    assert callable(true)
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # the server has no events for all that is asked
            await asyncio.sleep(0.01)


def reads(client: AsyncTransloadit, count: int) -> list[asyncio.Task[object]]:
    return [asyncio.create_task(client.get_assembly(ASSEMBLY_ID)) for _ in range(count)]


def test_no_more_connections_are_in_use_than_the_limit_says() -> None:
    async def main() -> None:
        limits = httpx.Limits(max_connections=3)
        async with (
            serving() as server,
            AsyncTransloadit(base_url=server.url, httpx_args={"limits": limits}) as client,
        ):
            tasks = reads(client, 10)
            await until(lambda: server.busy == 3)
            await asyncio.sleep(0.05)
            assert server.busy == 3
            server.go.set()
            await asyncio.gather(*tasks)
            assert (server.most, server.opened) == (3, 3)

    asyncio.run(main())


def test_who_waits_too_long_for_a_connection_is_told_so() -> None:
    async def main() -> None:
        args = {"limits": httpx.Limits(max_connections=1)}
        async with serving() as server:
            timeout = httpx.Timeout(10, pool=0.05)
            async with AsyncTransloadit(
                base_url=server.url, httpx_args=args, timeout=timeout, retry=None
            ) as client:
                (first,) = reads(client, 1)
                await until(lambda: server.busy == 1)
                with pytest.raises(NoAnswer, match="PoolTimeout"):
                    await client.get_assembly(ASSEMBLY_ID)
                server.go.set()
                await first

    asyncio.run(main())


def test_who_is_canceled_gives_the_connection_back() -> None:
    """One that is in flight, and one that waits for its turn."""

    async def main() -> None:
        args = {"limits": httpx.Limits(max_connections=1)}
        async with (
            serving() as server,
            AsyncTransloadit(base_url=server.url, httpx_args=args) as client,
        ):
            tasks = reads(client, 2)
            await until(lambda: server.busy == 1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            server.go.set()
            assert (await client.get_assembly(ASSEMBLY_ID)).ok == "ASSEMBLY_EXECUTING"
            assert (await client.get_assembly(ASSEMBLY_ID)).ok == "ASSEMBLY_EXECUTING"

    asyncio.run(main())


def test_connections_beyond_those_to_keep_are_closed_and_all_of_them_in_the_end() -> None:
    async def main() -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=2)
        async with serving() as server:
            async with AsyncTransloadit(
                base_url=server.url, httpx_args={"limits": limits}
            ) as client:
                tasks = reads(client, 10)
                await until(lambda: server.busy == 10)
                server.go.set()
                await asyncio.gather(*tasks)
                await client.get_assembly(ASSEMBLY_ID)
                await until(lambda: server.open == 2)
                assert server.opened == 10
            await until(lambda: server.open == 0)

    asyncio.run(main())


def test_whoever_keeps_no_connections_has_none_after_a_call() -> None:
    async def main() -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        async with (
            serving() as server,
            AsyncTransloadit(base_url=server.url, httpx_args={"limits": limits}) as client,
        ):
            server.go.set()
            for _ in range(2):
                await client.get_assembly(ASSEMBLY_ID)
                await until(lambda: server.open == 0)
            assert server.opened == 2

    asyncio.run(main())


def test_a_connection_that_was_idle_for_long_is_closed() -> None:
    async def main() -> None:
        limits = httpx.Limits(keepalive_expiry=0.05)
        async with (
            serving() as server,
            AsyncTransloadit(base_url=server.url, httpx_args={"limits": limits}) as client,
        ):
            server.go.set()
            await asyncio.gather(*reads(client, 3))
            await asyncio.sleep(0.1)
            await client.get_assembly(ASSEMBLY_ID)
            await until(lambda: server.open == 1)

    asyncio.run(main())


def test_one_after_the_other_they_share_a_connection() -> None:
    async def main() -> None:
        async with serving() as server, AsyncTransloadit(base_url=server.url) as client:
            server.go.set()
            for _ in range(5):
                await client.get_assembly(ASSEMBLY_ID)
            assert server.opened == 1

    asyncio.run(main())


def test_cookies_of_answers_are_not_kept_and_those_given_are_sent() -> None:
    async def main() -> None:
        async with serving() as server:
            server.go.set()
            async with AsyncTransloadit(base_url=server.url, cookies={"c": "d"}) as client:
                await client.get_assembly(ASSEMBLY_ID)
                await client.get_assembly(ASSEMBLY_ID)
            with Transloadit(base_url=server.url, httpx_args={"cookies": {"e": "f"}}) as sync:
                await asyncio.to_thread(sync.get_assembly, ASSEMBLY_ID)
                await asyncio.to_thread(sync.get_assembly, ASSEMBLY_ID)
            assert server.cookies == [b"Cookie: c=d"] * 2 + [b"Cookie: e=f"] * 2

    asyncio.run(main())
    gc.collect()
