"""Waiting over real connections: streams that speak, break, lie and fall silent."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from transloadit_client import AsyncTransloadit, Progress, StillBusy, Transloadit
from transloadit_client._flow import CLOSED, OPENED, Event, Listen, Pause
from transloadit_client._http import async_event_stream, event_stream
from transloadit_client._http.async_event_stream import AsyncListener
from transloadit_client._http.event_stream import (
    SLOTS,
    Listener,
    event_of,
    has_events,
    most_streams,
)  # fmt: skip
from transloadit_client._http.pool_state import APART
from transloadit_standin import StandIn

ID = "0123456789abcdef0123456789abcdef"

Script = Callable[["Stream"], None]


class Stream:
    """One stream, as a script writes it."""

    def __init__(self, handler: BaseHTTPRequestHandler, api: "Api") -> None:
        self._handler = handler
        self.api = api

    def begin(self, status: int = 200, **headers: str) -> None:
        self._handler.send_response(status)
        headers = {"Content_Type": "text/event-stream; charset=utf-8", **headers}
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def say(self, text: str) -> None:
        self._handler.wfile.write(text.encode())

    def be_silent(self) -> None:
        """Until the client has hung up, or the test is over."""
        self._handler.connection.settimeout(20.0)
        with suppress(TimeoutError, ConnectionError):
            while self._handler.connection.recv(1000):
                pass
        self.api.hung_up.set()


class Api(ThreadingHTTPServer):
    """A small API with one Assembly per id: busy, until a script says that it has ended."""

    daemon_threads = True
    request_queue_size = 1000

    def __init__(self, script: Script | None) -> None:
        self.script = script
        self.ended = threading.Event()
        self.hung_up = threading.Event()
        self.reads: list[float] = []
        self.streams: list[dict[str, str]] = []
        self.read_seconds = 0.0
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to report."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        yield
        with self.lock:
            self.at_once -= 1

    def status(self, identity: str) -> dict[str, Any]:
        ok = "ASSEMBLY_COMPLETED" if self.ended.is_set() else "ASSEMBLY_EXECUTING"
        status: dict[str, Any] = {"ok": ok, "assembly_id": identity}
        if self.script is not None:
            status["update_stream_url"] = f"{self.url}/ws?assembly={identity}"
        return status


class Handler(BaseHTTPRequestHandler):
    server: Api  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        if self.path.startswith("/ws?"):
            self.server.streams.append({name.lower(): text for name, text in self.headers.items()})
            assert self.server.script is not None
            self.server.script(Stream(self, self.server))
            return
        self.server.reads.append(time.monotonic())
        with self.server.reading():
            time.sleep(self.server.read_seconds)
        body = json.dumps(self.server.status(self.path.rpartition("/")[2])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Script | None], Api]]:
    servers: list[Api] = []

    def start(script: Script | None) -> Api:
        servers.append(Api(script))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ends_after(seconds: float) -> Script:
    def script(stream: Stream) -> None:
        stream.begin()
        stream.say("id: 1\n\n")
        time.sleep(seconds)
        stream.api.ended.set()
        stream.say("data: assembly_finished\n\n")

    return script


def listeners() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name == "transloadit-events"]


def gone(found: Callable[[], list[str]]) -> bool:
    for _ in range(200):
        if not found():
            return True
        time.sleep(0.01)
    return False


@contextmanager
def no_stream_is_free() -> Iterator[None]:
    taken = 0
    while SLOTS.acquire(blocking=False):
        taken += 1
    try:
        yield
    finally:
        for _ in range(taken):
            SLOTS.release()


def test_a_stream_that_is_none_leaves_polling(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    def script(stream: Stream) -> None:
        stream.begin(404, Content_Type="text/html")
        stream.api.ended.set()

    api = serve(script)

    assert connect(base_url=api.url).wait_for_assembly(ID, interval=0.4).done

    assert len(api.streams) == 1


def test_a_redirected_stream_is_not_followed(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    elsewhere = serve(lambda stream: stream.begin())

    def script(stream: Stream) -> None:
        stream.begin(302, Location=f"{elsewhere.url}/ws?x")
        stream.api.ended.set()

    assert connect(base_url=serve(script).url).wait_for_assembly(ID, interval=0.4).done

    assert elsewhere.streams == []


def test_what_a_broken_stream_did_not_say_is_read(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    def script(stream: Stream) -> None:
        stream.begin(Content_Length="1000")
        stream.say('event: assembly_result_finished\ndata: ["sm')
        time.sleep(0.5)
        stream.api.ended.set()

    began = time.monotonic()

    assert connect(base_url=serve(script).url).wait_for_assembly(ID).done

    assert time.monotonic() - began < 3.0


def test_an_event_ends_the_wait_with_three_reads(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    """The first block holds only an `id:`, as observed of the service."""
    api = serve(ends_after(1.0))
    began = time.monotonic()

    assert connect(base_url=api.url).wait_for_assembly(ID, interval=0.4).done

    assert 0.9 < time.monotonic() - began < 2.5
    assert len(api.reads) == 3
    assert api.streams[0]["accept"] == "text/event-stream"
    assert api.streams[0]["transloadit-client"].startswith("python-transloadit-client:")


def test_results_are_told_while_the_assembly_runs(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    def script(stream: Stream) -> None:
        stream.begin()
        stream.say('event: assembly_result_finished\ndata: ["small", {"name": "a.jpg"}]\n\n')
        stream.say('event: assembly_execution_progress\ndata: {"progress_combined": 50}\n\n')
        stream.api.ended.wait(10)
        stream.say("data: assembly_finished\n\n")

    api = serve(script)
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if progress.percent:
            api.ended.set()

    began = time.monotonic()
    connect(base_url=api.url).wait_for_assembly(ID, on_progress=tell)

    assert time.monotonic() - began < 5.0  # and not once the stream has ended
    assert [file.name for _, file in told[-1].results] == ["a.jpg"]
    assert told[-1].percent == 50.0


def test_whoever_stops_waiting_hangs_up(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    stop = threading.Event()

    def script(stream: Stream) -> None:
        stream.begin()
        threading.Timer(0.2, stop.set).start()
        stream.be_silent()

    api = serve(script)
    began = time.monotonic()

    with pytest.raises(StillBusy):
        connect(base_url=api.url).wait_for_assembly(ID, stop=stop)

    assert time.monotonic() - began < 2.5
    assert api.hung_up.wait(5)
    assert gone(listeners)


def test_an_error_of_whoever_is_told_comes_as_it_is(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    def script(stream: Stream) -> None:
        stream.begin()
        stream.say('event: assembly_execution_progress\ndata: {"progress_combined": 50}\n\n')
        stream.be_silent()

    def tell(progress: Progress) -> None:
        if progress.percent:
            raise LookupError("enough")

    api = serve(script)

    with pytest.raises(LookupError, match="enough"):
        connect(base_url=api.url).wait_for_assembly(ID, on_progress=tell)

    assert api.hung_up.wait(5)


def test_a_flood_of_events_waits_for_whoever_is_told(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    said = 0

    def script(stream: Stream) -> None:
        nonlocal said
        stream.begin()
        with suppress(OSError):
            for number in range(10**6):
                progress = f'{{"progress_combined": {number % 100}, "x": "{"y" * 100_000}"}}'
                stream.say(f"event: assembly_execution_progress\ndata: {progress}\n\n")
                said = number

    api = serve(script)

    with pytest.raises(StillBusy):
        connect(base_url=api.url).wait_for_assembly(
            ID, deadline=1.5, on_progress=lambda _: time.sleep(1.0)
        )

    assert said < 2000
    assert gone(listeners)


def test_a_client_over_connections_of_the_callers_own_polls(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    """Streams would take the connections away from the calls."""
    api = serve(ends_after(0.0))
    threading.Timer(0.2, api.ended.set).start()
    client = connect(base_url=api.url)
    with httpx.Client() as own, suppress(AttributeError):
        client.set_httpx_client(own)
        client.set_async_httpx_client(httpx.AsyncClient())
        assert client.wait_for_assembly(ID, interval=0.4).done

    assert api.streams == []


def test_a_client_with_a_transport_of_the_callers_own_polls(serve: Callable[[Script], Api]) -> None:
    api = serve(ends_after(0.0))
    threading.Timer(0.2, api.ended.set).start()

    with Transloadit(base_url=api.url, httpx_args={"transport": httpx.HTTPTransport()}) as client:
        assert client.wait_for_assembly(ID, interval=0.4).done

    assert api.streams == []


def test_a_process_with_too_many_streams_polls(
    connect: Callable[..., Any], serve: Callable[[Script], Api]
) -> None:
    api = serve(ends_after(0.0))
    threading.Timer(0.2, api.ended.set).start()

    with no_stream_is_free():
        assert connect(base_url=api.url).wait_for_assembly(ID, interval=0.4).done

    assert api.streams == []


def test_a_process_keeps_half_of_its_descriptors_for_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (257, before[1]))
        assert most_streams("posix") == 128
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    # A test process can have neither of these.
    for limit, streams in ((1, 1), (resource.RLIM_INFINITY, 10_000)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert most_streams("posix") == streams
    assert most_streams("nt") == 10_000  # where sockets are not counted


def test_150_streams_leave_the_calls_their_connections(serve: Callable[[Script], Api]) -> None:
    """httpx's pool has 100 connections, and a call that gets none waits for a minute."""
    open_streams = threading.Semaphore(0)

    def script(stream: Stream) -> None:
        stream.begin()
        open_streams.release()
        stream.api.ended.wait(20)
        stream.say("data: assembly_finished\n\n")

    api = serve(script)

    async def main() -> None:
        async with AsyncTransloadit(base_url=api.url) as client, asyncio.TaskGroup() as tasks:
            waits = [
                tasks.create_task(client.wait_for_assembly(f"{number:032x}"))
                for number in range(150)
            ]
            for _ in waits:
                assert await asyncio.to_thread(open_streams.acquire, timeout=20)
            assert (await client.get_assembly(ID)).busy
            api.ended.set()
        assert all(wait.result().done for wait in waits)

    asyncio.run(main())
    assert len(api.reads) < 5 * 150


def test_a_hundred_that_wait_read_some_at_a_time(serve: Callable[[Script | None], Api]) -> None:
    """httpx's pool grows slow with each request that queues in it."""
    api = serve(None)
    api.ended.set()
    api.read_seconds = 0.05

    async def main() -> None:
        async with AsyncTransloadit(base_url=api.url) as client:
            waits = [client.wait_for_assembly(f"{number:032x}") for number in range(100)]
            assert all(status.done for status in await asyncio.gather(*waits))

    asyncio.run(main())
    assert 2 <= api.most_at_once <= 20


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_wait_that_is_canceled_hangs_up(serve: Callable[[Script], Api], how: str) -> None:
    heard = threading.Event()

    def script(stream: Stream) -> None:
        stream.begin()
        heard.set()
        stream.be_silent()

    api = serve(script)

    async def main() -> None:
        async with AsyncTransloadit(base_url=api.url) as client:
            if how == "timeout":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await client.wait_for_assembly(ID)
            else:
                wait = asyncio.ensure_future(client.wait_for_assembly(ID))
                assert await asyncio.to_thread(heard.wait, 20)
                await asyncio.sleep(0.1)
                wait.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await wait
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert api.hung_up.wait(5)


def test_the_stand_in_is_waited_for_with_few_reads(connect: Callable[..., Any]) -> None:
    with StandIn(step_seconds=0.5) as api:
        client = connect(api.key, api.secret, base_url=api.url)
        assembly = client.create_assembly(
            steps={"one": {"robot": "/image/resize", "use": ":original"}}, files=[("a.jpg", b"a")]
        )

        assert client.wait_for_assembly(assembly.assembly_id).ok == "ASSEMBLY_COMPLETED"

        reads = [seen for seen in api.requests if seen.operation == "getAssembly"]
        assert [seen for seen in api.requests if seen.operation == "events"]
    assert 2 <= len(reads) <= 4


@pytest.mark.parametrize(
    ("event", "data", "word"),
    [
        ("message", "assembly_finished", Event("assembly_finished")),
        ("", "assembly_finished", Event("assembly_finished")),
        ("assembly_result_finished", '["a", {}]', Event("assembly_result_finished", ["a", {}])),
        ("assembly_error", "<html>", Event("assembly_error")),
        ("assembly_error", "[" * 100_000, Event("assembly_error")),
    ],
    ids=["unnamed", "nameless", "named", "no JSON", "deep JSON"],
)
def test_an_event_is_a_word(event: str, data: str, word: Event) -> None:
    assert event_of(event, data) == word


def test_a_pause_that_is_for_no_event_is_just_waited_for() -> None:
    async def awaited() -> Event | None:
        async with httpx.AsyncClient() as http, AsyncListener(http) as listener:
            return await listener.pause(Pause(0.01))

    with httpx.Client() as http, Listener(http) as listener:
        assert listener.pause(Pause(0.01)) is None
    assert asyncio.run(awaited()) is None


# Pause by pause

URL = "https://api2.example/ws?assembly=a"
STREAM = {"Content-Type": "text/event-stream"}

Heard = list[Event | None]
Hear = Callable[..., Heard]
Answer = Callable[[httpx.Request], httpx.Response]


class Said(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of these pieces, and then of nothing until its reader has gone."""

    def __init__(self, *pieces: bytes, goes_on: bool = False) -> None:
        self._pieces = pieces
        self._goes_on = goes_on
        self.is_left = threading.Event()
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._goes_on:
            self.is_left.wait(20)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._goes_on:
            await asyncio.sleep(20)

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.fixture(params=["sync", "async"])
def hear(request: pytest.FixtureRequest) -> Hear:
    """What pauses end with, one after the other, where each stream is answered so."""

    def sync(answer: Answer, pauses: list[Pause], *, after: float = 0.0) -> Heard:
        def answered(request: httpx.Request) -> httpx.Response:
            response = answer(request)
            time.sleep(after)
            return response

        transport = httpx.MockTransport(answered)
        http = httpx.Client(transport=transport, follow_redirects=True)
        with http, Listener(http) as listener:
            return [listener.pause(pause) for pause in pauses]

    async def awaited(answer: Answer, pauses: list[Pause], *, after: float = 0.0) -> Heard:
        async def answered(request: httpx.Request) -> httpx.Response:
            response = answer(request)
            await asyncio.sleep(after)
            return response

        transport = httpx.MockTransport(answered)
        http = httpx.AsyncClient(transport=transport, follow_redirects=True)
        async with http, AsyncListener(http) as listener:
            return [await listener.pause(pause) for pause in pauses]

    def run(*args: Any, **options: Any) -> Heard:
        return asyncio.run(awaited(*args, **options))

    return sync if request.param == "sync" else run


def test_a_stream_is_open_says_its_events_and_is_closed_each_time(hear: Hear) -> None:
    bodies: list[Said] = []

    def answer(_: httpx.Request) -> httpx.Response:
        pieces = (b"id: 1\n\nevent: assembly_result_finished\nda", b'ta: ["a", {}]\n\ndata: b\n\n')
        bodies.append(Said(*pieces))
        return httpx.Response(200, headers=STREAM, stream=bodies[-1])

    heard = hear(answer, [Listen(5.0, URL)] * 10)

    result = Event("assembly_result_finished", ["a", {}])
    assert heard == [Event(OPENED), Event(""), result, Event("b"), Event(CLOSED)] * 2
    assert [body.is_closed for body in bodies] == [True, True]


def test_a_stream_is_asked_for_unpacked_on_a_connection_of_its_own(hear: Hear) -> None:
    """A proxy would keep what it packs, until there is enough of it."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(404)

    hear(answer, [Listen(5.0, URL)])

    [request] = asked
    assert (request.method, str(request.url)) == ("GET", URL)
    assert request.headers["Accept"] == "text/event-stream"
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["Cache-Control"] == "no-store"
    timeout = {"connect": 10.0, "read": 300.0, "write": 300.0, "pool": 300.0}
    assert request.extensions["timeout"] == timeout
    assert request.extensions[APART] is True


@pytest.mark.parametrize(
    ("after", "pauses"),
    [(0.0, [5.0, 5.0, 0.02, 0.02]), (0.05, [0.01, 0.01, 5.0, 5.0])],
    ids=["it falls silent", "it comes late"],
)
def test_one_stream_is_heard_over_several_pauses(
    hear: Hear, after: float, pauses: list[float]
) -> None:
    """Its thread keeps no program from its end."""
    body, asked, daemons = Said(b"data: a\n\n", goes_on=True), 0, set[bool]()

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        threads = [one for one in threading.enumerate() if one.name == "transloadit-events"]
        daemons.update(thread.daemon for thread in threads)
        return httpx.Response(200, headers=STREAM, stream=body)

    heard = hear(answer, [Listen(seconds, URL) for seconds in pauses], after=after)
    body.is_left.set()

    assert [event for event in heard if event is not None] == [Event(OPENED), Event("a")]
    assert asked == 1
    assert daemons <= {True}
    assert gone(listeners)
    assert body.is_closed


def redirected(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/elsewhere":
        return httpx.Response(200, headers=STREAM, content=b"data: a\n\n")
    return httpx.Response(302, headers={"Location": "/elsewhere"})


def lost(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no such host")


def broken(_: httpx.Request) -> httpx.Response:
    raise RuntimeError("a hook of the caller's")


@pytest.mark.parametrize("kind", [redirected, lost, broken])
def test_a_stream_that_does_not_come_leaves_its_place_to_another(
    hear: Hear, kind: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots, asked = threading.BoundedSemaphore(1), 0
    for module in (event_stream, async_event_stream):
        monkeypatch.setattr(module, "SLOTS", slots)

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return kind(request)

    assert hear(answer, [Listen(5.0, URL)] * 2) == [Event(CLOSED)] * 2

    assert asked == 2


def test_an_event_without_end_closes_its_stream(hear: Hear) -> None:
    body = Said(*[b"data: " + b"x" * 10**6] * 20)

    heard = hear(lambda _: httpx.Response(200, headers=STREAM, stream=body), [Listen(5.0, URL)] * 2)

    assert heard == [Event(OPENED), Event(CLOSED)]
    assert body.is_closed


def test_where_no_stream_is_free_none_is_asked_for(hear: Hear) -> None:
    with no_stream_is_free():
        heard = hear(broken, [Listen(5.0, URL)] * 2)

    assert heard == [Event(CLOSED)] * 2


@pytest.mark.parametrize(
    ("status", "kind", "coding", "are_events"),
    [
        (200, "text/event-stream", None, True),
        (200, "Text/Event-Stream ; charset=utf-8; x=y", " Identity", True),
        (200, "text/event-stream", "gzip", False),
        (200, "text/html", None, False),
        (200, "text/html; text/event-stream", None, False),
        (200, None, None, False),
        (201, "text/event-stream", None, False),
        (404, "text/event-stream", None, False),
    ],
)
def test_what_says_that_it_is_a_stream_of_events_is_one_unless_it_is_packed(
    status: int, kind: str | None, coding: str | None, are_events: bool
) -> None:
    given = {"Content-Type": kind, "Content-Encoding": coding}
    headers = {name: value for name, value in given.items() if value is not None}

    assert has_events(httpx.Response(status, headers=headers)) is are_events
