"""The stand-in as a thing: started, stopped, and leaving nothing behind."""

import logging
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.ports import free_port

import transloadit_standin as package
from transloadit_standin import CODES, StandIn
from transloadit_standin._api import app as app_module
from transloadit_standin._network.server import PromptServer, ServerThread

from .caller import Caller, calling

SOURCES = sorted(Path(package.__file__).parent.rglob("*.py"))


def traces() -> set[threading.Thread | str]:
    """The threads that run, and the folders that stand-ins have made."""
    folders = Path(tempfile.gettempdir()).glob("transloadit-standin-*")
    return {*threading.enumerate(), *(path.name for path in folders)}


@pytest.fixture(autouse=True)
def _temporary_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests may run beside these."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def refuses_connections(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.ConnectError:
        return True
    return False


def test_it_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    before = traces()

    with calling(step_seconds=60) as caller:
        status = caller.created(files={"f": ("f.txt", b"bytes")})
        caller.send("GET", status["uploads"][0]["url"])
        made = traces() - before
        assert any(isinstance(trace, threading.Thread) for trace in made)
        assert any(isinstance(trace, str) for trace in made)
    assert not traces() - before
    assert caller.api.assemblies[status["assembly_id"]].status()["uploads"][0]["meta"] == {}
    assert all(refuses_connections(url) for url in (caller.api.url, *caller.api.instance_urls))
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def test_it_leaves_nothing_behind_when_the_body_raises() -> None:
    before = traces()

    with pytest.raises(ZeroDivisionError), calling() as caller:  # noqa: PT012 - the whole block ends so
        caller.created(files={"f": ("f.txt", b"bytes")})
        raise ZeroDivisionError
    assert not traces() - before


def test_it_stops_at_once_whatever_it_is_doing(caplog: pytest.LogCaptureFixture) -> None:
    with calling(step_seconds=60) as caller:
        caller.created()
        caller.api.delay_next(60)
        host, _, port = caller.api.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while len(caller.api.requests) < 2:
                time.sleep(0.001)
            begun = time.monotonic()
            caller.api.stop()
            assert time.monotonic() - begun < 1
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_port_that_is_taken_is_an_error_that_leaves_nothing() -> None:
    with StandIn() as api:
        before = traces()
        taken = StandIn(port=int(api.url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            taken.start()
        assert not traces() - before


def test_a_server_that_cannot_begin_is_an_error_and_no_endless_wait() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    async def close() -> None: ...

    closed = socket.socket()
    closed.close()
    thread = ServerThread(
        PromptServer(
            app, opened=lambda: None, closing=close, close=close, each_second=lambda: None
        ),
        [closed],
    )
    with pytest.raises(OSError, match="Bad file descriptor"):
        thread.start()


def test_a_port_is_free_again_at_once() -> None:
    port = free_port()
    with calling(port=port) as caller:
        caller.created()

    with StandIn(port=port) as again:
        assert again.url == caller.api.url == f"http://127.0.0.1:{port}"


def test_nobody_takes_a_port_from_a_stand_in_that_is_about_to_listen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With SO_REUSEADDR two sockets may bind one port. The first to listen has it."""
    port = free_port()
    make_folder = tempfile.mkdtemp
    taken: list[socket.socket] = []

    def while_it_starts(**options: Any) -> str:
        with pytest.raises(OSError, match="in use"):
            taken.append(socket.create_server(("127.0.0.1", port)))
        return str(make_folder(**options))

    monkeypatch.setattr(tempfile, "mkdtemp", while_it_starts)
    with calling(port=port) as caller:
        caller.created()
    assert not taken


def test_a_stand_in_runs_once() -> None:
    api = StandIn()
    with pytest.raises(RuntimeError, match="does not run"):
        api.settle()
    api.stop()

    with api, pytest.raises(RuntimeError, match="runs once"):
        api.start()
    with pytest.raises(RuntimeError, match="runs once"):
        api.start()


@pytest.mark.parametrize("options", [{"instances": 0}, {"notification_algorithm": "md5"}])
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        StandIn(**options)


def test_settle_waits_no_longer_than_it_is_told() -> None:
    with calling(step_seconds=60) as caller:
        caller.created()
        with pytest.raises(TimeoutError):
            caller.api.settle(timeout=0.01)


def test_the_date_of_an_answer_moves_on(caller: Caller) -> None:
    first = caller.send("GET", "/").headers["date"]

    until = time.monotonic() + 5
    while caller.send("GET", "/").headers["date"] == first:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_environ_is_what_people_export() -> None:
    with StandIn(key="k", secret="s") as api:
        assert api.environ == {
            "TRANSLOADIT_KEY": "k",
            "TRANSLOADIT_SECRET": "s",
            "TRANSLOADIT_ENDPOINT": api.url,
        }


def test_no_repr_and_no_log_shows_a_secret(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = caller.api.add_key("other", "other_secret", auth_token="other_token")
    caller.created(headers={"authorization": f"Bearer {caller.api.auth_token}"})

    shown = repr([caller.api, caller.api.requests, caller.api.assemblies, key]) + caplog.text
    for secret in (caller.api.secret, caller.api.auth_token, "other_secret", "other_token"):
        assert secret not in shown


@pytest.fixture
def broken_create(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request is known to make the stand-in fail, so a failure is put in."""

    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(app_module.HANDLERS, "createAssembly", fail)


@pytest.mark.usefixtures("broken_create")
def test_an_error_of_its_own_is_json_for_the_client_and_raised_in_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = traces()

    with pytest.raises(ExceptionGroup) as raised, calling() as caller:  # noqa: PT012 - the whole block ends so
        response = caller.create()
        assert (response.status_code, response.json()["error"]) == (500, "SERVER_500")
        assert "ZeroDivisionError" not in response.text
    assert [type(error) for error in raised.value.exceptions] == [ZeroDivisionError]
    assert "transloadit_standin" in {record.name for record in caplog.records}
    assert not traces() - before


@pytest.mark.usefixtures("broken_create")
def test_an_error_of_its_own_does_not_hide_the_tests() -> None:
    with pytest.raises(KeyError), calling() as caller:  # noqa: PT012 - the whole block ends so
        caller.create()
        raise KeyError


def test_an_error_beside_the_requests_is_raised_in_the_end() -> None:
    with pytest.raises(ExceptionGroup) as raised, calling(step_seconds=1.0) as caller:  # noqa: PT012 - the whole block ends so
        assembly = caller.api.assemblies[caller.created()["assembly_id"]]
        while not assembly.running:
            time.sleep(0.01)
        assembly.merged["emit_execution_progress"] = True
        assembly.uploads = None  # type: ignore[assignment]  # nothing of the kind happens by itself
        caller.api.settle()
    assert "NoneType" in str(raised.value.exceptions[0])


def test_an_operation_that_nobody_answers_is_an_error_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(app_module.HANDLERS, "cancelAssembly")

    with pytest.raises(RuntimeError, match="cancelAssembly"):
        StandIn().start()


def test_every_code_that_is_used_is_in_the_table() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    used = set(re.findall(r'(?:Refusal|finish|conclude)\([^"()]*"([A-Z0-9_]+)"', source))

    assert "ASSEMBLY_NOT_FOUND" in used
    assert used <= CODES.keys()
    assert {code.weight for code in CODES.values()} == {"known", "chosen"}


def test_the_package_is_light_until_it_is_used() -> None:
    program = """
import sys, transloadit_standin
print({"starlette", "uvicorn", "httpx", "yaml", "python_multipart"} & set(sys.modules))
transloadit_standin.StandIn
print({"transloadit_api", "transloadit_client"} & set(sys.modules))
"""

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "set()\nset()\n"


def test_every_public_name_is_there() -> None:
    assert set(dir(package)) == set(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        package.nothing_like_it  # noqa: B018 - asked for on purpose


def test_without_the_extra_the_fixture_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(transloadit_standin): pass")
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['uvicorn'] = None")

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    assert "needs the module uvicorn: pip install 'transloadit-client[standin]'" in run.stdout
