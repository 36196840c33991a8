"""`map`: many Assemblies, as threads and as tasks, with a journal and without."""

import asyncio
import gc
import io
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from transloadit_client import (
    AsyncTransloadit,
    FileChanged,
    InvalidInput,
    Mapped,
    MissingCredentials,
    Transloadit,
    TransloaditError,
)
from transloadit_client._client import map_tasks, map_threads
from transloadit_client._runs.journal import Entry, Journal
from transloadit_client._runs.map_inputs import Task, Tasks, instructions_of
from transloadit_client._runs.map_schedule import Await, Deliver, Moves, Start
from transloadit_client._runs.outcomes import CreateOptions
from transloadit_standin import Answer, Crash, Drop, StandIn

STEPS = {"resized": {"robot": "/image/resize", "use": ":original"}}
Map = Callable[..., list[Mapped]]

# What a person's own program does; it is killed on the way.
PROGRAM = """
import sys
from transloadit_client import Transloadit

journal, number = sys.argv[1], int(sys.argv[2])
inputs = ((f"{n}.jpg", b"picture %d" % n) for n in range(number))
steps = {"resized": {"robot": "/image/resize", "use": ":original"}}
with Transloadit() as client:
    for mapped in client.map(inputs, steps=steps, journal=journal, creates_per_minute=None):
        print(mapped.key, mapped.assembly_id, mapped.error, flush=True)
"""


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(step_seconds=0.01) as api:
        yield api


@pytest.fixture(params=["threads", "tasks"])
def mapped(request: pytest.FixtureRequest, api: StandIn) -> Map:
    """Calls `map` and gives what it yields."""

    def in_threads(*args: Any, **kwargs: Any) -> list[Mapped]:
        with Transloadit(api.key, api.secret, base_url=api.url) as client:
            return list(client.map(*args, **{"steps": STEPS, **kwargs}))

    def in_tasks(*args: Any, **kwargs: Any) -> list[Mapped]:
        async def main() -> list[Mapped]:
            async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
                results = client.map(*args, **{"steps": STEPS, **kwargs})
                return [mapped async for mapped in results]

        return asyncio.run(main())

    return in_threads if request.param == "threads" else in_tasks


def pictures(number: int) -> list[tuple[str, bytes]]:
    return [(f"{n}.jpg", b"picture %d" % n) for n in range(number)]


def creates(api: StandIn) -> int:
    return sum(request.operation == "createAssemblyWithId" for request in api.requests)


@pytest.mark.parametrize(
    "wrong",
    [
        {"at_once": 0},
        {"creates_per_minute": 0},
        {"chunk_size": 0},
        {"deadline": -1},
        {"steps": []},
        {"steps": {}},
        {"save_steps": ["stored"]},
        {"save_steps": ["no"], "save_to": "x"},
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_sent(
    mapped: Map, api: StandIn, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        mapped(pictures(3), **wrong)
    assert not api.requests


@pytest.mark.parametrize("client", [Transloadit, AsyncTransloadit])
def test_without_credentials_it_fails_at_once_and_not_a_million_times(client: Any) -> None:
    with pytest.raises(MissingCredentials):
        client().map(pictures(3), steps=STEPS)


def test_an_input_without_a_name_is_refused_with_a_journal(
    mapped: Map, api: StandIn, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="key="):
        mapped([b"a picture"], journal=tmp_path / "journal")
    assert not api.requests


def test_a_journal_of_other_instructions_is_refused(
    mapped: Map, api: StandIn, tmp_path: Path
) -> None:
    mapped(pictures(1), journal=tmp_path / "journal")

    with pytest.raises(InvalidInput, match="other Instructions"):
        mapped(pictures(1), journal=tmp_path / "journal", form_fields={"size": 2})
    assert len(api.assemblies) == 1


def test_what_breaks_in_the_inputs_is_the_callers_to_know(mapped: Map) -> None:
    def inputs() -> Iterator[tuple[str, bytes]]:
        yield from pictures(2)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        mapped(inputs())


def test_one_that_fails_stops_no_other(mapped: Map, api: StandIn, tmp_path: Path) -> None:
    api.faults.append(Crash("INTERNAL_COMMAND_ERROR"))
    inputs = [*pictures(5), tmp_path / "missing.jpg"]

    results = mapped(inputs, save_to=tmp_path / "out")

    failed = {result.key: str(result.error) for result in results if result.failed}
    assert len(results) == 6
    assert len(failed) == 2
    assert "missing.jpg" in failed[str(tmp_path / "missing.jpg")]
    assert any("INTERNAL_COMMAND_ERROR" in words for words in failed.values())


def test_each_input_has_one_assembly_and_its_own_results(
    mapped: Map, api: StandIn, tmp_path: Path
) -> None:
    inputs = [(f"a/{n}/cat.jpg", b"cat %d" % n) for n in range(20)]

    results = mapped(inputs, save_to=tmp_path, save_steps=["resized"], at_once=7)

    assert {result.assembly_id for result in results} == set(api.assemblies)
    for result in results:
        assert result.error is None
        [saved] = result.saved
        assert saved.path.read_bytes() == dict(inputs)[result.key]
    assert len({saved.path for result in results for saved in result.saved}) == 20


def test_no_more_than_allowed_are_in_the_works(mapped: Map, api: StandIn) -> None:
    open_now = most = 0

    def inputs() -> Iterator[tuple[str, bytes]]:
        nonlocal open_now, most
        for picture in pictures(15):
            open_now = creates(api) - sum(one.done for one in list(api.assemblies.values()))
            most = max(most, open_now)
            yield picture

    mapped(inputs(), at_once=3)

    assert creates(api) == 15
    assert most <= 3


def test_an_upload_that_broke_off_is_begun_anew(mapped: Map, api: StandIn) -> None:
    """Its id is spent, for the API gave the first one up; nothing ran, so nothing runs twice."""
    api.faults.append(Drop("headers", byte=9000, operation="createAssemblyWithId"))

    [result] = mapped([("cat.jpg", os.urandom(20_000))])

    assert result.error is None
    done = [one for one in api.assemblies.values() if one.state == "ASSEMBLY_COMPLETED"]
    assert [one.id for one in done] == [result.assembly_id]


def test_an_id_that_was_spent_in_an_earlier_run_is_replaced(
    mapped: Map, api: StandIn, tmp_path: Path
) -> None:
    create = CreateOptions(steps=STEPS)
    with Journal(tmp_path / "journal", instructions_of(create)) as journal:
        spent = journal.entry("0.jpg").assembly_id
    api.faults.append(Drop("headers", byte=9000, operation="createAssemblyWithId"))
    with (
        Transloadit(api.key, api.secret, base_url=api.url, retry=None) as client,
        pytest.raises(TransloaditError),
    ):
        client.create_assembly(assembly_id=spent, files=[os.urandom(20_000)], **create)
    api.settle()
    assert api.assemblies[spent].state == "REQUEST_ABORTED"

    [result] = mapped(pictures(1), journal=tmp_path / "journal")

    assert result.error is None
    assert result.assembly_id != spent


def test_a_bearer_token_is_enough(api: StandIn) -> None:
    with Transloadit(auth_token=api.auth_token, base_url=api.url) as client:
        [result] = client.map(pictures(1), steps=STEPS)

    assert result.error is None


def test_nothing_runs_while_the_next_minute_is_awaited() -> None:
    """By threads and by tasks: a wait with nothing to wait for is a pause."""
    one = Mapped(b"", "cat.jpg", "")

    def moves() -> Moves:
        assert (yield Await(0.01)) == []
        yield Deliver(one)

    async def awaited() -> list[Mapped]:
        found = map_tasks.mapped(moves(), tasks, [], nothing, 1)
        return [mapped async for mapped in found]

    nothing: Any = None
    tasks = Tasks(None, "", None)
    assert list(map_threads.mapped(moves(), tasks, [], nothing, 1)) == [one]
    assert asyncio.run(awaited()) == [one]


def test_a_wait_ends_in_time_although_nothing_has_ended() -> None:
    """By threads and by tasks: what runs goes on, and its outcome comes with a later wait."""
    one, work_ends = Mapped(b"", "cat.jpg", ""), threading.Event()

    def moves() -> Moves:
        yield Start(Task(b"", one.key, Entry("")))
        assert (yield Await(0.01)) == []
        work_ends.set()
        [ended] = yield Await(None)
        yield Deliver(ended)

    def work(*_: object) -> Mapped:
        work_ends.wait()
        return one

    async def awaited() -> list[Mapped]:
        found = map_tasks.mapped(moves(), tasks, [], partial(asyncio.to_thread, work), 1)
        return [mapped async for mapped in found]

    tasks = Tasks(None, "", None)
    assert list(map_threads.mapped(moves(), tasks, [], work, 1)) == [one]
    work_ends.clear()
    assert asyncio.run(awaited()) == [one]


def test_a_journal_passes_over_what_is_done(mapped: Map, api: StandIn, tmp_path: Path) -> None:
    first = mapped(pictures(4), journal=tmp_path / "journal")
    sent = len(api.requests)

    again = mapped(pictures(6), journal=tmp_path / "journal")

    assert len(first) == 4
    assert {result.key for result in again} == {"4.jpg", "5.jpg"}
    assert len(api.assemblies) == 6
    paths = " ".join(request.path for request in api.requests[sent:])
    assert not any(result.assembly_id in paths for result in first)


def test_an_input_that_changed_since_it_was_done_is_told(
    mapped: Map, api: StandIn, tmp_path: Path
) -> None:
    """Its old result would pass for the new one's."""
    mapped([("a.jpg", b"one"), ("b.jpg", b"two")], journal=tmp_path / "journal")

    [told] = mapped([("a.jpg", b"one"), ("b.jpg", b"new")], journal=tmp_path / "journal")

    assert told.key == "b.jpg"
    assert isinstance(told.error, FileChanged)
    assert len(api.assemblies) == 2


def test_a_journal_looks_again_at_what_failed_and_creates_nothing_twice(
    mapped: Map, api: StandIn, tmp_path: Path
) -> None:
    api.faults.append(Crash("INTERNAL_COMMAND_ERROR"))
    [failed] = mapped(pictures(1), journal=tmp_path / "journal")

    [again] = mapped(pictures(1), journal=tmp_path / "journal")

    assert failed.failed
    assert again.failed
    assert again.assembly_id == failed.assembly_id
    assert creates(api) == 1


def test_a_create_that_was_refused_is_tried_again_the_next_time(
    mapped: Map, api: StandIn, tmp_path: Path
) -> None:
    refusal = b'{"error":"INSUFFICIENT_AUTH_SCOPE","http_code":403}'
    api.faults.append(Answer(403, refusal, "application/json", operation="createAssemblyWithId"))
    [failed] = mapped(pictures(1), journal=tmp_path / "journal")

    [again] = mapped(pictures(1), journal=tmp_path / "journal")

    assert failed.failed
    assert again.error is None
    assert again.assembly_id == failed.assembly_id


def test_what_is_no_error_of_this_package_ends_it_and_is_raised(
    mapped: Map, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a bug in a subclass: it stands in no outcome, where nobody would look for it."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    for kind in (Transloadit, AsyncTransloadit):
        monkeypatch.setattr(kind, "run", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        mapped(pictures(3), at_once=1)


def threads_of_map() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "transloadit-map"]


def test_who_leaves_early_begins_no_more_in_threads(api: StandIn) -> None:
    """Its own threads end once their request has; that of the watchdog serves all clients."""
    with (
        Transloadit(api.key, api.secret, base_url=api.url) as client,
        closing(client.map(pictures(1000), steps=STEPS, at_once=4)) as results,  # type: ignore[type-var]
    ):
        next(results)
        assert threads_of_map()
    left = creates(api)
    until = time.monotonic() + 10.0
    while threads_of_map() and time.monotonic() < until:
        time.sleep(0.01)

    assert threads_of_map() == []
    assert creates(api) - left <= 4  # those that were on their way
    assert left < 50


def test_who_leaves_early_begins_no_more_in_tasks(api: StandIn) -> None:
    async def main() -> int:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            found = client.map(pictures(1000), steps=STEPS, at_once=4)
            async with aclosing(found) as results:  # type: ignore[type-var]
                await anext(results)
            left = creates(api)
            await asyncio.sleep(0.2)
            assert creates(api) == left
            assert len(asyncio.all_tasks()) == 1
            return left

    assert asyncio.run(main()) < 50


def test_inputs_may_be_awaited(api: StandIn, tmp_path: Path) -> None:
    async def inputs() -> AsyncIterator[tuple[str, bytes]]:
        for picture in pictures(5):
            await asyncio.sleep(0)
            yield picture

    async def main() -> list[Mapped]:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            found = client.map(inputs(), steps=STEPS, journal=tmp_path / "journal")
            return [one async for one in found]

    assert {one.key for one in asyncio.run(main())} == {f"{n}.jpg" for n in range(5)}
    assert asyncio.run(main()) == []  # all are done


def test_memory_does_not_grow_with_the_number_of_inputs(api: StandIn) -> None:
    """Neither inputs nor results are kept: no more are alive than are in the works."""
    alive: list[int] = []

    class Picture(io.BytesIO):
        """Bytes that the garbage collector knows."""

    def inputs() -> Iterator[tuple[str, Picture]]:
        for number in range(60):
            gc.collect()
            alive.append(sum(type(one) is Picture for one in gc.get_objects()))
            yield f"{number}.jpg", Picture(b"picture")

    gc.freeze()  # what was there before is none, and takes long to look through
    try:
        with Transloadit(api.key, api.secret, base_url=api.url) as client:
            for mapped in client.map(inputs(), steps=STEPS, at_once=5):
                assert mapped.error is None
                del mapped
    finally:
        gc.unfreeze()

    assert max(alive) <= 12


def test_a_killed_process_goes_on_where_it_stopped(api: StandIn, tmp_path: Path) -> None:
    """Killed three times at odd moments: each input has one Assembly in the end."""
    number, told = 120, set[str]()
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "journal"), str(number)]
    environ = {**os.environ, **api.environ}
    for patience in (5, 30, 25):
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            lines = list(itertools.islice(program.stdout, patience))
            program.kill()
            told |= {line.split()[0] for line in [*lines, *program.stdout]}

    last = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    assert last.returncode == 0, last.stderr
    assert all(line.endswith(" None") for line in last.stdout.splitlines())
    assert told | {line.split()[0] for line in last.stdout.splitlines()} == {
        f"{n}.jpg" for n in range(number)
    }
    ran = [one for one in api.assemblies.values() if one.state != "REQUEST_ABORTED"]
    assert len(ran) == number
    assert {one.uploads[0].stored.name for one in ran} == {f"{n}.jpg" for n in range(number)}


def test_a_result_that_is_too_large_fails_its_input_alone(mapped: Map, tmp_path: Path) -> None:
    inputs = [("large.jpg", b"x" * 2000), ("small.jpg", b"x")]

    results = {one.key: one for one in mapped(inputs, save_to=tmp_path, max_size=1000)}

    assert "max_size" in str(results["large.jpg"].error)
    assert results["large.jpg"].status is not None
    assert not results["small.jpg"].failed


@pytest.mark.parametrize("one", ["*.jpg", b"a picture", Path("a.jpg"), {"files": "a.jpg"}, 5])
def test_a_single_input_is_refused(connect: Callable[..., Any], api: StandIn, one: Any) -> None:
    """The letters of a path are not meant."""
    client = connect(api.key, api.secret, base_url=api.url)

    with pytest.raises(InvalidInput, match="map takes many inputs"):
        client.map(one, steps=STEPS)

    assert not api.requests


def test_on_trio_map_says_what_to_do(api: StandIn) -> None:
    async def main() -> None:
        client = AsyncTransloadit(api.key, api.secret, base_url=api.url)
        async for _ in client.map([b"a picture"], steps=STEPS, key=str):
            raise AssertionError

    with pytest.raises(InvalidInput, match="on trio call run for each input"):
        anyio.run(main, backend="trio")


def test_a_key_that_cannot_be_called_is_refused(connect: Callable[..., Any], api: StandIn) -> None:
    with pytest.raises(InvalidInput, match="key is of type str; it takes a function"):
        connect(api.key, api.secret, base_url=api.url).map([b"a"], steps=STEPS, key="name")
