"""Awaited requests that go straight to their connection fare as over httpx."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from transloadit_api.api.assemblies import get_assembly
from transloadit_client import AsyncTransloadit, NoAnswer, Transloadit
from transloadit_client._http.asyncio_connection import within
from transloadit_client._http.asyncio_transport import Lane, Lanes
from transloadit_client._http.senders import STRAIGHT

ASSEMBLY_ID = "0123456789abcdef0123456789abcdef"
BODY = b'{"ok":"ASSEMBLY_EXECUTING","assembly_id":"%s"}' % ASSEMBLY_ID.encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Treats each connection as it is told."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.opened = self.open = 0
        self.heads: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened, self.open = self.opened + 1, self.open + 1
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the end of a connection, or of the test
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving(
    answer: Answer, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Server, str]]:
    server = Server(answer)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    yield server, f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    listening.close()


@asynccontextmanager
async def lane() -> AsyncIterator[Lane]:
    lane = Lane(ssl.create_default_context(), httpx.AsyncClient)
    yield lane
    await lane.aclose()


def saying(*pieces: bytes, hang_up: bool = False) -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if hang_up:
            writer.close()

    return answer


def asking(url: str, content: Any = b"", **timeouts: float) -> httpx.Request:
    extensions = {"timeout": {"connect": 10, "read": 10, "write": 10, "pool": 10, **timeouts}}
    return httpx.Request("POST", url, content=content, extensions=extensions)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # the server has no events for all that is asked
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "pieces",
    {
        "at once": [ANSWER],
        "byte by byte": [bytes([byte]) for byte in ANSWER],
        "after another": [b"HTTP/1.1 100 Continue\r\n\r\n", ANSWER],
        "chunked": [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
        ],
        "compressed": [
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
            % len(gzip.compress(BODY)),
            gzip.compress(BODY),
        ],
    }.items(),
    ids=lambda case: case[0],
)
def test_an_answer_is_read_however_it_is_framed(pieces: tuple[str, list[bytes]]) -> None:
    async def main() -> None:
        async with serving(saying(*pieces[1])) as (server, url), lane() as straight:
            for _ in range(2):
                response = await straight.send(asking(url), **STRAIGHT)
                assert (response.status_code, response.content) == (200, BODY)
                assert (response.http_version, response.reason_phrase) == ("HTTP/1.1", "OK")
            assert server.opened == 1

    asyncio.run(main())


def test_a_connection_that_ends_with_its_answer_is_not_used_again() -> None:
    async def main() -> None:
        closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY
        async with serving(saying(closing, hang_up=True)) as (server, url), lane() as straight:
            for _ in range(2):
                assert (await straight.send(asking(url), **STRAIGHT)).content == BODY
            assert server.opened == 2

    asyncio.run(main())


@pytest.mark.parametrize("at_once", [True, False])
def test_what_comes_unasked_is_not_taken_for_the_next_answer(*, at_once: bool) -> None:
    async def main() -> None:
        stray = ANSWER.replace(b"EXECUTING", b"CANCELED!")

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if at_once:
                writer.write(ANSWER + stray)
                return
            writer.write(ANSWER)
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(stray)

        async with serving(answer) as (server, url), lane() as straight:
            for _ in range(2):
                assert (await straight.send(asking(url), **STRAIGHT)).content == BODY
                await asyncio.sleep(0.1)
            assert server.opened == 2

    asyncio.run(main())


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await asyncio.sleep(20)


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What was sent and not read makes the system answer with a reset."""
    await asyncio.sleep(0.05)
    writer.transport.abort()
    raise ConnectionResetError


@pytest.mark.parametrize(
    ("answer", "content", "timeouts", "error"),
    [
        (saying(ANSWER[:-5], hang_up=True), b"", {}, httpx.RemoteProtocolError),
        (saying(hang_up=True), b"", {}, httpx.RemoteProtocolError),
        (saying(b"what?\r\n\r\n"), b"", {}, httpx.RemoteProtocolError),
        (_reset, b"1" * 3_000_000, {}, httpx.ReadError),
        (_silent, b"", {"read": 0.05}, httpx.ReadTimeout),
        (_silent, b"1" * 30_000_000, {"write": 0.05}, httpx.WriteTimeout),
        (
            saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nwhat"),
            b"", {}, httpx.DecodingError,
        ),
    ],
    ids=["cut", "hung up", "garbled", "reset", "no answer", "not read", "not compressed"],
)  # fmt: skip
def test_what_goes_wrong_is_what_httpx_calls_it_and_ends_the_connection(
    answer: Answer, content: bytes, timeouts: dict[str, float], error: type[Exception]
) -> None:
    async def main() -> None:
        async with serving(answer) as (server, url), lane() as straight:
            request = asking(url, content, **timeouts)
            with pytest.raises(error) as caught:
                await straight.send(request, **STRAIGHT)
            assert isinstance(caught.value, httpx.RequestError)
            assert caught.value.request is request
            server._answer = saying(ANSWER)
            assert (await straight.send(asking(url), **STRAIGHT)).content == BODY
            assert server.opened == 2

    asyncio.run(main())


def test_of_a_server_that_hangs_up_people_are_told_so() -> None:
    async def main() -> None:
        async with (
            serving(saying(hang_up=True)) as (_, url),
            AsyncTransloadit(base_url=url, retry=None) as client,
        ):
            with pytest.raises(NoAnswer, match="the server hung up before it answered"):
                await client.get_assembly(ASSEMBLY_ID)

    asyncio.run(main())


def test_who_cannot_be_reached_was_sent_nothing() -> None:
    """Nobody listens, nobody has such a name, and somebody who does not speak TLS."""

    async def main() -> None:
        async with serving(_silent) as (server, url), lane() as straight:
            for nowhere in ("http://127.0.0.1:9", f"http://{'a' * 64}.invalid"):
                with pytest.raises(httpx.ConnectError):
                    await straight.send(asking(nowhere), **STRAIGHT)
            request = asking(url.replace("http:", "https:"), connect=0.05)
            with pytest.raises(httpx.ConnectTimeout):
                await straight.send(request, **STRAIGHT)
            assert server.heads == []

    asyncio.run(main())


@pytest.mark.parametrize("kind", [Transloadit, AsyncTransloadit])
def test_over_tls_a_server_is_believed_if_its_certificate_is(
    kind: type[Any], tmp_path: Path
) -> None:
    ca, other, file = trustme.CA(), trustme.CA(), tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    tls, others = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    other.configure_trust(others)

    async def read(url: str, verify: str | bool | ssl.SSLContext) -> object:
        client = kind(base_url=url, verify_ssl=verify, retry=None)
        try:
            if kind is AsyncTransloadit:
                return await client.get_assembly(ASSEMBLY_ID)
            return await asyncio.to_thread(client.get_assembly, ASSEMBLY_ID)
        finally:
            client.close()
            await client.aclose()

    async def main() -> None:
        async with serving(saying(ANSWER), tls) as (server, url):
            assert await read(url, str(file))
            assert await read(url, verify=False)
            for stranger in (others, True):
                with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
                    await read(url, stranger)
            assert len(server.heads) == 2

    asyncio.run(main())


def test_an_answer_before_the_request_is_complete_is_heard() -> None:
    """A server may refuse a body that it has not read, and hang up."""

    async def main() -> None:
        refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(refusal)
            writer.write_eof()
            while await reader.read(65536):
                pass

        async def body() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"1" * 1000
                await asyncio.sleep(0.05)

        async with serving(answer) as (_, url), lane() as straight:
            assert (await straight.send(asking(url, body()), **STRAIGHT)).status_code == 413

    asyncio.run(main())


def test_a_body_that_the_server_reads_slowly_arrives_whole() -> None:
    async def main() -> None:
        size = 20_000_000

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            left = size
            while left:
                left -= len(await reader.read(left))
            writer.write(ANSWER)

        async with serving(answer) as (_, url), lane() as straight:
            response = await straight.send(asking(url, b"1" * size), **STRAIGHT)
            assert response.content == BODY

    asyncio.run(main())


def test_who_is_canceled_leaves_no_connection_that_an_answer_may_still_come_over() -> None:
    async def main() -> None:
        async with serving(_silent) as (server, url), lane() as straight:
            task = asyncio.create_task(straight.send(asking(url), **STRAIGHT))
            await until(lambda: len(server.heads) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            server._answer = saying(ANSWER)
            assert (await straight.send(asking(url), **STRAIGHT)).content == BODY
            assert server.opened == 2

    asyncio.run(main())


def test_a_lane_has_one_connection_whoever_uses_it_and_wherever_it_leads() -> None:
    """Generated functions go by httpx, which does for them what it always does."""

    async def main() -> None:
        async with (
            serving(saying(ANSWER)) as (server, url),
            serving(saying(ANSWER)) as (two, other),
        ):
            limits = httpx.Limits(max_connections=1)
            async with AsyncTransloadit(base_url=url, httpx_args={"limits": limits}) as client:
                for _ in range(2):
                    await client.get_assembly(ASSEMBLY_ID)
                    assert await get_assembly.asyncio(ASSEMBLY_ID, client=client)
                    await until(lambda: server.open == 1)
                await client.with_options(base_url=other).get_assembly(ASSEMBLY_ID)
                await until(lambda: server.open + two.open == 1)

    asyncio.run(main())


def test_it_runs_on_uvloop_as_well() -> None:
    uvloop = pytest.importorskip("uvloop", reason="there is none for this system")

    async def main() -> None:
        async with (
            serving(saying(ANSWER)) as (server, url),
            AsyncTransloadit(base_url=url, retry=None) as client,
        ):
            for _ in range(2):
                assert (await client.get_assembly(ASSEMBLY_ID)).busy
            server._answer = _silent
            with pytest.raises(NoAnswer, match="ReadTimeout"):
                await client.get_assembly(ASSEMBLY_ID, timeout=httpx.Timeout(10, read=0.05))
            server._answer = saying(ANSWER)
            assert (await client.get_assembly(ASSEMBLY_ID)).busy
            assert server.opened == 2

    uvloop.run(main())


def test_a_client_outlives_its_event_loop() -> None:
    """`asyncio.run` makes a loop for each run, and closes it."""

    async def main(client: AsyncTransloadit) -> None:
        async with serving(saying(ANSWER)) as (_, url):
            client = client.with_options(base_url=url)
            assert (await client.get_assembly(ASSEMBLY_ID)).busy

    client = AsyncTransloadit()
    for _ in range(2):
        asyncio.run(main(client))
    asyncio.run(client.aclose())


@pytest.mark.parametrize("kind", [Transloadit, AsyncTransloadit])
def test_hooks_and_auth_that_httpx_was_given_are_heeded(kind: type[Any]) -> None:
    seen: list[str] = []

    async def heard(request: httpx.Request) -> None:
        seen.append(request.headers["Authorization"][:6])

    hook = heard if kind is AsyncTransloadit else lambda request: asyncio.run(heard(request))
    args = {"event_hooks": {"request": [hook]}, "auth": ("me", "hush")}

    async def main() -> None:
        async with serving(saying(ANSWER)) as (_, url):
            client = kind(base_url=url, httpx_args=args)
            if kind is AsyncTransloadit:
                await client.get_assembly(ASSEMBLY_ID)
                await client.aclose()
            else:
                await asyncio.to_thread(client.get_assembly, ASSEMBLY_ID)
                client.close()

    asyncio.run(main())
    assert seen == ["Basic "]


@pytest.mark.parametrize("kind", [Transloadit, AsyncTransloadit])
def test_a_form_is_built_as_httpx_builds_it(kind: type[Any]) -> None:
    """Whether there is something to be merged or not."""
    parts = {"params": (None, b'{"a": "+ %"}', "text/plain")}
    arguments = {"method": "post", "url": "/assemblies", "files": parts}
    built = []
    args: dict[str, Any]
    for args in ({}, {"event_hooks": {}}, {"params": {"q": "1"}, "cookies": {"c": "d"}}):
        client = kind(base_url="https://x.net:8/api", headers={"X-A": "1"}, httpx_args=args)
        http = client.get_httpx_client() if kind is Transloadit else client.get_async_httpx_client()
        built.append(http.build_request(**arguments))
    straight, merged, more = built

    assert straight.method == merged.method == "POST"
    assert (straight.url, straight.content) == (merged.url, merged.content)
    assert straight.headers == merged.headers
    assert straight.extensions == merged.extensions
    assert (more.url.query, more.headers["Cookie"]) == (b"q=1", "c=d")


def test_a_turn_that_comes_as_its_call_is_canceled_goes_to_the_next() -> None:
    async def main() -> None:
        go = asyncio.Event()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await go.wait()
            writer.write(ANSWER)

        async with serving(answer) as (server, url):
            lanes = Lanes(
                lambda: Lane(ssl.create_default_context(), httpx.AsyncClient),
                httpx.Limits(max_connections=1),
            )

            async def first() -> None:
                await lanes.send(asking(url), **STRAIGHT)
                second.cancel()

            one = asyncio.create_task(first())
            await until(lambda: len(server.heads) == 1)
            second = asyncio.create_task(lanes.send(asking(url), **STRAIGHT))
            third = asyncio.create_task(lanes.send(asking(url), **STRAIGHT))
            await asyncio.sleep(0)
            go.set()
            await one
            await third
            with pytest.raises(asyncio.CancelledError):
                await second
            assert server.opened == 1
            await lanes.aclose()

    asyncio.run(main())


def test_without_a_timeout_there_is_no_hurry() -> None:
    async def main() -> None:
        async with serving(saying(ANSWER)) as (_, url), lane() as straight:
            response = await straight.send(httpx.Request("POST", url), **STRAIGHT)
            assert response.content == BODY

    asyncio.run(main())


def test_what_comes_just_in_time_is_not_late() -> None:
    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 1)
        assert await within(0, future) == 1
        future = asyncio.get_running_loop().create_future()
        with pytest.raises(TimeoutError):
            await within(0, future)

    asyncio.run(main())


def test_a_closed_client_sends_nothing() -> None:
    client = Transloadit(base_url="http://127.0.0.1:9", retry=None)
    client._connections.sync()
    client.close()

    with pytest.raises(RuntimeError, match="closed"):
        client.get_assembly(ASSEMBLY_ID)
