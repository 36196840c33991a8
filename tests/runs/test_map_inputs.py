"""Which of many inputs has which Assembly."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from transloadit_client import ApiError, AssemblyStatus, FileChanged, InvalidInput, Mapped, NoAnswer
from transloadit_client._runs.map_inputs import Tasks, instructions_of

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


def test_an_input_has_one_key_however_its_path_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    spellings: list[Any] = [
        "photos/cat.jpg", "./photos/cat.jpg", Path("photos/cat.jpg"), "photos/../photos//cat.jpg",
        f"{tmp_path}/photos/cat.jpg", "link/cat.jpg",
    ]  # fmt: skip

    with Tasks("journal", "resize", None) as tasks:
        ids = {task.entry.assembly_id for task in map(tasks.of, spellings) if task}
        monkeypatch.chdir(tmp_path / "photos")
        ids |= {task.entry.assembly_id for task in [tasks.of("cat.jpg")] if task}
        others = [tasks.of(other) for other in ("dog.jpg", ("cat.jpg", b"a cat"), "a\0b/c")]

    assert len(ids) == 1
    assert len({task.entry.assembly_id for task in others if task} - ids) == 3


def test_a_link_beside_a_file_is_an_input_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to("cat.jpg")

    with Tasks(tmp_path / "journal", "resize", None) as tasks:
        ids = {task.entry.assembly_id for task in map(tasks.of, [
            tmp_path / "cat.jpg", tmp_path / "link.jpg"]) if task}  # fmt: skip

    assert len(ids) == 2


DONE = AssemblyStatus.from_dict({"ok": "ASSEMBLY_COMPLETED"})


def finish(tmp_path: Path, files: Any) -> None:
    """Has a run take an input and finish it."""
    with Tasks(tmp_path / "journal", "resize", lambda _: "it") as tasks:
        assert tasks.of(files) is not None
        tasks.delivered(Mapped(files, "it", "", DONE))


def look_again(tmp_path: Path, files: Any) -> Any:
    with Tasks(tmp_path / "journal", "resize", lambda _: "it") as tasks:
        return tasks.of(files)


LARGE = b"a cat" * 100_000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("cat.jpg", b"a cat"), ("cat.jpg", b"a dog")),
        (b"a cat", bytearray(b"a cats")),
        ({"one": b"1", "two": b"2"}, {"one": b"1", "two": b"3"}),
        ([b"1"], [b"1", b"2"]),
    ],
)
def test_bytes_that_changed_since_they_were_done_are_told(
    tmp_path: Path, before: Any, after: Any
) -> None:
    finish(tmp_path, before)

    assert look_again(tmp_path, before) is None
    with pytest.raises(FileChanged, match=r"'it' has changed since Assembly .* was done with it"):
        look_again(tmp_path, after).options(None)


@pytest.mark.parametrize(
    "after", [b"other" + LARGE[5:], LARGE[:-5] + b"other", LARGE[:-1], LARGE + b"x", b""]
)
def test_a_file_that_changed_since_it_was_done_is_told(tmp_path: Path, after: bytes) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(LARGE)
    finish(tmp_path, path)
    path.write_bytes(after)
    os.utime(path, (1, 1))

    with pytest.raises(FileChanged):
        look_again(tmp_path, path).options(None)


def test_a_new_time_of_the_same_bytes_is_no_change(tmp_path: Path) -> None:
    """As a checkout or a copy gives."""
    path = tmp_path / "cat.jpg"
    path.write_bytes(LARGE)
    finish(tmp_path, [path])
    assert look_again(tmp_path, [path]) is None
    os.utime(path, (1, 1))

    assert look_again(tmp_path, [path]) is None


def unreadable(tmp_path: Path) -> list[Any]:
    return [tmp_path / "gone", tmp_path, "/dev/null", iter([b"a"]), memoryview(b"abc")[::2], [3]]


@pytest.mark.parametrize("number", range(6))
def test_what_cannot_be_compared_is_passed_over_once_it_is_done(
    tmp_path: Path, number: int
) -> None:
    files = unreadable(tmp_path)[number]
    finish(tmp_path, files)

    assert look_again(tmp_path, files) is None


@pytest.mark.parametrize("wrap", [lambda it: it, lambda it: [it], lambda it: {"a": it},
                                  lambda it: ("a", it)])  # fmt: skip
def test_what_can_be_read_once_is_not_read_for_the_journal(
    tmp_path: Path, wrap: Callable[[Any], Any]
) -> None:
    once = iter([b"a", b"cat"])

    with Tasks(tmp_path / "journal", "resize", lambda _: "it") as tasks:
        tasks.of(wrap(once))

    assert list(once) == [b"a", b"cat"]


def test_a_file_that_is_gone_since_it_was_done_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"a cat")
    finish(tmp_path, tmp_path / "cat.jpg")
    (tmp_path / "cat.jpg").unlink()

    assert look_again(tmp_path, tmp_path / "cat.jpg") is None


def test_an_id_that_cannot_be_written_down_is_the_trouble_of_its_input(tmp_path: Path) -> None:
    """Such as on a full disk. Nothing is created under it, and the others are told."""
    with Tasks(tmp_path / "journal", "resize", None) as tasks:
        known = tasks.of("cat.jpg")
        with closing(sqlite3.connect(":memory:")) as other:
            assert tasks._journal is not None
            whole, tasks._journal._open = tasks._journal._open, other
            task = tasks.of("dog.jpg")
            assert known is not None
            assert tasks.again(known, aborted()) is None
        tasks._journal._open = whole
        tasks.of("ape.jpg")

    assert task is not None
    with pytest.raises(InvalidInput, match="as a journal: no such table"):
        task.options(None)


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
