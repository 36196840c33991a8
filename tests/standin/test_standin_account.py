"""The list of Assemblies, and bearer tokens."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .caller import STEPS, Caller, calling

READING = {"steps": STEPS}


def listed(caller: Caller, params: dict[str, Any] | None = None) -> dict[str, Any]:
    response = caller.send("GET", "/assemblies", params=caller.signed(params or {}))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"page": 0}, "page"),
        ({"pagesize": 5001}, "pagesize"),
        ({"pagesize": True}, "pagesize"),
        ({"type": "running"}, "type"),
        ({"fromdate": "yesterday"}, "fromdate"),
        ({"todate": 7}, "todate"),
        ({"keywords": "word"}, "keywords"),
        ({"keyword": [7]}, "keyword"),
        ({"fields": {"id": 1}}, "fields"),
        ({"sort": "name"}, "sort"),
        ({"order": "up"}, "order"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(
    caller: Caller, params: dict[str, Any], reason: str
) -> None:
    response = caller.send("GET", "/assemblies", params=caller.signed(params))

    assert (response.status_code, response.json()["error"]) == (400, "INVALID_PARAMS_FIELD")
    assert reason in response.json()["reason"]


def test_a_list_has_to_be_signed_and_needs_its_scope(caller: Caller) -> None:
    unsigned = {"params": caller.signed({})["params"]}
    assert caller.send("GET", "/assemblies").json()["error"] == "NO_PARAMS_FIELD"
    assert (
        caller.send("GET", "/assemblies", params=unsigned).json()["error"] == "NO_SIGNATURE_FIELD"
    )
    wrong = caller.signed({}, secret="other")
    assert caller.send("GET", "/assemblies", params=wrong).json()["error"] == "INVALID_SIGNATURE"

    caller.api.add_key(caller.api.key, caller.api.secret, scopes=["assemblies:write"])
    response = caller.send("GET", "/assemblies", params=caller.signed({}))
    assert (response.status_code, response.json()["error"]) == (403, "INSUFFICIENT_AUTH_SCOPE")


def test_assemblies_are_listed_page_by_page_the_newest_first(caller: Caller) -> None:
    created = [caller.finished()["assembly_id"] for _ in range(5)]

    newest = created[::-1]
    assert ids(listed(caller)) == newest
    assert ids(listed(caller, {"pagesize": 2})) == newest[:2]
    assert ids(listed(caller, {"pagesize": 2, "page": 3})) == newest[4:]
    assert listed(caller, {"pagesize": 2, "page": 9}) == {"items": [], "count": 5}


def test_an_item_tells_what_the_vendors_sdk_reads(caller: Caller) -> None:
    status = caller.finished({"template_id": "resize-to-fit"}, files={"f": ("a.txt", b"bytes")})

    (item,) = listed(caller)["items"]
    assert (item["id"], item["ok"], item["error"]) == (
        status["assembly_id"],
        "ASSEMBLY_COMPLETED",
        None,
    )
    assert (item["template_id"], item["num_input_files"]) == ("resize-to-fit", 1)
    assert json.loads(item["files"]) == [{"name": "a.txt", "size": 5}]
    assert item["account_id"] == status["account_id"]
    # As the vendor's Go SDK parses them, which knows no other form.
    for name in ("created", "execution_start"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", item[name])


def test_a_list_can_be_filtered(caller: Caller) -> None:
    completed = caller.finished(files={"f": ("holiday.txt", b"bytes")})["assembly_id"]
    crashed = caller.crashed({"steps": STEPS, "fields": {"order": "4711"}})["assembly_id"]
    waiting = caller.created(fields={"num_expected_upload_files": "1"})["assembly_id"]
    now = datetime.now(UTC)
    past, future = (f"{now + timedelta(days=days):%Y-%m-%d %H:%M:%S}" for days in (-1, 1))

    rows: list[tuple[dict[str, Any], list[str]]] = [
        ({"type": "all", "fromdate": past, "todate": "NOW()"}, [waiting, crashed, completed]),
        ({"type": "completed"}, [completed]),
        ({"type": "failed"}, [crashed]),
        ({"type": "uploading"}, [waiting]),
        ({"type": "canceled"}, []),
        ({"fromdate": future}, []),
        ({"todate": past}, []),
        ({"keywords": ["holiday"]}, [completed]),
        ({"keywords": ["4711"]}, [crashed]),
        ({"keywords": ["4711", "holiday"]}, []),
        ({"keyword": ["4711"]}, [crashed]),
        ({"assembly_id": waiting}, [waiting]),
        ({"order": "asc"}, [completed, crashed, waiting]),
        ({"sort": "id", "order": "asc"}, sorted([completed, crashed, waiting])),
        ({"sort": "id"}, sorted([completed, crashed, waiting], reverse=True)),
        ({"fromdate": (now - timedelta(days=1)).isoformat(), "type": "failed"}, [crashed]),
        ({"todate": f"{now:%Y-%m-%dT%H:%M:%SZ}", "fromdate": future}, []),
        ({"fromdate": f"{now:%Y-%m-%d}", "type": "completed"}, [completed]),
    ]
    for params, expected in rows:
        assert ids(listed(caller, params)) == expected, params


def test_items_can_be_told_in_part(caller: Caller) -> None:
    assembly_id = caller.finished()["assembly_id"]

    (item,) = listed(caller, {"fields": ["id", "ok", "no_such_key"]})["items"]
    assert item == {"id": assembly_id, "ok": "ASSEMBLY_COMPLETED"}


def test_assemblies_of_others_are_not_listed(caller: Caller) -> None:
    caller.finished()
    caller.api.add_key("other", "other_secret")

    form = caller.signed({}, key="other", secret="other_secret")
    assert caller.send("GET", "/assemblies", params=form).json() == {"items": [], "count": 0}


def token(caller: Caller, **form: str) -> Any:
    data = {"grant_type": "client_credentials", **form}
    return caller.send("POST", "/token", data=data, auth=(caller.api.key, caller.api.secret))


@pytest.mark.parametrize("auth", [("standin_key", "wrong"), ("nobody", "standin_secret"), None])
def test_a_token_needs_the_key_and_its_secret(caller: Caller, auth: tuple[str, str] | None) -> None:
    response = caller.send("POST", "/token", data={"grant_type": "client_credentials"}, auth=auth)

    assert response.status_code == 401
    assert response.json()["error"] == "TOKEN_INVALID_CREDENTIALS"


@pytest.mark.parametrize("header", ["Basic ???", "Basic a2V5", "Bearer a", "Basic /w=="])
def test_credentials_that_cannot_be_read_are_wrong(caller: Caller, header: str) -> None:
    response = caller.send("POST", "/token", headers={"Authorization": header})

    assert response.json()["error"] == "TOKEN_INVALID_CREDENTIALS"


def test_a_token_is_for_what_its_key_may_do(caller: Caller) -> None:
    assert token(caller, grant_type="password").json()["error"] == "INVALID_FORM_DATA"
    assert token(caller, scope="everything").json()["error"] == "INSUFFICIENT_AUTH_SCOPE"


def test_a_token_replaces_the_signature(caller: Caller) -> None:
    answer = token(caller).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 21600)
    assert "assemblies:write" in answer["scope"].split()

    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    form = {"params": json.dumps({"steps": STEPS})}
    assert caller.create(form=form, headers=headers).json()["ok"] == "ASSEMBLY_EXECUTING"


def test_a_token_can_be_for_less(caller: Caller) -> None:
    answer = token(caller, scope="assemblies:read").json()
    assert answer["scope"] == "assemblies:read"

    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    form = {"params": json.dumps({"steps": STEPS})}
    assert caller.create(form=form, headers=headers).json()["error"] == "INSUFFICIENT_AUTH_SCOPE"
    response = caller.send("GET", "/assemblies", params={"params": "{}"}, headers=headers)
    assert response.json() == {"items": [], "count": 0}


def test_a_token_expires() -> None:
    moments = [datetime.now(UTC)]
    with calling(clock=lambda: moments[0]) as caller:
        answer = token(caller).json()
        moments[0] += timedelta(hours=6)

        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        response = caller.create(form={"params": json.dumps(READING)}, headers=headers)
    assert (response.status_code, response.json()["error"]) == (401, "BEARER_TOKEN_EXPIRED")
