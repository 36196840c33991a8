"""Closed, full and broken streams, and signals: no results are lost, and the exit code is right."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from transloadit_client.cli import main
from transloadit_client.cli.exit_codes import Exit
from transloadit_client.cli.output import Stream, open_streams, printable
from transloadit_standin import StandIn

Command = Callable[..., Any]
COMMAND = str(Path(sys.executable).with_name("transloadit-client"))
RUN = f"{COMMAND} run --template thumbnails --progress lines --save-to out a.txt"


def shell(script: str) -> int:
    return subprocess.run(["bash", "-c", script], capture_output=True, check=False).returncode


def saved() -> bool:
    return Path("out/resized/a.txt").read_bytes() == b"first"


@pytest.mark.parametrize(
    "redirection", ["2>&-", "2>/dev/full", "2> >(true)", ">&-", "<&-", "<&- >&- 2>&-"]
)
def test_a_stream_that_cannot_be_written_costs_no_results(api: StandIn, redirection: str) -> None:
    assert shell(f"{RUN} {redirection}") == 0
    assert saved()


def test_a_standard_output_that_is_full_is_exit_code_74(api: StandIn) -> None:
    assert shell(f"{RUN} >/dev/full 2>said") == Exit.OUTPUT_LOST
    assert saved()
    said = Path("said").read_text()
    assert "Error: cannot write to the standard output: No space left on device" in said
    assert "Traceback" not in said


def test_a_failure_keeps_its_exit_code_when_the_standard_output_is_full(api: StandIn) -> None:
    assert shell(f"{COMMAND} status {'0' * 32} --json >/dev/full 2>&1") == Exit.REFUSED


@pytest.mark.parametrize("arguments", ["--help", "--version", "create --help", "completion bash"])
def test_help_for_a_reader_that_has_gone_is_no_failure(arguments: str) -> None:
    script = f"{COMMAND} {arguments} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("0\n", "")


def test_no_connection_gets_the_number_of_a_closed_stream(api: StandIn) -> None:
    """What C code writes to the standard error would otherwise go to the server."""
    code = (
        "import os, socket, sys; from transloadit_client.cli.output import open_streams\n"
        "with open_streams(), socket.socket() as first: os._exit(first.fileno() > 2)"
    )

    assert shell(f"{sys.executable} -c '{code}' 2>&-") == 1


def test_a_number_that_is_taken_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else was opened since the stream was closed."""
    monkeypatch.setattr(sys, "stdin", None)  # the numbers 0 to 2 are in use all the same
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_streams():
        assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("length", [1, 100_000])  # what fails is the flush, or the write
def test_a_stream_that_failed_once_is_silent_from_then_on(length: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        stream = Stream(pipe)
        for _ in range(3):
            stream.write("x" * length)
            stream.flush()

    assert stream.lost is None  # a reader that has had enough has lost nothing


def test_other_errors_of_a_stream_are_kept() -> None:
    with Path("/dev/full").open("w") as full:
        stream = Stream(full)
        stream.write("x")
        stream.flush()

    assert stream.lost is not None
    assert stream.lost.errno == errno.ENOSPC


def test_the_standard_input_that_is_closed_is_no_empty_file(api: StandIn) -> None:
    assert shell(f"{COMMAND} create --template thumbnails - <&-") == Exit.USAGE
    assert api.assemblies == {}


# -- what a server says --


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\u2029"])
def test_a_server_cannot_write_a_line_of_its_own(command: Command, api: StandIn, end: str) -> None:
    forged = f"no{end}To resume where it stopped:{end}  transloadit-client run --save-to / evil"
    api.answer_next(400, json.dumps({"error": "NO", "message": forged}).encode())
    ran = command("status", "0" * 32)

    assert len(ran.err.splitlines()) == 1
    assert "no" + printable(end) + "To resume" in ran.err


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "\u202e", "\ud800"])
def test_names_are_printed_on_one_line(name: str) -> None:
    assert printable(f"x{name}y").isprintable()


# -- signals --


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_as_ctrl_c_does(api: StandIn, number: signal.Signals) -> None:
    """`timeout`, systemd and a terminal that is closed send these."""
    api.delay_next(60, operation="getAssembly")
    before = signal.signal(number, signal.SIG_DFL)  # under nohup it is ignored
    try:
        process = subprocess.Popen(
            [*RUN.split(), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(number, before)
    assert process.stderr is not None
    first = process.stderr.readline()
    while not any(request.operation == "getAssembly" for request in api.requests):
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=20)

    (assembly,) = api.assemblies
    assert first == f"Assembly {assembly}\n"
    assert process.returncode == -number
    assert "Terminated.\nTo resume where it stopped:\n" in err
    document = json.loads(out)
    assert document["exit_code"] == 128 + number
    assert f"--assembly-id {assembly} --resume" in document["resume"]
    assert "Traceback" not in err


def test_a_signal_that_is_ignored_stays_ignored(api: StandIn) -> None:
    """As with nohup, which is there for programs that shall go on."""
    script = f"trap '' HUP; {RUN} & kill -HUP $!; sleep 0.2; kill -HUP $!; wait $!"

    assert shell(script) == 0
    assert saved()


def test_a_program_that_runs_it_in_a_thread_keeps_its_signals(command: Command) -> None:
    """Python sets signal handlers in the main thread alone."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(command, "--version").result().code == 0


def test_a_test_that_presses_ctrl_c_hears_it_where_sigint_is_ignored() -> None:
    """As for `make test &` in a shell; the tests hung there."""
    test = f"{Path(__file__).with_name('test_cli_process.py')}::{STANDIN_ENDS}"
    script = f"trap '' INT HUP; exec {sys.executable} -m pytest -q -n0 -p no:cacheprovider {test}"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["bash", "-c", script], cwd=root, timeout=60, check=False, capture_output=True
    )

    assert done.returncode == 0, done.stdout


STANDIN_ENDS = "test_the_standin_is_served_until_ctrl_c"


def test_signals_are_given_back(command: Command) -> None:
    before = signal.getsignal(signal.SIGTERM)
    command("--version")

    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_outside_of_all_work_is_that_signal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *arguments: sent.append(arguments))

    def end(_: object) -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    monkeypatch.setattr(main, "_code", _unless_terminated(end))
    main.run(["completion", "bash"])

    assert sent == [(os.getpid(), signal.SIGTERM)]


def _unless_terminated(work: Callable[[object], int]) -> Callable[[object], int]:
    def code(arguments: object) -> int:
        try:
            return work(arguments)
        except KeyboardInterrupt:
            return Exit.INTERRUPTED

    return code
