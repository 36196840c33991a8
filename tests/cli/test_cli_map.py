"""`map`: one Assembly per file, folders in and out, resumed, watched."""

import errno
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from transloadit_client import AssemblyStatus, Mapped
from transloadit_client.cli.inputs import Input, Search
from transloadit_client.cli.map_files import _PARTIAL, Batch, Counts
from transloadit_client.cli.session import Session
from transloadit_standin import StandIn

Command = Callable[..., Any]

COMMAND = str(Path(sys.executable).with_name("transloadit-client"))
STEPS = '{"resized": {"robot": "/image/resize", "use": ":original"}}'
MAP = ("map", "--steps", STEPS, "--step", "resized")
OUT = ("--save-to", "out")


@pytest.fixture
def photos(folder: Path) -> Path:
    """A folder with files at two depths, and some that do not count."""
    for name in ("a.jpg", "2024/b.jpg", "2024/c.jpg", ".hidden", ".git/config"):
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder / "photos"


def results(out: str = "out") -> dict[str, bytes]:
    """What is in its place; what is still being downloaded may move while it is looked at."""
    walk = os.walk(out)  # it passes over folders that are gone
    found = [Path(at, name) for at, _, names in walk for name in names if _PARTIAL not in at]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


ALL = {
    "a.jpg/resized/a.jpg": b"a.jpg",
    "2024/b.jpg/resized/b.jpg": b"2024/b.jpg",
    "2024/c.jpg/resized/c.jpg": b"2024/c.jpg",
}


def state() -> list[Path]:
    return list(Path(os.environ["HOME"], ".local/state/transloadit-client").iterdir())


# -- what is refused --


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere", *OUT), "there is no file 'nowhere'"),
        (("*.png", *OUT), "there is no file '*.png'"),
        ((), "Missing argument"),
        (("photos", "--step", "resize"), "--step resize: there is no such Step; there are: "),
        (("photos", "-o", "out.jpg"), "give -o a folder, as in results/"),
        (("photos", "-o", "-"), "give -o a folder, as in results/"),
        (("photos", "--at-once", "0"), "Invalid value for '--at-once'"),
        (("photos", "--per-minute", "0"), "Invalid value for '--per-minute'"),
        (("photos", "--save-to", "photos"), "which is a file: choose another folder"),
        (("photos/2024", "other", *OUT), "would go into the same folder"),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_is_sent(
    command: Command, api: StandIn, photos: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    (photos.parent / "other").mkdir()
    (photos.parent / "other" / "b.jpg").write_bytes(b"")
    ran = command(*MAP, *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
    assert api.requests == []


def test_a_state_folder_that_cannot_be_made_is_told_with_the_way_out(
    command: Command, api: StandIn, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    ran = command(*MAP, "photos", *OUT)

    assert ran.code == 2
    assert "name a file with --journal" in ran.err
    assert api.requests == []


def test_a_refusal_that_concerns_all_files_ends_it(
    command: Command, api: StandIn, photos: Path
) -> None:
    ran = command("map", "--template", "nothing", "photos", *OUT, "--at-once", "1")

    assert ran.code == 3
    assert ran.err.count("TEMPLATE_NOT_FOUND") == 1
    assert len(api.requests) < 3


# -- failures of single files --


def test_a_file_whose_assembly_fails_stops_no_other(
    command: Command, api: StandIn, photos: Path
) -> None:
    api.crash_next(code="INTERNAL_COMMAND_ERROR")
    ran = command(*MAP, "photos", *OUT, "--at-once", "1", "--json")

    assert ran.code == 1
    assert (ran.document["done"], ran.document["failed"]) == (2, 1)
    assert "resume" not in ran.document
    failed = [one for one in ran.document["files"] if "error" in one]
    assert [one["error"]["code"] for one in failed] == ["INTERNAL_COMMAND_ERROR"]
    assert len(results()) == 2
    assert state() == []  # nothing is left that another run could do


def test_a_file_that_did_not_get_through_is_done_by_the_command_that_is_printed(
    command: Command, api: StandIn, photos: Path
) -> None:
    api.answer_next(404, b"", operation="downloadFile")
    ran = command(*MAP, "photos", *OUT, "--at-once", "1")

    assert ran.code == 7
    assert len(results()) == 2
    again = shlex.split(ran.err.partition("To resume where it stopped:\n")[2])
    assert command(*again[1:]).code == 0
    assert results() == ALL
    assert len(api.assemblies) == 3


def test_results_that_cannot_be_moved_are_not_taken_for_done(
    command: Command, api: StandIn, photos: Path
) -> None:
    Path("out").mkdir()
    Path("out/2024").write_bytes(b"a file in the way")
    ran = command(*MAP, "photos", *OUT, "--at-once", "1")

    assert ran.code == 2
    assert "cannot move the results" in ran.err
    Path("out/2024").unlink()
    [journal] = [path for path in state() if path.suffix == ".journal"]
    assert command(*MAP, "photos", *OUT, "--journal", str(journal)).code == 0
    assert results() == ALL
    assert len(api.assemblies) == 3


# -- what is done --


def test_each_file_has_an_assembly_and_a_folder(
    command: Command, api: StandIn, photos: Path
) -> None:
    ran = command(*MAP, "photo=photos", "-o", "out/")

    assert ran.code == 0
    assert results() == ALL
    assert sorted(ran.out.splitlines()) == sorted(f"out/{name}" for name in ALL)
    assert ran.err.splitlines()[-1] == "3 done, 0 failed"
    assert len(api.assemblies) == 3
    assert {file.field_name for one in api.requests for file in one.files} == {"photo"}
    assert state() == []


@pytest.mark.parametrize("arguments", [("photos/**/*.jpg",), ("photos/a.jpg", "photos/2024/*")])
def test_patterns_keep_the_path_that_was_typed(
    command: Command, api: StandIn, photos: Path, arguments: tuple[str, ...]
) -> None:
    assert command(*MAP, *arguments, *OUT).code == 0
    assert results("out/photos") == ALL


def test_files_outside_of_this_folder_keep_their_name_alone(
    command: Command, api: StandIn, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos / "2024")
    assert command(*MAP, "../a.jpg", str(photos / "2024" / "b.jpg"), *OUT).code == 0
    assert set(results()) == {"a.jpg/resized/a.jpg", "b.jpg/resized/b.jpg"}


def test_results_are_no_input_of_the_next_run(command: Command, api: StandIn, photos: Path) -> None:
    for _ in range(2):
        assert command(*MAP, "photos", "--save-to", "photos/out").code == 0
    assert len(api.assemblies) == 3

    for _ in range(2):
        assert command(*MAP, "photos/2024/**/*.jpg", "--save-to", "photos/2024/out").code == 0
    assert len(api.assemblies) == 5


def test_without_a_folder_the_results_are_listed(
    command: Command, api: StandIn, photos: Path
) -> None:
    ran = command(*MAP, "photos/a.jpg")

    assert ran.code == 0
    [row] = [line.split("\t") for line in ran.out.splitlines()]
    assert row[:3] == ["photos/a.jpg", "resized", "a.jpg"]


def test_a_file_that_is_named_twice_is_processed_once(
    command: Command, api: StandIn, photos: Path
) -> None:
    command(*MAP, "photos/a.jpg", "photos/*.jpg", str(photos / "a.jpg"))

    assert len(api.assemblies) == 1


# -- what is up to date --


def test_files_that_are_up_to_date_are_skipped(
    command: Command, api: StandIn, photos: Path
) -> None:
    command(*MAP, "photos", *OUT)
    ran = command(*MAP, "photos", *OUT)

    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "0 done, 0 failed, 3 up to date\n"
    assert len(api.assemblies) == 3


def test_a_file_that_changed_is_processed_again_and_its_results_replaced(
    command: Command, api: StandIn, photos: Path
) -> None:
    command(*MAP, "photos", *OUT, "--journal", "j")
    (photos / "a.jpg").write_bytes(b"another picture")
    ran = command(*MAP, "photos", *OUT, "--journal", "j")

    assert ran.err.splitlines()[-1] == "1 done, 0 failed, 2 up to date"
    assert results() == {**ALL, "a.jpg/resized/a.jpg": b"another picture"}


def test_a_file_that_changes_meanwhile_is_not_up_to_date(folder: Path) -> None:
    """The folder of its results bears the time of the version that was sent."""
    (folder / "out" / "a.txt").mkdir(parents=True)
    sent = Path("a.txt").stat().st_mtime_ns
    os.utime("out/a.txt", ns=(sent, sent))
    assert Search(["a.txt"], Path("out")).stale() == []

    os.utime("a.txt", ns=(sent + 1, sent + 1))
    [one] = Search(["a.txt"], Path("out")).stale()
    assert one == Input("files", Path("a.txt"), Path("a.txt"), 5, sent + 1)


def test_files_that_the_journal_has_as_done_are_skipped(
    command: Command, api: StandIn, photos: Path
) -> None:
    command(*MAP, "photos", "--journal", "j")
    ran = command(*MAP, "photos", "--journal", "j")

    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "0 done, 0 failed, 3 done before\n"
    assert len(api.assemblies) == 3


def test_a_dry_run_lists_the_files_that_would_be_sent(
    command: Command, api: StandIn, photos: Path
) -> None:
    command(*MAP, "photos/a.jpg", "--save-to", "out/photos")
    api.requests.clear()
    Path("out/photos/photos").rename("out/deeper")
    plain = command(*MAP, "photo=photos", "--save-to", "out/deeper", "--dry-run")
    machine = command(*MAP, "photos", *OUT, "-n", "-j").document

    assert plain.out == "photo\tphotos/2024/b.jpg\nphoto\tphotos/2024/c.jpg\n"
    assert plain.err == "2 files to process, 1 up to date\n"
    assert machine["dry_run"]["files"][0]["path"] == "photos/a.jpg"
    assert api.requests == []


def test_a_disk_with_a_coarse_clock_makes_nothing_stale(
    command: Command, api: StandIn, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT keeps even seconds: the folder of results would always be older than its file."""
    utime = os.utime

    def coarse(path: Path, ns: tuple[int, int]) -> None:
        even = ns[0] // 2_000_000_000 * 2_000_000_000
        utime(path, ns=(even, even))

    os.utime(photos / "a.jpg", ns=(10**18 + 10**9, 10**18 + 10**9))
    monkeypatch.setattr(os, "utime", coarse)
    command(*MAP, "photos/a.jpg", *OUT)
    ran = command(*MAP, "photos/a.jpg", *OUT)

    assert ran.err == "0 done, 0 failed, 1 up to date\n"


# -- --delete-source --


def test_a_source_goes_when_its_results_are_there(
    command: Command, api: StandIn, photos: Path
) -> None:
    api.crash_next()
    ran = command(*MAP, "photos", *OUT, "--delete-source", "--at-once", "1")

    assert ran.code == 1
    assert len(results()) == 2
    [left] = photos.rglob("*.jpg")
    assert f"photos/{left.relative_to(photos).as_posix()}: " in ran.err
    assert (photos / ".hidden").exists()


def test_a_source_that_changed_stays(command: Command, api: StandIn, photos: Path) -> None:
    def change() -> None:
        until(lambda: [one for one in api.requests if one.operation == "downloadFile"])
        (photos / "a.jpg").write_bytes(b"the next picture")

    api.delay_next(1, operation="downloadFile")
    changing = threading.Thread(target=change)
    changing.start()
    ran = command(*MAP, "photos/a.jpg", *OUT, "--delete-source")
    changing.join()

    assert (photos / "a.jpg").read_bytes() == b"the next picture"
    assert "photos/a.jpg: not deleted, since it has changed" in ran.err
    assert ran.code == 0


def test_a_source_without_results_stays(photos: Path) -> None:
    """A filter let nothing through: the only copy would be lost."""
    path = photos / "a.jpg"
    one = Input("files", path, Path("a.jpg"), 5, path.stat().st_mtime_ns)
    batch = Batch(Session(progress="none"), Path("out"), delete_source=True)
    status = AssemblyStatus.from_dict({"ok": "ASSEMBLY_COMPLETED"})
    with batch.begun([one]):
        batch.settle(Mapped([path], one.key, "a" * 32, status))

    assert path.exists()
    assert Search([str(path)], Path("out")).stale() == []  # it was processed


def test_a_source_that_cannot_be_deleted_is_told(
    command: Command, api: StandIn, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlinked = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == Path("photos/a.jpg"):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlinked(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    ran = command(*MAP, "photos/a.jpg", *OUT, "--delete-source", "--journal", "j")

    assert ran.code == 7
    assert "photos/a.jpg: could not be deleted: Permission denied" in ran.err


def test_sources_that_an_earlier_run_deleted_may_be_missing(
    command: Command, api: StandIn, photos: Path
) -> None:
    typed = (*MAP, "photos/a.jpg", "photos/2024/b.jpg", *OUT, "--journal", "j", "--delete-source")
    assert command(*typed).code == 0
    ran = command(*typed)

    assert (ran.code, ran.err) == (0, "0 done, 0 failed\n")


# -- progress --


def test_progress_for_machines_has_a_line_for_each_file(
    command: Command, api: StandIn, photos: Path
) -> None:
    ran = command(*MAP, "photos", *OUT, "--progress", "json")
    lines = [json.loads(line) for line in ran.err.splitlines()[:-1]]

    assert {line["file"] for line in lines} == {
        f"photos/{name[: -len('/resized/x.jpg')]}" for name in ALL
    }
    assert {line["results"] for line in lines} == {1}


def test_a_log_has_the_numbers_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    counts = Counts(lambda: now)
    for now in (1.0, 4.9, 5.0, 5.1, 9.9, 10.0):  # noqa: B007  # the clock reads it
        counts(3, 1, 9)

    assert capsys.readouterr().err == "4 of 9 files, 1 failed\n" * 2


def test_progress_none_prints_failures_alone(command: Command, api: StandIn, photos: Path) -> None:
    assert command(*MAP, "photos", *OUT, "--progress", "none").err == ""


# -- interrupted, and watched --


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_map_creates_nothing_twice(
    command: Command, api: StandIn, photos: Path, number: signal.Signals
) -> None:
    """The command that is printed goes on; after SIGKILL it is the one with its journal."""
    api.delay_next(2, operation="downloadFile", times=2)
    process = started(*MAP, "photos", *OUT, "--at-once", "2")
    until(lambda: [request for request in api.requests if request.operation == "downloadFile"])
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    api.faults.clear()

    assert process.returncode == -number
    [journal] = [path for path in state() if path.suffix == ".journal"]
    again = ["", *MAP, "photos", *OUT, "--journal", str(journal)]
    if number != signal.SIGKILL:
        again = shlex.split(err.partition("To resume where it stopped:\n")[2])
    assert command(*again[1:]).code == 0
    assert results() == ALL
    assert len(api.assemblies) == 3


def test_files_that_come_later_are_processed_as_well(api: StandIn, photos: Path) -> None:
    for path in photos.rglob("*"):
        os.utime(path, (1e9, 1e9))
    process = started(*MAP, "photos", "none*.yet", *OUT, "--watch", "--journal", "j")
    try:
        until(lambda: results() == ALL)
        (photos / "later.jpg").write_bytes(b"later")  # young: it may still be being written
        (photos / "old.jpg").write_bytes(b"old")
        os.utime(photos / "old.jpg", (1e9, 1e9))
        until(lambda: "old.jpg/resized/old.jpg" in results())
        until(lambda: "later.jpg/resized/later.jpg" in results())
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)

    assert process.returncode == -signal.SIGINT
    assert "--watch" in err.partition("To resume where it stopped:\n")[2]
    assert len(api.assemblies) == 5
    with closing(sqlite3.connect("j")) as journal:
        assert journal.execute("SELECT count(*) FROM assemblies").fetchone() == (5,)
