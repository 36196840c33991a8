"""Things that go wrong on purpose."""

import time

import httpx
import pytest

from transloadit_standin import Answer, Delay, Drop, rate_limit

from .caller import STEPS, Caller


@pytest.mark.parametrize("status", [413, 429])
@pytest.mark.parametrize("retry_in", [0, 1.5])
def test_a_rate_limit_says_when_to_come_again(caller: Caller, status: int, retry_in: float) -> None:
    caller.api.rate_limit_next(status=status, retry_in=retry_in)

    response = caller.create()
    assert response.status_code == response.json()["http_code"] == status
    assert response.json()["error"] == "RATE_LIMIT_REACHED"
    assert response.json()["info"] == {"retryIn": retry_in}
    assert not caller.api.assemblies
    assert caller.create().status_code == 200


def test_a_rate_limit_may_keep_silent_and_befall_one_operation(caller: Caller) -> None:
    code = "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED"
    caller.api.rate_limit_next(retry_in=None, code=code, operation="getAssembly", times=2)

    path = f"/assemblies/{caller.created()['assembly_id']}"
    answers = [caller.send("GET", path).json() for _ in range(3)]
    assert [answer.get("error") for answer in answers] == [code, code, None]
    assert "info" not in answers[0]


@pytest.mark.parametrize(
    ("after", "done"), [("headers", False), ("body", False), ("work", True), ("half", True)]
)
def test_a_dropped_connection_did_the_work_or_did_not(
    caller: Caller, after: str, done: bool
) -> None:
    caller.api.drop_next(after=after)  # type: ignore[arg-type] # a parameter is a plain str

    with pytest.raises(httpx.TransportError):
        caller.create(files={"f": ("f.bin", b"x" * 300_000)})
    assert bool(caller.api.assemblies) is done
    request = caller.api.requests[-1]
    assert request.fault == "Drop"
    assert (request.body_size >= 300_000) is (after != "headers")
    assert (request.status is not None) is (after == "half")
    assert caller.create().status_code == 200


def test_half_an_answer_begins_like_a_whole_one(caller: Caller) -> None:
    caller.api.drop_next(after="half")

    with caller.http.stream("POST", caller.api.url + "/nowhere") as response:
        assert response.status_code == 404
        with pytest.raises(httpx.RemoteProtocolError):
            response.read()


@pytest.mark.parametrize("before", ["work", "answer"])
def test_a_delay_waits_before_the_work_or_before_the_answer(caller: Caller, before: str) -> None:
    caller.api.delay_next(60, before=before)  # type: ignore[arg-type] # a parameter is a plain str

    with pytest.raises(httpx.ReadTimeout):
        caller.http.post(
            caller.api.url + "/assemblies", data=caller.signed({"steps": STEPS}), timeout=0.2
        )
    assert bool(caller.api.assemblies) is (before == "answer")


def test_a_delayed_answer_comes(caller: Caller) -> None:
    caller.api.delay_next(0.1)

    begun = time.monotonic()
    assert caller.create().status_code == 200
    assert time.monotonic() - begun >= 0.1


def test_an_answer_can_be_anything(caller: Caller) -> None:
    caller.api.answer_next(520, b"<html>", content_type="text/html")
    caller.api.answer_next(200, b'{"ok": "ASSEMBLY_COM')
    caller.api.answer_next(200, b"[1]")

    odd, cut, array = caller.create(), caller.create(), caller.create()
    assert (odd.status_code, odd.text) == (520, "<html>")
    assert odd.headers["content-type"].startswith("text/html")
    assert cut.text == '{"ok": "ASSEMBLY_COM'
    assert array.json() == [1]
    assert [request.code for request in caller.api.requests] == [None, None, None]


def test_faults_read_as_a_script(caller: Caller) -> None:
    caller.api.faults.extend(
        [
            rate_limit(operation="createAssembly"),
            Drop(after="work", operation="createAssembly"),
            Delay(0.01),
            Answer(operation="cancelAssembly"),
        ]
    )

    assert caller.create().status_code == 429
    with pytest.raises(httpx.RemoteProtocolError):
        caller.create()
    status = caller.created()
    assert caller.send("DELETE", f"/assemblies/{status['assembly_id']}").status_code == 502
    assert caller.api.faults == []
    assert [request.fault for request in caller.api.requests] == [
        "Answer",
        "Drop",
        "Delay",
        "Answer",
    ]


def test_a_crash_waits_for_an_assembly(caller: Caller) -> None:
    caller.api.crash_next(times=2)

    refused = caller.create({})
    assert refused.status_code == 400
    codes = [caller.finished().get("error") for _ in range(3)]
    assert codes == ["INTERNAL_COMMAND_ERROR", "INTERNAL_COMMAND_ERROR", None]
