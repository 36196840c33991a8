"""The stand-in as a command: its options, its log, and the command that it runs."""

import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

import transloadit_standin
from transloadit_standin import Limits, StandIn
from transloadit_standin.__main__ import ENDINGS, log_request, main
from transloadit_standin._options import read_options

from .caller import SPEC, Caller

FAULT = '{"kind": "rate_limit", "times": 3}'


def options(*arguments: str) -> Any:
    return read_options(arguments, "standin")


BAD = [
    (["--template", "name"], "--template needs NAME=FILE.json"),
    (["--template", "name=nothing.json"], "nothing.json: No such file"),
    (["--template", "a/b=x.json"], "no name of a Template"),
    (["--templates", "empty"], "there is no .json file in empty"),
    (["--fault", "bang"], "--fault: kind has to be one of answer"),
    (["--fault", '{"kind": "drop", "how": 7}'], "--fault: how of drop cannot be 7"),
    (["--fault", "{"], "--fault: "),
    (["--limit", "creates"], "creates needs a number"),
    (["--limit", "uploads=1"], "there is no limit 'uploads'"),
    (["--limit", "http_status=200"], "413 or 429"),
    (["--clock-ahead", "soon"], "invalid float value"),
    (["--typed-text", "both"], "invalid choice"),
    (["--no-such-option"], "unrecognized arguments"),
    (["command"], "unrecognized arguments"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD, ids=[" ".join(row[0]) for row in BAD])
def test_options_that_make_no_sense_are_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        options(*arguments)

    assert exit_.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_setting_that_the_stand_in_refuses_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--instances", "0"]) == 2
    assert "instances >= 1" in capsys.readouterr().err
    assert main(["--clock-ahead", "1e99"]) == 2
    assert "a hundred years" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"port": 65536}, "a port is a number"),
        ({"port": -1}, "a port is a number"),
        ({"instance_address": "0.0.0.0"}, "loopback addresses alone"),
        ({"instance_address": "192.0.2.1"}, "loopback addresses alone"),
        ({"step_seconds": -1.0}, "seconds are a number"),
        ({"step_seconds": float("nan")}, "seconds are a number"),
        ({"notification_retry_seconds": float("inf")}, "seconds are a number"),
        ({"not_found_reads": -1}, "a number from 0"),
        ({"keep_body": -1}, "a number from 0"),
        ({"notification_attempts": 0}, "attempts one from 1"),
    ],
)
def test_a_number_that_cannot_be_is_refused(setting: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        StandIn(**setting)


def test_the_instance_hosts_may_be_at_localhost() -> None:
    with StandIn(instance_address="localhost") as api:
        assert api.instance_urls[0].startswith("http://127.0.0.1:")


def test_every_setting_of_the_class_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options("--help")
    told = set(re.findall(r"--(?:no-)?([a-z-]+)", capsys.readouterr().out))

    keywords = set(inspect.signature(StandIn).parameters)
    spelled = {"clock": "clock-ahead", "host_names": "host-name", "log": "quiet"}
    for keyword in keywords:
        assert spelled.get(keyword, keyword.replace("_", "-")) in told


def test_what_is_given_arrives_and_all_else_is_left_to_the_class(tmp_path: Path) -> None:
    content = {"steps": {"a": {"robot": "/file/hash"}}, "quiet": True}
    (tmp_path / "one.json").write_text(json.dumps(content))
    given = options(
        *["--no-strict", "--assembly-url", "refuses", "--host-name", "a", "--host-name", "b"],
        *["--limit", "creates=3", "--fault", "unavailable", "--fault", FAULT],
        *["--template", f"two={tmp_path / 'one.json'}", "--templates", str(tmp_path)],
        *["--no-event-repeat-end", "--", "run", "--port", "1"],
    )

    assert given.stand_in.pop("event_stream").repeat_end is False
    assert given.stand_in == {
        "step_seconds": 1.0,
        "strict": False,
        "assembly_url": "refuses",
        "host_names": ["a", "b"],
        "limits": Limits(creates=3),
    }
    assert [fault.times for fault in given.faults] == [1, 3]
    assert {one.id: one.content() for one in given.templates} == {"one": content, "two": content}
    assert given.command == ["run", "--port", "1"]
    bare = options().stand_in
    assert bare.pop("event_stream") is not None
    assert bare == {"step_seconds": 1.0, "limits": None}


def command(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    """Start the stand-in as a process whose temporary files would be in that folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "transloadit_standin", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder), "TRANSLOADIT_AUTH_TOKEN": "of another account"},
    )


def exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables that a stand-in prints when it serves."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    pairs = [shlex.split(line)[1].partition("=") for line in lines[:3]]
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize("how", ENDINGS)
def test_it_serves_until_it_is_told_to_stop(how: signal.Signals, tmp_path: Path) -> None:
    with command("--key", "k", "--secret", "a b", folder=tmp_path) as process:
        variables = exports(process)
        url = variables["TRANSLOADIT_ENDPOINT"]
        answer = httpx.post(f"{url}/assemblies", trust_env=False)
        process.send_signal(how)
        out, err = process.communicate(timeout=10)

    assert (variables["TRANSLOADIT_KEY"], variables["TRANSLOADIT_SECRET"]) == ("k", "a b")
    assert answer.json()["error"] == "NO_PARAMS_FIELD"
    assert (process.returncode, out) == (0, "")
    assert re.fullmatch(r"[\d:]{8} POST /assemblies 400 NO_PARAMS_FIELD\n", err)
    assert list(tmp_path.iterdir()) == []


def test_a_second_ctrl_c_does_not_leave_a_folder_behind(tmp_path: Path) -> None:
    with command("--step-seconds", "60", folder=tmp_path) as process:
        exports(process)
        while process.poll() is None:  # up to its very end
            process.send_signal(signal.SIGINT)
            time.sleep(0.001)
        _, errors = process.communicate(timeout=10)

    assert (errors, list(tmp_path.iterdir())) == ("", [])
    # Once all is cleaned up, Python gives its handlers back, and the signal has its own effect.
    assert process.returncode in (0, -signal.SIGINT)


def test_the_handlers_of_signals_are_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(one) for one in ENDINGS]
    main_thread = threading.main_thread().ident
    threading.Timer(0.5, signal.pthread_kill, [main_thread, signal.SIGINT]).start()

    assert main(["--port", "0", "--upload-rate", "1e6"]) == 0
    assert capsys.readouterr().out.startswith("export TRANSLOADIT_KEY=")
    assert [signal.getsignal(one) for one in ENDINGS] == before


def test_it_says_when_its_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with StandIn() as api:
        port = api.url.rpartition(":")[2]
        assert main(["--port", port]) == 1

    assert f"cannot serve on port {port}: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "expected"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)]
)
def test_it_ends_with_the_exit_code_of_the_command(
    program: str, expected: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["-q", "--", "sh", "-c", program]) == expected
    assert capfd.readouterr() == ("", "")


def test_a_command_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")

    assert main(["--", "no-such-command-at-all"]) == 127
    assert main(["--", str(tmp_path / "plain")]) == 126
    assert "no-such-command-at-all: No such file" in capsys.readouterr().err


def test_the_command_has_the_variables_and_no_others(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSLOADIT_AUTH_TOKEN", "of another account")

    assert main(["--key", "mine", "--", "sh", "-c", "env | grep ^TRANSLOADIT_ | cut -d= -f1"]) == 0
    names = sorted(capfd.readouterr().out.split())
    assert names == ["TRANSLOADIT_ENDPOINT", "TRANSLOADIT_KEY", "TRANSLOADIT_SECRET"]


def test_a_signal_ends_the_command_too(tmp_path: Path) -> None:
    with command("--", "sh", "-c", "echo begun; exec sleep 60", folder=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)

    assert (process.returncode, list(tmp_path.iterdir())) == (143, [])


def test_the_log_tells_of_the_signature_and_of_the_assembly(
    caller: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    status = caller.created()
    caller.create(form={**caller.signed({"steps": {}}), "signature": "sha384:abc"})
    caller.http.get(caller.api.url + "/a%1b%5b2J")
    for received in caller.api.requests:
        log_request(received)

    good, wrong, odd = capsys.readouterr().err.splitlines()
    assert good.endswith(f"200 signature good {status['assembly_id']} ASSEMBLY_EXECUTING")
    assert "400 INVALID_SIGNATURE signature wrong (a sha384 signature has 96" in wrong
    assert odd.endswith("GET /a%1b%5b2J 404 SERVER_404")


def test_a_terminal_obeys_nothing_in_the_log(
    caller: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    form = {**caller.signed({"steps": {}}), "signature": "\x1b[2J\n:abc"}
    caller.create(form=form)
    log_request(caller.api.requests[-1])

    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "\x1b" not in line


def test_the_clock_can_be_ahead(caller: Caller) -> None:
    caller.api.set_clock_ahead(100 * 365 * 86400 - 1)
    assert caller.create().json()["error"] == "AUTH_EXPIRED"

    caller.api.set_clock_ahead(0)
    assert caller.create().json()["ok"] == "ASSEMBLY_EXECUTING"
    assert options("--clock-ahead", "-1").clock_ahead == -1
    with pytest.raises(ValueError, match="hundred years"):
        caller.api.set_clock_ahead(float("nan"))


def test_templates_faults_and_the_clock_of_the_command_line_are_there(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text('{"steps": {"a": {"robot": "/file/hash"}}}')
    program = """
import httpx, os
url = os.environ["TRANSLOADIT_ENDPOINT"] + "/_standin/"
get = lambda path: httpx.get(url + path, trust_env=False).json()
print("mine" in get("templates"), get("clock")["ahead"], [one["kind"] for one in get("faults")])
"""
    arguments = ["-q", "--template", f"mine={file}", "--clock-ahead", "60", "--fault", "crash"]

    with command(*arguments, "--", sys.executable, "-c", program, folder=tmp_path) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out.strip(), err) == (0, "True 60.0 ['crash']", "")


def test_it_runs_from_a_zip(tmp_path: Path) -> None:
    """As from a wheel or a frozen program: the spec, the codes and the page are resources."""
    source = Path(transloadit_standin.__file__).parent
    archive = tmp_path / "standin.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in source.rglob("*"):
            if "__pycache__" not in path.parts:
                packed.write(path, path.relative_to(source.parent))
        for name in ("transloadit.yaml", "robots.json", "vectors/codes.json"):
            packed.write(SPEC.parent / name, f"transloadit_standin/{name}")
    program = """
import httpx, os
url = os.environ["TRANSLOADIT_ENDPOINT"]
paths = ("/_standin/", "/_standin/page.js", "/_standin/openapi.yaml", "/assemblies/" + "0" * 32)
found = [httpx.get(url + path, trust_env=False).status_code for path in paths]
params = '{"auth": {"key": "standin_key"}, "steps": {"a": {"robot": "/image/rezise"}}}'
refused = httpx.post(url + "/assemblies", data={"params": params}, trust_env=False).json()
print([*found, refused["error"]])
"""
    start = (
        "import transloadit_standin.__main__ as it, sys; print(it.__file__); sys.exit(it.main())"
    )

    run = subprocess.run(
        [sys.executable, "-c", start, "-q", "--", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(archive)},
    )
    where, answers = run.stdout.splitlines()
    assert where.startswith(str(archive)), run.stderr
    assert answers == "[200, 200, 200, 404, 'ASSEMBLY_STEP_UNKNOWN_ROBOT']"
