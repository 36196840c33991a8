"""The journal of a `map`: what it forgets would be created twice."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from transloadit_client import InvalidInput
from transloadit_client._runs.journal import Journal

CRASHES = """
import os, sys
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


@pytest.mark.parametrize("path", ["missing/journal", "folder", "fifo", "nowhere", "a\0b"])
def test_a_place_where_none_can_be_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing" / "journal")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
    else:
        (tmp_path / "fifo").mkdir()

    with pytest.raises(InvalidInput, match=r"^cannot use '.*' as a journal: "):
        Journal(tmp_path / path, "resize")


@pytest.mark.parametrize("path", ["", ":memory:", Path(":memory:"), None, 3, True, b"journal"])
def test_what_is_no_path_of_a_file_is_refused(path: Any) -> None:
    """SQLite takes the first two for databases that end with the process."""
    with pytest.raises(InvalidInput, match=r"^journal is .*; it takes the path of a file$"):
        Journal(path, "resize")


@pytest.mark.parametrize("wal", [True, False], ids=["with a write-ahead log", "without"])
@pytest.mark.parametrize(
    "others",
    [
        "CREATE TABLE orders (id INTEGER PRIMARY KEY)",
        "CREATE TABLE work (instructions); CREATE TABLE assemblies (key, assembly_id, outcome)",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 252006673",
    ],
)
def test_another_programs_database_is_refused_and_stays_as_it_is(
    tmp_path: Path, others: str, wal: bool
) -> None:
    with closing(sqlite3.connect(tmp_path / "app.sqlite")) as theirs:
        theirs.executescript(others)
        if wal:
            theirs.execute("PRAGMA journal_mode=WAL")
            theirs.execute("CREATE TABLE later (id)")
        theirs.commit()
        (tmp_path / "app.sqlite").chmod(0o644)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

        with pytest.raises(InvalidInput, match=r"it is another program's database$"):
            Journal(tmp_path / "app.sqlite", "resize")

        # The index of its log is in memory that it shares with us, were we to use it.
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        assert (tmp_path / "app.sqlite").stat().st_mode & 0o777 == 0o644


def test_a_journal_of_a_later_version_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", "resize").close()
    with closing(sqlite3.connect(tmp_path / "journal")) as later:
        later.execute("PRAGMA user_version = 2")

    with pytest.raises(InvalidInput, match=r"it is of a later version$"):
        Journal(tmp_path / "journal", "resize")


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    """Such as `mktemp` makes."""
    (tmp_path / "journal").touch()

    with Journal(tmp_path / "journal", "resize") as journal:
        assert not journal.entry("cat.jpg").known


@pytest.mark.skipif(os.name != "posix", reason="permissions are other ones here")
@pytest.mark.parametrize("made", [False, True], ids=["new", "there already"])
def test_only_its_owner_may_read_a_journal(tmp_path: Path, made: bool) -> None:
    """Anyone who knows an Assembly's id can cancel it."""
    if made:
        Journal(tmp_path / "journal", "resize").close()
        (tmp_path / "journal").chmod(0o666)

    with Journal(tmp_path / "journal", "resize") as journal:
        journal.entry("cat.jpg")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert modes == {"journal": 0o600, "journal-wal": 0o600}


def test_a_python_without_sqlite_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlite3", None)

    with pytest.raises(InvalidInput, match="needs sqlite3, which this Python lacks"):
        Journal(tmp_path / "journal", "resize")


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

    for use in (journal.entry, journal.renew, lambda _: journal.close()):
        with pytest.raises(InvalidInput, match="journal"):
            use("cat.jpg")


def test_an_outcome_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """The Assembly is done; the next run reads its status once more."""
    journal = Journal(tmp_path / "journal", "resize")
    journal.close()

    journal.ended("cat.jpg", "ASSEMBLY_COMPLETED")


KEYS = ["cat.jpg", "d\udce9j\udce0.jpg", "\ud800", "a\0b", "", "\U0001f408", "x" * 100_000]


def test_every_text_is_a_key_of_its_own(tmp_path: Path) -> None:
    """Names of files that are not UTF-8 among them: `os.fsdecode` makes half surrogate pairs."""
    with Journal(tmp_path / "journal", "resize") as journal:
        drawn = {key: journal.entry(key).assembly_id for key in KEYS}
        journal.ended(KEYS[1], "ASSEMBLY_COMPLETED")

    with Journal(tmp_path / "journal", "resize") as journal:
        again = {key: journal.entry(key) for key in KEYS}
    assert {key: entry.assembly_id for key, entry in again.items()} == drawn
    assert [key for key, entry in again.items() if entry.outcome] == [KEYS[1]]
    assert len(set(drawn.values())) == len(KEYS)


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
    with closing(sqlite3.connect(tmp_path / "journal")) as plain:
        assert plain.execute("SELECT count(*) FROM assemblies").fetchone() == (1,)
