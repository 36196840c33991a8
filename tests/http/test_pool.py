"""Connections: one for each request in flight, as many as allowed, each kept to its event loop."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
import trustme

from transloadit_client import AsyncTransloadit, NoAnswer, RetryPolicy, Transloadit
from transloadit_client._http.async_pool import AsyncPool
from transloadit_client._http.pool import Pool
from transloadit_client._http.pool_state import APART, STRANGER, Origin
from transloadit_client._http.worker_threads import in_thread

ASSEMBLY_ID = "0123456789abcdef0123456789abcdef"
BODY = b'{"ok":"ASSEMBLY_EXECUTING","assembly_id":"%s"}' % ASSEMBLY_ID.encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nSet-Cookie: a=b\r\n\r\n%b" % (len(BODY), BODY)
KINDS = pytest.mark.parametrize("kind", [Transloadit, AsyncTransloadit])


class Server:
    """Answers each request on its connections once it is let go, and counts both."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.listening.getsockname()[1]}"
        self.go = threading.Event()
        self.after: Callable[[socket.socket], object] = lambda _: None
        """Called with a connection after each answer."""
        self.open = self.opened = self.busy = self.most = 0
        self.heads: list[bytes] = []
        self._tls = tls
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.go.set()
        # `close` alone leaves a thread in `accept`, and with it a number that other sockets get.
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with self._lock:
            self.open, self.opened = self.open + 1, self.opened + 1
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            while (head := self._head(connection)) is not None:
                with self._lock:
                    self.heads.append(head)
                    self.busy += 1
                    self.most = max(self.most, self.busy)
                self.go.wait(30)
                with self._lock:
                    self.busy -= 1
                connection.sendall(ANSWER)
                self.after(connection)
        except OSError:
            pass
        finally:
            with self._lock:
                self.open -= 1
            connection.close()

    @staticmethod
    def _head(connection: socket.socket) -> bytes | None:
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = connection.recv(1)
            if not piece:
                return None
            data += piece
        return data


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


class Reader:
    """A client of either kind, whose reads run beside each other: in threads, or in one loop."""

    def __init__(self, kind: type[Any], server: Server, **options: Any) -> None:
        limits = options.pop("limits", None)
        args = {"limits": limits} if limits else {}
        self.client = kind(base_url=server.url, httpx_args=args, **options)
        self._threads = ThreadPoolExecutor(40)
        self._loop = asyncio.new_event_loop() if kind is AsyncTransloadit else None
        if self._loop is not None:
            threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def read(self, **options: Any) -> "Future[Any]":
        if self._loop is None:
            return self._threads.submit(self.client.get_assembly, ASSEMBLY_ID, **options)
        reading = self.client.get_assembly(ASSEMBLY_ID, **options)
        return asyncio.run_coroutine_threadsafe(reading, self._loop)

    def close(self) -> None:
        if self._loop is None:
            self.client.close()
        elif not self._loop.is_closed():
            for last in (self.client.aclose(), asyncio.sleep(0.01)):  # until sockets are closed
                asyncio.run_coroutine_threadsafe(last, self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            until(lambda: not (self._loop and self._loop.is_running()))
            self._loop.close()
        self._threads.shutdown()


Make = Callable[..., Reader]


@pytest.fixture(params=[Transloadit, AsyncTransloadit])
def make(request: pytest.FixtureRequest, server: Server) -> Iterator[Make]:
    made: list[Reader] = []

    def reader(**options: Any) -> Reader:
        made.append(Reader(request.param, server, **options))
        return made[-1]

    yield reader
    server.go.set()
    for one in made:
        one.close()


# Limits


def test_no_more_connections_are_in_use_than_the_limit_says(make: Make, server: Server) -> None:
    reader = make(limits=httpx.Limits(max_connections=3))
    reads = [reader.read() for _ in range(10)]
    until(lambda: server.busy == 3)
    time.sleep(0.05)
    assert server.busy == 3

    server.go.set()

    assert all(read.result(10).busy for read in reads)
    assert (server.most, server.opened) == (3, 3)


def test_a_wait_for_a_connection_ends_when_its_own_timeout_says_so(
    make: Make, server: Server
) -> None:
    reader = make(limits=httpx.Limits(max_connections=1), retry=None)
    first = reader.read()
    until(lambda: server.busy == 1)

    with pytest.raises(NoAnswer, match="PoolTimeout: no connection became free") as caught:
        reader.read(timeout=httpx.Timeout(10, pool=0.05)).result(10)

    cause: Any = caught.value.__cause__
    assert cause.request.url.path == f"/assemblies/{ASSEMBLY_ID}"
    server.go.set()
    assert first.result(10).busy


def test_a_wait_for_a_connection_costs_neither_attempts_nor_budget(
    make: Make, server: Server
) -> None:
    """It is no fault of the network: only the deadline ends it."""
    policy = RetryPolicy(attempts=2, reserve=0.0, share=0.0, first=0.01, deadline=20.0)
    reader = make(limits=httpx.Limits(max_connections=1), retry=policy)
    first = reader.read()
    until(lambda: server.busy == 1)
    second = reader.read(timeout=httpx.Timeout(10, pool=0.01))
    time.sleep(0.2)

    server.go.set()

    assert first.result(10).busy
    assert second.result(10).busy


def test_without_a_timeout_of_its_own_a_wait_for_a_connection_has_none(
    make: Make, server: Server
) -> None:
    """Not even where the steps of a request have one: its place in the queue is none of them."""
    reader = make(limits=httpx.Limits(max_connections=1), timeout=0.3, retry=None)
    reads = [reader.read() for _ in range(3)]
    until(lambda: server.busy == 1)
    server.go.set()

    assert all(read.result(10).busy for read in reads)


def test_a_connection_that_leads_elsewhere_makes_room(make: Make, server: Server) -> None:
    reader = make(limits=httpx.Limits(max_connections=1))
    server.go.set()
    elsewhere = Server()
    elsewhere.go.set()
    try:
        assert reader.read().result(10).busy
        there = reader.client.with_options(base_url=elsewhere.url)
        here, reader.client = reader.client, there
        assert reader.read().result(10).busy
        reader.client = here
        until(lambda: server.open == 0)
        assert elsewhere.open == 1
    finally:
        elsewhere.close()


def test_a_connection_that_becomes_free_serves_a_request_that_leads_elsewhere(
    make: Make, server: Server
) -> None:
    reader = make(limits=httpx.Limits(max_connections=1))
    elsewhere = Server()
    elsewhere.go.set()
    try:
        first = reader.read()
        until(lambda: server.busy == 1)
        here, reader.client = reader.client, reader.client.with_options(base_url=elsewhere.url)
        second = reader.read()
        reader.client = here
        time.sleep(0.05)
        server.go.set()
        assert first.result(10).busy
        assert second.result(10).busy
    finally:
        elsewhere.close()


# What is kept


def test_requests_one_after_the_other_share_a_connection(make: Make, server: Server) -> None:
    reader = make()
    server.go.set()

    for _ in range(5):
        reader.read().result(10)

    assert server.opened == 1


def test_connections_beyond_those_to_keep_are_closed_and_all_of_them_in_the_end(
    make: Make, server: Server
) -> None:
    reader = make(limits=httpx.Limits(max_connections=None, max_keepalive_connections=2))
    reads = [reader.read() for _ in range(10)]
    until(lambda: server.busy == 10)
    server.go.set()
    for read in reads:
        read.result(10)

    until(lambda: server.open == 2)
    assert server.opened == 10
    reader.close()
    until(lambda: server.open == 0)


def test_a_connection_that_was_idle_for_long_is_closed(make: Make, server: Server) -> None:
    reader = make(limits=httpx.Limits(keepalive_expiry=0.05))
    reads = [reader.read() for _ in range(3)]
    until(lambda: server.busy == 3)
    server.go.set()
    for read in reads:
        read.result(10)
    time.sleep(0.1)

    reader.read().result(10)

    until(lambda: server.open == 1)


def test_no_connection_is_kept_where_none_is_to_be(make: Make, server: Server) -> None:
    reader = make(limits=httpx.Limits(max_keepalive_connections=0))
    server.go.set()

    for _ in range(2):
        reader.read().result(10)
        until(lambda: server.open == 0)

    assert server.opened == 2


def _hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _say_408_and_hang_up(connection: socket.socket) -> None:
    """As HAProxy does when no request came for a while."""
    connection.sendall(b"HTTP/1.0 408 Request Time-out\r\nConnection: close\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("ends", [_hang_up, _say_408_and_hang_up])
def test_a_connection_that_the_server_ended_while_idle_is_not_used_again(
    make: Make, server: Server, ends: Callable[[socket.socket], object]
) -> None:
    """Nor is what it said unasked taken for an answer: there is no second attempt to mend that."""
    reader = make(retry=None)
    server.go.set()
    server.after = ends

    for _ in range(3):
        assert reader.read().result(10).busy
        time.sleep(0.05)

    assert server.opened == 3


def test_a_closed_client_sends_nothing(make: Make, server: Server) -> None:
    reader = make(retry=None)
    server.go.set()
    reader.read().result(10)
    reader.close()

    def read() -> None:
        reading = reader.client.get_assembly(ASSEMBLY_ID)
        if isinstance(reader.client, AsyncTransloadit):
            asyncio.run(reading)

    with pytest.raises(RuntimeError, match="closed"):
        read()


# Whoever gives up


def test_a_canceled_call_gives_its_connection_or_its_turn_back(server: Server) -> None:
    async def main() -> None:
        args = {"limits": httpx.Limits(max_connections=1)}
        async with AsyncTransloadit(base_url=server.url, httpx_args=args) as client:
            tasks = [asyncio.create_task(client.get_assembly(ASSEMBLY_ID)) for _ in range(2)]
            await asyncio.to_thread(until, lambda: server.busy == 1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            server.go.set()
            for _ in range(2):
                assert (await client.get_assembly(ASSEMBLY_ID)).busy

    asyncio.run(main())


def test_a_turn_that_comes_as_its_call_is_canceled_goes_to_the_next(server: Server) -> None:
    async def main() -> None:
        args = {"limits": httpx.Limits(max_connections=1)}
        async with AsyncTransloadit(base_url=server.url, httpx_args=args) as client:

            async def first() -> None:
                await client.get_assembly(ASSEMBLY_ID)
                second.cancel()  # in this very moment it is granted the connection

            one = asyncio.create_task(first())
            await asyncio.to_thread(until, lambda: server.busy == 1)
            second = asyncio.create_task(client.get_assembly(ASSEMBLY_ID))
            third = asyncio.create_task(client.get_assembly(ASSEMBLY_ID))
            await asyncio.sleep(0.05)
            server.go.set()
            await one
            assert (await third).busy
            with pytest.raises(asyncio.CancelledError):
                await second

    asyncio.run(main())


# Event loops


async def _read(client: AsyncTransloadit) -> None:
    assert (await client.get_assembly(ASSEMBLY_ID)).busy


@pytest.mark.parametrize("debug", [False, True])
def test_each_event_loop_has_connections_of_its_own_and_closes_them(
    server: Server, *, debug: bool
) -> None:
    """`asyncio.run` makes a loop for each run: a script, a notebook, Django's `async_to_sync`."""
    client = AsyncTransloadit(base_url=server.url, retry=None)
    server.go.set()

    for run in range(3):
        asyncio.run(_read(client), debug=debug)
        until(lambda: server.open == 0)
        assert server.opened == run + 1

    asyncio.run(client.aclose())


NO_SHUTDOWN = f"""
import asyncio, sys
from transloadit_client import AsyncTransloadit

client = AsyncTransloadit(base_url=sys.argv[1], retry=None)
for _ in range(2):
    loop = asyncio.new_event_loop()
    print(loop.run_until_complete(client.get_assembly({ASSEMBLY_ID!r})).busy)
    loop.close()
"""


def test_loops_that_end_without_a_shutdown_do_no_harm(server: Server) -> None:
    """Python frees their sockets then; it does so in a process of its own, since it may warn."""
    server.go.set()

    done = subprocess.run(
        [sys.executable, "-c", NO_SHUTDOWN, server.url], capture_output=True, text=True, check=True
    )

    assert done.stdout == "True\nTrue\n"
    assert server.opened == 2


@pytest.mark.parametrize("debug", [False, True])
def test_two_threads_with_a_loop_each_share_a_client(server: Server, *, debug: bool) -> None:
    client = AsyncTransloadit(base_url=server.url, retry=None)
    server.go.set()

    async def reads() -> None:
        for _ in range(20):
            await _read(client)

    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(asyncio.run, reads(), debug=debug) for _ in range(2)]
        for run in runs:
            run.result(30)

    assert server.opened == 2


def test_it_runs_on_uvloop_as_well(server: Server) -> None:
    uvloop = pytest.importorskip("uvloop", reason="there is none for this system")
    client = AsyncTransloadit(base_url=server.url, retry=None)
    server.go.set()

    for _ in range(2):
        uvloop.run(_read(client))

    assert server.opened == 2


def test_it_runs_on_trio_as_well(server: Server) -> None:
    trio = pytest.importorskip("trio")
    client = AsyncTransloadit(base_url=server.url, retry=None)
    server.go.set()

    for _ in range(2):
        trio.run(_read, client)

    until(lambda: server.open == 0)
    assert server.opened == 2


# TLS


@KINDS
def test_over_tls_a_server_is_believed_if_its_certificate_is(
    kind: type[Any], tmp_path: Path
) -> None:
    ca, other, file = trustme.CA(), trustme.CA(), tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    tls, others = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    other.configure_trust(others)
    server = Server(tls)
    server.go.set()

    def read(verify: Any) -> Any:
        reader = Reader(kind, server, verify_ssl=verify, retry=None)
        try:
            return reader.read().result(10)
        finally:
            reader.close()

    assert read(str(file)).busy
    assert read(verify=False).busy
    for stranger in (others, True):
        with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
            read(stranger)
    assert len(server.heads) == 2
    server.close()


# What httpx was given


@KINDS
def test_hooks_and_auth_that_httpx_was_given_are_heeded_once(
    kind: type[Any], server: Server
) -> None:
    seen: list[str] = []

    async def heard(request: httpx.Request) -> None:
        seen.append(request.headers["Authorization"][:6])

    hook = heard if kind is AsyncTransloadit else lambda request: asyncio.run(heard(request))
    args = {"event_hooks": {"request": [hook]}, "auth": ("me", "hush")}
    server.go.set()
    client = kind(base_url=server.url, httpx_args=args)

    if kind is AsyncTransloadit:
        asyncio.run(_read(client))
    else:
        client.get_assembly(ASSEMBLY_ID)
        client.close()

    assert seen == ["Basic "]


def test_a_hook_may_read_the_answer(server: Server) -> None:
    server.go.set()
    args = {"event_hooks": {"response": [lambda response: response.read()]}}

    with Transloadit(base_url=server.url, httpx_args=args) as client:
        assert client.get_assembly(ASSEMBLY_ID).busy


# What breaks


GET = httpx.Request("GET", "https://api.example/")


def test_a_connection_that_cannot_be_made_takes_no_place() -> None:
    """With one place, the next request would wait for ever."""
    makes: list[Any] = [OSError, httpx.MockTransport(lambda _: httpx.Response(204))]

    def make(_: Origin) -> Any:
        made = makes.pop(0)
        if made is OSError:
            raise OSError
        return made

    async def awaited(pool: AsyncPool) -> int:
        with pytest.raises(OSError):  # noqa: PT011  # it has no text
            await pool.handle_async_request(GET)
        return (await pool.handle_async_request(GET)).status_code

    both = makes * 2
    makes[:] = both
    pool = Pool(make, httpx.Limits(max_connections=1))
    with pytest.raises(OSError):  # noqa: PT011  # likewise
        pool.handle_request(GET)

    assert pool.handle_request(GET).status_code == 204
    assert asyncio.run(awaited(AsyncPool(make, httpx.Limits(max_connections=1)))) == 204


SOON = httpx.Request("GET", GET.url, extensions={"timeout": {"pool": 0.05}})


class Line(httpx.MockTransport):
    """A connection that knows whether it was closed."""

    def __init__(self) -> None:
        super().__init__(lambda _: httpx.Response(204))
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.fixture
def lines() -> list[Line]:
    return []


@pytest.fixture
def make_line(lines: list[Line]) -> Callable[[Origin], Line]:
    def make(_: Origin) -> Line:
        lines.append(Line())
        return lines[-1]

    return make


GIVES_UP = pytest.mark.parametrize(
    ("url", "its_turn_came", "are_closed"),
    [
        ("https://api.example/", False, [False]),
        ("https://api.example/", True, [False]),
        # It was to close the one that led elsewhere, and to make one of its own.
        ("https://elsewhere.example/", True, [True, False]),
    ],
)
"""Where a request goes that stops to wait, whether its turn came in that moment; which lines are
closed once another one was answered."""


@GIVES_UP
def test_ctrl_c_while_waiting_for_a_connection_gives_the_turn_back(
    monkeypatch: pytest.MonkeyPatch,
    make_line: Callable[[Origin], Line],
    lines: list[Line],
    *,
    url: str,
    its_turn_came: bool,
    are_closed: list[bool],
) -> None:
    pool = Pool(make_line, httpx.Limits(max_connections=1))
    first: Any = pool.handle_request(GET).stream

    def interrupted(*_: object) -> bool:
        if its_turn_came:
            first.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.handle_request(httpx.Request("GET", url))
    monkeypatch.undo()
    first.close()

    assert pool.handle_request(SOON).status_code == 204
    assert [line.is_closed for line in lines] == are_closed


@GIVES_UP
def test_a_request_that_is_canceled_while_waiting_gives_its_turn_back(
    make_line: Callable[[Origin], Line],
    lines: list[Line],
    *,
    url: str,
    its_turn_came: bool,
    are_closed: list[bool],
) -> None:
    async def main() -> None:
        pool = AsyncPool(make_line, httpx.Limits(max_connections=1))
        first: Any = (await pool.handle_async_request(GET)).stream
        second = asyncio.create_task(pool.handle_async_request(httpx.Request("GET", url)))
        await asyncio.sleep(0.01)
        if its_turn_came:
            await first.aclose()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await first.aclose()

        assert (await pool.handle_async_request(SOON)).status_code == 204
        assert [line.is_closed for line in lines] == are_closed

    asyncio.run(main())


def test_a_turn_that_comes_as_the_wait_times_out_is_taken(
    make_line: Callable[[Origin], Line],
) -> None:
    async def main() -> None:
        pool = AsyncPool(make_line, httpx.Limits(max_connections=1))
        first: Any = (await pool.handle_async_request(GET)).stream

        async def close_it() -> None:
            await asyncio.sleep(0.01)
            await first.aclose()

        patient = httpx.Request(
            "GET", "https://api.example/", extensions={"timeout": {"pool": 0.02}}
        )
        second = asyncio.create_task(pool.handle_async_request(patient))
        closing = asyncio.create_task(close_it())
        await asyncio.sleep(0)
        # Both times are over when the event loop looks at its clock again.
        time.sleep(0.05)  # noqa: ASYNC251  # it is to be held up

        assert (await second).status_code == 204
        await closing

    asyncio.run(main())


def test_ctrl_c_while_waiting_lets_no_request_before_it_pass(
    monkeypatch: pytest.MonkeyPatch, make_line: Callable[[Origin], Line], lines: list[Line]
) -> None:
    pool = Pool(make_line, httpx.Limits(max_connections=1))
    first: Any = pool.handle_request(GET).stream

    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as thread:
        second = thread.submit(pool.handle_request, GET)
        until(lambda: pool._state._waiting)
        monkeypatch.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pool.handle_request(GET)
        monkeypatch.undo()
        with pytest.raises(TimeoutError):
            second.result(0.05)

        first.close()
        assert second.result(10).status_code == 204
    assert len(lines) == 1


def test_a_request_that_gives_up_lets_none_before_it_pass(
    make_line: Callable[[Origin], Line], lines: list[Line]
) -> None:
    async def main() -> None:
        pool = AsyncPool(make_line, httpx.Limits(max_connections=1))
        first: Any = (await pool.handle_async_request(GET)).stream
        second, third = (asyncio.create_task(pool.handle_async_request(GET)) for _ in range(2))
        await asyncio.sleep(0.01)
        third.cancel()
        with pytest.raises(asyncio.CancelledError):
            await third
        await asyncio.sleep(0.01)

        assert not second.done()
        await first.aclose()
        assert (await second).status_code == 204
        assert len(lines) == 1

    asyncio.run(main())


def test_the_request_that_has_waited_longest_is_next(
    make_line: Callable[[Origin], Line], lines: list[Line]
) -> None:
    async def main() -> None:
        pool = AsyncPool(make_line, httpx.Limits(max_connections=1))
        first: Any = (await pool.handle_async_request(GET)).stream
        second = asyncio.create_task(pool.handle_async_request(GET))
        await asyncio.sleep(0.01)
        third = asyncio.create_task(pool.handle_async_request(GET))
        await asyncio.sleep(0.01)

        await first.aclose()
        answer: Any = (await second).stream
        assert not third.done()
        await answer.aclose()
        assert (await third).status_code == 204
        assert len(lines) == 1

    asyncio.run(asyncio.wait_for(main(), 10))


@pytest.mark.parametrize("kind", [Pool, AsyncPool])
def test_a_connection_that_was_in_use_when_its_client_was_closed_is_closed_after_it(
    make_line: Callable[[Origin], Line], lines: list[Line], kind: type[Any]
) -> None:
    pool = kind(make_line, httpx.Limits(max_connections=1))

    async def main() -> None:
        stream: Any = (await pool.handle_async_request(GET)).stream
        await pool.aclose()
        assert not lines[0].is_closed
        await stream.aclose()

    if kind is AsyncPool:
        asyncio.run(main())
    else:
        stream = pool.handle_request(GET).stream
        pool.close()
        assert not lines[0].is_closed
        stream.close()

    assert lines[0].is_closed


# A connection apart


@pytest.mark.parametrize("kind", [Pool, AsyncPool])
def test_a_request_apart_has_a_connection_of_its_own_that_is_not_kept(
    lines: list[Line], kind: type[Any]
) -> None:
    """It waits for no other, and no other waits for it."""
    origins: list[Origin] = []

    def make(origin: Origin) -> Line:
        origins.append(origin)
        lines.append(Line())
        return lines[-1]

    apart = httpx.Request("GET", "http://a.example:81/", extensions={APART: True, STRANGER: True})
    pool = kind(make, httpx.Limits(max_connections=1))

    async def main() -> None:
        first: Any = (await pool.handle_async_request(GET)).stream
        second: Any = (await pool.handle_async_request(apart)).stream
        await second.aclose()
        await first.aclose()
        third: Any = (await pool.handle_async_request(SOON)).stream
        await third.aclose()
        assert not lines[0].is_closed

    if kind is AsyncPool:
        asyncio.run(main())
    else:
        first, second = (pool.handle_request(request).stream for request in (GET, apart))
        second.close()
        first.close()
        pool.handle_request(SOON).stream.close()
        assert not lines[0].is_closed

    assert origins == [
        Origin("https", "api.example", None, is_stranger=False),
        Origin("http", "a.example", 81, is_stranger=True),
    ]
    assert lines[1].is_closed


# How connections are closed


def test_a_pool_that_is_closed_closes_its_idle_connections_at_once(
    make_line: Callable[[Origin], Line], lines: list[Line]
) -> None:
    async def main() -> None:
        await AsyncPool(make_line, httpx.Limits()).aclose()  # of no connections yet
        pool = AsyncPool(make_line, httpx.Limits())
        stream: Any = (await pool.handle_async_request(GET)).stream
        await stream.aclose()
        await pool.aclose()
        assert [line.is_closed for line in lines] == [True]

    asyncio.run(main())


def test_a_canceled_request_closes_its_connection_to_the_end() -> None:
    """However that ends: it is no concern of a call."""

    class Slow(httpx.AsyncBaseTransport):
        was_closed = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/slow":
                await anyio.sleep(20)
            return httpx.Response(204)

        async def aclose(self) -> None:
            await anyio.sleep(0.01)
            self.was_closed = True
            raise OSError("it was reset")

    slow = Slow()

    async def main() -> None:
        pool = AsyncPool(lambda _: slow, httpx.Limits())
        with anyio.move_on_after(0.01) as scope:
            url = "https://api.example/slow"
            await pool.handle_async_request(httpx.Request("GET", url, extensions={APART: True}))
        assert scope.cancelled_caught
        assert slow.was_closed
        request = httpx.Request("GET", GET.url, extensions={APART: True})
        stream: Any = (await pool.handle_async_request(request)).stream
        await stream.aclose()

    asyncio.run(main())


def test_connections_that_are_not_kept_leave_their_places(
    make_line: Callable[[Origin], Line], lines: list[Line]
) -> None:
    """Two may be in use at a time, however many there were before."""
    pool = Pool(make_line, httpx.Limits(max_connections=2, max_keepalive_connections=1))
    for _ in range(3):
        streams: list[Any] = [pool.handle_request(SOON).stream for _ in range(2)]
        with pytest.raises(httpx.PoolTimeout):
            pool.handle_request(SOON)
        for stream in streams:
            stream.close()
            stream.close()  # as httpx may

    assert [line.is_closed for line in lines].count(False) == 1


@pytest.mark.parametrize("kind", [Pool, AsyncPool])
def test_what_a_failed_request_went_over_is_closed_with_its_pool(
    lines: list[Line], kind: type[Any]
) -> None:
    class Broken(Line):
        def __init__(self) -> None:
            super().__init__()
            self.handler = lambda _: httpx.Response(1 // 0)

    def make(_: Origin) -> Line:
        lines.append(Broken())
        return lines[-1]

    async def main(pool: AsyncPool) -> None:
        with pytest.raises(ZeroDivisionError):
            await pool.handle_async_request(GET)
        await pool.aclose()

    pool = kind(make, httpx.Limits())
    if kind is AsyncPool:
        asyncio.run(main(pool))
    else:
        with pytest.raises(ZeroDivisionError):
            pool.handle_request(GET)
        pool.close()

    assert [line.is_closed for line in lines] == [True]


def test_a_connection_that_could_not_be_made_leaves_one_place(
    make_line: Callable[[Origin], Line],
) -> None:
    makes: list[Callable[[Origin], Line]] = [make_line, make_line]

    def make(origin: Origin) -> Line:
        if len(makes) == 2:
            makes.pop()
            raise ssl.SSLError
        return make_line(origin)

    pool = Pool(make, httpx.Limits(max_connections=1))
    with pytest.raises(ssl.SSLError):
        pool.handle_request(SOON)
    pool.handle_request(SOON)

    with pytest.raises(httpx.PoolTimeout):
        pool.handle_request(SOON)


def test_requests_that_were_on_their_way_into_a_closed_pool_are_answered(
    make_line: Callable[[Origin], Line], lines: list[Line]
) -> None:
    pool = Pool(make_line, httpx.Limits(max_connections=1))
    pool.close()
    for _ in range(3):
        stream: Any = pool.handle_request(SOON).stream
        stream.close()

    assert [line.is_closed for line in lines] == [True] * 3


def test_old_connections_are_closed_where_more_might_be_kept(
    make_line: Callable[[Origin], Line], lines: list[Line]
) -> None:
    pool = Pool(make_line, httpx.Limits(max_keepalive_connections=5, keepalive_expiry=0.05))
    streams: list[Any] = [pool.handle_request(GET).stream for _ in range(3)]
    streams[0].close()
    streams[1].close()
    time.sleep(0.1)

    streams[2].close()

    assert [line.is_closed for line in lines] == [True, True, False]


def test_requests_that_share_a_connection_share_one_for_each_origin(
    make_line: Callable[[Origin], Line], lines: list[Line]
) -> None:
    async def main() -> None:
        pool = AsyncPool(make_line, httpx.Limits(max_connections=1), shared=True)
        urls = ["https://a.example/", "https://b.example/"] * 2
        for url in urls:
            await pool.handle_async_request(httpx.Request("GET", url))
        assert [line.is_closed for line in lines] == [False, False]
        await pool.aclose()
        assert [line.is_closed for line in lines] == [True, True]

    asyncio.run(main())


# Threads


def test_blocking_work_has_40_threads_in_each_event_loop_beside_those_of_others() -> None:
    at_once = most = 0
    lock, full = threading.Lock(), threading.Event()

    def block() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
            if at_once == 40:
                full.set()
        assert full.wait(20)
        time.sleep(0.02)
        with lock:
            at_once -= 1

    async def main() -> None:
        await asyncio.gather(*(in_thread(block) for _ in range(45)))

    asyncio.run(main())

    assert most == 40


def test_a_canceled_call_does_not_wait_for_a_slow_disk() -> None:
    read = threading.Event()

    async def main() -> bool:
        with anyio.move_on_after(0.02) as scope:
            await in_thread(read.wait, 5)
        return scope.cancelled_caught and not read.is_set()

    async def run() -> bool:
        try:
            return await main()
        finally:
            read.set()

    began = time.monotonic()
    assert asyncio.run(run())
    assert time.monotonic() - began < 2.5


def test_blocking_work_goes_on_where_others_have_taken_all_threads_of_anyio() -> None:
    """They may be waiting for an upload, whose file is read here."""
    is_read = threading.Event()

    async def main() -> None:
        theirs = anyio.to_thread.current_default_thread_limiter()
        async with anyio.create_task_group() as group:
            for _ in range(int(theirs.total_tokens)):
                group.start_soon(anyio.to_thread.run_sync, is_read.wait, 10)
            await anyio.sleep(0.01)
            try:
                assert theirs.available_tokens == 0
                with anyio.fail_after(5):
                    assert await in_thread(divmod, 7, 2) == (3, 1)
            finally:
                is_read.set()

    asyncio.run(main())
