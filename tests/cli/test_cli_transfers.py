"""The commands that take their time, against the stand-in: ends, deadlines, progress, Ctrl-C."""

import json
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from transloadit_client.cli import rim
from transloadit_standin import StandIn

Command = Callable[..., Any]

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
    assert ran.document["resume"] == f"transloadit-client wait {url}"
    assert f"  transloadit-client wait {url}\n" in ran.err


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


@pytest.mark.parametrize("cancel", [False, True])
def test_ctrl_c_ends_the_wait(
    command: Command, api: StandIn, capsys: pytest.CaptureFixture[str], cancel: bool
) -> None:
    url = created(command, "--expect", "1")
    presser = ctrl_c_when(lambda: len(api.requests) > 1)
    with pytest.raises(KeyboardInterrupt):
        rim.run(["wait", url, "--json", *(["--cancel-on-interrupt"] if cancel else [])])
    presser.join()
    written = capsys.readouterr()
    document = json.loads(written.out)

    assert document["exit_code"] == 130
    assert document.get("resume") == (None if cancel else f"transloadit-client wait {url}")
    state = "ASSEMBLY_CANCELED" if cancel else "ASSEMBLY_UPLOADING"
    assert [assembly.state for assembly in api.assemblies.values()] == [state]


def test_ctrl_c_that_could_not_cancel_says_so(
    command: Command, api: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    url = created(command, "--expect", "1")
    api.answer_next(503, b"{}", operation="cancelAssembly")
    presser = ctrl_c_when(lambda: len(api.requests) > 1)
    with pytest.raises(KeyboardInterrupt):
        rim.run(["wait", url, "--cancel-on-interrupt", "--attempts", "1"])
    presser.join()

    written = capsys.readouterr()
    assert "could not cancel" in written.err
    assert f"  transloadit-client wait {url}\n" in written.err
