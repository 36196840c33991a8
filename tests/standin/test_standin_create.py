"""What becomes of a create request."""

import json
from typing import Any

import httpx
import pytest

from .caller import STEPS, Caller, calling

ID = "0123456789abcdef0123456789abcdef"


def error(response: httpx.Response) -> str:
    """The code that a request is refused with."""
    assert response.status_code >= 400, response.text
    code: str = response.json()["error"]
    return code


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "ASSEMBLY_NO_STEPS"),
        ({"steps": {}}, "ASSEMBLY_NO_STEPS"),
        ({"steps": []}, "ASSEMBLY_INVALID_STEPS"),
        ({"steps": {"a": "/image/resize"}}, "ASSEMBLY_INVALID_STEPS"),
        ({"steps": {"a": {"width": 1}}}, "ASSEMBLY_STEP_NO_ROBOT"),
        ({"template_id": ""}, "ASSEMBLY_NO_STEPS"),
        ({"template_id": "nowhere"}, "TEMPLATE_NOT_FOUND"),
        ({"template_id": 1}, "TEMPLATE_NOT_FOUND"),
        ({"steps": STEPS, "notify_url": 1}, "ASSEMBLY_INVALID_NOTIFY_URL"),
        ({"steps": STEPS, "auth": {"max_size": "1"}}, "INVALID_AUTH_MAX_SIZE_PARAMETER"),
        ({"steps": STEPS, "auth": {"max_size": True}}, "INVALID_AUTH_MAX_SIZE_PARAMETER"),
        (
            {"steps": STEPS, "auth": {"max_number_of_files": -1}},
            "INVALID_AUTH_MAX_NUMBER_OF_FILES_PARAMETER",
        ),
    ],
)
def test_params_that_cannot_run_are_refused(
    caller: Caller, params: dict[str, Any], expected: str
) -> None:
    assert error(caller.create(params)) == expected
    assert not caller.api.assemblies


@pytest.mark.parametrize("assembly_id", ["x", "..%2f", "%2e%2e", ID[:-1], ID + "0", "g" * 32])
def test_an_id_that_is_none_is_not_found(caller: Caller, assembly_id: str) -> None:
    response = caller.create(assembly_id=assembly_id)

    assert (response.status_code, error(response)) == (404, "SERVER_404")


def test_an_id_of_the_clients_choice_is_good_for_one_assembly(caller: Caller) -> None:
    assert caller.created(assembly_id=ID)["assembly_id"] == ID
    assert error(caller.create(assembly_id=ID)) == "DO_NOT_REUSE_ASSEMBLY_IDS"
    assert list(caller.api.assemblies) == [ID]


def test_a_template_that_denies_it_keeps_its_steps(caller: Caller) -> None:
    caller.api.add_template("open", steps=STEPS)
    caller.api.add_template("closed", steps=STEPS, allow_steps_override=False)
    override = {"resized": {"width": 1}, "more": {"robot": "/file/hash"}}

    for steps in (override, {}):
        response = caller.create({"template_id": "closed", "steps": steps})
        assert (response.status_code, error(response)) == (400, "TEMPLATE_DENIES_STEPS_OVERRIDE")
    denied = {"template_id": "open", "steps": override, "allow_steps_override": False}
    assert error(caller.create(denied)) == "TEMPLATE_DENIES_STEPS_OVERRIDE"
    assert caller.create({"template_id": "closed"}).status_code == 200
    merged = json.loads(caller.created({"template_id": "open", "steps": override})["merged_params"])
    assert merged["steps"]["resized"] == {"robot": "/image/resize", "width": 1}
    assert caller.api.templates["open"].steps == STEPS


def test_a_template_brings_limits_fields_and_a_notify_url(caller: Caller) -> None:
    caller.api.add_template(
        "full",
        steps=STEPS,
        max_size=3,
        fields={"a": "template", "b": "template"},
        notify_url="http://127.0.0.1:9/",
        name="my-template",
    )
    params = {"template_id": "full", "fields": {"a": "request"}}

    assert error(caller.create(params, files={"f": ("f", b"four")})) == "MAX_SIZE_EXCEEDED"
    status = caller.created({**params, "notify_url": None})
    assert status["fields"] == {"a": "request", "b": "template"}
    assert (status["template_id"], status["template_name"]) == ("full", "my-template")
    assert json.loads(status["template"])["auth"] == {"max_size": 3}
    assert status["notify_url"] is None


def test_one_file_too_large_fails_the_whole_assembly(caller: Caller) -> None:
    params = {"steps": STEPS, "auth": {"max_size": 4}}
    files = {"small": ("s.txt", b"1234"), "large": ("l.txt", b"12345")}

    response = caller.create(params, files=files)
    assert (response.status_code, error(response)) == (400, "MAX_SIZE_EXCEEDED")
    status = caller.status(response.json()["assembly_id"])
    assert (status["error"], status["uploads"]) == ("MAX_SIZE_EXCEEDED", [])
    assert status["reason"] == "'l.txt' exceeds 4 bytes"


def test_one_file_too_many_fails_the_assembly(caller: Caller) -> None:
    params = {"steps": STEPS, "auth": {"max_number_of_files": 1}}
    files = [("a", ("a.txt", b"1")), ("b", ("b.txt", b"2"))]

    assert error(caller.create(params, files=files)) == "MAX_NUMBER_OF_FILES_EXCEEDED"
    assert caller.create(params, files=files[:1]).status_code == 200


def test_limits_hold_for_files_that_came_before_params(caller: Caller) -> None:
    form = caller.signed({"steps": STEPS}, max_size=4)
    parts: list[Any] = [("f", ("f.txt", b"12345")), *[(k, (None, v)) for k, v in form.items()]]

    response = caller.send("POST", "/assemblies", files=parts)
    assert error(response) == "MAX_SIZE_EXCEEDED"
    assert caller.api.requests[-1].names == ["f", "params", "signature"]


def test_form_fields_are_variables_and_params_fields_win(caller: Caller) -> None:
    fields = {"a": "form", "b": "form", "max_size": "1", "num_expected_upload_files": "0"}

    status = caller.created({"steps": STEPS, "fields": {"a": {"deep": [1]}}}, fields=fields)
    assert status["fields"] == {"a": {"deep": [1]}, "b": "form"}


def test_the_status_shows_params_with_the_key_masked(caller: Caller) -> None:
    status = caller.created()

    for name in ("params", "merged_params"):
        assert json.loads(status[name])["auth"]["key"] == "****"
        assert caller.api.key not in status[name]


def test_params_without_a_key_are_shown_as_they_were(caller: Caller) -> None:
    headers = {"authorization": f"Bearer {caller.api.auth_token}"}

    status = caller.created(form={"params": json.dumps({"steps": STEPS})}, headers=headers)
    assert json.loads(status["params"]) == {"steps": STEPS}


def test_the_status_tells_of_the_request(caller: Caller) -> None:
    headers = {"transloadit-client": "mine:1.0", "referer": "https://example.org/"}

    status = caller.created(headers=headers)
    assert status["transloadit_client"] == "mine:1.0"
    assert status["client_referer"] == "https://example.org/"
    assert status["client_ip"] == "127.0.0.1"
    assert status["bytes_expected"] == status["bytes_received"] == caller.api.requests[-1].body_size


def test_a_quiet_create_answers_with_the_necessary_keys(caller: Caller) -> None:
    params = {"steps": STEPS, "quiet": True}
    too_large = {**params, "auth": {"max_size": 1}}

    quiet = caller.created(params)
    assert quiet == {"ok": "ASSEMBLY_EXECUTING", "assembly_id": quiet["assembly_id"]}
    assert caller.status(quiet["assembly_id"])["assembly_ssl_url"]
    failed = caller.create(too_large, files={"f": ("f.txt", b"12")}).json()
    assert set(failed) == {"error", "http_code", "message", "assembly_id"}


@pytest.mark.parametrize("name", ["num_expected_upload_files", "tus_num_expected_upload_files"])
def test_an_assembly_waits_for_files_that_are_to_come(caller: Caller, name: str) -> None:
    status = caller.finished(fields={name: "2"})

    assert (status["ok"], status["expected_tus_uploads"]) == ("ASSEMBLY_UPLOADING", 2)
    canceled = caller.send("DELETE", f"/assemblies/{status['assembly_id']}").json()
    assert canceled["ok"] == "ASSEMBLY_CANCELED"


@pytest.mark.parametrize("numbers", [("two", "two"), ("-1", "-1"), ("1", "2"), ("²", "²")])
def test_a_number_of_files_that_is_none_is_refused(
    caller: Caller, numbers: tuple[str, str]
) -> None:
    names = ("num_expected_upload_files", "tus_num_expected_upload_files")

    response = caller.create(fields=dict(zip(names, numbers, strict=True)))
    assert error(response) == "ASSEMBLY_INVALID_NUM_EXPECTED_UPLOAD_FILES_PARAM"


def test_assemblies_live_on_the_instance_hosts_in_turn() -> None:
    with calling(instances=2, instance_address="127.0.0.2") as caller:
        urls = [caller.created()["assembly_ssl_url"] for _ in range(3)]
        hosts = [url.partition("/assemblies/")[0] for url in urls]

        assert hosts == [*caller.api.instance_urls, caller.api.instance_urls[0]]
        assert all(host.startswith("http://127.0.0.2:") for host in hosts)
        assert [caller.send("GET", url).status_code for url in urls] == [200, 200, 200]
        elsewhere = urls[0].replace(hosts[0], hosts[1])
        assert error(caller.send("GET", elsewhere)) == "ASSEMBLY_NOT_FOUND"


def test_an_instance_host_takes_no_creates(caller: Caller) -> None:
    url = caller.api.instance_urls[0] + "/assemblies"

    response = caller.send("POST", url, data=caller.signed({"steps": STEPS}))
    assert (response.status_code, error(response)) == (404, "SERVER_404")


def test_an_instance_host_takes_replays_unless_it_is_told_not_to() -> None:
    for instance_replays, expected in [(False, "SERVER_404"), (True, "ASSEMBLY_REPLAYING")]:
        with calling(instance_replays=instance_replays) as caller:
            url = caller.finished()["assembly_ssl_url"] + "/replay"
            answer = caller.send("POST", url, data=caller.signed({"reparse_template": 0})).json()
            assert answer.get("error", answer.get("ok")) == expected


def test_assembly_url_refuses_connections_where_that_is_asked_for() -> None:
    with calling(assembly_url="refuses") as caller:
        status = caller.created()

        with pytest.raises(httpx.ConnectError):
            caller.http.get(status["assembly_url"])


def test_assembly_url_answers_under_a_spelling_of_its_own(caller: Caller) -> None:
    status = caller.finished()

    plain = caller.send("GET", status["assembly_url"])
    assert plain.json()["assembly_id"] == status["assembly_id"]
    assert status["assembly_url"] != status["assembly_ssl_url"]
    assert caller.api.requests[-1].url == status["assembly_url"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("PUT", f"/assemblies/{ID}"),
        ("POST", "/files/a/b"),
        ("GET", "/files/a/b"),
        ("POST", "/tokens"),
    ],
)
def test_what_is_no_operation_is_not_found_in_json(caller: Caller, method: str, path: str) -> None:
    response = caller.send(method, path, content=b"x" * 100_000)

    assert (response.status_code, error(response)) == (404, "SERVER_404")
    assert caller.api.requests[-1].operation is None
