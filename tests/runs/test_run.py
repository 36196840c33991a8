"""`run`: one call from files to results, and what it says when that cannot be."""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from transloadit_client import (
    ApiError,
    AssemblyFailed,
    AssemblyStatus,
    DownloadIncomplete,
    InvalidInput,
    MissingCredentials,
    Progress,
    StillBusy,
    Transloadit,
    UploadIncomplete,
    new_assembly_id,
)
from transloadit_client._runs.run import completed
from transloadit_standin import Answer, Crash, StandIn

Connect = Callable[..., Any]
STEPS = {"resized": {"robot": "/image/resize", "use": ":original"}}
BIG = 3_000_000


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(step_seconds=0.05) as api:
        yield api


def client_of(connect: Connect, api: StandIn, **options: Any) -> Any:
    return connect(api.key, api.secret, base_url=api.url, **options)


def operations(api: StandIn) -> list[str]:
    return [str(request.operation) for request in api.requests]


def test_without_credentials_nothing_is_sent(connect: Connect, api: StandIn) -> None:
    with pytest.raises(MissingCredentials):
        connect(base_url=api.url).run(steps=STEPS, files=[b"a picture"])
    assert not api.requests


def test_an_unreadable_file_is_refused_before_anything_is_sent(
    connect: Connect, api: StandIn, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"cat\.jpg"):
        client_of(connect, api).run(steps=STEPS, files=[tmp_path / "cat.jpg"])
    assert not api.requests


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"steps": [1]}, "steps is a list"),
        ({"steps": {}}, "steps is empty"),
        ({"steps": {"a": {"use": ":original"}}}, r"steps\['a'\] names no Robot"),
        ({"save_to": "x", "save_steps": ["no"]}, "'no', which is no Step; there are ':original', "),
        ({"save_to": "x", "save_steps": "no"}, "save_steps has 'no'"),
        ({"save_steps": ["resized"]}, "save_steps goes with save_to"),
        ({"save_to": 5}, "save_to is of type int; it takes the path of a folder"),
        ({"save_to": b"x"}, "save_to is of type bytes"),
        ({"save_to": __file__}, "which is no folder"),
        ({"chunk_size": 0}, "chunk_size is 0; it takes a whole number of bytes from 1"),
        ({"chunk_size": 1.5}, "chunk_size is 1.5; it takes a whole number"),
        ({"deadline": -1}, "deadline is -1; it takes a number of seconds from 0"),
        ({"deadline": "60"}, "deadline is '60'"),
        ({"deadline": True}, "deadline is True"),
        ({"stop": 5}, "stop is of type int; it takes a function, or an event"),
        ({"on_progress": 5}, "on_progress is of type int; it takes a function"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent_or_told(
    connect: Connect, api: StandIn, given: dict[str, Any], what: str
) -> None:
    """An Assembly costs money, so one whose results could not be kept is not begun."""
    told: list[Progress] = []
    with pytest.raises(InvalidInput, match=what):
        client_of(connect, api).run(
            **{"steps": STEPS, "files": [b"a"], "on_progress": told.append, **given}
        )
    assert (api.requests, told) == ([], [])


@pytest.mark.parametrize("save_steps", [["resized"], [":original", "resized"], "resized"])
def test_steps_that_are_there_are_saved(
    connect: Connect, api: StandIn, tmp_path: Path, save_steps: Any
) -> None:
    finished = client_of(connect, api).run(
        steps=STEPS, files=[("a.jpg", b"a")], save_to=tmp_path, save_steps=save_steps
    )
    assert [saved.step for saved in finished.saved] == ["resized"]


def test_the_steps_of_a_template_are_not_known_beforehand(
    connect: Connect, api: StandIn, tmp_path: Path
) -> None:
    api.add_template("tpl", steps={"thumb": {"robot": "/image/resize", "use": ":original"}})
    finished = client_of(connect, api).run(
        template_id="tpl", files=[("a.jpg", b"a")], save_to=tmp_path, save_steps=["thumb"]
    )
    assert [saved.step for saved in finished.saved] == ["thumb"]


def test_an_unknown_argument_is_a_mistake_as_everywhere_in_python(
    connect: Connect, api: StandIn
) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'template'"):
        client_of(connect, api).run(template="tpl")
    assert not api.requests


def test_resume_takes_an_id(connect: Connect, api: StandIn) -> None:
    with pytest.raises(InvalidInput, match="resume takes the assembly_id"):
        client_of(connect, api).run(steps=STEPS, resume=True)
    assert not api.requests


def test_what_the_api_refuses_is_told_as_create_tells_it(connect: Connect, api: StandIn) -> None:
    with pytest.raises(ApiError) as caught:
        client_of(connect, api).run(template_id="none-of-mine")
    assert caught.value.code == "TEMPLATE_NOT_FOUND"


def test_an_assembly_that_fails_raises_with_its_status(connect: Connect, api: StandIn) -> None:
    api.faults.append(Crash("INTERNAL_COMMAND_ERROR"))

    with pytest.raises(AssemblyFailed, match="INTERNAL_COMMAND_ERROR") as caught:
        client_of(connect, api).run(steps=STEPS, files=[b"a picture"])

    assert caught.value.code == "INTERNAL_COMMAND_ERROR"
    assert caught.value.status is not None
    assert caught.value.assembly_id == caught.value.status.assembly_id


def test_a_failure_is_told_on_one_line_of_bearable_length_whatever_the_server_said() -> None:
    said = {"error": "\ud800", "message": "no\n\x1b[2J" + "x" * 10**6, "assembly_id": "\udfff"}

    with pytest.raises(AssemblyFailed) as caught:
        completed(AssemblyStatus.from_dict(said))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1500
    assert caught.value.code == "\ud800"


def test_an_assembly_that_was_canceled_has_no_results(connect: Connect) -> None:
    with StandIn(step_seconds=30.0) as api:
        client = client_of(connect, api)
        own_id = new_assembly_id()

        def cancel(progress: Progress) -> None:
            if progress.phase == "executing":
                with Transloadit(base_url=api.url) as another:
                    another.cancel_assembly(own_id)

        with pytest.raises(AssemblyFailed) as caught:
            client.run(steps=STEPS, files=[b"a picture"], assembly_id=own_id, on_progress=cancel)
    assert caught.value.code == "ASSEMBLY_CANCELED"


def test_a_deadline_leaves_the_assembly_running(connect: Connect) -> None:
    with StandIn(step_seconds=30.0) as api:
        with pytest.raises(StillBusy) as caught:
            client_of(connect, api).run(steps=STEPS, files=[b"a picture"], deadline=0.2)

        assert "cancelAssembly" not in operations(api)
        assert caught.value.status is not None
        assert caught.value.status.busy


def test_small_files_go_with_the_request_and_results_come_back_whole(
    connect: Connect, api: StandIn, tmp_path: Path
) -> None:
    finished = client_of(connect, api).run(
        steps=STEPS,
        files=[("cat.jpg", b"a cat"), ("dog.jpg", b"a dog")],
        save_to=tmp_path,
        save_steps=["resized"],
    )

    assert finished.status.ok == "ASSEMBLY_COMPLETED"
    saved = {(file.step, file.path.name): file.path.read_bytes() for file in finished.saved}
    assert saved == {("resized", "cat.jpg"): b"a cat", ("resized", "dog.jpg"): b"a dog"}
    assert not any(operation.startswith("tus") for operation in operations(api))


def test_big_files_and_streams_go_by_tus_all_of_them(
    connect: Connect, api: StandIn, tmp_path: Path
) -> None:
    film = os.urandom(BIG)
    stream = (bytes([number]) * 1000 for number in range(256))

    finished = client_of(connect, api).run(
        steps=STEPS,
        files={"film": ("film.mp4", film), "log": ("log.txt", stream)},
        save_to=tmp_path,
        save_steps=["resized"],
        tus_above=BIG - 1,
    )

    hashes = {file.path.name: hashlib.md5(file.path.read_bytes()) for file in finished.saved}
    assert hashes["film.mp4"].digest() == hashlib.md5(film).digest()
    whole = b"".join(bytes([number]) * 1000 for number in range(256))
    assert hashes["log.txt"].digest() == hashlib.md5(whole).digest()
    assert operations(api).count("tusCreate") == 2


def test_without_files_and_without_a_folder_it_only_waits(connect: Connect, api: StandIn) -> None:
    finished = client_of(connect, api).run(steps=STEPS)

    assert finished.status.ok == "ASSEMBLY_COMPLETED"
    assert finished.saved == ()


def test_everything_is_told_in_order(connect: Connect, tmp_path: Path) -> None:
    told: list[Progress] = []

    with StandIn(step_seconds=0.5) as api:  # a step that a busy machine can see, too
        client_of(connect, api).run(
            steps=STEPS,
            files=[os.urandom(BIG)],
            tus_above=0,
            save_to=tmp_path,
            save_steps=["resized"],
            on_progress=told.append,
        )

    phases = [phase for phase, _ in itertools.groupby(progress.phase for progress in told)]
    assert phases == ["uploading", "executing", "downloading", "done"]
    assert len({progress.assembly_id for progress in told}) == 1
    assert max(one.bytes_sent for one in told if one.phase == "uploading") == BIG
    assert told[-1].bytes_saved == BIG


def test_files_that_go_along_with_the_request_are_told_before_it(
    connect: Connect, api: StandIn
) -> None:
    """On a slow line they take their time, and nothing else would be seen of them."""
    told: list[tuple[Progress, int]] = []

    client_of(connect, api).run(
        steps=STEPS,
        files=[b"a picture", b"another"],
        on_progress=lambda progress: told.append((progress, len(api.requests))),
    )

    first, requests = told[0]
    assert requests == 0
    assert (first.phase, first.bytes_sent, first.bytes_to_send) == ("uploading", 0, 16)
    assert first.files_to_send == 2
    assert {progress.assembly_id for progress, _ in told} == {api.requests[0].path[-32:]}


def test_nothing_is_told_of_files_where_there_are_none(connect: Connect, api: StandIn) -> None:
    told: list[Progress] = []

    client_of(connect, api).run(steps=STEPS, on_progress=told.append)

    assert "uploading" not in {progress.phase for progress in told}


def test_an_interrupted_run_is_gone_on_with_and_never_begun_again(
    connect: Connect, api: StandIn, tmp_path: Path
) -> None:
    client = client_of(connect, api)
    own_id = new_assembly_id()
    first = client.run(steps=STEPS, files=[b"a picture"], assembly_id=own_id)

    again = client.run(
        steps=STEPS,
        files=[b"a picture"],
        assembly_id=own_id,
        resume=True,
        save_to=tmp_path,
        save_steps=["resized"],
    )

    assert again.status.assembly_id == first.status.assembly_id == own_id
    assert [file.path.read_bytes() for file in again.saved] == [b"a picture"]
    assert list(api.assemblies) == [own_id]


def test_a_run_that_never_began_begins_with_resume_too(connect: Connect, api: StandIn) -> None:
    own_id = new_assembly_id()

    finished = client_of(connect, api).run(steps=STEPS, assembly_id=own_id, resume=True)

    assert finished.status.assembly_id == own_id


def test_resume_creates_nothing_when_it_cannot_tell_what_is_there(
    connect: Connect, api: StandIn
) -> None:
    refusal = b'{"error":"INTERNAL_COMMAND_ERROR"}'
    api.faults.append(Answer(400, refusal, "application/json", operation="getAssembly"))

    with pytest.raises(ApiError, match="INTERNAL_COMMAND_ERROR"):
        client_of(connect, api).run(steps=STEPS, assembly_id=new_assembly_id(), resume=True)
    assert operations(api) == ["getAssembly"]


def test_of_two_who_resume_at_once_one_creates(connect: Connect, api: StandIn) -> None:
    """Both saw that nothing was there: one creates it, the other is told, and goes on with it."""
    client, own_id = client_of(connect, api), new_assembly_id()
    # Another client: the one that creates knows that reads lag behind, and reads again.
    client_of(connect, api).create_assembly(steps=STEPS, assembly_id=own_id)
    not_yet = Answer(
        404, b'{"error":"ASSEMBLY_NOT_FOUND"}', "application/json", operation="getAssembly"
    )
    api.faults.append(not_yet)

    finished = client.run(steps=STEPS, assembly_id=own_id, resume=True)

    assert operations(api).count("createAssemblyWithId") == 2
    assert finished.status.assembly_id == own_id
    assert list(api.assemblies) == [own_id]


def test_a_crashed_upload_is_resumed_where_it_stopped(connect: Connect, api: StandIn) -> None:
    client, own_id = client_of(connect, api), new_assembly_id()
    film = ("film.mp4", os.urandom(BIG))
    client.create_assembly(steps=STEPS, num_expected_upload_files=1, assembly_id=own_id)

    finished = client.run(steps=STEPS, files=[film], assembly_id=own_id, resume=True)

    assert finished.status.ok == "ASSEMBLY_COMPLETED"
    assert operations(api).count("createAssemblyWithId") == 1


def test_a_result_that_is_too_large_is_missing_and_the_others_are_saved(
    connect: Connect, api: StandIn, tmp_path: Path
) -> None:
    with pytest.raises(DownloadIncomplete, match=r"max_size allows \(1000\)") as caught:
        client_of(connect, api).run(
            steps=STEPS,
            files=[("a.jpg", b"x" * 2000), ("b.jpg", b"small")],
            save_to=tmp_path,
            max_size=1000,
        )

    error = caught.value
    assert [saved.path.name for saved in error.saved] == ["b.jpg"]
    assert (error.code, error.status and error.status.done) == ("ASSEMBLY_COMPLETED", True)


def test_an_assembly_that_is_canceled_while_files_go_up_is_a_failed_one(
    connect: Connect, api: StandIn
) -> None:
    """To upload the same files again could never help."""

    def cancel(progress: Progress) -> None:
        if progress.bytes_sent and progress.status and not progress.status.done:
            other.cancel_assembly(progress.assembly_id)

    with (
        Transloadit(api.key, api.secret, base_url=api.url) as other,
        pytest.raises(AssemblyFailed, match="ASSEMBLY_CANCELED") as caught,
    ):
        client_of(connect, api).run(
            steps=STEPS,
            files=[("a", bytes(BIG)), ("b", bytes(BIG))],
            tus_above=0,
            chunk_size=100_000,
            on_progress=cancel,
        )

    assert caught.value.code == "ASSEMBLY_CANCELED"


def test_files_that_did_not_arrive_are_told(connect: Connect, api: StandIn) -> None:
    api.faults.append(Answer(403, b"", operation="tusPatch"))

    with pytest.raises(UploadIncomplete) as caught:
        client_of(connect, api).run(steps=STEPS, files=[("a", bytes(BIG))], tus_above=0)

    assert caught.value.missing == ("a",)
