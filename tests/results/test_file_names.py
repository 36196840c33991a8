"""Names that a server chose, as names of files."""

import os
import unicodedata
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client._results.download import PathAllocator
from transloadit_client._results.file_names import numbered, safe_name, same_name

from ..foreign import many_cases

# Any text, and texts made of what file systems stumble over.
PIECES = [
    *'./\\:*?"<>| ~$aA1é\u0390\ud55c\u0301\u202e\u200d\x00\n\x7f\ud800',
    "con",
    "NUL",
    "x" * 90,
]
HOSTILE = st.text() | st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "_.._.._etc_passwd"),
        ("..\\..\\boot.ini", "_.._.._boot.ini"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x.txt", "C__x.txt"),
        ("a.jpg:stream", "a.jpg_stream"),
        (".", "file"),
        ("..", "file"),
        (" . . ", "file"),
        ("", "file"),
        (None, "file"),
        (7, "file"),
        (".htaccess", "_.htaccess"),
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("Com1 .txt", "_Com1 .txt"),
        ("CONX.txt", "CONX.txt"),
        ("CON\u2003.txt", "CON\u2003.txt"),
        ("LPT².txt", "_LPT².txt"),
        ("console.log", "console.log"),
        ("a\x00b\nc\x7f.txt", "a_b_c_.txt"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("\ud800.jpg", "_.jpg"),
        ("a. . .", "a"),
        ("x" * 300 + ".jpeg", "x" * 195 + ".jpeg"),
        ("x." + "y" * 300, "x." + "y" * 198),
        ("x" * 2000 + ".jpeg", "x" * 195 + ".jpeg"),
        ("x" * 199 + " " + "y" * 100, "x" * 199),
        ("x" * 199 + "." + "y" * 100, "x" * 199),
        ("\u0390" * 200 + ".jpg", "\u0390" * 65 + ".jpg"),  # 3 UTF-16 units, once decomposed
        ("🎉" * 200 + ".jpg", "🎉" * 49 + ".jpg"),  # 4 bytes
        ("one\u2028two\u2029three", "one_two_three"),
        ("\u2003a\u2003", "\u2003a\u2003"),
        ("  a  ", "a"),
        ("MAX", "MAX"),
        ("XX.X", "XX.X"),
        ("e\u0301.png", "é.png"),
        ("Straßenfest 2024 (3) 🎉.jpg", "Straßenfest 2024 (3) 🎉.jpg"),
        ("👨\u200d👩.png", "👨\u200d👩.png"),
    ],
)
def test_a_name_is_made_safe_and_otherwise_left_alone(given: object, name: str) -> None:
    assert safe_name(given, "file") == name


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a", "a-2"),
        ("a.jpg", "a-2.jpg"),
        ("a.tar.gz", "a.tar-2.gz"),
        ("a.", "a-2."),
        ("a." + "y" * 32, "a-2." + "y" * 32),
        ("a." + "y" * 33, "a." + "y" * 33 + "-2"),  # no suffix, but the rest of a sentence
        ("x" * 200, "x" * 198 + "-2"),
        ("x" * 196 + ".jpg", "x" * 194 + "-2.jpg"),
    ],
)
def test_a_number_goes_before_the_suffix_and_fits(name: str, second: str) -> None:
    assert numbered(name, 1) == name
    assert numbered(name, 2) == second


def is_acceptable(name: str) -> bool:
    """By the rules of each system, spelt out once more and in other words."""
    stem = name.partition(".")[0].rstrip(" ").upper()
    devices = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
        port + digit for port in ("COM", "LPT") for digit in "0123456789¹²³"
    }
    return (
        name not in ("", ".", "..")
        and not any(character in '<>:"/\\|?*' or ord(character) < 32 for character in name)
        and not name.endswith((".", " "))
        and stem not in devices
        and PureWindowsPath(name).name == name
        and len(name.encode()) <= 240
        and len(unicodedata.normalize("NFD", name).encode("utf-16-le")) // 2 <= 240
    )


@many_cases
@given(HOSTILE)
def test_any_text_gives_a_name_that_every_system_accepts(text: str) -> None:
    name = safe_name(text, "file")

    assert is_acceptable(name)
    assert safe_name(name, "file") == name


@given(HOSTILE, st.integers(2, 10**9))
def test_so_does_any_number(text: str, number: int) -> None:
    name = numbered(safe_name(text, "file"), number)

    assert is_acceptable(name)
    assert f"-{number}" in name


def test_a_name_of_many_megabytes_takes_no_time() -> None:
    assert len(safe_name("\u0390" * 10**6 + ".jpg", "file")) < 100


@many_cases
@given(st.lists(st.tuples(HOSTILE, HOSTILE), max_size=10))
def test_every_path_stays_in_its_folder_and_is_nobody_elses(names: list[tuple[str, str]]) -> None:
    paths_of = PathAllocator("results")

    paths = [paths_of.place(step, safe_name(name, "file")) for step, name in names]

    inside = (Path(os.path.normpath(path)).parts for path in paths)
    assert all(len(parts) == 3 and parts[0] == "results" for parts in inside)
    assert len({same_name(str(path)) for path in paths}) == len(paths)


def test_the_second_of_a_name_is_told_by_its_number() -> None:
    paths_of = PathAllocator("results")

    paths = [
        paths_of.place("resized", name).name
        for name in ("a.jpg", "a.jpg", "A.JPG", "a-2.jpg", "a.jpg", "\u212bngstrom", "ångstrom")
    ]

    assert paths == [
        "a.jpg", "a-2.jpg", "A-3.JPG", "a-2-2.jpg", "a-4.jpg", "\u212bngstrom", "ångstrom-2",
    ]  # fmt: skip


@pytest.mark.parametrize("step", ["", "..", " ", None])
def test_a_step_whose_name_is_no_folder_has_one_all_the_same(step: Any) -> None:
    assert PathAllocator("results").place(step, "a.jpg") == Path("results/step/a.jpg")


def test_steps_have_folders_of_their_own_and_each_counts_for_itself() -> None:
    paths_of = PathAllocator("results")

    paths = [paths_of.place(step, "a.jpg") for step in ("one", "two", "ONE")]

    assert paths == [Path("results", *parts) for parts in
                     (("one", "a.jpg"), ("two", "a.jpg"), ("ONE", "a-2.jpg"))]  # fmt: skip


def test_ten_thousand_of_a_name_take_no_time() -> None:
    paths_of = PathAllocator("results")

    assert len({paths_of.place("resized", "a.jpg") for _ in range(10_000)}) == 10_000


def test_each_name_can_be_written_here(tmp_path: Path) -> None:
    for text in ("x" * 300, "\u0390" * 300, "\ud55c" * 300, "🎉" * 300, "\x00", "NUL", "a:b"):
        paths_of = PathAllocator(tmp_path)
        path = paths_of.place(text, safe_name(text, "file"))
        path.parent.mkdir()
        path.with_name(f"{path.name}.01234567.part").write_bytes(b"whole")
        assert len(list(path.parent.iterdir())) == 1
