"""Limits on what a server may send: what drips, what is too large, and what it echoes."""

import asyncio
import gzip
import json
import os
import pickle
import signal
import socket
import socketserver
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from transloadit_client import (
    ApiError,
    AssemblyStatus,
    AsyncTransloadit,
    DownloadIncomplete,
    InvalidInput,
    NoAnswer,
    OutcomeUnknown,
    RetryPolicy,
    Transloadit,
    TransloaditError,
    UnreadableAnswer,
)
from transloadit_client._http import bodies, watchdog
from transloadit_client._http.bodies import Body, BodyProblem
from transloadit_client._http.event_stream import Ceiling
from transloadit_client._http.pool import Pool
from transloadit_client._http.pool_state import CONNECTED, Line, Origin
from transloadit_client._http.watchdog import WATCH, Watch, bounded

from .in_memory import copy_of

Connect = Callable[..., Any]
ID = "7828446e5acd4aa996dce3455ec914e9"
TOKEN = "tok/EN+with=odd&signs"


@contextmanager
def dripping(beginning: bytes, drop: bytes = b"x") -> Iterator[str]:
    """A server that says this at once, and then a byte now and then, for ever."""
    stop = threading.Event()

    class Drips(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.recv(65536)
                self.request.sendall(beginning)
                while not stop.wait(0.05):
                    self.request.sendall(drop)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Drips) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            stop.set()
            server.shutdown()


def ended(url: str) -> AssemblyStatus:
    """An Assembly with a result at this URL."""
    results = {"small": [{"name": "cat.jpg", "url": f"{url}/result"}]}
    return AssemblyStatus.from_dict(
        {"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID, "results": results}
    )


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 4000\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 4000\r\n\r\n",
    ],
    ids=["in its headers", "in a redirect", "in a refusal"],
)
def test_a_result_that_drips_ends_at_the_deadline(
    connect: Connect, tmp_path: Path, beginning: bytes
) -> None:
    with dripping(beginning) as url:
        client = connect(base_url=url, retry=RetryPolicy(attempts=2, deadline=0.5, first=0.01))
        began = time.monotonic()

        with pytest.raises(DownloadIncomplete, match="not complete in time"):
            client.download_results(ended(url), tmp_path)

        assert time.monotonic() - began < 5.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_deadlines_as_well(tmp_path: Path) -> None:
    """The thread that ends what drips is in the parent alone."""
    with dripping(b"HTTP/1.1 200 OK\r\nX-Long: ") as url:
        client = Transloadit(base_url=url, retry=RetryPolicy(attempts=1, deadline=0.3))
        with pytest.raises(DownloadIncomplete, match="not complete in time"):
            client.download_results(ended(url), tmp_path)

        if (child := os.fork()) == 0:
            signal.alarm(5)
            code = 1
            try:
                client.download_results(ended(url), tmp_path)
            except DownloadIncomplete as error:
                code = 0 if "not complete in time" in str(error) else 2
            finally:
                os._exit(code)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_result_that_comes_takes_longer_than_the_deadline(
    connect: Connect, tmp_path: Path
) -> None:
    """Its rate is watched instead: a large file may take hours."""
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n") as url:
        client = connect(base_url=url, retry=RetryPolicy(deadline=0.2, minimum_rate=0))

        [saved] = client.download_results(ended(url), tmp_path)

    assert saved.path.read_bytes() == b"x" * 20


def test_a_body_that_may_take_any_time_has_no_end() -> None:
    policy = RetryPolicy(deadline=0.05, minimum_rate=0)

    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.3)
        return created()

    def blocking(_: httpx.Request) -> httpx.Response:
        time.sleep(0.3)
        return created()

    def created() -> httpx.Response:
        return httpx.Response(200, json={"ok": "ASSEMBLY_EXECUTING", "assembly_id": ID})

    for make, handler in ((Transloadit, blocking), (AsyncTransloadit, slow)):
        transport = httpx.MockTransport(handler)
        client: Any = make("k", "s", retry=policy, httpx_args={"transport": transport})
        call = client.create_assembly(template_id="t", files=[b"x"], assembly_id=ID)
        status = asyncio.run(call) if make is AsyncTransloadit else call

        assert status.id == ID


def answering(connect: Connect, *args: Any, **options: Any) -> Any:
    """A client whose every request is answered so; `options` are those of an `httpx.Response`."""
    settings = options.pop("settings", {})
    transport = httpx.MockTransport(lambda _: httpx.Response(*args, **options))
    return connect(retry=None, httpx_args={"transport": transport}, **settings)


class Streamed(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is not there yet, so that it is read piece by piece."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


@pytest.mark.parametrize("is_packed", [True, False])
def test_how_large_an_answer_may_be_can_be_set(connect: Connect, is_packed: bool) -> None:
    content = json.dumps({"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID, "x": "y" * 5000}).encode()
    packed, headers = content, {}
    if is_packed:
        packed, headers = gzip.compress(content), {"Content-Encoding": "gzip"}

    def client(most: int) -> Any:
        return answering(
            connect,
            200,
            stream=Streamed(packed),
            headers=headers,
            settings={"max_answer_size": most},
        )

    assert client(6000).get_assembly(ID).done
    for one in (client(5000), copy_of(client(6000), max_answer_size=5000)):
        with pytest.raises(UnreadableAnswer, match="has more than 5000 bytes") as caught:
            one.get_assembly(ID)
        assert str(caught.value).startswith(f"could not read Assembly {ID}: HTTP 200, ")
        assert (caught.value.http_status, caught.value.body) == (200, "")
        assert dict(caught.value.headers).get("content-encoding") == headers.get("Content-Encoding")


def test_a_large_status_that_is_packed_is_read_whole(connect: Connect) -> None:
    status = {"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID, "message": "y" * 3_000_000}
    packed = gzip.compress(json.dumps(status).encode())
    client = answering(connect, 200, stream=Streamed(packed), headers={"Content-Encoding": "gzip"})

    assert client.get_assembly(ID).message == status["message"]


def test_an_answer_that_is_not_packed_as_it_says_is_unreadable(connect: Connect) -> None:
    for coding in ("gzip", "deflate"):
        client = answering(
            connect, 200, stream=Streamed(b"\xff" * 20), headers={"Content-Encoding": coding}
        )
        with pytest.raises(UnreadableAnswer, match="cannot be unpacked"):
            client.get_assembly(ID)


def test_while_a_bomb_is_unpacked_others_go_on() -> None:
    packed = gzip.compress(b" " * (100 * 2**20), 9)
    headers = {"Content-Encoding": "gzip"}
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, stream=Streamed(packed), headers=headers)
    )

    async def main() -> int:
        turns, client = 0, AsyncTransloadit(retry=None, httpx_args={"transport": transport})
        call = asyncio.create_task(client.get_assembly(ID))
        while not call.done():
            turns += 1
            await asyncio.sleep(0)
        assert isinstance(call.exception(), UnreadableAnswer)
        return turns

    assert len(packed) < 200_000
    assert asyncio.run(main()) > 60


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "64", True, None])
def test_a_size_that_is_none_is_refused(connect: Connect, wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="max_answer_size is"):
        connect(max_answer_size=wrong)


def json_escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04X}" for character in text)


def percent_escaped(text: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in text)


def html_escaped(text: str) -> str:
    return "".join(f"&#x{ord(character):x};" for character in text)


ESCAPES = [str, json_escaped, lambda it: json_escaped(it).lower(), percent_escaped, html_escaped,
           lambda it: it.replace("/", "\\/"),
           lambda it: percent_escaped(html_escaped(it))]  # fmt: skip


@pytest.mark.parametrize("escape", ESCAPES, ids=range(len(ESCAPES)))
@pytest.mark.parametrize(
    "kind", ["json", "json in json", "json in a list", "page", "header", "coding"]
)
def test_a_token_that_is_echoed_shows_nowhere(
    connect: Connect, caplog: pytest.LogCaptureFixture, escape: Callable[[str], str], kind: str
) -> None:
    caplog.set_level("DEBUG")
    echo, headers = escape(TOKEN), {}
    body = f'{{"error": "NO", "reason": ["{echo}"], "{echo}": 1}}'
    if kind == "json in json":
        body = json.dumps({"error": "NO", "message": body})
    elif kind == "json in a list":
        body = json.dumps({"error": "NO", "reason": [body]})
    elif kind == "page":
        body = f"<html>{echo}</html>"
    elif kind == "header":
        headers = {"Location": f"https://a.example/{echo}", "X-Echo": echo}
    elif kind == "coding":
        headers = {"Content-Encoding": echo}
    client = answering(
        connect,
        400,
        stream=Streamed(body.encode()),
        headers=headers,
        settings={"auth_token": TOKEN},
    )

    with pytest.raises(TransloaditError) as caught:
        client.create_assembly(template_id="t", assembly_id=None)

    error: Any = getattr(caught.value, "last", caught.value)
    told = "".join(
        [
            repr(vars(caught.value)),
            "".join(traceback.format_exception(caught.value)),
            caplog.text,
            repr(vars(error)),
            str(error.reason),
            repr(dict(error.headers)),
            error.body,
            repr(pickle.loads(pickle.dumps(caught.value)).__dict__),
        ]
    )
    while "\\\\" in told:  # JSON in JSON, and the `repr` of it, double what escapes
        told = told.replace("\\\\", "\\")
    for spelled in (TOKEN, TOKEN.lower(), echo, repr(TOKEN)[1:-1]):
        assert spelled not in told


def test_an_error_quotes_nothing_of_what_is_no_http_and_keeps_of_the_request_its_url(
    connect: Connect,
) -> None:
    """A token may be in what a peer says, in frames of the HTTP stack, and in the request."""
    with dripping(b"hush " + TOKEN.encode() + b"\r\n\r\n") as url:
        client = connect(base_url=url, auth_token=TOKEN, retry=None)
        with pytest.raises(OutcomeUnknown) as caught:
            client.create_assembly(template_id="t", assembly_id=None)

    no_answer: Any = caught.value.__cause__
    cause = no_answer.__cause__
    assert "got no answer (RemoteProtocolError: it was no valid HTTP)" in str(caught.value)
    assert (cause.request.method, cause.request.url) == ("POST", f"{url}/assemblies")
    assert cause.request.headers.keys() == {"host", "content-length"}
    assert cause.request.content == b""
    links = 0
    while cause is not None:
        assert (str(cause), cause.__traceback__) == ("it was no valid HTTP", None)
        cause, links = cause.__cause__ or cause.__context__, links + 1
    assert links > 1


def test_what_stands_beside_an_echoed_token_stays_as_it_is(connect: Connect) -> None:
    reason = [f"no {TOKEN}", {"a": [1, None, "ü"]}, []]
    body = json.dumps({"error": "NO", "reason": reason}, ensure_ascii=False)
    headers = {"X-Request-Id": "r-1", "X-Echo": f"a {TOKEN} b"}
    client = answering(
        connect, 400, content=body.encode(), headers=headers, settings={"auth_token": TOKEN}
    )

    with pytest.raises(ApiError) as caught:
        client.create_assembly(template_id="t", assembly_id=None)

    assert caught.value.request_id == "r-1"
    assert caught.value.headers["X-Echo"] == "a (auth token) b"
    assert caught.value.reason == ["no (auth token)", *reason[1:]]
    assert caught.value.body == body.replace(TOKEN, "(auth token)")


def test_what_is_not_the_token_stays_as_it_is(connect: Connect) -> None:
    body = '{"error": "NO", "reason": "100%25 &amp; \\\\u0041 \\\\/"}'
    client = answering(connect, 400, content=body.encode(), settings={"auth_token": TOKEN})

    with pytest.raises(ApiError) as caught:
        client.create_assembly(template_id="t", assembly_id=None)

    assert caught.value.reason == "100%25 &amp; \\u0041 \\/"
    assert caught.value.body == body


@pytest.mark.parametrize(
    ("beside", "shown"),
    [(b"[" * 100_000, "["), (b"\xff", "\ufffd")],
    ids=["too deep", "not utf-8"],
)
def test_a_body_that_no_parser_takes_is_searched_as_text(
    connect: Connect, beside: bytes, shown: str
) -> None:
    body = f'["{TOKEN}", '.encode() + beside
    client = answering(connect, 400, content=body, settings={"auth_token": TOKEN})

    with pytest.raises(UnreadableAnswer) as caught:
        client.create_assembly(template_id="t", assembly_id=None)

    assert caught.value.body.startswith(f'["(auth token)", {shown}')


def test_half_a_character_beside_an_echoed_token_does_no_harm(connect: Connect) -> None:
    """JSON can name half of a pair of UTF-16, which no text in UTF-8 can hold."""
    body = json.dumps({"error": "NO", "reason": f"\ud800 {TOKEN}"}).encode()
    client = answering(connect, 400, content=body, settings={"auth_token": TOKEN})

    with pytest.raises(ApiError) as caught:
        client.create_assembly(template_id="t", assembly_id=None)

    assert caught.value.reason == "? (auth token)"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\r", b"\r\n\r\n"])
def test_small_events_without_end_are_no_large_event(end: bytes) -> None:
    """Also where the network cuts the empty line in two, and where many come at once."""
    pieces = [b"data: " + b"x" * 100_000 + end[:cut] for cut in range(1, len(end))]
    ends = [end[cut:] for cut in range(1, len(end))]
    for piece, rest in zip(pieces, ends, strict=True):
        ceiling = Ceiling()
        for _ in range(100):
            assert ceiling.check(piece) == piece
            ceiling.check(rest)

    Ceiling().check((b"data: x" + end) * 600_000)


@pytest.mark.parametrize("size", [1, 1000, 10**6])
def test_an_event_without_end_is_cut(size: int) -> None:
    ceiling = Ceiling()
    ceiling.check(b"data: small\n\n" + b"x" * 4_194_300)

    with pytest.raises(httpx.DecodingError, match=r"^an event of the stream has no end$"):
        list(map(ceiling.check, [b"x" * size] * 20))


def test_an_event_may_have_4_mib() -> None:
    ceiling = Ceiling()
    ceiling.check(b"x" * 4_194_304)

    with pytest.raises(httpx.DecodingError):
        ceiling.check(b"x")


def test_what_a_stream_said_is_not_kept() -> None:
    ceiling, piece = Ceiling(), b"data: " + b"x" * 10_000 + b"\n\n"
    tracemalloc.start()
    try:
        for _ in range(100):
            ceiling.check(piece)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 100_000


def test_a_wait_that_ended_while_its_stream_connected_leaves_no_connection() -> None:
    """There was nothing yet to shut down: it would have stood until the server speaks."""
    said: list[bytes] = []

    class Mute(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            said.append(self.request.recv(65536))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mute) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        request = httpx.Request("GET", url)
        request.extensions[WATCH] = watch = Watch(float("inf"))
        watch.end()
        pool = Pool(lambda _: httpx.HTTPTransport(), httpx.Limits())

        with pytest.raises(httpx.ReadTimeout, match=r"^the answer was not complete in time$"):
            pool.handle_request(request)

        server.shutdown()
    assert said in ([], [b""])


@pytest.mark.parametrize("name", ["first", "longest", "floor"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1, "1", True, 10**9])
def test_a_wait_that_no_clock_can_take_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is .* number of seconds from 0 to 2592000"):
        RetryPolicy(**{name: value})


def test_a_deadline_without_end_is_one(connect: Connect) -> None:
    client = answering(connect, 200, json={"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID},
                       settings={"timeout": float("inf"), "key": "k", "secret": "s"})  # fmt: skip

    for endless in (float("inf"), None):
        assert client.wait_for_assembly(ID, deadline=endless).done
        assert client.run(template_id="t", assembly_id=ID, deadline=endless).status.done
    assert RetryPolicy(deadline=float("inf")).deadline == float("inf")


def test_what_cannot_be_waited_for_costs_no_assembly(connect: Connect) -> None:
    def never(_: httpx.Request) -> httpx.Response:
        raise AssertionError

    client = connect("k", "s", httpx_args={"transport": httpx.MockTransport(never)})
    for wrong in (
        {"tus_above": 1.5}, {"tus_above": -1}, {"chunk_size": 0}, {"chunk_size": 1e6},
        {"max_size": -1}, {"deadline": "5"}, {"deadline": -1}, {"stop": 5},
    ):  # fmt: skip
        with pytest.raises(TransloaditError, match=next(iter(wrong))):
            client.run(template_id="t", files=[b"x"], **wrong)


class Green:
    """As eventlet has it: a socket that is none of the standard library's, around one that is."""

    def __init__(self, real: socket.socket) -> None:
        self.shutdown = real.shutdown


@pytest.mark.parametrize("kind", [lambda it: it, Green], ids=["the library's", "eventlet's"])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_connection_is_shut_down_whatever_its_socket_is(
    kind: Callable[[socket.socket], Any], *, is_open: bool
) -> None:
    class Stream:
        def get_extra_info(self, name: str) -> Any:
            return {"socket": kind(mine), "server_addr": ("127.0.0.1", 1)}[name]

        def close(self) -> None: ...

    mine, other = socket.socketpair()
    line: Line[Any] = Line(Origin("http", "a.example", None, is_stranger=False), None)
    line.hang_up()  # nothing stands yet
    with mine, other:
        line.trace(None, lambda: None, CONNECTED, {"return_value": Stream()})
        if not is_open:
            other.close()
            mine.close()

        line.hang_up()

        if is_open:
            assert other.recv(1) == b""


@pytest.mark.parametrize("step", ["connection.start_tls.complete", "http11.start_tls.complete"])
def test_over_tls_it_is_the_socket_of_tls_that_is_shut_down(step: str) -> None:
    """The one before it is empty by then."""

    class Stream:
        def __init__(self, connection: socket.socket) -> None:
            self._connection = connection

        def get_extra_info(self, _: str) -> socket.socket:
            return self._connection

    mine, other = socket.socketpair()
    with socket.socket() as bare, mine, other:
        line: Line[Any] = Line(Origin("https", "a.example", None, is_stranger=False), None)
        line.trace(None, lambda: None, CONNECTED, {"return_value": Stream(bare)})
        line.trace(None, lambda: None, step, {"return_value": Stream(mine)})
        other.settimeout(5)

        line.hang_up()

        assert other.recv(1) == b""


# The thread that ends exchanges


class Held:
    """A connection whose server says nothing, until it is shut down."""

    def __init__(self) -> None:
        self.is_ended = threading.Event()

    def hang_up(self) -> None:
        self.is_ended.set()

    def read(self, until: float | None, stopped: Callable[[], bool] | None = None) -> None:
        with bounded(httpx.Request("GET", ""), until, stopped, None) as watch:
            watch.line = self
            assert self.is_ended.wait(5)
            raise httpx.ReadError("it was shut down")


def seconds_to_end(until: float | None, stopped: Callable[[], bool] | None = None) -> float:
    """How long an exchange takes whose server says nothing; it ends as by a timeout."""
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout, match=r"^the answer was not complete in time$"):
        Held().read(until, stopped)
    return time.monotonic() - began


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[threading.Thread]]]:
    """The threads that end the exchanges of this test; they sleep for long, unless one is due."""
    monkeypatch.setattr(watchdog, "_WATCHDOG", watchdog._Watchdog())
    monkeypatch.setattr(watchdog, "_IDLE", 5.0)
    monkeypatch.setattr(watchdog, "_TICK", 0.02)
    others = set(threading.enumerate())

    def threads() -> list[threading.Thread]:
        named = [one for one in threading.enumerate() if one.name == "transloadit-watchdog"]
        return [one for one in named if one not in others]

    yield threads
    monkeypatch.setattr(watchdog, "_IDLE", 0.0)
    with suppress(httpx.ReadTimeout), bounded(httpx.Request("GET", ""), 0.0, None, None):
        pass  # wakes it, so that it goes now


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize("other", [None, lambda: False], ids=["a time", "a time, and asks"])
def test_an_exchange_that_has_to_end_sooner_than_another_ends_in_time(
    other: Callable[[], bool] | None,
) -> None:
    with bounded(httpx.Request("GET", ""), time.monotonic() + 60, None, None):
        time.sleep(0.02)  # the thread sleeps by now

        assert 0.05 <= seconds_to_end(time.monotonic() + 0.05, other) < 2.5


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize("until", [None, inf], ids=["alone", "beside one with an end"])
def test_an_exchange_ends_once_it_is_no_longer_wanted(until: float | None) -> None:
    """What says so is asked now and then, and no more: it may be a function of the caller's."""
    now, asked = time.monotonic(), 0

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return time.monotonic() > now + 0.1

    with bounded(httpx.Request("GET", ""), until, None, None):
        time.sleep(0.02)

        assert seconds_to_end(None, stopped) < 2.5
    assert asked <= 8


@pytest.mark.usefixtures("ends")
def test_an_exchange_that_is_over_is_left_alone() -> None:
    """Its connection serves another request by then."""
    held, stop = Held(), threading.Event()
    with bounded(httpx.Request("GET", ""), None, stop.is_set, None) as watch:
        watch.line = held
    stop.set()

    assert not held.is_ended.wait(0.1)


@pytest.mark.usefixtures("ends")
def test_an_error_of_an_exchange_that_was_not_ended_comes_as_it_is() -> None:
    with (
        pytest.raises(httpx.ReadError, match=r"^reset$"),
        bounded(httpx.Request("GET", ""), time.monotonic() + 60, None, None),
    ):
        raise httpx.ReadError("reset")


def test_one_thread_ends_exchanges_and_goes_when_there_are_none(
    monkeypatch: pytest.MonkeyPatch, ends: Callable[[], list[threading.Thread]]
) -> None:
    """It keeps no program from its end."""
    request = httpx.Request("GET", "")
    for _ in range(2):
        monkeypatch.setattr(watchdog, "_IDLE", 0.1)
        with bounded(request, inf, None, None), bounded(request, inf, None, None):
            assert [one.daemon for one in ends()] == [True]
        end = time.monotonic() + 10
        while ends():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_exchanges_that_are_waited_for_cost_no_cpu(
    ends: Callable[[], list[threading.Thread]],
) -> None:
    with bounded(httpx.Request("GET", ""), time.monotonic() + 60, None, None):
        began = time.process_time()
        time.sleep(0.15)

        assert time.process_time() - began < 0.02
        assert len(ends()) == 1


def test_an_answer_over_a_transport_of_the_callers_own_ends_at_the_deadline(
    connect: Connect,
) -> None:
    """There is no socket to shut down: each piece is followed by a look at the clock."""

    class Slow(Streamed):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(250):
                time.sleep(0.02)
                yield b" "

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in range(250):
                await asyncio.sleep(0.02)
                yield b" "

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Slow(b"")))
    policy = RetryPolicy(attempts=1, deadline=0.1)
    client = connect(retry=policy, httpx_args={"transport": transport})

    with pytest.raises(NoAnswer, match=r"ReadTimeout: the answer was not complete in time\b"):
        client.get_assembly(ID)


# The reader itself


def read(coding: str | None, pieces: Iterable[bytes], most: int = bodies.MOST) -> bytes:
    """The body that comes in these pieces, packed in this way."""
    body = Body({} if coding is None else {"Content-Encoding": coding}, most)
    for piece in pieces:
        list(body.feed(piece))
    return body.end()


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def named(value: object) -> str | None:
    return f"{len(value)} bytes" if isinstance(value, bytes) else None


TEXT = b"a status" * 1000
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
WITHOUT_FRAME = RAW.compress(TEXT) + RAW.flush()
BROKEN = b"\x00\x03\x00\xfc\xffabc" + b"\x06"  # a block as it is, and one of a kind that is none


@pytest.mark.parametrize("size", [1, 7, 10**6])
@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (None, TEXT),
        ("", TEXT),
        ("identity", TEXT),
        (" Identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZip ", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", WITHOUT_FRAME),  # some servers take the one for the other
    ],
    ids=named,
)
def test_a_body_is_unpacked_however_it_comes(coding: str | None, packed: bytes, size: int) -> None:
    assert read(coding, in_pieces(packed, size)) == TEXT


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "deflate,gzip", "a token"])
def test_a_packing_that_was_not_asked_for_is_refused_and_not_echoed(coding: str) -> None:
    with pytest.raises(BodyProblem, match=r"^is packed in a way that was not asked for$"):
        Body({"Content-Encoding": coding})


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", WITHOUT_FRAME),
        ("gzip", zlib.compress(TEXT)),
        ("deflate", gzip.compress(TEXT)),
        ("deflate", b"\x78\x9c" + BROKEN),
        ("deflate", BROKEN),
    ],
    ids=named,
)
@pytest.mark.parametrize("size", [1, 10**6])
def test_what_is_packed_in_another_way_than_it_says_cannot_be_unpacked(
    coding: str, packed: bytes, size: int
) -> None:
    with pytest.raises(BodyProblem, match=r"^cannot be unpacked$"):
        read(coding, in_pieces(packed, size))


@pytest.mark.parametrize("size", [1, 10**6])
@pytest.mark.parametrize(
    ("coding", "packed", "most"),
    [
        (None, TEXT, len(TEXT)),
        ("gzip", gzip.compress(TEXT), len(TEXT)),
        ("deflate", WITHOUT_FRAME, len(TEXT)),
        ("gzip", gzip.compress(TEXT, 0), len(gzip.compress(TEXT, 0))),  # longer than unpacked
    ],
    ids=named,
)
def test_a_body_may_have_so_many_bytes_and_none_more(
    coding: str | None, packed: bytes, most: int, size: int
) -> None:
    assert read(coding, in_pieces(packed, size), most) == TEXT
    with pytest.raises(BodyProblem, match=f"^has more than {most - 1} bytes$"):
        read(coding, in_pieces(packed, size), most - 1)


def test_others_go_on_after_each_step_of_a_large_body() -> None:
    body = Body({"Content-Encoding": "gzip"})

    steps = len(list(body.feed(gzip.compress(bytes(5 * 2**20)))))

    assert steps >= 4
    assert len(body.end()) == 5 * 2**20


@pytest.mark.parametrize(
    ("seconds", "least", "enough"),
    [(29.0, 10, 0), (30.0, 10, 0), (31.0, 10, 10), (40.0, 10, 100), (30.5, 10, 5), (3600.0, 0, 0)],
)
def test_a_body_has_to_come_with_so_many_bytes_a_second_after_half_a_minute(
    monkeypatch: pytest.MonkeyPatch, seconds: float, least: float, enough: int
) -> None:
    now = [7.0]
    monkeypatch.setattr(bodies, "time", SimpleNamespace(monotonic=lambda: now[0]))
    rate, slower = bodies.Rate(least), bodies.Rate(least)
    rate.add(enough // 2)
    slower.add(enough // 2)
    now[0] += seconds

    rate.add(enough - enough // 2)
    rate.add(0)

    if enough:
        with pytest.raises(httpx.ReadTimeout, match=r"^it comes with less than 10 bytes a second$"):
            slower.add(enough - enough // 2 - 1)
