"""Lifetime: pickles, forks, cancellation, and nothing left behind."""

import asyncio
import gc
import logging
import os
import pickle
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from transloadit_client._clock import Clock, parsed_date, seconds_until
from transloadit_standin import StandIn

from .foreign import many_cases

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
    before = client._connections.sync()

    if (child := os.fork()) == 0:
        code = 1
        try:
            created = client.create_assembly(template_id="tpl").assembly_id
            code = 0 if created and client._connections.sync() is not before else 2
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.create_assembly(template_id="tpl").assembly_id
    assert client._connections.sync() is before
    client.close()


def test_what_a_fork_brought_along_is_not_used() -> None:
    """The same without a fork, where coverage can see it."""
    client = Transloadit()
    before = client._connections.sync()

    client._connections._process = -1

    assert client._connections.sync() is not before


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
    assert threading.active_count() == threads
    assert second - first < 256 * 1024


def test_a_canceled_call_leaves_the_client_usable(api: StandIn) -> None:
    async def main() -> None:
        async with AsyncTransloadit(api.key, SECRET, base_url=api.url) as client:
            api.delay_next(5)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.create_assembly(template_id="tpl"), 0.2)
            assert (await client.create_assembly(template_id="tpl")).assembly_id

    asyncio.run(main())


def test_an_interrupted_call_closes_its_files_and_leaves_the_client_usable(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"1")

    class Interrupted(httpx.BaseTransport):
        opened: Any = None

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if self.opened is None:
                body: Any = request.stream
                self.opened = body.fields[-1].file._stream
                raise KeyboardInterrupt
            return httpx.Response(200, json={"ok": "X", "assembly_id": ID})

    transport = Interrupted()
    client = Transloadit("k", "s", httpx_args={"transport": transport})

    with pytest.raises(KeyboardInterrupt):
        client.create_assembly(template_id="t", files=[path])

    assert transport.opened.closed
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


def test_a_server_that_is_right_or_absurd_does_not_set_the_clock(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    clock = Clock()

    assert not clock.correct(None)
    assert not clock.correct(f"{clock.now():%a, %d %b %Y %H:%M:%S} GMT")
    assert not clock.correct("Sat, 01 Jan 2000 00:00:00 GMT")
    assert caplog.text == ""
