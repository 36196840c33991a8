"""The journal of a `map`: what it forgets would be created twice."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from transloadit_client import InvalidInput
from transloadit_client._calls.addresses import DrawnId
from transloadit_client._runs.journal import Journal

CRASHES = """
import os, sys
from transloadit_client._calls.addresses import DrawnId
from transloadit_client._runs.journal import Journal
journal = Journal(sys.argv[1], "resize")
print(journal.entry("cat.jpg").assembly_id, flush=True)
journal.ended("dog.jpg", "ASSEMBLY_COMPLETED")
os._exit(1)
"""


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"moving pictures" * 100)

    with pytest.raises(InvalidInput, match=r"cannot use .*film\.mp4' as a journal"):
        Journal(film, "resize")
    assert film.read_bytes() == b"moving pictures" * 100


def test_a_place_where_none_can_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="unable to open"):
        Journal(tmp_path / "missing" / "journal", "resize")


def test_a_journal_of_other_instructions_is_refused_and_kept(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", "resize") as journal:
        drawn = journal.entry("cat.jpg")

    with pytest.raises(InvalidInput, match="other Instructions"):
        Journal(tmp_path / "journal", "encode")

    with Journal(tmp_path / "journal", "resize") as journal:
        assert journal.entry("cat.jpg").assembly_id == drawn.assembly_id


def test_a_journal_in_use_is_refused(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "journal", "resize"),
        pytest.raises(InvalidInput, match="another process using it"),
    ):
        Journal(tmp_path / "journal", "resize")


def test_a_journal_that_breaks_on_the_way_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "resize")
    journal.close()

    for use in (journal.entry, journal.renew, lambda key: journal.ended(key, "ASSEMBLY_COMPLETED")):
        with pytest.raises(InvalidInput, match="journal"):
            use("cat.jpg")


def test_an_id_is_known_after_a_crash(tmp_path: Path) -> None:
    crashed = subprocess.run(
        [sys.executable, "-c", CRASHES, str(tmp_path / "journal")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert crashed.returncode == 1, crashed.stderr

    with Journal(tmp_path / "journal", "resize") as journal:
        entry = journal.entry("cat.jpg")
    assert (entry.assembly_id, entry.known, entry.outcome) == (crashed.stdout.strip(), True, None)


def test_ids_are_written_through_to_the_disk(tmp_path: Path) -> None:
    """FULL is SQLite's promise that a commit outlives a power failure."""
    with Journal(tmp_path / "journal", "resize") as journal:
        assert journal._open.execute("PRAGMA synchronous").fetchone() == (2,)


def test_each_input_has_an_id_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", "resize") as journal:
        cat, dog = journal.entry("cat.jpg"), journal.entry("dog.jpg")
        again = journal.entry("cat.jpg")

    assert len({cat.assembly_id, dog.assembly_id}) == 2
    assert not cat.known
    assert (again.assembly_id, again.known) == (cat.assembly_id, True)


def test_a_spent_id_is_replaced(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", "resize") as journal:
        spent = journal.entry("cat.jpg")
        renewed = journal.renew("cat.jpg")

        assert renewed.assembly_id != spent.assembly_id
        assert not renewed.known
        assert journal.entry("cat.jpg").assembly_id == renewed.assembly_id


def test_an_outcome_is_there_the_next_time(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal", "resize") as journal:
        journal.entry("cat.jpg")
        journal.ended("cat.jpg", "ASSEMBLY_COMPLETED")

    with Journal(tmp_path / "journal", "resize") as journal:
        assert journal.entry("cat.jpg").outcome == "ASSEMBLY_COMPLETED"
    with sqlite3.connect(tmp_path / "journal") as plain:
        assert plain.execute("SELECT count(*) FROM assemblies").fetchone() == (1,)
    plain.close()


def test_an_id_that_was_drawn_just_now_is_known_to_be_new(tmp_path: Path) -> None:
    """If it counts as used nevertheless, our own create came twice, and is looked for."""
    with Journal(tmp_path / "journal", "i") as journal:
        assert isinstance(journal.entry("a").assembly_id, DrawnId)
        assert not isinstance(journal.entry("a").assembly_id, DrawnId)
        assert isinstance(journal.renew("a").assembly_id, DrawnId)
