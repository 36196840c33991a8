"""The transport over aiohttp: the same calls, and the same judgement of what may have been sent."""

import asyncio
import gc
import gzip
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
from transloadit_client._http.aiohttp_transport import _Line
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


NOTHING = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def heard(
    heads: list[str],
    tls: ssl.SSLContext | None = None,
    *,
    answer: bytes = NOTHING,
    ends: bytes = b"\r\n\r\n",
    after: float = 0.0,
) -> AsyncIterator[str]:
    """The URL of a server that notes each request up to what it ends with, and answers all alike,
    after some seconds.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(ends)).decode())
        await asyncio.sleep(after)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


def test_a_connection_that_was_never_made_is_closed_without_ado() -> None:
    asyncio.run(_Line(ssl.create_default_context(), proxy=None).aclose())


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


@pytest.mark.parametrize("length", [{}, {"Content-Length": "8"}], ids=["chunked", "announced"])
def test_a_body_that_comes_in_pieces_arrives_whole(
    transport: AiohttpTransport, length: dict[str, str]
) -> None:
    """Without a length it is sent in chunks; no type is made up for it."""
    requests: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"four", b"five"):
            yield piece
            await asyncio.sleep(0)

    async def main() -> None:
        ends = b"five" if length else b"0\r\n\r\n"
        async with heard(requests, ends=ends) as url:
            request = httpx.Request("POST", url, content=pieces(), headers=length)
            response = await transport.handle_async_request(request)
            await response.aread()
            await transport.aclose()

    asyncio.run(main())

    head, _, body = requests[0].partition("\r\n\r\n")
    names = {line.partition(":")[0].lower() for line in head.split("\r\n")[1:]}
    assert names == {"host", "content-length" if length else "transfer-encoding"}
    assert body in ("fourfive", "4\r\nfour\r\n4\r\nfive\r\n0\r\n\r\n")


def test_an_answer_comes_back_as_it_is(transport: AiohttpTransport) -> None:
    """httpx unpacks it, follows a redirect, and keeps a cookie: if it is told to."""
    packed = gzip.compress(b"a status")
    head = "HTTP/1.1 302 Found\r\nLocation: /b\r\nSet-Cookie: a=b\r\nConnection: close\r\n"
    answer = f"{head}Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    heads: list[str] = []

    async def main() -> list[httpx.Response]:
        responses: list[httpx.Response] = []
        async with heard(heads, answer=answer + packed) as url:
            named = url.replace("127.0.0.1", "localhost")
            for _ in range(2):
                request = httpx.Request("GET", named)
                responses.append(await transport.handle_async_request(request))
                await responses[-1].aread()
                await responses[-1].aclose()
            await transport.aclose()
        return responses

    for response in asyncio.run(main()):
        assert (response.status_code, response.headers["Location"]) == (302, "/b")
        assert response.content == b"a status"
        assert response.http_version == "HTTP/1.1"
        assert "network_stream" in response.extensions
    assert [head.split()[:2] for head in heads] == [["GET", "/"]] * 2
    assert "cookie" not in heads[1].lower()


def test_each_connection_looks_its_name_up_among_addresses_of_both_kinds(
    transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was checked once may lead elsewhere by now."""
    original, asked = socket.getaddrinfo, []

    def getaddrinfo(host: Any, port: Any, family: int = 0, *args: Any, **kwargs: Any) -> Any:
        if host == "localhost":
            asked.append(family)
        return original(host, port, family, *args, **kwargs)

    async def main() -> None:
        async with heard([]) as url, httpx.AsyncClient(transport=transport) as http:
            for _ in range(2):
                await http.get(url.replace("127.0.0.1", "localhost"))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    asyncio.run(main())

    assert asked == [socket.AF_UNSPEC] * 2


def test_a_request_goes_to_its_proxy() -> None:
    heads: list[str] = []

    async def main() -> None:
        async with (
            heard(heads) as proxy,
            httpx.AsyncClient(transport=AiohttpTransport(proxy=proxy)) as http,
        ):
            await http.get("http://api.example/a")

    asyncio.run(main())

    assert heads[0].startswith("GET http://api.example/a HTTP/1.1\r\n")


def test_an_answer_may_take_longer_than_a_connection(transport: AiohttpTransport) -> None:
    async def main() -> int:
        timeout = httpx.Timeout(5.0, connect=0.1)
        async with (
            heard([], after=0.2) as url,
            httpx.AsyncClient(transport=transport, timeout=timeout) as http,
        ):
            return (await http.get(url)).status_code

    assert asyncio.run(main()) == 204


def test_a_name_that_is_not_found_in_time_meets_the_timeout_of_the_connection(
    transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> Any:
        found.wait(5)
        raise OSError

    async def main() -> None:
        timeout = httpx.Timeout(None, connect=0.05)
        try:
            async with httpx.AsyncClient(transport=transport, timeout=timeout) as http:
                await http.get("http://slow.example/")
        finally:
            found.set()

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(httpx.ConnectTimeout):
        asyncio.run(main())


def test_each_piece_of_a_body_has_the_time_to_write(transport: AiohttpTransport) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000_000

    async def main(listening: socket.socket) -> None:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        timeout = httpx.Timeout(None, write=0.1)
        async with asyncio.timeout(5), httpx.AsyncClient(transport=transport) as http:
            with listening, pytest.raises(httpx.ReadTimeout):
                await http.post(url, content=pieces(), timeout=timeout)
        await asyncio.sleep(0.02)  # until the connection is reset, since nobody listens now

    asyncio.run(main(socket.create_server(("127.0.0.1", 0))))


def test_over_tls_a_server_is_believed_by_its_certificate_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variables of the environment tell it nothing."""
    ca, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
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
