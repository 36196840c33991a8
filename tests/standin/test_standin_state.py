"""A state folder: what survives a restart."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.ports import free_port

from transloadit_standin import StandIn

from .caller import STEPS, Caller, calling
from .receiver import Receiver
from .test_standin_tus import begun, patch, tus, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = {"f": ("a.txt", b"bytes", "text/plain")}


@contextmanager
def kept(folder: Path, **options: Any) -> "Iterator[Caller]":
    """A stand-in with ports that no other test is given meanwhile."""
    if not (folder / "state.json").exists():
        options["port"] = free_port()
    if sys.platform == "linux":  # where all of 127.0.0.0/8 is this machine
        options["instance_address"] = "127.0.0.2"
    with calling(state=folder, **options) as caller:
        yield caller


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is no state of the stand-in"),
        ("[]", "is no state of this version"),
        ('{"version": 99}', "is no state of this version"),
        ('{"version": 1, "assemblies": [{}]}', "not whole"),
        ('{"version": 1, "templates": [{"id": "a", "content": 7}]}', "a Template is a JSON object"),
    ],
)
def test_a_state_that_cannot_be_read_is_told_and_left_alone(
    tmp_path: Path, text: str, sentence: str
) -> None:
    file = tmp_path / "state.json"
    file.write_text(text)

    with pytest.raises(ValueError, match=sentence):
        StandIn(state=tmp_path).start()
    assert file.read_text() == text


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with kept(tmp_path) as caller:
        caller.finished(files=FILES)
    for file in (tmp_path / "files").iterdir():
        file.unlink()

    with pytest.raises(FileNotFoundError):
        StandIn(state=tmp_path).start()


def test_assemblies_files_and_templates_are_there_again_at_the_same_addresses(
    tmp_path: Path, receiver: Receiver
) -> None:
    with kept(tmp_path, instances=2) as caller:
        caller.api.add_template("mine", steps=STEPS, max_size=9)
        params = {"template_id": "mine", "notify_url": receiver.url, "fields": {"a": 1}}
        status = caller.finished(params, files=FILES)
        crashed = caller.crashed()
        url = caller.api.url

    with kept(tmp_path, instances=2) as caller:
        assert caller.api.url == url
        assert caller.status(status["assembly_id"]) == status
        assert caller.status(crashed["assembly_id"]) == crashed
        assert caller.http.get(status["uploads"][0]["url"]).content == b"bytes"
        assert caller.http.get(status["results"]["resized"][0]["url"]).content == b"bytes"
        assert caller.api.templates["mine"].max_size == 9
        replay = caller.replay(status["assembly_id"], {"reparse_template": 1}).json()
        caller.api.settle()
        assert caller.status(replay["assembly_id"])["ok"] == "ASSEMBLY_COMPLETED"
        events = {"Accept": "text/event-stream"}
        told = caller.http.get(status["update_stream_url"], headers=events).text
        assert "assembly_finished" in told


def test_addresses_move_with_the_ports(tmp_path: Path) -> None:
    with kept(tmp_path) as caller:
        status = caller.finished(files=FILES)
        port = int(caller.api.url.rpartition(":")[2])

    with StandIn(port=port), kept(tmp_path) as caller:
        assert caller.api.url != f"http://127.0.0.1:{port}"
        again = caller.status(status["assembly_id"])
        assert caller.http.get(again["uploads"][0]["url"]).content == b"bytes"


def test_a_nonce_stays_used(tmp_path: Path) -> None:
    with kept(tmp_path) as caller:
        form = caller.signed({"steps": STEPS}, nonce="n")
        caller.created(form=form)

    with kept(tmp_path) as caller:
        assert caller.create(form=form).json()["error"] == "SIGNATURE_REUSE_DETECTED"


def test_an_upload_by_tus_goes_on(tmp_path: Path) -> None:
    with kept(tmp_path) as caller:
        created = waiting(caller)
        url = begun(caller, created, 6)
        patch(caller, url, 0, b"abc")

    with kept(tmp_path) as caller:
        assert tus(caller, "HEAD", url).headers["upload-offset"] == "3"
        patch(caller, url, 3, b"def")
        caller.api.settle()
        (file,) = caller.status(created["assembly_id"])["uploads"]
        assert caller.http.get(file["url"]).content == b"abcdef"
        assert file["md5hash"] == "e80b5017098950fc58aad83c8c14978e"
        assert file["tus_upload_url"] == url


def test_an_upload_whose_bytes_never_reached_the_disk_goes_on_before_them(tmp_path: Path) -> None:
    with kept(tmp_path) as caller:
        created = waiting(caller, 2)
        empty, short = begun(caller, created, 6), begun(caller, created, 6)
        patch(caller, short, 0, b"abc")
    for file in (tmp_path / "files").iterdir():
        os.truncate(file, 2)

    with kept(tmp_path) as caller:
        assert tus(caller, "HEAD", empty).headers["upload-offset"] == "0"
        assert tus(caller, "HEAD", short).headers["upload-offset"] == "2"
        patch(caller, short, 2, b"cdef")
        (file,) = caller.status(created["assembly_id"])["uploads"]
        assert file["md5hash"] == "e80b5017098950fc58aad83c8c14978e"


def test_what_was_done_a_second_before_the_process_was_killed_is_there_again(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "transloadit_standin", "--quiet", "--state", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        exported = [next(process.stdout) for _ in range(3)]
        url = exported[2].strip().partition("=")[2]
        auth = {"key": "standin_key"}
        params = json.dumps({"auth": auth, "steps": {"kept": {"robot": "/upload/handle"}}})
        status = httpx.post(f"{url}/assemblies", data={"params": params}, files=FILES).json()
        state = tmp_path / "state.json"
        until = time.monotonic() + 20
        while not state.exists() or "ASSEMBLY_COMPLETED" not in state.read_text():
            assert time.monotonic() < until
            time.sleep(0.05)
        process.kill()

    with kept(tmp_path) as caller:
        assert caller.api.url == url
        again = caller.status(status["assembly_id"])
        assert again["ok"] == "ASSEMBLY_COMPLETED"
        assert caller.http.get(again["results"]["kept"][0]["url"]).content == b"bytes"


def test_a_folder_that_cannot_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    api = StandIn(state=folder)
    api.start()
    shutil.rmtree(folder)
    time.sleep(1.2)  # it has tried to write by now

    with pytest.raises(FileNotFoundError):
        api.stop()


def test_a_template_that_is_no_json_ends_the_writing_and_not_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api = StandIn(state=tmp_path)
    api.start()
    api.add_template("odd", steps=STEPS, fields={"odd": object()})
    until = time.monotonic() + 10
    while "not JSON serializable" not in caplog.text:
        assert time.monotonic() < until
        time.sleep(0.05)

    assert httpx.get(f"{api.url}/_standin/clock", trust_env=False).status_code == 200
    with pytest.raises(ExceptionGroup, match="the stand-in itself failed"):
        api.stop()


def test_an_assembly_that_ran_runs_again(tmp_path: Path) -> None:
    with kept(tmp_path, step_seconds=60) as caller:
        status = caller.created(files=FILES)

    with kept(tmp_path) as caller:
        caller.api.settle()
        again = caller.status(status["assembly_id"])
    assert (again["ok"], len(again["results"]["resized"])) == ("ASSEMBLY_COMPLETED", 1)
    assert again["started_jobs"] == [":original:::original", "resized:::original"]


def test_the_folder_holds_no_secret_and_no_code(tmp_path: Path) -> None:
    with kept(tmp_path) as caller:
        caller.finished(files=FILES)

    text = (tmp_path / "state.json").read_text()
    assert caller.api.secret not in text
    assert json.loads(text)["version"] == 1


def test_without_a_state_folder_nothing_is_kept(caller: Caller) -> None:
    status = caller.finished(files=FILES)
    caller.api.stop()

    with pytest.raises(httpx.ConnectError):
        caller.http.get(status["assembly_ssl_url"])
