"""Replays of Assemblies that crashed."""

import json
from typing import Any

import pytest

from .caller import STEPS, Caller, calling

ID = "0123456789abcdef0123456789abcdef"
FILES = {"f": ("f.txt", b"bytes", "text/plain")}


def steps_of(status: dict[str, Any]) -> Any:
    return json.loads(status["merged_params"])["steps"]


def replayed(caller: Caller, original: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The status of a replay that is done."""
    answer = caller.replay(original["assembly_id"], params).json()
    assert answer.get("ok") == "ASSEMBLY_REPLAYING", answer
    caller.api.settle()
    return caller.status(answer["assembly_id"])


@pytest.mark.parametrize(
    ("assembly_id", "status", "expected"),
    [("nothing", 404, "SERVER_404"), (ID, 404, "ASSEMBLY_NOT_FOUND")],
)
def test_a_replay_of_nothing(caller: Caller, assembly_id: str, status: int, expected: str) -> None:
    response = caller.replay(assembly_id)

    assert (response.status_code, response.json()["error"]) == (status, expected)


def test_only_a_crashed_assembly_can_be_replayed_where_that_is_asked_for() -> None:
    with calling(replayable="crashed") as caller:
        refused = caller.create({"steps": STEPS, "auth": {"max_size": 1}}, files=FILES).json()

        for status in (caller.finished(), refused):
            answer = caller.replay(status["assembly_id"]).json()
            assert answer["error"] == "ASSEMBLY_CANNOT_BE_REPLAYED"
        assert caller.replay(caller.crashed()["assembly_id"]).json()["ok"] == "ASSEMBLY_REPLAYING"


def test_an_assembly_that_completed_or_still_runs_can_be_replayed() -> None:
    with calling(step_seconds=0.3) as caller:
        completed = caller.finished(files=FILES)
        running = caller.created(files=FILES)

        for status in (completed, running):
            replay = replayed(caller, status, {})
            assert (replay["ok"], replay["parent_id"]) == (
                "ASSEMBLY_COMPLETED",
                status["assembly_id"],
            )
            assert len(replay["uploads"]) == 1


@pytest.mark.parametrize(
    ("setting", "notify_url", "expected"),
    [
        ("original", "", "http://127.0.0.1:9/old"),
        ("none", "", None),
        ("original", None, None),
        ("original", "http://127.0.0.1:9/new", "http://127.0.0.1:9/new"),
    ],
)
def test_an_empty_notify_url_is_the_originals_unless_told_otherwise(
    setting: Any, notify_url: str | None, expected: str | None
) -> None:
    with calling(empty_notify_url=setting, notification_attempts=1) as caller:
        original = caller.finished({"steps": STEPS, "notify_url": "http://127.0.0.1:9/old"})
        answer = caller.replay(original["assembly_id"], {"notify_url": notify_url}).json()

    assert answer["notify_url"] == expected


@pytest.mark.parametrize("reparse_template", [True, 2, "1", None])
def test_reparse_template_is_0_or_1(caller: Caller, reparse_template: Any) -> None:
    crashed = caller.crashed()["assembly_id"]

    answer = caller.replay(crashed, {"reparse_template": reparse_template}).json()
    assert answer["error"] == "INVALID_PARAMS_FIELD"


def test_a_replay_is_a_new_assembly_of_the_same_uploads(caller: Caller) -> None:
    crashed = caller.crashed(files=FILES, fields={"a": "form"})

    answer = caller.replay(crashed["assembly_id"]).json()
    assert (answer["success"], answer["notify_url"]) == (True, None)
    assert answer["assembly_id"] != crashed["assembly_id"]
    caller.api.settle()
    status = caller.status(answer["assembly_id"])
    assert status["ok"] == "ASSEMBLY_COMPLETED"
    assert status["parent_id"] == crashed["assembly_id"]
    assert status["parent_assembly_status"] == crashed["assembly_ssl_url"]
    assert (status["fields"], steps_of(status)) == ({"a": "form"}, STEPS)
    assert caller.send("GET", status["results"]["resized"][0]["url"]).content == b"bytes"
    assert caller.status(crashed["assembly_id"]) == crashed


def test_a_replay_is_replaying_before_it_executes() -> None:
    with calling(step_seconds=0.3) as caller:
        answer = caller.replay(caller.crashed()["assembly_id"]).json()
        assert caller.status(answer["assembly_id"])["ok"] == "ASSEMBLY_REPLAYING"
        caller.api.settle()
        assert caller.status(answer["assembly_id"])["ok"] == "ASSEMBLY_COMPLETED"


def test_a_replay_may_crash_too(caller: Caller) -> None:
    crashed = caller.crashed()
    caller.api.crash_next()

    again = replayed(caller, crashed, {})
    assert again["error"] == "INTERNAL_COMMAND_ERROR"
    assert replayed(caller, again, {})["parent_id"] == again["assembly_id"]


def test_a_replay_overrides_what_it_names(caller: Caller) -> None:
    params = {"steps": STEPS, "notify_url": "http://127.0.0.1:9/", "fields": {"a": 1, "b": 1}}
    crashed = caller.crashed(params)
    steps = {"resized": {"width": 1}, "more": {"robot": "/file/hash"}}

    override = {"steps": steps, "fields": {"a": 2}, "notify_url": None}
    status = replayed(caller, crashed, override)
    merged = {"resized": {"robot": "/image/resize", "width": 1}, "more": {"robot": "/file/hash"}}
    assert steps_of(status) == merged
    assert (status["fields"], status["notify_url"]) == ({"a": 2, "b": 1}, None)
    caller.api.assemblies[status["assembly_id"]].crashed = True
    assert steps_of(replayed(caller, status, {"reparse_template": 1})) == merged


def test_steps_that_cannot_run_are_refused(caller: Caller) -> None:
    crashed = caller.crashed()["assembly_id"]

    answer = caller.replay(crashed, {"steps": {"more": {"width": 1}}}).json()
    assert answer["error"] == "ASSEMBLY_STEP_NO_ROBOT"


def test_reparse_template_takes_the_template_as_it_is_now(caller: Caller) -> None:
    template = caller.api.add_template("t", steps=STEPS)
    crashed = caller.crashed({"template_id": "t", "steps": {"resized": {"height": 5}}})
    template.steps = {"resized": {"robot": "/image/optimize"}, "new": {"robot": "/file/hash"}}

    identical = replayed(caller, crashed, {"reparse_template": 0})
    assert steps_of(identical) == {"resized": {**STEPS["resized"], "height": 5}}
    reparsed = replayed(caller, crashed, {"reparse_template": 1, "steps": {"new": {"a": 1}}})
    assert steps_of(reparsed) == {
        "resized": {"robot": "/image/optimize", "height": 5},
        "new": {"robot": "/file/hash", "a": 1},
    }
    assert reparsed["template_id"] == "t"


def test_a_template_that_is_gone_cannot_be_reparsed(caller: Caller) -> None:
    caller.api.add_template("t", steps=STEPS)
    crashed = caller.crashed({"template_id": "t"})["assembly_id"]
    del caller.api.templates["t"]

    gone = caller.replay(crashed, {"reparse_template": 1}).json()
    assert gone["error"] == "TEMPLATE_NOT_FOUND"
    assert caller.replay(crashed, {"reparse_template": 0}).status_code == 200


def test_a_replay_may_name_another_template(caller: Caller) -> None:
    closed = {"only": {"robot": "/file/hash"}}
    caller.api.add_template("other", steps=closed, allow_steps_override=False)
    crashed = caller.crashed()

    denied = caller.replay(crashed["assembly_id"], {"template_id": "other", "steps": STEPS})
    assert denied.json()["error"] == "TEMPLATE_DENIES_STEPS_OVERRIDE"
    status = replayed(caller, crashed, {"template_id": "other"})
    assert (steps_of(status), status["template_id"]) == (closed, "other")
