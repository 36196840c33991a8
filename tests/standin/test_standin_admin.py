"""The admin API, which programs in any language use."""

import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate
from tests.foreign import many_cases

import transloadit_standin
from transloadit_standin._api.admin import MAX_BODY, ROUTES
from transloadit_standin._faults.named import FAULTS, arguments_of, describe_fault, read_fault
from transloadit_standin._service.templates import read_template

from .caller import STEPS, Caller, json_schema
from .receiver import Receiver

CONTENT_KEYS = ("steps", "auth", "allow_steps_override", "notify_url", "fields", "more")
DESCRIPTION = yaml.safe_load(
    (Path(transloadit_standin.__file__).parent / "_api" / "admin.yaml").read_text(encoding="utf-8")
)


class Admin:
    """Calls the admin API, and compares each answer with its description."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        url = f"{self._caller.api.url}/_standin/{path}"
        response = self._caller.http.request(method, url, **options)
        self._check(method, path, response)
        return response

    def get(self, path: str) -> Any:
        response = self("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> str:
        response = self(method, path, body, **options)
        assert response.status_code == 400, response.text
        message: str = response.json()["message"]
        return message

    def _check(self, method: str, path: str, response: httpx.Response) -> None:
        operation = described(method, path)
        if operation is None or response.status_code in (403, 405, 413, 204):
            return
        answer = operation["responses"][str(response.status_code)]
        if "$ref" in answer:
            answer = DESCRIPTION["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        if schema := answer.get("content", {}).get("application/json", {}).get("schema"):
            whole = json_schema({**schema, "components": DESCRIPTION["components"]}, closed=False)
            jsonschema.Draft202012Validator(whole).validate(response.json())


def described(method: str, path: str) -> dict[str, Any] | None:
    for pattern, item in DESCRIPTION["paths"].items():
        wanted = pattern.removeprefix("/_standin/").split("/")
        given = path.partition("?")[0].split("/")
        fits = [
            one == other or one.startswith("{") for one, other in zip(wanted, given, strict=False)
        ]
        if len(wanted) == len(given) and all(fits) and method.lower() in item:
            operation: dict[str, Any] = item[method.lower()]
            return operation
    return None


@pytest.fixture
def admin(caller: Caller) -> Admin:
    return Admin(caller)


def test_the_description_is_valid_and_has_all_that_is_there() -> None:
    validate(DESCRIPTION)

    methods = {
        path: {m.upper() for m in item if m != "parameters"}
        for path, item in DESCRIPTION["paths"].items()
    }
    assert methods == {path: set(handlers) for path, _, handlers in ROUTES}


def test_the_description_has_every_fault_with_its_arguments() -> None:
    fault = DESCRIPTION["components"]["schemas"]["Fault"]

    assert set(fault["properties"]["kind"]["enum"]) == set(FAULTS)
    taken = {name for kind in FAULTS for name in arguments_of(kind)}
    assert taken == set(fault["properties"]) - {"kind"}
    told = {
        words.split(":")[0].strip(): {name.strip() for name in words.split(":")[1].split(",")}
        for words in fault["description"]
        .partition("that kind. ")[2]
        .partition(" All take")[0]
        .split(".")
        if ":" in words
    }
    common = {"operation", "times", "name"}
    assert told == {kind: set(arguments_of(kind)) - common for kind in FAULTS}


def test_the_page_is_found_without_its_slash_and_head_is_answered(
    admin: Admin, caller: Caller
) -> None:
    without = caller.http.get(f"{caller.api.url}/_standin")
    assert (without.status_code, without.headers["location"]) == (308, "/_standin/")
    head = caller.http.head(f"{caller.api.url}/_standin/assemblies")
    assert (head.status_code, head.content) == (200, b"")
    assert caller.api.requests == []


def test_a_crash_may_have_a_code_of_its_own(admin: Admin, caller: Caller) -> None:
    admin("POST", "faults", {"kind": "crash", "code": "MADE_UP"})

    response = caller.create({"steps": STEPS, "blocking": True})
    assert (response.status_code, response.json()["error"]) == (200, "MADE_UP")


def test_the_description_is_served(admin: Admin) -> None:
    assert yaml.safe_load(admin("GET", "openapi.yaml").text) == DESCRIPTION


NONSENSE: list[tuple[str, str, Any, str]] = [
    ("POST", "faults", None, "the body is no JSON"),
    ("POST", "faults", [], "a fault is an object"),
    ("POST", "faults", {"kind": "bang"}, "kind has to be one of answer, crash"),
    ("POST", "faults", {"kind": "delay", "second": 1}, "delay takes no 'second', but seconds"),
    ("POST", "faults", {"kind": "delay", "seconds": -1}, "seconds of delay cannot be -1"),
    ("POST", "faults", {"kind": "delay", "seconds": True}, "seconds of delay cannot be True"),
    ("POST", "faults", {"kind": "drop", "how": "bang"}, "how of drop cannot be 'bang'"),
    ("POST", "faults", {"kind": "drop", "after": "half", "byte": 1}, "byte counts from 0"),
    ("POST", "faults", {"kind": "unavailable", "times": 0}, "times counts from 1"),
    ("POST", "faults", {"kind": "answer", "status": 99}, "status has to be an HTTP status"),
    ("POST", "faults", {"kind": "answer", "headers": {"A": "b\r\nc"}}, "cannot be a header"),
    ("POST", "faults", {"kind": "answer", "headers": {"a b": "c"}}, "cannot be a header"),
    ("POST", "faults", {"kind": "answer", "headers": {"a": 1}}, "headers of answer cannot be"),
    ("POST", "faults", {"kind": "rate_limit", "code": "NOPE"}, "knows no code 'NOPE'"),
    ("POST", "faults", {"kind": "rate_limit", "status": 500}, "has to be 413 or 429"),
    ("POST", "faults", {"kind": "delay", "operation": "nope"}, "no operation 'nope', but create"),
    ("POST", "faults", {"kind": "mix", "share": 2}, "share has to be from 0 to 1"),
    ("POST", "faults", {"kind": "mix", "kinds": {}}, "mix takes no 'kinds'"),
    ("PUT", "templates/.a", {"steps": {}}, "no name of a Template"),
    ("PUT", "templates/a", [], "a Template is a JSON object"),
    ("PUT", "templates/a", {}, "steps has to be an object of objects"),
    ("PUT", "templates/a", {"steps": {"a": 1}}, "steps has to be an object of objects"),
    ("PUT", "templates/a", {"steps": {}, "auth": {"max_size": "1"}}, "auth.max_size"),
    ("PUT", "templates/a", {"steps": {}, "allow_steps_override": 0}, "allow_steps_override"),
    ("PUT", "templates/a", {"steps": {}, "notify_url": 1}, "notify_url"),
    ("PUT", "templates/a", {"steps": {}, "fields": []}, "fields"),
    ("PUT", "clock", {}, 'send {"ahead"'),
    ("PUT", "clock", {"ahead": True}, 'send {"ahead"'),
    ("PUT", "clock", {"ahead": 1, "now": "2030-01-01T00:00:00Z"}, 'send {"ahead"'),
    ("PUT", "clock", {"ahead": 1e300}, "hundred years"),
    ("PUT", "clock", {"now": "tomorrow"}, "tomorrow"),
    ("PUT", "clock", {"now": "2030-01-01T00:00:00"}, "zone"),
    ("PUT", "limits", [], "limits are null, or an object"),
    ("PUT", "limits", {"uploads": 1}, "there is no limit 'uploads'"),
    ("PUT", "limits", {"creates": -1}, "creates has to be a whole number"),
    ("PUT", "limits", {"http_status": 200}, "413 or 429"),
    ("GET", "requests?limit=many", None, "limit is no number"),
]


@pytest.mark.parametrize(("method", "path", "body", "message"), NONSENSE)
def test_a_request_that_makes_no_sense_is_told_why_and_changes_nothing(
    admin: Admin, method: str, path: str, body: Any, message: str
) -> None:
    def state() -> list[Any]:
        return [admin.get(path) for path in ("faults", "templates", "limits")]

    before = state()

    assert message in admin.refused(method, path, body)
    assert state() == before
    assert abs(admin.get("clock")["ahead"]) == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=9,
)
NAMES = [
    "status",
    "after",
    "how",
    "byte",
    "seconds",
    "times",
    "content",
    "headers",
    "share",
    "code",
]


@many_cases
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4), st.sampled_from(list(FAULTS)))
def test_any_fault_is_one_or_is_refused(data: dict[str, Any], kind: str) -> None:
    try:
        fault = read_fault({"kind": kind, **data})
    except ValueError:
        return
    assert json.dumps(describe_fault(fault))


@many_cases
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(CONTENT_KEYS, JSON)) | JSON)
def test_any_template_is_one_or_is_refused(content: Any) -> None:
    try:
        template = read_template("name", content)
    except ValueError:
        return
    assert template.content()["steps"] == content["steps"]


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b"\xff", b'{"kind": "unavailable"'])
def test_a_body_that_cannot_be_read_is_refused(admin: Admin, content: bytes) -> None:
    assert "no JSON" in admin.refused("POST", "faults", content=content)


def test_a_body_too_large_is_refused(admin: Admin) -> None:
    response = admin("PUT", "templates/a", content=b" " * (MAX_BODY + 1))

    assert (response.status_code, response.json()["error"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "nothing", 404, "NOT_FOUND"),
        ("GET", "templates/none", 404, "NOT_FOUND"),
        ("DELETE", "templates/none", 404, "NOT_FOUND"),
        ("POST", "pingbacks/abc/replay", 404, "NOT_FOUND"),
        ("POST", "requests", 405, "METHOD_NOT_ALLOWED"),
        ("PATCH", "faults", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_what_is_not_there(admin: Admin, method: str, path: str, status: int, error: str) -> None:
    response = admin(method, path)

    assert (response.status_code, response.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_pages_of_other_origins_cannot_steer_it(admin: Admin, headers: dict[str, str]) -> None:
    response = admin("POST", "faults", {"kind": "unavailable"}, headers=headers)

    assert (response.status_code, response.json()["error"]) == (403, "FORBIDDEN")
    assert "access-control-allow-origin" not in response.headers
    assert admin.get("faults") == []


def test_it_is_at_the_base_url_alone(caller: Caller) -> None:
    response = caller.http.get(caller.api.instance_urls[0] + "/_standin/assemblies")

    assert (response.status_code, response.json()["error"]) == (404, "SERVER_404")


def test_the_ledger_says_what_came_and_what_the_signature_was_worth(
    caller: Caller, admin: Admin
) -> None:
    status = caller.created(files={"f": ("a.txt", b"bytes")})
    caller.create(form={**caller.signed({"steps": STEPS}), "signature": "sha384:00"})
    caller.send("GET", f"/assemblies/{status['assembly_id']}")

    good, wrong, read = admin.get("requests")
    assert (good["method"], good["path"], good["status"]) == ("POST", "/assemblies", 200)
    assert (good["assembly_id"], good["state"]) == (status["assembly_id"], "ASSEMBLY_EXECUTING")
    assert (good["params"]["steps"], good["files"]) == (
        STEPS,
        [{"field": "f", "name": "a.txt", "size": 5}],
    )
    assert [row["signature"] for row in (good, wrong, read)] == ["good", "wrong", "absent"]
    assert (wrong["code"], wrong["assembly_id"]) == ("INVALID_SIGNATURE", None)
    assert wrong["signature_check"]["signed"] == wrong["fields"]["params"]
    assert read["assembly_id"] == status["assembly_id"]
    assert admin.get("requests?limit=1") == [read]
    assert admin.get("requests?limit=0") == []


def test_no_row_holds_a_secret_and_no_admin_request_is_in_the_ledger(
    caller: Caller, admin: Admin
) -> None:
    caller.created(headers={"authorization": f"Bearer {caller.api.auth_token}", "cookie": "a=b"})
    caller.send(
        "POST",
        "/token",
        data={"grant_type": "client_credentials"},
        auth=(caller.api.key, caller.api.secret),
    )

    paths = ("requests", "assemblies", "pingbacks", "templates", "environment", "faults")
    shown = json.dumps([admin.get(path) for path in paths])
    for secret in (caller.api.secret, caller.api.auth_token, "a=b", "Basic "):
        assert secret not in shown
    assert len(caller.api.requests) == 2


def test_assemblies_are_listed_as_their_statuses(caller: Caller, admin: Admin) -> None:
    first, second = caller.finished(), caller.crashed()

    assert admin.get("assemblies") == [first, second]
    assert admin.get("assemblies?limit=1") == [second]


def test_templates_are_put_and_taken(caller: Caller, admin: Admin) -> None:
    content = {
        "steps": STEPS,
        "allow_steps_override": False,
        "auth": {"max_size": 3},
        "notify_url": "http://127.0.0.1:9",
        "fields": {"a": 1},
        "quiet": True,
    }

    assert admin("PUT", "templates/mine", content).json() == content
    assert admin.get("templates/mine") == admin.get("templates")["mine"] == content
    assert caller.create({"template_id": "mine"}).json().keys() == {"ok", "assembly_id"}
    refused = caller.create({"template_id": "mine", "steps": {}}).json()
    assert refused["error"] == "TEMPLATE_DENIES_STEPS_OVERRIDE"
    assert admin("DELETE", "templates/mine").status_code == 204
    assert caller.create({"template_id": "mine"}).json()["error"] == "TEMPLATE_NOT_FOUND"
    assert "resize-to-fit" in admin.get("templates")


@pytest.mark.parametrize("kind", FAULTS)
def test_every_kind_of_fault_can_be_asked_for_by_its_name(admin: Admin, kind: str) -> None:
    response = admin("POST", "faults", {"kind": kind})

    assert response.status_code == 201
    assert admin.get("faults") == [response.json()]
    assert isinstance(read_fault({"kind": kind}), object)


def test_a_fault_is_good_for_one_request_unless_told_otherwise(
    caller: Caller, admin: Admin
) -> None:
    admin("POST", "faults", {"kind": "unavailable", "operation": "getAssembly"})
    admin("POST", "faults", {"kind": "rate_limit", "retry_in": 0, "times": 2})
    admin("POST", "faults", {"kind": "answer", "status": 204, "content": "left out"})

    url = f"{caller.api.url}/assemblies"
    found = [caller.http.post(url).status_code for _ in range(4)]
    assert found == [429, 429, 204, 400]
    assert caller.http.get(f"{url}/{'0' * 32}").status_code == 503
    assert admin.get("faults") == []


def test_faults_can_be_cleared(admin: Admin) -> None:
    admin("POST", "faults", {"kind": "mix", "share": 1})

    assert admin("DELETE", "faults").status_code == 204
    assert admin.get("faults") == []


def test_the_clock_moves(caller: Caller, admin: Admin) -> None:
    later = admin("PUT", "clock", {"now": "2099-06-01T00:00:00+00:00"}).json()
    assert later["now"].startswith("2099-06-01T00:00:0")
    assert caller.create().json()["error"] == "AUTH_EXPIRED"

    assert admin("PUT", "clock", {"ahead": -60.5}).json()["ahead"] == -60.5
    assert caller.create().json()["ok"] == "ASSEMBLY_EXECUTING"


def test_limits_come_and_go(caller: Caller, admin: Admin) -> None:
    assert admin.get("limits") is None
    assert admin("PUT", "limits", {"creates": 0, "http_status": 413}).json() == {
        "creates": 0,
        "running": 250,
        "status_reads": 3,
        "http_status": 413,
    }
    refused = caller.create()
    assert (refused.status_code, refused.json()["info"]) == (413, {"retryIn": 60.0})

    assert admin("PUT", "limits", content=b"null").json() is None
    assert caller.create().json()["ok"] == "ASSEMBLY_EXECUTING"


def test_pingbacks_are_listed_and_sent_again(
    caller: Caller, admin: Admin, receiver: Receiver
) -> None:
    status = caller.finished({"steps": STEPS, "notify_url": receiver.url})

    (row,) = admin.get("pingbacks")
    assert (row["assembly_id"], row["status"]) == (status["assembly_id"], "successful")
    assert row["transloadit"] == receiver.received[0]["transloadit"]
    again = admin("POST", f"pingbacks/{row['id']}/replay").json()
    assert again["id"] != row["id"]
    assert (again["response_code"], len(receiver.received)) == (200, 2)
    assert len(admin.get("pingbacks")) == 2


def test_reset_forgets_everything_but_templates_and_keys(
    caller: Caller, admin: Admin, receiver: Receiver
) -> None:
    params = {"steps": STEPS, "notify_url": receiver.url, "auth": {"nonce": "n"}}
    form = caller.signed(params)
    status = caller.created(form=form, fields={"num_expected_upload_files": "1"})
    admin("PUT", "templates/mine", {"steps": STEPS})
    admin("PUT", "clock", {"ahead": 60})
    admin("POST", "faults", {"kind": "crash"})

    assert admin("POST", "reset").status_code == 204
    assert admin.get("assemblies") == admin.get("requests") == admin.get("faults") == []
    assert (admin.get("clock")["ahead"], receiver.received) == (0, [])
    assert caller.http.get(status["assembly_ssl_url"]).status_code == 404
    assert "mine" in admin.get("templates")
    assert caller.created(form=form)["ok"] == "ASSEMBLY_EXECUTING"


def test_reset_stops_what_runs(caller: Caller) -> None:
    caller.api.reset()
    with pytest.raises(RuntimeError, match="does not run"):
        transloadit_standin.StandIn().reset()
