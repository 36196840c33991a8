"""The transport over aiohttp: the same calls, and the same judgement of what may have been sent."""

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from anyio.from_thread import BlockingPortal

from transloadit_client import (
    AiohttpTransport,
    AssemblyStatus,
    AsyncTransloadit,
    DownloadIncomplete,
    NoAnswer,
    OutcomeUnknown,
    RetryPolicy,
)  # fmt: skip
from transloadit_standin import StandIn

from ..conftest import Awaited
from .in_memory import ID, SENT, Served, Service, every_call

STEPS: dict[str, Any] = {"small": {"robot": "/image/resize"}}


@pytest.fixture
def transport() -> AiohttpTransport:
    return AiohttpTransport()


@pytest.fixture
def connect(transport: AiohttpTransport, portal: BlockingPortal) -> Iterator[Callable[..., Any]]:
    clients: list[Any] = []

    def make(*args: Any, **options: Any) -> Any:
        args_of_httpx = {"transport": transport}
        clients.append(
            Awaited(AsyncTransloadit(*args, httpx_args=args_of_httpx, **options), portal)
        )
        return clients[-1]

    yield make
    for client in clients:
        client.aclose()


def test_each_call_works(connect: Callable[..., Any], tmp_path: Path) -> None:
    with Served(Service()) as server:
        every_call(connect("k", "s", base_url=server.url), tmp_path)

    assert server.service.lines == SENT


@pytest.mark.parametrize("after", ["headers", "body", "work", "half"])
def test_a_hang_up_after_the_request_is_unknown(connect: Callable[..., Any], after: Any) -> None:
    """Never "not sent": then the create would be signed anew, and carried out a second time."""
    with StandIn(key="k", secret="s") as api:
        client = connect("k", "s", base_url=api.url, retry=None)
        client.create_assembly(steps=STEPS)  # on a connection that is used again
        api.drop_next(after=after)

        with pytest.raises(OutcomeUnknown):
            client.create_assembly(steps=STEPS, assembly_id=None, files=[("a", b"1" * 100_000)])


@pytest.mark.parametrize("after", ["headers", "body", "work", "half"])
def test_a_create_whose_answer_was_lost_is_done_once(
    connect: Callable[..., Any], after: Any
) -> None:
    with StandIn(key="k", secret="s") as api:
        client = connect("k", "s", base_url=api.url, retry=RetryPolicy(first=0.0))
        api.drop_next(after=after)

        created = client.create_assembly(steps=STEPS, files=[("a", b"1" * 100_000)])

        assert list(api.assemblies) == [created.assembly_id]


def test_a_server_that_is_not_there_was_sent_nothing(connect: Callable[..., Any]) -> None:
    client = connect("k", "s", base_url="http://127.0.0.1:9", retry=None)

    with pytest.raises(NoAnswer, match="ConnectError") as caught:
        client.create_assembly(steps=STEPS)

    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_server_that_is_silent_meets_the_timeout(connect: Callable[..., Any]) -> None:
    with StandIn() as api:
        api.delay_next(5)

        with pytest.raises(NoAnswer, match="ReadTimeout"):
            connect(base_url=api.url, retry=None).get_assembly(ID, timeout=0.5)


def test_a_server_that_takes_no_body_meets_the_timeout(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "cat.jpg"
    file.write_bytes(b"a cat" * 4_000_000)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        client = connect("k", "s", base_url=url, retry=None)

        with pytest.raises(NoAnswer, match="ReadTimeout"):
            client.create_assembly(steps=STEPS, files=[file], timeout=0.5)


@pytest.mark.parametrize(
    ("announced", "read"), [(10, ["four", "five"]), (6, ["four", "five"]), (2, ["four"])]
)
def test_a_body_of_another_length_than_announced_is_refused_and_read_no_further(
    transport: AiohttpTransport, announced: int, read: list[str]
) -> None:
    """As by h11: a server would wait for what is missing, and take what is left for a request."""
    given: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        for piece in ("four", "five"):
            given.append(piece)
            yield piece.encode()

    async def main() -> None:
        async with httpx.AsyncClient(transport=transport) as http:
            length = {"Content-Length": str(announced)}
            await http.post(server.url, content=pieces(), headers=length)

    with Served(Service()) as server, pytest.raises(httpx.LocalProtocolError) as caught:
        asyncio.run(main())

    assert str(caught.value) == "not the length it had"
    assert given == read


def test_a_request_without_a_timeout_sends_its_body(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "cat.jpg"
    file.write_bytes(b"a cat")
    with StandIn(key="k", secret="s") as api:
        client = connect("k", "s", base_url=api.url, retry=None)

        created = client.create_assembly(steps=STEPS, files=[file], timeout=httpx.Timeout(None))

    assert created.assembly_id in api.assemblies


@asynccontextmanager
async def heard(heads: list[str], tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The URL of a server that answers with nothing, and notes what each request begins with."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


def test_a_request_goes_out_as_it_is(transport: AiohttpTransport) -> None:
    """A signed URL is spelled as it was signed, and no header is added."""
    heads: list[str] = []

    async def main() -> None:
        async with heard(heads) as url:
            request = httpx.Request("GET", f"{url}/a%7Eb%2Fc?x=%41+%C3%BC", headers={"X-A": "b"})
            await (await transport.handle_async_request(request)).aread()
            await transport.aclose()

    asyncio.run(main())

    first, *headers = heads[0].strip().split("\r\n")
    assert first == "GET /a%7Eb%2Fc?x=%41+%C3%BC HTTP/1.1"
    assert {header.partition(":")[0].lower() for header in headers} == {"host", "x-a"}


def test_over_tls_a_server_is_believed_by_its_certificate_unless_told_otherwise() -> None:
    ca, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)

    async def status(**settings: Any) -> int:
        async with (
            heard([], tls) as url,
            httpx.AsyncClient(transport=AiohttpTransport(**settings)) as http,
        ):
            return (await http.get(url)).status_code

    for strict in ({}, {"verify": True}):
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            asyncio.run(status(**strict))
    assert asyncio.run(status(verify=trusting)) == 204
    assert asyncio.run(status(verify=False)) == 204


def test_a_connection_that_the_server_closed_while_nothing_ran_is_not_used(
    transport: AiohttpTransport,
) -> None:
    loop = asyncio.new_event_loop()
    with Served(Service(), idle_seconds=0.1) as server:
        args = {"transport": transport}
        client = AsyncTransloadit("k", "s", base_url=server.url, retry=None, httpx_args=args)
        for _ in range(3):
            loop.run_until_complete(client.replay_assembly(ID))
            threading.Event().wait(0.4)  # nothing runs here
        loop.run_until_complete(client.aclose())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()

    assert len(server.service.requests) == 3


@pytest.mark.parametrize("debug", [False, True])
def test_each_event_loop_closes_its_connections(transport: AiohttpTransport, debug: bool) -> None:
    """aiohttp warns of what was not closed, and pytest makes an error of each warning."""

    async def read() -> None:
        await asyncio.gather(*(client.get_assembly(ID) for _ in range(5)))

    with Served(Service()) as server:
        args = {"transport": transport}
        client = AsyncTransloadit("k", "s", base_url=server.url, retry=None, httpx_args=args)
        for _ in range(3):
            asyncio.run(read(), debug=debug)
    gc.collect()

    assert len(server.service.requests) == 15


def test_a_result_whose_name_leads_to_this_network_is_not_fetched(
    connect: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver is asked by aiohttp, and its answer is checked before anything is sent."""
    original, asked = socket.getaddrinfo, []

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return original("127.0.0.1" if host == "inside.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    result = {"name": "cat.jpg", "ssl_url": "https://inside.example/result"}
    status = AssemblyStatus.from_dict(
        {"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID, "results": {"small": [result]}}
    )

    with pytest.raises(DownloadIncomplete, match=r"inside\.example is on this machine"):
        connect("k", "s", retry=None).download_results(status, tmp_path)

    assert "inside.example" in asked


def test_a_host_may_be_given_by_its_name(connect: Callable[..., Any]) -> None:
    with Served(Service()) as server:
        named = server.url.replace("127.0.0.1", "localhost")

        assert connect("k", "s", base_url=named).get_assembly(ID).done
