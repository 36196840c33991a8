"""One `AsyncTransloadit` works in any number of event loops, of every kind."""

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
import trio
from asgiref.sync import async_to_sync

from transloadit_client import AsyncTransloadit, OutcomeUnknown

from .in_memory import ID, RESULT, Served, Service

Job: TypeAlias = Callable[[], Coroutine[Any, Any, Any]]
Run: TypeAlias = Callable[[Job], None]


def _in_debug_mode(job: Job) -> None:
    async def main() -> None:
        await job()

    asyncio.run(main(), debug=True)


def _with_asyncio(job: Job) -> None:
    async def main() -> None:
        await job()

    asyncio.run(main())


def _with_a_runner_for_a_test(job: Job) -> None:
    """As pytest-asyncio does: one loop for a fixture and for the test that uses it."""

    async def one() -> None:
        await job()

    with asyncio.Runner() as runner:
        runner.run(one())
        runner.run(one())


def _with_uvloop(job: Job) -> None:
    uvloop = pytest.importorskip("uvloop", reason="there is none for this system")

    async def main() -> None:
        await job()

    uvloop.run(main())


def _with_trio(job: Job) -> None:
    trio.run(job)


def _with_django(job: Job) -> None:
    """What Django calls asynchronous code with, from a view that is not."""
    async_to_sync(job)()


def _in_a_thread(job: Job) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_with_asyncio, job).result(60)


RUNS: dict[str, Run] = {
    "asyncio": _with_asyncio,
    "debug mode": _in_debug_mode,
    "pytest-asyncio": _with_a_runner_for_a_test,
    "uvloop": _with_uvloop,
    "trio": _with_trio,
    "django": _with_django,
    "thread": _in_a_thread,
}


@pytest.fixture
def server() -> Iterator[Served]:
    with Served(Service()) as server:
        yield server


@pytest.fixture
def work(server: Served, tmp_path: Path) -> Iterator[Job]:
    """Creates, uploads, waits and saves, at the same time as many others read."""
    client = AsyncTransloadit("k", "s", base_url=server.url, retry=None)
    file = tmp_path / "cat.jpg"
    file.write_bytes(b"a cat" * 50_000)

    async def read() -> None:
        assert (await client.get_assembly(ID)).assembly_id == ID

    async def job() -> None:
        async with anyio.create_task_group() as reads:
            for _ in range(5):
                reads.start_soon(read)
        created = await client.create_assembly(template_id="t", num_expected_upload_files=1)
        await client.upload(created, [file])
        status = await client.wait_for_assembly(created, interval=0.34)
        (saved,) = await client.download_results(status, tmp_path / "saved")
        assert saved.path.read_bytes() == RESULT
        saved.path.unlink()

    yield job
    asyncio.run(client.aclose())
    gc.collect()  # what was not closed is told of here, and fails the test


@pytest.mark.parametrize("name", RUNS)
def test_a_client_works_in_one_loop_after_the_other(name: str, work: Job) -> None:
    for _ in range(3):
        RUNS[name](work)


def test_a_client_works_in_loops_of_different_kinds(work: Job) -> None:
    for _ in range(2):
        for run in RUNS.values():
            run(work)


def test_a_process_that_was_frozen_notices_what_was_closed_meanwhile() -> None:
    """As AWS Lambda freezes one between two calls, while the server closes what is idle."""
    loop = asyncio.new_event_loop()
    with Served(Service(), idle_seconds=0.1) as server:
        client = AsyncTransloadit("k", "s", base_url=server.url, retry=None)

        async def handler() -> None:
            for _ in range(2):
                created = await client.create_assembly(template_id="t", files=[("a", b"1")])
                assert created.done

        for _ in range(3):
            loop.run_until_complete(handler())
            time.sleep(0.4)  # nothing runs here
        loop.run_until_complete(client.aclose())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()

    assert len(server.service.requests) == 6


def test_loops_in_several_threads_share_a_client(work: Job, server: Served) -> None:
    """At the same time: each has locks and connections of its own."""
    together = threading.Barrier(3)
    client = AsyncTransloadit("k", "s", base_url=server.url, retry=None)

    async def reads() -> None:
        together.wait(30)
        for _ in range(20):
            assert (await client.get_assembly(ID)).assembly_id == ID

    with ThreadPoolExecutor(3) as threads:
        runs = [threads.submit(run, reads) for run in (_with_asyncio, _in_debug_mode, _with_trio)]
        for run in runs:
            run.result(60)

    assert len(server.service.requests) == 60


@pytest.mark.parametrize("content", ["memory", "file"])
@pytest.mark.parametrize("name", RUNS)
def test_a_request_that_breaks_off_leaves_nothing_behind(
    name: str, content: str, tmp_path: Path
) -> None:
    """Of which a loop would warn: pytest makes an error of each warning."""
    file = tmp_path / "cat.jpg"
    file.write_bytes(b"a cat" * 2_000_000)
    listening = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        with suppress(OSError):  # the end of the test
            while True:
                connection, _ = listening.accept()
                connection.recv(1000)
                connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    async def create() -> None:
        async with AsyncTransloadit("k", "s", base_url=url, retry=None) as client:
            given = file if content == "file" else ("cat.jpg", file.read_bytes())
            with pytest.raises(OutcomeUnknown):
                await client.create_assembly(template_id="t", files=[given])

    RUNS[name](create)
    gc.collect()
    listening.shutdown(socket.SHUT_RDWR)
    thread.join(30)
    listening.close()


# Threads


def _from_threads(backend: str, job: Job) -> list[Any]:
    """Calls it at once from every thread that anyio has for a program."""
    done: list[Any] = []

    async def main() -> None:
        limiter = anyio.to_thread.current_default_thread_limiter()
        together = threading.Barrier(int(limiter.total_tokens))

        def view() -> None:
            together.wait(30)
            done.append(anyio.from_thread.run(job))

        with anyio.fail_after(30):
            async with anyio.create_task_group() as views:
                for _ in range(int(limiter.total_tokens)):
                    views.start_soon(anyio.to_thread.run_sync, view)

    anyio.run(main, backend=backend)
    return done


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("way", ["form", "tus"])
def test_files_are_read_while_all_threads_of_the_program_wait_for_them(
    server: Served, tmp_path: Path, backend: str, way: str
) -> None:
    """As in a FastAPI program whose views are plain functions: 40 of them call back and wait."""
    client = AsyncTransloadit("k", "s", base_url=server.url)
    file = tmp_path / "cat.jpg"
    file.write_bytes(b"a cat" * 50_000)

    async def send() -> Any:
        if way == "form":
            return await client.create_assembly(template_id="t", files=[file])
        created = await client.create_assembly(template_id="t", num_expected_upload_files=1)
        return await client.upload(created, [file])

    done = _from_threads(backend, send)

    assert len(done) == 40
