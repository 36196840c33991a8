"""Lifetime: pickles, forks, cancellation, and nothing left behind."""

import gc
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client import (
    AsyncTransloadit,
    MissingCredentials,
    RetryPolicy,
    Transloadit,
)
from transloadit_client._locks import Lock, renew_all
from transloadit_client._retry.clock import Clock, parsed_date, seconds_until
from transloadit_standin import StandIn

from ..foreign import many_cases

SECRET, TOKEN = "hush-secret", "hush-token"
ID = "7828446e5acd4aa996dce3455ec914e9"


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(secret=SECRET, auth_token=TOKEN) as api:
        api.add_template("tpl", steps={"a": {"robot": "/upload/handle"}})
        yield api


@pytest.mark.parametrize("kind", [Transloadit, AsyncTransloadit])
def test_a_pickled_client_leaves_its_secrets_behind(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = kind("k", SECRET, base_url="https://x.net", retry=RetryPolicy(attempts=2), timeout=3)
    holder = kind(auth_token=TOKEN)

    pickled = pickle.dumps([client, holder, client.with_headers({"X-A": "1"})])

    assert b"hush" not in pickled
    woken, woken_holder, copy = pickle.loads(pickled)
    assert (type(woken), repr(woken)) == (kind, repr(client))
    assert (woken._retry, woken._timeout) == (client._retry, client._timeout)
    assert copy._headers == {"X-A": "1"}
    with pytest.raises(MissingCredentials, match="TRANSLOADIT_SECRET"):
        woken.sign({})
    with pytest.raises(MissingCredentials):
        woken_holder.sign({})


def test_a_woken_client_takes_its_secrets_from_the_environment(
    api: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled = pickle.dumps([Transloadit(api.key, SECRET, base_url=api.url)])
    monkeypatch.setenv("TRANSLOADIT_SECRET", SECRET)

    with pickle.loads(pickled)[0] as client:
        assert client.create_assembly(template_id="tpl").assembly_id


def test_secrets_go_into_a_pickle_only_when_told_to(api: StandIn) -> None:
    for client in (
        Transloadit(api.key, SECRET, base_url=api.url, pickle_secrets=True),
        Transloadit(auth_token=TOKEN, base_url=api.url, pickle_secrets=True),
    ):
        with pickle.loads(pickle.dumps(client)) as woken:
            assert woken.create_assembly(template_id="tpl").assembly_id


def test_a_client_over_a_client_of_the_callers_does_not_pickle() -> None:
    with httpx.Client() as own, pytest.raises(TypeError, match="of your own"):
        pickle.dumps(Transloadit().set_httpx_client(own))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_opens_connections_of_its_own(api: StandIn) -> None:
    """Python 3.12 warns of any fork beside threads, and the stand-in is one."""
    client = Transloadit(api.key, SECRET, base_url=api.url)
    client.create_assembly(template_id="tpl")
    before = client._connections.transport()

    if (child := os.fork()) == 0:
        code = 1
        try:
            created = client.create_assembly(template_id="tpl").assembly_id
            code = 0 if created and client._connections.transport() is not before else 2
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.create_assembly(template_id="tpl").assembly_id
    assert client._connections.transport() is before
    client.close()


def test_what_a_fork_brought_along_is_not_used() -> None:
    """The same without a fork, where coverage can see it."""
    client = Transloadit()
    before = client._connections.transport(), client._connections.async_transport()

    client._connections._process = -1

    assert client._connections.transport() is not before[0]
    assert client._connections.async_transport() is not before[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_no_thread_of_its_parent(api: StandIn) -> None:
    """A thread that is not there in the child held every lock when the process forked."""
    client = Transloadit(api.key, SECRET, base_url=api.url)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with client._connections._lock, client._budget._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    if (child := os.fork()) == 0:
        signal.alarm(20)
        code = 1
        try:
            code = 0 if client.create_assembly(template_id="tpl").assembly_id else 2
        finally:
            os._exit(code)
    done.set()
    thread.join()

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_threads_that_begin_together_share_connections() -> None:
    """To make them takes milliseconds, so without a lock each thread would make its own."""
    client = Transloadit()
    together = threading.Barrier(8)
    made: list[Any] = []

    def begin() -> None:
        together.wait()
        made.append(client._connections.transport())

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    assert len(set(map(id, made))) == 1


def test_locks_that_a_fork_brought_along_are_open() -> None:
    """The same without a fork, where coverage can see it."""
    lock = Lock()
    held = lock._lock
    held.acquire()

    renew_all()

    assert lock._lock is not held
    with lock:
        assert not lock._lock.acquire(blocking=False), "it is held once more"


def test_reads_of_a_parent_do_not_hold_up_its_child() -> None:
    connections = Transloadit()._connections
    for _ in range(20):
        assert connections.queue().acquire(blocking=False)
    assert not connections.queue().acquire(blocking=False)

    connections._process = -1

    assert connections.queue().acquire(blocking=False)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
def test_many_clients_and_calls_leak_nothing(api: StandIn) -> None:
    """Short here; the figures of the long run are in the benchmarks."""

    def rounds(count: int) -> None:
        for _ in range(count):
            with Transloadit(api.key, SECRET, base_url=api.url) as client:
                for _ in range(3):
                    client.get_assembly(assembly)

    with Transloadit(api.key, SECRET, base_url=api.url) as client:
        assembly = client.create_assembly(template_id="tpl")
    rounds(5)
    gc.collect()
    files, threads = open_files(), threading.active_count()
    api.requests.clear()
    tracemalloc.start()
    rounds(10)
    gc.collect()
    api.requests.clear()
    first, _ = tracemalloc.get_traced_memory()
    rounds(40)
    gc.collect()
    api.requests.clear()
    second, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert open_files() <= files + 2
    # Earlier tests' may end meanwhile; the one that watches deadlines may have begun again.
    assert threading.active_count() <= threads + 1
    assert second - first < 256 * 1024


def slow(api: StandIn, times: int) -> None:
    """The answer comes late."""
    api.delay_next(30, operation="createAssemblyWithId", times=times)


def limited(api: StandIn, times: int) -> None:
    """The call waits before it tries again."""
    api.rate_limit_next(retry_in=30, operation="createAssemblyWithId", times=times)


IN_A_PROCESS = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc"
)
COUNTING = """
import asyncio, gc, sys, threading, time
from pathlib import Path
from contextlib import suppress
from transloadit_client import ApiError, AsyncTransloadit, Transloadit

create = {"template_id": "tpl", "files": [sys.argv[1]]}
read = "7828446e5acd4aa996dce3455ec914e9"

def state():
    gc.collect()
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    targets = [str(link.readlink()) for link in links]
    sockets = sum(target.startswith("socket:") for target in targets)
    return sockets, targets.count(sys.argv[1]), threading.active_count()

def is_again(before):
    # Threads are told to end, and do so a little later; one stays for a second.
    end = time.monotonic() + 10
    while before != state() and time.monotonic() < end:
        time.sleep(0.1)
    return before == state()
"""
CANCELED = """
async def main():
    async with AsyncTransloadit() as client:
        with suppress(ApiError):
            await client.get_assembly(read)
        calls = [asyncio.create_task(client.create_assembly(**create)) for _ in range(5)]
        await asyncio.to_thread(sys.stdin.readline)
        assert all(call.cancel() for call in calls)
        await asyncio.wait(calls)
        assert all(call.cancelled() for call in calls)
        print(len(asyncio.all_tasks()), state()[1])
        await client.create_assembly(**create)

before = state()
asyncio.run(main())
print(is_again(before))
"""
INTERRUPTED = """
before = state()
with Transloadit() as client:
    with suppress(ApiError):
        client.get_assembly(read)
    try:
        client.create_assembly(**create)
    except KeyboardInterrupt:
        print(1, state()[1])
    client.create_assembly(**create)
print(is_again(before))
"""
NOTHING_LEFT = "1 0\nTrue\n"  # one task, no open file; in the end all is as before


def calling(api: StandIn, code: str, path: Path) -> subprocess.Popen[str]:
    """A process that makes a call, then one or five that are broken off, then one again."""
    path.write_bytes(b"1" * 300_000)
    return subprocess.Popen(
        [sys.executable, "-c", COUNTING + code, os.fspath(path)],
        env={**os.environ, **api.environ}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@IN_A_PROCESS
@pytest.mark.parametrize("hold_up", [slow, limited])
def test_canceled_calls_leave_nothing_behind(
    api: StandIn, tmp_path: Path, hold_up: Callable[[StandIn, int], None]
) -> None:
    """No socket, no open file, no thread, no task; and the client goes on."""
    hold_up(api, 5)
    with calling(api, CANCELED, tmp_path / "a.txt") as process:
        wait_for(lambda: len(api.requests) == 6)
        time.sleep(0.3)
        told, _ = process.communicate("cancel them\n", timeout=60)

    assert (told, process.returncode) == (NOTHING_LEFT, 0)
    assert len(api.requests) == 7


@IN_A_PROCESS
@pytest.mark.parametrize("hold_up", [slow, limited])
def test_ctrl_c_in_a_call_leaves_nothing_behind(
    api: StandIn, tmp_path: Path, hold_up: Callable[[StandIn, int], None]
) -> None:
    """With a true signal, while it waits for an answer or before it tries again."""
    hold_up(api, 1)
    with calling(api, INTERRUPTED, tmp_path / "a.txt") as process:
        wait_for(lambda: len(api.requests) == 2)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)

    assert (told, process.returncode) == (NOTHING_LEFT, 0)
    assert len(api.requests) == 3


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are seen in /proc")
def test_an_interrupted_call_closes_its_files_and_leaves_the_client_usable(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"1" * 2_000_000)

    def is_open() -> bool:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return str(path) in {str(link.readlink()) for link in links}

    class Interrupted(httpx.BaseTransport):
        was_open = False

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                body = iter(cast("httpx.SyncByteStream", request.stream))
                next(body)
                next(body)
                self.was_open = is_open()
                raise KeyboardInterrupt
            return httpx.Response(200, json={"ok": "X", "assembly_id": ID})

    transport = Interrupted()
    client = Transloadit("k", "s", httpx_args={"transport": transport})

    with pytest.raises(KeyboardInterrupt):
        client.create_assembly(template_id="t", files=[path])

    assert transport.was_open
    assert not is_open()
    assert client.get_assembly(ID).busy


@many_cases
@given(st.none() | st.text(), st.none() | st.text())
def test_any_header_is_a_time_or_none(retry_after: str | None, date: str | None) -> None:
    seconds = seconds_until(retry_after, date)

    assert seconds is None or seconds >= 0
    assert parsed_date(date) is None or parsed_date(date).tzinfo is not None  # type: ignore[union-attr]  # the point
    Clock().correct(date)


@pytest.mark.parametrize(
    ("retry_after", "date", "seconds"),
    [
        (None, None, None),
        ("0", None, 0.0),
        ("120", None, 120.0),
        ("-1", None, None),
        ("1.5", None, None),
        ("٣", None, None),
        ("9" * 20, None, None),
        ("soon", "Sun, 22 Nov 2026 10:00:00 GMT", None),
        ("Sun, 22 Nov 2026 10:01:00 GMT", None, None),
        ("Sun, 22 Nov 2026 10:01:00 GMT", "Sun, 22 Nov 2026 10:00:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", "Sun, 22 Nov 2026 10:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 10:01:00 -0000", "Sun, 22 Nov 2026 10:00:00 GMT", 60.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(
    retry_after: str | None, date: str | None, seconds: float | None
) -> None:
    assert seconds_until(retry_after, date) == seconds


def test_calls_that_were_signed_before_the_clock_was_corrected_are_signed_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of several calls at once all meet the wrong clock, and the first one corrects it."""
    caplog.set_level(logging.WARNING)
    wrong = datetime(2026, 1, 1, tzinfo=UTC)
    clock, right = Clock(lambda: wrong), "Thu, 01 Jan 2026 02:00:00 GMT"

    assert clock.correct(right)
    assert clock.correct(right)
    assert clock.now() - wrong == timedelta(hours=2)
    assert len(caplog.records) == 1


def test_a_server_that_is_right_or_absurd_does_not_set_the_clock(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    clock = Clock()

    assert not clock.correct(None)
    assert not clock.correct(f"{clock.now():%a, %d %b %Y %H:%M:%S} GMT")
    assert not clock.correct("Sat, 01 Jan 2000 00:00:00 GMT")
    assert caplog.text == ""
