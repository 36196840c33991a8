"""The commands that take their time, against the stand-in: ends, deadlines, progress, Ctrl-C."""

import json
import shlex
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transloadit_client.cli import main
from transloadit_client.cli.session import without_secrets
from transloadit_standin import StandIn

Command = Callable[..., Any]

STEPS = '{"resized": {"robot": "/image/resize", "use": ":original"}}'
RESIZED = ("--step", "resized")
SAVED = (*RESIZED, "--save-to", "out")
TEMPLATE = ("--template", "thumbnails")


def created(command: Command, *arguments: str) -> str:
    ran = command("create", *TEMPLATE, *arguments)
    assert ran.code == 0, ran.err
    return str(ran.out).strip()


def ctrl_c_when(happened: Callable[[], object]) -> threading.Thread:
    """Presses Ctrl-C once something has happened."""

    def press() -> None:
        deadline = time.monotonic() + 20
        while not happened() and time.monotonic() < deadline:
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


# -- wait --


def test_waiting_for_one_that_fails_is_exit_code_1(command: Command, api: StandIn) -> None:
    api.crash_next(code="FILE_FILTER_DECLINED_FILE")
    plain = command("wait", created(command, "a.txt"))

    assert plain.code == 1
    assert "Error: the Assembly ended with FILE_FILTER_DECLINED_FILE" in plain.err
    assert "state\tFILE_FILTER_DECLINED_FILE" in plain.out


def test_waiting_for_one_that_was_canceled_is_exit_code_1(command: Command, api: StandIn) -> None:
    url = created(command, "--expect", "1")
    command("cancel", url)
    ran = command("wait", url, "--json")

    assert (ran.code, ran.document["exit_code"]) == (1, 1)
    assert ran.document["status"]["ok"] == "ASSEMBLY_CANCELED"


def test_a_deadline_is_exit_code_6_and_the_assembly_goes_on(command: Command, api: StandIn) -> None:
    url = created(command, "--expect", "1")
    ran = command("wait", url, "--deadline", "0", "--json")

    assert ran.code == 6
    assert ran.document["error"]["type"] == "StillBusy"
    assert ran.document["status"]["ok"] == "ASSEMBLY_UPLOADING"
    assert ran.document["resume"] == f"transloadit-client wait {url} --deadline 0 --json"
    assert f"  {ran.document['resume']}\n" in ran.err


def test_a_deadline_can_cancel(command: Command, api: StandIn) -> None:
    url = created(command, "--expect", "1")
    ran = command("wait", url, "--deadline", "0", "--cancel-on-timeout", "--json")

    assert ran.code == 6
    assert ran.document["status"]["ok"] == "ASSEMBLY_CANCELED"
    assert "resume" not in ran.document
    assert "goes on" not in ran.err


def test_waiting_tells_how_it_ended(command: Command, api: StandIn) -> None:
    ran = command("wait", created(command, "a.txt"))

    assert ran.code == 0
    assert "state\tASSEMBLY_COMPLETED" in ran.out
    assert ran.err.splitlines()[-1] == "done"


def test_progress_for_machines_is_beside_the_document(command: Command, api: StandIn) -> None:
    ran = command("wait", created(command, "a.txt"), "--json", "--progress", "json")

    assert ran.document["status"]["ok"] == "ASSEMBLY_COMPLETED"
    assert [json.loads(line) for line in ran.err.splitlines()][-1]["phase"] == "done"


def test_the_id_of_a_run_comes_first_for_machines_as_well(command: Command, api: StandIn) -> None:
    ran = command("run", *TEMPLATE, "a.txt", "--progress", "json")

    (assembly,) = api.assemblies
    first = json.loads(ran.err.splitlines()[0])
    assert first == {"phase": "creating", "assembly_id": assembly}
    assert command("run", *TEMPLATE, "a.txt", "--progress", "none").err == ""


@pytest.mark.parametrize("cancel", [False, True])
def test_ctrl_c_ends_the_wait(
    command: Command, api: StandIn, capsys: pytest.CaptureFixture[str], cancel: bool
) -> None:
    url = created(command, "--expect", "1")
    presser = ctrl_c_when(lambda: len(api.requests) > 1)
    with pytest.raises(KeyboardInterrupt):
        main.run(["wait", url, "--json", *(["--cancel-on-interrupt"] if cancel else [])])
    presser.join()
    written = capsys.readouterr()
    document = json.loads(written.out)

    assert document["exit_code"] == 130
    assert document.get("resume") == (None if cancel else f"transloadit-client wait {url} --json")
    state = "ASSEMBLY_CANCELED" if cancel else "ASSEMBLY_UPLOADING"
    assert [assembly.state for assembly in api.assemblies.values()] == [state]


def test_ctrl_c_that_could_not_cancel_says_so(
    command: Command, api: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    url = created(command, "--expect", "1")
    api.answer_next(503, b"{}", operation="cancelAssembly")
    presser = ctrl_c_when(lambda: len(api.requests) > 1)
    with pytest.raises(KeyboardInterrupt):
        main.run(["wait", url, "--cancel-on-interrupt", "--attempts", "1"])
    presser.join()

    written = capsys.readouterr()
    assert "could not cancel" in written.err
    assert f"  transloadit-client wait {url} --cancel-on-interrupt" in written.err


# -- upload --


def test_there_must_be_something_to_upload(command: Command, api: StandIn) -> None:
    url = created(command, "--expect", "1")

    for arguments in ((), ("nothing.txt",), ("a.txt", "b.txt")):
        assert command("upload", url, *arguments).code == 2
    assert [request.operation for request in api.requests[1:]] == ["getAssembly"]


def test_an_upload_that_does_not_get_through_is_exit_code_7(command: Command, api: StandIn) -> None:
    url = created(command, "--expect", "2")
    api.answer_next(403, b"", operation="tusPatch", times=9)
    ran = command("upload", url, "a.txt", "notes=b.txt", "--attempts", "1", "--json")

    assert ran.code == 7
    assert ran.document["error"]["type"] == "UploadIncomplete"
    assert sorted(ran.document["missing"]) == ["a.txt", "b.txt"]
    typed = f"upload {url} a.txt notes=b.txt --attempts 1 --json"
    assert ran.document["resume"] == f"transloadit-client {typed}"
    assert ran.document["resume"] in ran.err


def test_files_and_the_standard_input_are_uploaded(command: Command, api: StandIn) -> None:
    url = created(command, "--expect", "3")
    ran = command(
        "upload", url, "a.txt", "notes=b.txt", "-", "--stdin-name", "c.txt", stdin=b"third"
    )

    assert (ran.code, ran.out) == (0, f"{url}\n")
    api.settle()
    (assembly,) = api.assemblies.values()
    assert assembly.state == "ASSEMBLY_COMPLETED"
    uploads = [file.status() for file in assembly.uploads]
    sent = {(file["field"], file["name"], file["size"]) for file in uploads}
    assert sent == {
        ("files", "a.txt", 5), ("notes", "b.txt", 10), ("files", "c.txt", 5),
    }  # fmt: skip


# -- results --


def finished(command: Command, api: StandIn, *files: str) -> str:
    url = created(command, *files)
    api.settle()
    return url


def test_results_that_are_not_all_there_are_exit_code_6(command: Command, api: StandIn) -> None:
    url = created(command, "--expect", "1")
    listed = command("results", url)
    saved = command("results", url, *SAVED)

    assert (listed.code, saved.code) == (6, 6)
    assert "There may be more to come" in listed.err
    assert not Path("out").exists()


def test_results_that_cannot_be_saved_are_exit_code_7(command: Command, api: StandIn) -> None:
    url = finished(command, api, "a.txt", "b.txt")
    api.answer_next(404, b"", operation="downloadFile")
    ran = command("results", url, *SAVED, "--parallel", "1", "--json")

    assert ran.code == 7
    (missing,) = ran.document["missing"]
    (saved,) = ran.document["saved"]
    assert {missing["file"]["name"], Path(saved["path"]).name} == {"a.txt", "b.txt"}
    assert missing["why"] in ran.err
    typed = f"results {url} --step resized --save-to out --parallel 1 --json"
    assert ran.document["resume"] == f"transloadit-client {typed}"

    again = command("results", url, *SAVED)
    assert again.code == 0
    assert again.out.splitlines() == ["out/resized/a.txt", "out/resized/b.txt"]


def test_saved_results_are_printed_even_if_some_are_missing(command: Command, api: StandIn) -> None:
    url = finished(command, api, "a.txt", "b.txt")
    api.answer_next(404, b"", operation="downloadFile")
    ran = command("results", url, *SAVED, "--parallel", "1")

    assert (ran.code, ran.out) == (7, "out/resized/b.txt\n")


def test_results_are_listed(command: Command, api: StandIn) -> None:
    url = finished(command, api, "a.txt")
    ran = command("results", url, *RESIZED)

    assert ran.code == 0
    step, name, where = ran.out.strip().split("\t")
    assert (step, name) == ("resized", "a.txt")
    assert where.startswith(api.instance_urls[0])
    assert command("results", url, "--step", "other").out == ""


def test_results_are_saved(command: Command, api: StandIn) -> None:
    url = finished(command, api, "a.txt", "b.txt")
    ran = command("results", url, *SAVED)

    assert ran.code == 0
    assert ran.out.splitlines() == ["out/resized/a.txt", "out/resized/b.txt"]
    assert Path("out/resized/b.txt").read_bytes() == b"the second"


def test_saved_results_stand_in_the_document(command: Command, api: StandIn) -> None:
    ran = command("results", finished(command, api, "a.txt"), *SAVED, "--json")

    (saved,) = ran.document["saved"]
    assert (saved["step"], saved["path"]) == ("resized", "out/resized/a.txt")
    assert saved["file"]["name"] == "a.txt"


# -- what is printed to be typed again --


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["wait", "x", "--key", "k", "--secret", "s"], ["wait", "x"]),
        (["wait", "--secret=s", "--key=k", "x", "--json"], ["wait", "x", "--json"]),
        (["wait", "x", "--secret"], ["wait", "x"]),
        (["wait", "x", "--credentials", "mine"], ["wait", "x", "--credentials", "mine"]),
    ],
)
def test_no_secret_is_printed_again(typed: list[str], kept: list[str]) -> None:
    assert list(without_secrets(typed)) == kept


# -- run --


def test_a_run_that_fails_is_exit_code_1(command: Command, api: StandIn) -> None:
    api.crash_next(code="FILE_FILTER_DECLINED_FILE")
    ran = command("run", *TEMPLATE, "a.txt", "--save-to", "out", "--json")

    assert ran.code == 1
    assert "FILE_FILTER_DECLINED_FILE" in ran.err
    assert ran.document["status"]["error"] == "FILE_FILTER_DECLINED_FILE"
    assert "resume" not in ran.document
    assert not Path("out").exists()


def test_resume_needs_an_id(command: Command, api: StandIn) -> None:
    ran = command("run", *TEMPLATE, "a.txt", "--resume")

    assert ran.code == 2
    assert "--assembly-id" in ran.err
    assert api.requests == []


def test_a_run_for_less_than_an_answer_is_refused(command: Command, api: StandIn) -> None:
    ran = command("run", *TEMPLATE, "a.txt", "--param", "quiet:=true")

    assert ran.code == 2
    assert "quiet" in ran.err
    assert api.requests == []


def test_a_run_whose_results_cannot_all_be_saved_is_exit_code_7(
    command: Command, api: StandIn
) -> None:
    api.answer_next(404, b"", operation="downloadFile", times=9)
    ran = command("run", *TEMPLATE, "a.txt", "--save-to", "out")
    api.faults.clear()
    again = command(*typed_again(ran.err))

    assert (ran.code, ran.out) == (7, "")
    assert again.code == 0
    assert "out/resized/a.txt" in again.out.splitlines()
    assert len(api.assemblies) == 1


def test_a_run_past_its_deadline_is_exit_code_6(command: Command, api: StandIn) -> None:
    with StandIn(step_seconds=60) as slow:
        where = ("--endpoint", slow.url)
        ran = command("run", "--steps", STEPS, "a.txt", "--deadline", "0.2", *where, "--json")

    assert ran.code == 6
    assert ran.document["status"]["ok"] == "ASSEMBLY_EXECUTING"
    assert "--resume" in ran.document["resume"]


def test_a_run_saves_its_results(command: Command, api: StandIn) -> None:
    ran = command("run", *TEMPLATE, "a.txt", "notes=b.txt", "--save-to", "out")

    assert ran.code == 0
    paths = [Path(line) for line in ran.out.splitlines()]
    assert {path.name: path.read_bytes() for path in paths} == {
        "a.txt": b"first", "b.txt": b"the second",
    }  # fmt: skip


def test_a_run_lists_its_results(command: Command, api: StandIn) -> None:
    ran = command("run", *TEMPLATE, "-", "--stdin-name", "c.txt", stdin=b"third")

    assert ran.code == 0
    assert any(line.startswith("resized\tc.txt\thttp") for line in ran.out.splitlines())


def test_a_run_is_one_document(command: Command, api: StandIn) -> None:
    document = command("run", *TEMPLATE, "a.txt", "--save-to", "out", "--json").document

    assert document["exit_code"] == 0
    assert document["status"]["ok"] == "ASSEMBLY_COMPLETED"
    assert "out/resized/a.txt" in [saved["path"] for saved in document["saved"]]


def test_a_run_shows_what_it_would_send(command: Command, api: StandIn) -> None:
    Path("film").write_bytes(bytes(9 * 1024 * 1024))  # too big for the create request
    ran = command("run", *TEMPLATE, "a.txt", "film", "--dry-run")

    assert ran.code == 0
    assert ran.out.startswith(f"POST {api.url}/assemblies/")
    assert "\nnum_expected_upload_files: 2\n" in ran.out
    assert ran.out.endswith("\nfile for files: film, 9.4 MB\n")
    assert api.requests == []


def typed_again(err: str) -> list[str]:
    """The arguments of the command that was printed."""
    program, *arguments = shlex.split(err.partition("To resume where it stopped:\n")[2])
    assert program == "transloadit-client"
    return arguments


def outlived() -> None:
    """Waits for what Ctrl-C left: the threads would end with the process, which here goes on.

    One may be at a request that the stand-in delays.
    """
    for _ in range(1000):
        if sum(thread.name == "transloadit" for thread in threading.enumerate()) <= 1:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("phase", ["tusPatch", "getAssembly", "downloadFile"])
def test_a_run_that_ctrl_c_ended_is_gone_on_with(
    command: Command,
    api: StandIn,
    capsys: pytest.CaptureFixture[str],
    phase: str,
) -> None:
    """Whatever it was at: nothing is created twice, and all results are there in the end."""
    Path("film").write_bytes(bytes(range(256)) * 40_000)
    api.delay_next(30, operation=phase)
    presser = ctrl_c_when(lambda: phase in [request.operation for request in api.requests])
    with pytest.raises(KeyboardInterrupt):
        main.run(["run", *TEMPLATE, "a.txt", "film", "--save-to", "out"])
    presser.join()
    err = capsys.readouterr().err
    api.faults.clear()
    outlived()

    ran = command(*typed_again(err))

    assert ran.code == 0, ran.err
    assert len(api.assemblies) == 1
    assert Path("out/resized/film").read_bytes() == Path("film").read_bytes()


def test_an_assembly_whose_request_broke_off_has_to_be_sent_anew(
    command: Command, api: StandIn
) -> None:
    """Its id is spent, and no file of it is anywhere."""
    aborted = {"ok": "REQUEST_ABORTED", "assembly_id": "a" * 32}
    api.answer_next(200, json.dumps(aborted).encode(), operation="getAssembly", times=9)
    ran = command("run", *TEMPLATE, "a.txt", "--assembly-id", "a" * 32, "--resume")

    assert ran.code == 1
    assert "without --resume" in ran.err


def test_a_run_that_ctrl_c_ended_can_be_canceled(
    command: Command, api: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("film").write_bytes(bytes(10_000_000))
    api.delay_next(30, operation="tusPatch")
    presser = ctrl_c_when(lambda: "tusPatch" in [request.operation for request in api.requests])
    with pytest.raises(KeyboardInterrupt):
        main.run(["run", *TEMPLATE, "film", "--cancel-on-interrupt", "--json"])
    presser.join()

    assert json.loads(capsys.readouterr().out)["status"]["ok"] == "ASSEMBLY_CANCELED"
