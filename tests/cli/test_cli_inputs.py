"""What people type: files, patterns, variables and Steps."""

import os
from pathlib import Path
from typing import Any

import pytest

from transloadit_client import InvalidInput
from transloadit_client.cli.inputs import File, files_of, steps_of, values_of


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("nothing.txt", "there is no file 'nothing.txt'"),
        ("*.jpg", r"there is no file '\*.jpg'"),
        ("photo=nothing.txt", "there is no file 'nothing.txt'"),
        (".", "'.' is a folder"),
        ("photo=.", "'.' is a folder"),
        ("", "'' is a folder"),
    ],
)
def test_an_argument_that_names_no_file_is_refused(argument: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        files_of([argument])


def test_the_standard_input_is_taken_once() -> None:
    with pytest.raises(InvalidInput, match="once only"):
        files_of(["-", "photo=-"])


def test_a_file_with_an_equals_sign_in_its_name_is_a_path_when_it_looks_like_one() -> None:
    Path("x=y.txt").write_bytes(b"")

    with pytest.raises(InvalidInput, match=r"write \./x=y\.txt"):
        files_of(["x=y.txt"])
    assert files_of(["./x=y.txt"]) == [File("files", "x=y.txt")]


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["a.txt"], [("files", "a.txt")]),
        (["photo=a.txt", "b.txt"], [("photo", "a.txt"), ("files", "b.txt")]),
        (["*.txt"], [("files", "a.txt"), ("files", "b.txt")]),
        (["notes=?.txt"], [("notes", "a.txt"), ("notes", "b.txt")]),
        (["**/*.txt"], [("files", "a.txt"), ("files", "b.txt"), ("files", "deep/c.txt")]),
        (["[a].txt"], [("files", "[a].txt")]),
        (["-"], [("files", "-")]),
        (["photo=-"], [("photo", "-")]),
    ],
)
def test_arguments_stand_for_files(arguments: list[str], files: list[tuple[str, str]]) -> None:
    Path("deep").mkdir()
    Path("deep/c.txt").write_bytes(b"")
    if arguments == ["[a].txt"]:  # a name that is there is no pattern
        Path("[a].txt").write_bytes(b"")

    assert files_of(arguments) == [File(*file) for file in files]


def test_a_home_folder_that_the_shell_left_alone_is_found() -> None:
    """No shell expands the tilde of `photo=~/a.jpg`."""
    home = Path(os.environ["HOME"])
    (home / "at-home.txt").write_bytes(b"")

    assert files_of(["photo=~/at-home.txt"]) == [File("photo", str(home / "at-home.txt"))]


def test_only_plain_files_have_a_size() -> None:
    os.mkfifo("pipe")

    assert [file.size for file in files_of(["a.txt", "pipe", "-"])] == [5, None, None]


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("width", "NAME=TEXT or NAME:=JSON"),
        ("=5", "NAME=TEXT or NAME:=JSON"),
        (":=5", "NAME=TEXT or NAME:=JSON"),
        ("width:=5px", "--field width is not JSON"),
        ("width:=" + "[" * 100_000, "--field width is not JSON"),
    ],
)
def test_a_malformed_variable_is_refused(argument: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        values_of([argument], "--field")


def test_a_variable_is_given_once() -> None:
    with pytest.raises(InvalidInput, match="'a' is given twice"):
        values_of(["a=1", "a:=1"], "--field")


def test_variables_are_text_or_json() -> None:
    given = ["a=1", "b:=1", 'c:={"d": [null]}', "e=f=g", "h=", "i:j=k"]

    assert values_of(given, "--field") == {
        "a": "1", "b": 1, "c": {"d": [None]}, "e": "f=g", "h": "", "i:j": "k",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("steps.json", "resized: {}", "is not JSON"),
        ("steps.yaml", "resized: {", "neither JSON nor YAML"),
        ("steps.yaml", "- resized", "--steps holds a list, not a JSON object"),
        ("steps.yaml", "", "--steps holds nothing, not a JSON object"),
        ("steps.yaml", "a: 2026-99-99", "neither JSON nor YAML"),
        ("steps.yaml", "!!python/object/apply:os.getcwd []", "neither JSON nor YAML"),
        ("steps.yaml", "steps: {a: {}}\nfields: {}", "more than Steps: fields"),
    ],
)
def test_a_file_without_steps_is_refused(name: str, text: str, complaint: str) -> None:
    Path(name).write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInput, match=complaint):
        steps_of(name)


def test_steps_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"cannot read 'nothing\.yaml': No such file"):
        steps_of("nothing.yaml")
    with pytest.raises(InvalidInput, match="is not JSON"):
        steps_of("{robot: /image/resize}")


STEPS = {"resized": {"robot": "/image/resize", "width": 300}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("steps.json", '{"resized": {"robot": "/image/resize", "width": 300}}'),
        ("steps.yaml", "resized:\n  robot: /image/resize\n  width: 300\n"),
        ("steps", "resized: {robot: /image/resize, width: 300}"),
        ("template.json", '{"steps": {"resized": {"robot": "/image/resize", "width": 300}}}'),
        ("template.yaml", "steps: {resized: {robot: /image/resize, width: 300}}"),
    ],
)
def test_steps_come_from_files(name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")

    assert steps_of(name) == STEPS


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ('{"resized": {"robot": "/image/resize", "width": 300}}', STEPS),
        (' {"steps": {"robot": "/image/resize"}}', {"steps": {"robot": "/image/resize"}}),
        ("{}", {}),
    ],
)
def test_steps_come_as_json(text: str, steps: Any) -> None:
    """Also a Step that is called `steps`."""
    assert steps_of(text) == steps
