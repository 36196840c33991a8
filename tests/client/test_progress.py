"""`on_progress`: one story for each call, which only ever goes forward; awaited where it can be."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client import (
    ApiError,
    AssemblyFile,
    AssemblyStatus,
    AsyncTransloadit,
    InvalidInput,
    Progress,
    RetryPolicy,
    StillBusy,
    Transloadit,
)
from transloadit_client._progress import Story
from transloadit_standin import Answer, StandIn

Connect = Callable[..., Any]
STEPS = {"resized": {"robot": "/image/resize", "use": ":original", "result": True}}
PHASES = ["uploading", "executing", "downloading", "done"]


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(step_seconds=0.05) as api:
        yield api


def assert_goes_forward(story: list[Progress]) -> None:
    assert all((one.retry is not None) is (one.phase == "retrying") for one in story)
    story = [one for one in story if one.phase != "retrying"]
    for name in ("files", "bytes"):
        for done, total in (
            (f"{name}_sent", f"{name}_to_send"),
            (f"{name}_saved", f"{name}_to_save"),
        ):
            for before, after in pairwise(story):
                assert getattr(before, done) <= getattr(after, done)
                if getattr(before, total) is not None:
                    assert getattr(before, total) <= getattr(after, total)
            assert all(getattr(one, done) <= getattr(one, total) for one in story
                       if getattr(one, total) is not None)  # fmt: skip
    phases = [PHASES.index(one.phase) for one in story]
    assert phases == sorted(phases)
    assert all(before != after for before, after in pairwise(story))


@pytest.mark.parametrize("tus_above", [0, 10**6], ids=["by tus", "with the form"])
@pytest.mark.parametrize("contents", [[b"a picture", b"another one"], [b"x" * 300_000], []])
def test_a_run_is_one_story(
    connect: Connect, api: StandIn, tmp_path: Path, tus_above: int, contents: list[bytes]
) -> None:
    """The number of files is right from the first report to the last, whichever way they went."""
    story: list[Progress] = []
    connect(api.key, api.secret, base_url=api.url).run(
        steps=STEPS,
        files=contents,
        tus_above=tus_above,
        save_to=tmp_path,
        on_progress=story.append,
    )

    assert_goes_forward(story)
    size = sum(map(len, contents))
    assert {(one.files_to_send, one.bytes_to_send) for one in story} == {(len(contents), size)}
    assert (story[-1].files_sent, story[-1].bytes_sent) == (len(contents), size)
    assert story[-1].phase == "done"
    assert story[-1].files_saved == story[-1].files_to_save
    assert bool(contents) is (story[0].phase == "uploading")


def test_a_stream_of_unknown_length_has_a_total_at_its_end(connect: Connect, api: StandIn) -> None:
    story: list[Progress] = []
    files = [("a.jpg", iter([b"abc", b"def"]))]
    connect(api.key, api.secret, base_url=api.url).run(
        steps=STEPS, files=files, on_progress=story.append
    )

    assert_goes_forward(story)
    assert story[0].bytes_to_send is None
    assert (story[-1].bytes_sent, story[-1].bytes_to_send) == (6, 6)


def test_waiting_for_files_that_came_with_the_create_counts_them(
    connect: Connect, api: StandIn
) -> None:
    story: list[Progress] = []
    client = connect(api.key, api.secret, base_url=api.url)
    status = client.create_assembly(steps=STEPS, files=[b"a", b"b"])
    client.wait_for_assembly(status, on_progress=story.append)

    assert_goes_forward(story)
    assert (story[-1].files_sent, story[-1].files_to_send) == (2, 2)


COUNTS = st.none() | st.integers(0, 9)
REPORTS = st.builds(
    Progress,
    assembly_id=st.just("a"),
    phase=st.sampled_from(PHASES),
    bytes_sent=st.integers(0, 9),
    bytes_to_send=COUNTS,
    files_sent=st.integers(0, 9),
    files_to_send=COUNTS,
    bytes_saved=st.integers(0, 9),
    bytes_to_save=COUNTS,
    files_saved=st.integers(0, 9),
    files_to_save=COUNTS,
    percent=st.none() | st.floats(0, 100),
    results=st.sampled_from([(), (("a", AssemblyFile()),)]),
    status=st.sampled_from([None, AssemblyStatus(), AssemblyStatus(ok="ASSEMBLY_COMPLETED")]),
)


@given(st.lists(REPORTS, max_size=6), st.none() | st.tuples(st.integers(0, 9), COUNTS))
def test_whatever_the_parts_of_a_call_report_the_story_goes_forward(
    reports: list[Progress], to_send: tuple[int, int | None] | None
) -> None:
    told: list[Progress] = []
    story = Story(told.append)
    if to_send is not None:
        story.sends(*to_send)

    for report in reports:
        story(report)

    assert_goes_forward(told)
    assert bool(told) is bool(reports)
    if to_send is not None:
        assert all(one.files_to_send == to_send[0] for one in told)
        assert to_send[1] is None or all(one.bytes_to_send == to_send[1] for one in told)
    for before, after in pairwise(told):
        assert after.results or not before.results
        assert after.status is not None or before.status is None
        assert after.percent is not None or before.percent is None


def calls(client: Any, tmp_path: Path, on_progress: Any) -> dict[str, Callable[[], Any]]:
    identity = "7828446e5acd4aa996dce3455ec914e9"
    return {
        "upload": partial(client.upload, identity, [b""], on_progress=on_progress),
        "wait": partial(client.wait_for_assembly, identity, on_progress=on_progress),
        "download": partial(client.download_results, identity, tmp_path, on_progress=on_progress),
        "run": partial(client.run, steps=STEPS, on_progress=on_progress),
    }


class Told:
    """An object that is called, and awaited."""

    def __init__(self) -> None:
        self.story: list[Progress] = []

    async def __call__(self, progress: Progress) -> None:
        await asyncio.sleep(0.001)
        self.story.append(progress)


async def told(log: list[Progress], progress: Progress) -> None:
    await asyncio.sleep(0.001)
    log.append(progress)


@pytest.mark.parametrize("call", ["upload", "wait", "download", "run"])
@pytest.mark.parametrize("on_progress", [partial(told, []), Told(), mock.AsyncMock()])
def test_blocking_code_refuses_an_async_def(
    api: StandIn, tmp_path: Path, call: str, on_progress: Any
) -> None:
    client = Transloadit(api.key, api.secret, base_url=api.url)

    with pytest.raises(InvalidInput, match="on_progress is an `async def`"):
        calls(client, tmp_path, on_progress)[call]()
    assert not api.requests


def test_asynchronous_code_awaits_an_async_def(api: StandIn, tmp_path: Path) -> None:
    async def main(on_progress: Any) -> None:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            await client.run(
                steps=STEPS, files=[b"a"], save_to=tmp_path, on_progress=on_progress, tus_above=0
            )

    log: list[Progress] = []
    of_object = Told()
    for on_progress, story in ((partial(told, log), log), (of_object, of_object.story)):
        asyncio.run(main(on_progress))

        assert_goes_forward(story)
        assert story[0].files_to_send == 1
        assert attrs.evolve(story[-1], status=None, results=()) == Progress(
            assembly_id=story[-1].assembly_id, phase="done", percent=None,
            bytes_sent=1, bytes_to_send=1, files_sent=1, files_to_send=1,
            bytes_saved=story[-1].bytes_to_save or 0, bytes_to_save=story[-1].bytes_to_save,
            files_saved=story[-1].files_to_save or 0, files_to_save=story[-1].files_to_save,
        )  # fmt: skip


def test_a_slow_async_def_holds_up_nothing_and_is_told_the_newest(api: StandIn) -> None:
    """Its first call goes on until the Assembly has ended."""
    story: list[Progress] = []

    async def main() -> AssemblyStatus:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:

            async def slow(progress: Progress) -> None:
                story.append(progress)
                while len(story) == 1:
                    with suppress(ApiError):  # at first there is none
                        if (await client.get_assembly(progress.assembly_id)).done:
                            return
                    await asyncio.sleep(0.1)

            finished = await client.run(steps=STEPS, files=[b"a"], on_progress=slow)
            return finished.status

    status = asyncio.run(main())

    assert story[0].phase == "uploading"
    assert story[-1].phase == "done"
    assert story[-1].status is status


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.anyio
async def test_an_error_in_an_async_def_ends_the_work_as_itself(
    api: StandIn, anyio_backend: str
) -> None:
    async def failing(_: Progress) -> None:
        raise ZeroDivisionError

    async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
        with pytest.raises(ZeroDivisionError):
            await client.run(steps=STEPS, files=[b"a"], on_progress=failing)


def test_an_error_of_the_work_arrives_as_itself_beside_an_async_def(api: StandIn) -> None:
    async def main() -> None:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            status = await client.create_assembly(steps=STEPS, num_expected_upload_files=1)
            await client.wait_for_assembly(status, deadline=0.1, on_progress=partial(told, []))

    with pytest.raises(StillBusy):
        asyncio.run(main())


# Retries


@pytest.mark.parametrize(
    "operation", ["createAssemblyWithId", "getAssembly", "tusPatch", "downloadFile"]
)
def test_every_retry_of_a_run_is_told(
    connect: Connect, api: StandIn, tmp_path: Path, operation: str
) -> None:
    """Whichever step it is of: the create, the upload, the wait or the download."""
    story: list[Progress] = []
    api.faults.append(Answer(503, operation=operation))
    client = connect(api.key, api.secret, base_url=api.url, retry=RetryPolicy(first=0.05))

    client.run(
        steps=STEPS,
        files=[("a.jpg", b"x" * 2_000_000)],
        tus_above=0,
        save_to=tmp_path,
        on_progress=story.append,
    )

    [told] = [one for one in story if one.phase == "retrying"]
    assert told.retry is not None
    assert told.retry.number == 1
    assert told.retry.delay is not None
    assert "503" in told.retry.cause
    assert told.assembly_id == story[-1].assembly_id
    assert story[-1].phase == "done"
    assert_goes_forward(story)


def test_a_retry_while_waiting_for_results_is_told(
    connect: Connect, api: StandIn, tmp_path: Path
) -> None:
    """The wait has a story of its own then, since it is not the end."""
    story: list[Progress] = []
    api.faults.append(Answer(429, operation="getAssembly"))
    client = connect(api.key, api.secret, base_url=api.url, retry=RetryPolicy(floor=0.05))

    client.run(steps=STEPS, files=[b"small"], save_to=tmp_path, on_progress=story.append)

    [told] = [one for one in story if one.phase == "retrying"]
    assert told.retry is not None
    assert (told.retry.number, told.retry.most) == (1, None)
    assert_goes_forward(story)


def test_retries_are_told_in_the_callers_thread(connect: Connect, api: StandIn) -> None:
    client = connect(api.key, api.secret, base_url=api.url, retry=RetryPolicy(first=0.3))
    assembly = client.create_assembly(steps=STEPS, num_expected_upload_files=2)
    api.faults.extend(Answer(503, operation="tusPatch") for _ in range(2))
    threads: list[tuple[str, int]] = []

    client.upload(
        assembly,
        [("a.jpg", b"x" * 2_000_000), ("b.jpg", b"y" * 2_000_000)],
        on_progress=lambda one: threads.append((one.phase, threading.get_ident())),
    )

    assert [phase for phase, _ in threads].count("retrying") == 2
    assert len({number for _, number in threads}) == 1


def test_what_a_report_itself_calls_is_no_part_of_the_story(connect: Connect, api: StandIn) -> None:
    """A function that reads a status while it is told may have to retry as well."""
    client = connect(api.key, api.secret, base_url=api.url)
    story: list[Progress] = []

    with Transloadit(api.key, api.secret, base_url=api.url, retry=RetryPolicy(first=0.01)) as other:
        ended = other.run(steps=STEPS, files=[b"x"]).status

        def look(progress: Progress) -> None:
            story.append(progress)
            if len(story) == 1:
                api.faults.append(Answer(503, operation="getAssembly"))
                other.get_assembly(ended.id)

        client.wait_for_assembly(ended, on_progress=look)

    assert [one.phase for one in story] == ["done"]


def test_the_threads_of_an_upload_have_the_context_of_its_caller(api: StandIn) -> None:
    """So the spans of a tracer hang together."""
    name = ContextVar("name", default="none")
    seen: set[str] = set()
    with Transloadit(api.key, api.secret, base_url=api.url) as client:
        client.get_httpx_client().event_hooks["request"].append(lambda _: seen.add(name.get()))
        assembly = client.create_assembly(steps=STEPS, num_expected_upload_files=1)
        seen.clear()
        token = name.set("caller")

        client.upload(assembly, [("a.jpg", b"x")])

    name.reset(token)
    assert seen == {"caller"}
