"""Which of many inputs has which Assembly."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from transloadit_client import (
    ApiError,
    AssemblyStatus,
    AsyncTransloadit,
    InvalidInput,
    Mapped,
    NoAnswer,
    Transloadit,
)
from transloadit_client._runs.map_inputs import Tasks, check_inputs, instructions_of

ABORTED = AssemblyStatus.from_dict({"ok": "REQUEST_ABORTED", "assembly_id": "0" * 32})


def aborted() -> ApiError:
    error = ApiError("its upload broke off")
    error.status = ABORTED
    return error


@pytest.fixture(params=["journal", "no journal"])
def tasks(request: pytest.FixtureRequest, tmp_path: Path) -> Tasks:
    return Tasks(tmp_path / "journal" if request.param == "journal" else None, "resize", None)


def test_an_input_without_a_name_cannot_stand_in_a_journal(tmp_path: Path) -> None:
    with (
        Tasks(tmp_path / "journal", "resize", None) as tasks,
        pytest.raises(InvalidInput, match="key="),
    ):
        tasks.of(b"a picture")


@pytest.mark.parametrize(
    ("files", "key", "stands_under"),
    [
        ("a/cat.jpg", None, "a/cat.jpg"),
        (Path("b/cat.jpg"), None, "b/cat.jpg"),
        (("cat.jpg", b"a cat"), None, "cat.jpg"),
        (b"a cat", lambda _: "mine", "mine"),
        ("a/cat.jpg", lambda path: path.upper(), "A/CAT.JPG"),
    ],
)
def test_an_input_stands_under_its_path_or_name_or_what_the_caller_says(
    tmp_path: Path, files: Any, key: Callable[[Any], str] | None, stands_under: str
) -> None:
    with Tasks(tmp_path / "journal", "resize", key) as tasks:
        task = tasks.of(files)

    assert task is not None
    assert task.key == stands_under


def test_without_a_journal_no_name_is_needed_and_each_has_a_new_id() -> None:
    with Tasks(None, "resize", None) as tasks:
        ids = {task.entry.assembly_id for task in (tasks.of(b"a cat"), tasks.of(b"a cat")) if task}

    assert len(ids) == 2


def test_a_spent_id_is_replaced_but_not_for_ever(tasks: Tasks) -> None:
    with tasks:
        task = first = tasks.of("cat.jpg")
        ids = []
        while task is not None:
            ids.append(task.entry.assembly_id)
            task = tasks.again(task, aborted())

        assert first is not None
        assert tasks.again(first, NoAnswer("no connection")) is None
    assert len(set(ids)) == len(ids) == 4


def test_what_was_delivered_is_passed_over_and_what_failed_is_not(tmp_path: Path) -> None:
    done = AssemblyStatus.from_dict({"ok": "ASSEMBLY_COMPLETED"})
    with Tasks(tmp_path / "journal", "resize", None) as tasks:
        for name in ("cat.jpg", "dog.jpg", "ape.jpg"):
            tasks.of(name)
        tasks.delivered(Mapped("cat.jpg", "cat.jpg", "", done))
        tasks.delivered(Mapped("dog.jpg", "dog.jpg", "", done, error=NoAnswer("no connection")))

    with Tasks(tmp_path / "journal", "resize", None) as tasks:
        following = tasks.next(iter(["cat.jpg", "dog.jpg", "ape.jpg"]))
        assert following is not None
        assert following.key == "dog.jpg"
        assert following.entry.known


def test_inputs_of_one_name_have_a_folder_each() -> None:
    with Tasks(None, "resize", None) as tasks:
        folders = {
            task.options("out")["save_to"]
            for task in (
                tasks.of("a/cat.jpg"),
                tasks.of("b/cat.jpg"),
                tasks.of(".."),
                tasks.of(b"a cat"),
            )
            if task
        }

    assert len(folders) == 4
    assert {folder.parent for folder in folders} == {Path("out")}
    assert {folder.name[:-9] for folder in folders} == {"cat.jpg", "input"}


def test_instructions_are_told_apart_by_what_they_say() -> None:
    steps = {"a": {"robot": "/image/resize"}}
    resize = instructions_of({"steps": steps, "form_fields": {"size": 1}})

    again = instructions_of({"steps": steps, "form_fields": {"size": 1}, "template_id": None})
    assert resize == again
    assert resize != instructions_of({"steps": steps, "form_fields": {"size": 2}})
    assert resize != instructions_of({"steps": steps, "template_id": "t"})


@pytest.mark.parametrize(
    "files",
    ["*.jpg", Path("a.jpg"), b"a", bytearray(b"a"), {"a": "a.jpg"}, BytesIO(b"a"), None, 7],
)
@pytest.mark.parametrize("kind", [Transloadit, AsyncTransloadit])
def test_one_input_where_many_are_meant_is_refused_at_once(kind: type[Any], files: Any) -> None:
    """A text would be read letter by letter, and a file line by line."""
    with pytest.raises(InvalidInput, match="map takes many inputs"):
        kind("key", "secret").map(files, template_id="t")


def test_all_that_iterates_is_taken_for_many_inputs() -> None:
    several: list[Any] = [[], (), iter(()), Path().glob("*"), {"a.jpg"}]
    for files in several:
        check_inputs(files)
