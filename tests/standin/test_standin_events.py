"""Server-sent events, read by httpx: what comes, in which order, and when it ends."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from transloadit_standin import Answer, EventStream

from .caller import STEPS, Caller, calling

ACCEPT = {"Accept": "text/event-stream"}
PROGRESS = {
    "steps": {**STEPS, "small": {"robot": "/image/resize"}},
    "emit_execution_progress": True,
}


@contextmanager
def listening(caller: Caller, status: dict[str, Any]) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of an Assembly, by name ("" if they have none) and data."""
    with caller.http.stream("GET", status["update_stream_url"], headers=ACCEPT) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield events(response)


def events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    block: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            field, _, value = line.partition(": ")
            block[field] = value
            continue
        data = block.get("data", "")
        name = block.get("event", "id" if "id" in block else "")
        yield name, json.loads(data) if data[:1] in ("{", "[") else data
        block = {}


def waiting(caller: Caller, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return caller.created(params, fields={"num_expected_upload_files": "1"})


def upload(caller: Caller, status: dict[str, Any]) -> None:
    """Send the file that an Assembly waits for."""
    url = b64(status["assembly_ssl_url"])
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "3",
        "Upload-Metadata": f"assembly_url {url},fieldname {b64('f')},filename {b64('a')}",
        "Content-Type": "application/offset+octet-stream",
    }
    response = caller.http.post(status["tus_url"], headers=headers, content=b"abc")
    assert response.status_code == 201


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "path", ["/ws20000?assembly=" + "0" * 32, "/ws20000?assembly=", "/ws20000", "/ws20000?a=%ff"]
)
def test_there_are_no_events_of_an_assembly_that_is_not_there(caller: Caller, path: str) -> None:
    response = caller.http.get(caller.api.instance_urls[0] + path, headers=ACCEPT)

    assert response.json()["error"] == "ASSEMBLY_NOT_FOUND"
    assert caller.api.requests[-1].operation == "events"


def test_who_does_not_ask_for_events_gets_none(caller: Caller) -> None:
    status = waiting(caller)

    response = caller.http.get(status["update_stream_url"])
    assert response.json()["error"] == "SERVER_404"
    on_api = status["update_stream_url"].replace(caller.api.instance_urls[0], caller.api.url)
    assert caller.http.get(on_api, headers=ACCEPT).json()["error"] == "SERVER_404"


def test_events_need_not_be_offered() -> None:
    with calling(event_stream=None) as caller:
        status = waiting(caller)
        url = f"{caller.api.instance_urls[0]}/ws20000?assembly={status['assembly_id']}"

        assert not {"websocket_url", "update_stream_url"} & status.keys()
        assert caller.http.get(url, headers=ACCEPT).json()["error"] == "SERVER_404"


def test_all_that_happens_is_told_in_its_order(caller: Caller) -> None:
    created = waiting(caller, PROGRESS)
    url = f"{created['websocket_url']}?assembly={created['assembly_id']}"
    assert created["update_stream_url"] == url

    with listening(caller, created) as told:
        upload(caller, created)
        all_told = list(told)
    status = caller.status(created["assembly_id"])
    results = status["results"]
    per_file = [{"original_id": status["uploads"][0]["id"], "progress": None}]

    def progress(share: int) -> tuple[str, Any]:
        files = [{**file, "progress": share} for file in per_file]
        data = {"progress_combined": share, "progress_per_original_file": files}
        return "assembly_execution_progress", data

    def result(step: str) -> tuple[str, Any]:
        known = ("cost", "queue", "queueTime", "execTime")
        (file,) = results[step]
        return "assembly_result_finished", [
            step,
            {key: value for key, value in file.items() if key not in known},
        ]

    assert all_told == [
        ("id", ""),
        ("assembly_upload_finished", status["uploads"][0]),
        ("", "assembly_uploading_finished"),
        ("", "assembly_upload_meta_data_extracted"),
        progress(0),
        result("resized"),
        progress(50),
        result("small"),
        progress(100),
        ("", "assembly_finished"),
    ]


def test_progress_is_told_to_those_who_ask(caller: Caller) -> None:
    created = waiting(caller, {**PROGRESS, "emit_execution_progress": False})

    with listening(caller, created) as told:
        upload(caller, created)
        names = [name for name, _ in told]
    assert "assembly_result_finished" in names
    assert "assembly_execution_progress" not in names


def test_a_failure_is_told_and_is_the_end(caller: Caller) -> None:
    caller.api.crash_next()
    created = waiting(caller)

    with listening(caller, created) as told:
        upload(caller, created)
        name, data = list(told)[-1]
    assert (name, data["error"]) == ("assembly_error", "INTERNAL_COMMAND_ERROR")
    assert data["assembly_id"] == created["assembly_id"]


def test_a_cancellation_is_told_and_is_the_end(caller: Caller) -> None:
    created = waiting(caller)

    with listening(caller, created) as told:
        caller.send("DELETE", created["assembly_ssl_url"])
        assert list(told) == [("id", ""), ("", "assembly_finished")]


def test_the_first_block_may_be_an_event_at_once() -> None:
    with calling(event_stream=EventStream(first_id=False)) as caller:
        created = waiting(caller)
        with listening(caller, created) as told:
            upload(caller, created)
            assert next(told)[0] == "assembly_upload_finished"


def test_all_who_listen_are_told() -> None:
    with calling(step_seconds=0.2) as caller:
        created = waiting(caller)
        with listening(caller, created) as first, listening(caller, created) as second:
            upload(caller, created)
            assert list(first) == list(second)


def test_a_stream_that_is_opened_after_the_end_is_told_the_end(caller: Caller) -> None:
    completed = caller.finished(files={"f": ("f.txt", b"bytes")})
    crashed = caller.crashed()

    with listening(caller, completed) as told:
        assert list(told) == [("id", ""), ("", "assembly_finished")]
    with listening(caller, crashed) as told:
        assert [name for name, _ in told] == ["id", "assembly_error"]


def test_a_stream_that_is_opened_after_the_end_can_stay_silent() -> None:
    with calling(event_stream=EventStream(repeat_end=False)) as caller:
        url = caller.finished(files={"f": ("f.txt", b"bytes")})["update_stream_url"]
        with caller.http.stream("GET", url, headers=ACCEPT, timeout=0.2) as response:
            told = events(response)
            assert next(told) == ("id", "")
            with pytest.raises(httpx.ReadTimeout):
                next(told)


def test_the_first_block_is_an_id_of_32_hex_digits(caller: Caller) -> None:
    url = caller.finished()["update_stream_url"]

    first = caller.http.get(url, headers=ACCEPT).text.partition("\n\n")[0]
    assert re.fullmatch("id: [0-9a-f]{32}", first)


def test_what_was_before_can_be_told_again() -> None:
    with calling(event_stream=EventStream(replay=True)) as caller:
        status = caller.finished(files={"f": ("f.txt", b"bytes")})
        for _ in range(2):
            with listening(caller, status) as told:
                names = [name or data for name, data in told]
            assert names[:2] == ["id", "assembly_upload_finished"]
            assert names[-1] == "assembly_finished"


def test_nobody_is_kept_who_has_gone(caller: Caller) -> None:
    created = waiting(caller)
    listeners = caller.api.assemblies[created["assembly_id"]].events._listeners
    other = Caller(caller.api)
    with other.http, listening(other, created) as told:
        next(told)
        assert len(listeners) == 1

    for _ in range(100):
        if not listeners:
            break
        caller.status(created["assembly_id"])
    assert len(listeners) == 0


def test_the_stand_in_stops_while_somebody_listens() -> None:
    with calling() as caller:
        created = waiting(caller)
        with listening(caller, created) as told:
            next(told)
            caller.api.stop()
            with pytest.raises(httpx.RemoteProtocolError):
                next(told)


@pytest.mark.parametrize("how", ["end", "reset"])
def test_a_stream_breaks_where_it_is_told_to(caller: Caller, how: Any) -> None:
    created = waiting(caller)
    caller.api.drop_next(after="work", byte=700, how=how, operation="events")

    with listening(caller, created) as told:
        assert next(told) == ("id", "")
        upload(caller, created)
        with pytest.raises(httpx.TransportError):
            list(told)
    assert caller.api.requests[1].fault == "Drop"


def test_a_stream_breaks_in_the_middle_which_is_behind_its_head(caller: Caller) -> None:
    created = waiting(caller)
    caller.api.drop_next(after="half", operation="events")

    with listening(caller, created) as told, pytest.raises(httpx.RemoteProtocolError):
        next(told)


def test_something_else_may_be_answered(caller: Caller) -> None:
    created = waiting(caller)
    caller.api.faults.append(Answer(502, operation="events"))

    response = caller.http.get(created["update_stream_url"], headers=ACCEPT)
    assert (response.status_code, response.headers["content-type"]) == (
        502,
        "text/html; charset=utf-8",
    )


def test_a_stream_is_not_garbled(caller: Caller) -> None:
    """That needs the whole of an answer, and a stream has no whole."""
    created = waiting(caller)
    caller.api.garble_next("twice", operation="events")

    with listening(caller, created) as told:
        upload(caller, created)
        assert list(told)[-1] == ("", "assembly_finished")
