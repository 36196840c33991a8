"""Notifications: delivered to loopback, signed, repeated, replayed."""

import hmac
import json
from typing import Any

import pytest

from .caller import STEPS, Caller, calling
from .receiver import Receiver

ID = "0123456789abcdef0123456789abcdef"


def notifying(receiver: Receiver) -> dict[str, Any]:
    return {"steps": STEPS, "notify_url": receiver.url}


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "https://example.org/",
        "ftp://127.0.0.1/",
        "http://[::ffff:192.0.2.1]/",
        "http://[",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:port/",
        "/pingback",
    ],
)
def test_nothing_is_sent_off_this_machine(caller: Caller, url: str) -> None:
    status = caller.finished({"steps": STEPS, "notify_url": url})

    assert status["ok"] == "ASSEMBLY_COMPLETED"
    assert "loopback" in status["notify_error"]
    assert (status["notify_status"], status["notify_response_code"]) == ("failed", None)


def test_a_notification_is_the_signed_status(caller: Caller, receiver: Receiver) -> None:
    status = caller.finished(notifying(receiver), files={"f": ("f.txt", b"bytes")})

    [form] = receiver.received
    text = form["transloadit"]
    digest = hmac.new(caller.api.secret.encode(), text.encode(), "sha1").hexdigest()
    assert form["signature"] == digest
    sent = json.loads(text)
    assert (sent["ok"], sent["results"]) == ("ASSEMBLY_COMPLETED", status["results"])
    assert receiver.content_types == ["application/x-www-form-urlencoded"]
    assert (status["notify_status"], status["notify_response_code"]) == ("successful", 200)
    assert status["notify_response_data"] == "ta-da"
    assert status["notify_start"].endswith(" GMT")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_encoding_and_algorithm_can_be_set(receiver: Receiver, algorithm: str) -> None:
    with calling(notification_encoding="multipart", notification_algorithm=algorithm) as caller:
        caller.finished(notifying(receiver))

    [form] = receiver.received
    digest = hmac.new(
        caller.api.secret.encode(), form["transloadit"].encode(), algorithm
    ).hexdigest()
    prefix = "" if algorithm == "sha1" else f"{algorithm}:"
    assert form["signature"] == prefix + digest
    assert receiver.content_types == ["multipart/form-data"]


def test_a_notification_is_signed_with_the_secret_of_its_key(
    caller: Caller, receiver: Receiver
) -> None:
    caller.api.add_key("other", "other_secret")
    form = caller.signed(notifying(receiver), key="other", secret="other_secret")

    caller.finished(form=form)
    text = receiver.received[0]["transloadit"].encode()
    signature = receiver.received[0]["signature"]
    assert signature == hmac.new(b"other_secret", text, "sha1").hexdigest()


def test_a_quiet_assembly_sends_its_whole_status(caller: Caller, receiver: Receiver) -> None:
    caller.created({**notifying(receiver), "quiet": True})
    caller.api.settle()

    assert json.loads(receiver.received[0]["transloadit"])["assembly_ssl_url"]


def test_any_answer_but_200_is_tried_again(caller: Caller, receiver: Receiver) -> None:
    receiver.answers.extend([500, 302])

    status = caller.finished(notifying(receiver))
    assert [form == receiver.received[0] for form in receiver.received] == [True] * 3
    assert (status["notify_status"], status["notify_error"]) == ("successful", None)


def test_it_gives_up_in_the_end(caller: Caller, receiver: Receiver) -> None:
    receiver.answers.extend([204, 500, 503])

    status = caller.finished(notifying(receiver))
    [notification] = caller.api.assemblies[status["assembly_id"]].notifications
    assert (notification.attempts, notification.delivered) == (3, False)
    assert (status["notify_status"], status["notify_response_code"]) == ("failed", 503)


def test_nobody_there_is_an_error_in_the_status(caller: Caller) -> None:
    status = caller.finished({"steps": STEPS, "notify_url": "http://localhost:9/"})

    assert status["notify_error"].startswith("ConnectError")
    assert status["notify_status"] == "failed"


def test_every_outcome_is_told(caller: Caller, receiver: Receiver) -> None:
    caller.crashed(notifying(receiver))
    waiting = caller.created(notifying(receiver), fields={"num_expected_upload_files": "1"})
    caller.send("DELETE", f"/assemblies/{waiting['assembly_id']}")
    caller.api.settle()

    sent = [json.loads(form["transloadit"]) for form in receiver.received]
    codes = [status.get("ok") or status.get("error") for status in sent]
    assert codes == ["INTERNAL_COMMAND_ERROR", "ASSEMBLY_CANCELED"]


@pytest.mark.parametrize(
    ("assembly_id", "expected"), [("nothing", "SERVER_404"), (ID, "ASSEMBLY_NOT_FOUND")]
)
def test_a_replay_of_no_assemblys_notification(
    caller: Caller, assembly_id: str, expected: str
) -> None:
    response = caller.notify(assembly_id)

    assert (response.status_code, response.json()["error"]) == (404, expected)


def test_a_notification_that_cannot_be_replayed(caller: Caller, receiver: Receiver) -> None:
    waiting = caller.created(notifying(receiver), fields={"num_expected_upload_files": "1"})
    silent = caller.finished()["assembly_id"]
    done = caller.finished(notifying(receiver))["assembly_id"]

    unfinished = caller.notify(waiting["assembly_id"]).json()
    assert unfinished["error"] == "ASSEMBLY_NOTIFICATION_NOT_PERSISTED"
    assert caller.notify(silent).json()["error"] == "ASSEMBLY_NO_NOTIFY_URL"
    assert caller.notify(done, {"wait": "yes"}).json()["error"] == "INVALID_PARAMS_FIELD"
    receiver.answers.extend([500, 500, 500])
    assert caller.notify(done).json()["error"] == "ASSEMBLY_NOTIFICATION_NOT_REPLAYED"


def test_a_replayed_notification_is_delivered_before_the_answer(
    caller: Caller, receiver: Receiver
) -> None:
    done = caller.finished(notifying(receiver))["assembly_id"]

    answer = caller.notify(done).json()
    assert (answer["ok"], answer["success"]) == ("ASSEMBLY_NOTIFICATION_REPLAYED", True)
    assert answer["notify_response_code"] == 200
    assert len(receiver.received) == 2
    notifications = caller.api.assemblies[done].notifications
    assert answer["notification_id"] == notifications[1].id != notifications[0].id


def test_without_wait_the_answer_comes_first(caller: Caller, receiver: Receiver) -> None:
    done = caller.finished(notifying(receiver))["assembly_id"]
    receiver.released.clear()

    answer = caller.notify(done, {"wait": False}).json()
    assert answer["ok"] == "ASSEMBLY_NOTIFICATION_REPLAYING"
    while caller.api.assemblies[done].notifications[-1].started is None:
        pass
    assert caller.status(done)["notify_status"] == "processing"
    receiver.released.set()
    caller.api.settle()
    assert caller.status(done)["notify_status"] == "successful"


def test_a_replay_may_send_somewhere_else(caller: Caller, receiver: Receiver) -> None:
    done = caller.finished()["assembly_id"]

    assert caller.notify(done, {"notify_url": receiver.url}).status_code == 200
    assert json.loads(receiver.received[0]["transloadit"])["assembly_id"] == done
    assert caller.status(done)["notify_url"] is None
