"""Waiting over real connections: streams that speak, break, lie and fall silent."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from transloadit_client import AsyncTransloadit, Progress, StillBusy, Transloadit
from transloadit_client._flow import Event, Pause
from transloadit_client._http.async_event_stream import AsyncListener
from transloadit_client._http.event_stream import SLOTS, Listener, event_of, most_streams
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
    return [thread.name for thread in threading.enumerate() if "events" in thread.name]


def gone(found: Callable[[], list[str]]) -> bool:
    for _ in range(200):
        if not found():
            return True
        time.sleep(0.01)
    return False


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
    taken = 0
    while SLOTS.acquire(blocking=False):
        taken += 1

    try:
        assert connect(base_url=api.url).wait_for_assembly(ID, interval=0.4).done
    finally:
        for _ in range(taken):
            SLOTS.release()

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
