"""What only a process can show: its streams, its end, and what the machine sees of it."""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import transloadit_standin
from transloadit_client import __version__
from transloadit_client.__main__ import main
from transloadit_client.cli import local
from transloadit_client.cli import main as cli_main
from transloadit_standin import StandIn

COMMAND = str(Path(sys.executable).with_name("transloadit-client"))


TEMPLATE = ("--template", "thumbnails")


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("module", ["click", "rich", "yaml"])
def test_without_the_extra_it_says_what_to_install(module: str) -> None:
    code = (
        f"import sys, runpy; sys.modules[{module!r}] = None; sys.argv = ['it', 'status', 'x'];"
        "runpy.run_module('transloadit_client', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == (
        f"The command line needs what is not installed here ({module}):"
        " pip install 'transloadit-client[cli]'\n"
    )


def test_without_the_extra_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)

    assert main() == 2
    assert "(rich)" in capsys.readouterr().err


def test_the_module_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["transloadit-client", "completion", "fish"])
    monkeypatch.delitem(sys.modules, "transloadit_client.__main__")

    with pytest.raises(SystemExit) as ended:
        runpy.run_module("transloadit_client", run_name="__main__")

    assert ended.value.code == 0
    assert "complete --no-files --command transloadit-client" in capsys.readouterr().out


@pytest.mark.parametrize("start", [[COMMAND], [sys.executable, "-m", "transloadit_client"]])
def test_it_runs_by_its_name_and_as_a_module(start: list[str]) -> None:
    done = subprocess.run([*start, "--version"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


def test_completing_a_word_imports_nothing_heavy() -> None:
    """A shell starts the program for each word that it completes."""
    code = (
        "import sys;"
        "sys.modules.update(dict.fromkeys(['attrs', 'httpx', 'rich', 'transloadit_api', 'yaml']));"
        "from transloadit_client.cli import main; main.run(['create', '--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "--steps" in done.stdout


def test_a_defect_is_exit_code_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own code for it means here that an Assembly failed."""
    monkeypatch.setattr(local, "sign", lambda *_, **__: 1 / 0)

    assert cli_main.run(["sign", "{}"]) == 70
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_exit_codes_and_streams_are_the_process_s(api: StandIn) -> None:
    fine, refused, wrong = ran("create", *TEMPLATE), ran("status", "0" * 32), ran("create", "c.txt")

    assert (fine.returncode, fine.stdout.count("\n"), fine.stderr.count("\n")) == (0, 1, 1)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (3, "", 1)
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_the_standard_input_is_a_file(api: StandIn) -> None:
    piped = subprocess.run(
        f"printf 1234567 | {COMMAND} create --template thumbnails -",
        shell=True,
        check=True,
        capture_output=True,
    )

    assert piped.stdout.count(b"\n") == 1
    (file,) = api.requests[0].files
    assert (file.filename, file.size) == ("stdin", 7)


def test_credentials_come_through_a_pipe(api: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `--credentials <(pass show transloadit)`, which leaves no file behind."""
    for name in ("TRANSLOADIT_KEY", "TRANSLOADIT_SECRET"):
        monkeypatch.delenv(name)
    stored = f"TRANSLOADIT_KEY={api.key}\\nTRANSLOADIT_SECRET={api.secret}"
    command = f"{COMMAND} create --template thumbnails --credentials <(printf '{stored}')"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.count("\n")) == (0, 1)


def test_a_reader_that_stops_early_is_no_failure(api: StandIn) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {COMMAND} sign {{}} | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("0\n", "")


def test_ctrl_c_outside_of_all_work_is_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(_: str) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.stdout, "write", press)
    with pytest.raises(KeyboardInterrupt):
        cli_main.run(["completion", "bash"])


def test_names_that_the_encoding_lacks_are_escaped(api: StandIn) -> None:
    assert (
        subprocess.run(
            [COMMAND, "create", *TEMPLATE, "--dry-run", "--form-field", "a=\u20ac"],
            env={**os.environ, "PYTHONIOENCODING": "latin-1"}, capture_output=True, check=True,
        ).stdout.splitlines()[-1]
        == b"a: \\u20ac"
    )  # fmt: skip


def test_ctrl_c_leaves_the_assembly_alone_and_tells_how_to_see_it(api: StandIn) -> None:
    api.delay_next(60, before="answer")
    process = started("create", *TEMPLATE, "--json")
    until(lambda: api.assemblies)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    (assembly,) = api.assemblies
    assert process.returncode == -signal.SIGINT  # which shells call 130
    assert f"  transloadit-client status {assembly}\n" in err
    assert "Traceback" not in err
    assert json.loads(out) == {
        "exit_code": 130,
        "assembly": assembly,
        "resume": f"transloadit-client status {assembly}",
    }
    api.settle()
    assert api.assemblies[assembly].state == "ASSEMBLY_COMPLETED"


def test_ctrl_c_cancels_when_told_so(api: StandIn) -> None:
    api.delay_next(60, before="answer")
    process = started("create", *TEMPLATE, "--expect", "1", "--cancel-on-interrupt")
    until(lambda: api.assemblies)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)

    assert process.returncode == -signal.SIGINT
    assert "is ASSEMBLY_CANCELED" in err


def test_ctrl_c_ends_a_loop_of_the_shell_around_it(api: StandIn) -> None:
    """A program that ends with 130 by itself leaves the loop running."""
    api.delay_next(60, before="answer", times=2)
    loop = f"for _ in 1 2; do {COMMAND} create --template thumbnails; done; echo survived"
    process = subprocess.Popen(
        ["bash", "-c", loop], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    until(lambda: api.assemblies)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=20)

    assert out == ""
    assert len(api.requests) == 1


def test_the_standin_is_served_until_ctrl_c() -> None:
    process = started("standin", "--key", "mine")
    assert process.stdout is not None
    assert process.stdout.readline() == "export TRANSLOADIT_KEY=mine\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert process.returncode == 0


def test_the_standin_runs_a_command_with_the_variables_set() -> None:
    """What looks like an option behind `--` is the command's."""
    done = ran(
        "standin",
        "-q",
        "--key",
        "mine",
        "--",
        "sh",
        "-c",
        'echo "$TRANSLOADIT_KEY $1"; exit 7',
        "-",
        "-q",
    )

    assert (done.returncode, done.stdout, done.stderr) == (7, "mine -q\n", "")


def test_the_standin_tells_its_own_options() -> None:
    assert "--step-seconds" in ran("standin", "--help").stdout


def test_the_standin_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(vars(transloadit_standin), "StandIn")  # as before it is first named
    monkeypatch.setitem(sys.modules, "transloadit_standin._standin", None)

    assert cli_main.run(["standin"]) == 2
    assert "pip install 'transloadit-client[standin]'" in capsys.readouterr().err


def test_the_standin_takes_its_own_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli_main.run(["standin", "--help"])

    assert ended.value.code == 0
    assert "--step-seconds" in capsys.readouterr().out
