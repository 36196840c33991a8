"""The operations, as people call them, against the stand-in: synchronous and asynchronous."""

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest

from transloadit_api.models import CreateAssemblyParams, Step, Steps
from transloadit_client import ApiError, InvalidInput, MissingCredentials, NoAnswer
from transloadit_standin import Delay, Drop, StandIn

Connect = Callable[..., Any]
STEPS: dict[str, dict[str, Any]] = {
    ":original": {"robot": "/upload/handle"},
    "resized": {"robot": "/image/resize", "use": ":original", "width": 60},
}


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(instances=2, signature_required=True, replayable="crashed") as api:
        api.add_template("tpl", steps=STEPS)
        yield api


@pytest.fixture
def client(api: StandIn, connect: Connect) -> Any:
    return connect(api.key, api.secret, base_url=api.url)


@pytest.fixture
def receiver() -> Iterator[str]:
    """The URL of a server that answers every POST with 200."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the parent's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def until_done(client: Any, assembly: Any) -> Any:
    deadline = time.monotonic() + 10
    while assembly.busy:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        assembly = client.get_assembly(assembly)
    return assembly


def sent_params(api: StandIn, at: int = -1) -> Any:
    return json.loads(api.requests[at].fields["params"])


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"assembly_id": "too-short"}, "32 lowercase hex"),
        ({"assembly_id": "A" * 32}, "32 lowercase hex"),
        ({"num_expected_upload_files": -1}, "whole number of files"),
        ({"num_expected_upload_files": "2"}, "whole number of files"),
        ({"num_expected_upload_files": True}, "whole number of files"),
        ({"template_id": 5}, "template_id is of type int; it takes a string"),
        ({"notify_url": ["x"]}, "notify_url is of type list; it takes a string"),
        ({"extra_params": {"steps": {}}}, "argument of its own"),
        ({"extra_params": ["steps"]}, "extra_params is a list; it takes a mapping"),
        ({"extra_params": {"notify_url": "x"}}, "argument of its own"),
        ({"timeout": "soon"}, "timeout is 'soon'"),
        ({"timeout": -1}, "timeout is -1"),
        ({"fields": {"x": float("nan")}}, "params.fields.x is nan"),
        ({"steps": ["a"]}, "steps is a list"),
        ({"steps": '{"a": {}}'}, "steps is a str"),
        ({"steps": {"a": ["b"]}}, r"steps\['a'\] is a list"),
        ({"steps": {"a": {"use": ":original"}}, "template_id": None}, r"'a'\] names no Robot"),
        ({"steps": {"a": {"robot": 5}}, "template_id": None}, r"'a'\] names no Robot"),
        ({"steps": {}, "template_id": None}, "steps is empty; give Steps, or a template_id"),
        ({"fields": ["a"]}, "fields is a list"),
        ({"auth": "key"}, "auth is a str"),
        ({"timeout": 0}, "timeout is 0"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"timeout": True}, "timeout is True"),
        ({"timeout": httpx.Timeout(5.0, connect=0)}, "timeout.connect is 0"),
        ({"timeout": httpx.Timeout(float("inf"))}, "timeout.connect is inf"),
        ({"auth": {"key": "other"}}, "already set, to another value"),
        ({"form_fields": {"signature": "x"}}, "the API's own"),
        ({"files": ["/no/such/file"]}, "cannot read"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_sent(
    api: StandIn, client: Any, given: dict[str, Any], what: str
) -> None:
    with pytest.raises(InvalidInput, match=what):
        client.create_assembly(**{"template_id": "tpl", **given})

    assert api.requests == []


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("replay_assembly", "reparse_template"),
        ("replay_assembly", "notify_url"),
        ("replay_assembly_notification", "wait"),
        ("replay_assembly_notification", "auth"),
    ],
)
def test_extra_params_of_a_replay_leave_its_arguments_alone(
    api: StandIn, client: Any, method: str, name: str
) -> None:
    with pytest.raises(InvalidInput, match=f"extra_params has '{name}', which is an argument"):
        getattr(client, method)(uuid4().hex, extra_params={name: 1})

    assert api.requests == []


@pytest.mark.parametrize("assembly", ["", "..", "a/b", ".", "x" * 200, None, 3, "a b", "é", "a\n"])
@pytest.mark.parametrize(
    "method",
    ["get_assembly", "cancel_assembly", "replay_assembly", "replay_assembly_notification"],
)
def test_what_is_no_assembly_is_refused_and_nothing_is_sent(
    api: StandIn, client: Any, method: str, assembly: Any
) -> None:
    with pytest.raises(InvalidInput):
        getattr(client, method)(assembly)

    assert api.requests == []


@pytest.mark.parametrize("missing", ["key", "secret", "both"])
def test_missing_credentials_are_named_where_they_are_needed(
    api: StandIn, connect: Connect, missing: str
) -> None:
    client = connect(
        None if missing in ("key", "both") else api.key,
        None if missing in ("secret", "both") else api.secret,
        base_url=api.url,
    )

    with pytest.raises(MissingCredentials) as caught:
        client.create_assembly(template_id="tpl")

    assert ("TRANSLOADIT_KEY" in str(caught.value)) == (missing != "secret")
    assert ("TRANSLOADIT_SECRET" in str(caught.value)) == (missing != "key")
    assert api.requests == []


def test_status_and_cancel_need_no_credentials(api: StandIn, client: Any, connect: Connect) -> None:
    assembly = client.create_assembly(template_id="tpl", num_expected_upload_files=1)
    stranger = connect(base_url=api.url)

    assert stranger.get_assembly(assembly).busy
    assert stranger.cancel_assembly(assembly).ok == "ASSEMBLY_CANCELED"


def test_a_wrong_secret_is_told_with_what_to_do(api: StandIn, connect: Connect) -> None:
    client = connect(api.key, "another", base_url=api.url)

    with pytest.raises(ApiError) as caught:
        client.create_assembly(template_id="tpl")

    assert caught.value.code == "INVALID_SIGNATURE"
    assert "create Assembly" in str(caught.value)
    assert "TRANSLOADIT_SECRET" in str(caught.value)


def test_an_assembly_that_was_created_and_failed_raises_with_its_status(
    api: StandIn, client: Any
) -> None:
    with pytest.raises(ApiError) as caught:
        client.create_assembly(steps=STEPS, files=[("a.txt", b"12345")], auth={"max_size": 3})

    assert caught.value.code == "MAX_SIZE_EXCEEDED"
    assert str(caught.value.assembly_id) in str(caught.value)
    assert caught.value.status is not None
    assert caught.value.status.failed


@pytest.mark.parametrize(
    ("fault", "ended"),
    [
        (
            Drop("headers"),
            "got no answer (RemoteProtocolError: Server disconnected without sending a response.)",
        ),
        (Delay(5.0), "timed out (ReadTimeout"),
    ],
    ids=["cut", "slow"],
)
def test_an_error_says_how_it_ended_without_an_answer(
    api: StandIn, connect: Connect, fault: Any, ended: str
) -> None:
    host = api.url.removeprefix("http://")
    api.faults.append(fault)

    with pytest.raises(NoAnswer) as caught:
        connect(base_url=api.url, retry=None).get_assembly("0" * 32, timeout=0.2)

    said = f"could not read Assembly {'0' * 32}: the request to {host} {ended}"
    assert str(caught.value).startswith(said)


def test_an_unknown_assembly_raises(client: Any) -> None:
    for method in (client.get_assembly, client.cancel_assembly):
        with pytest.raises(ApiError) as caught:
            method("0" * 32)

        assert caught.value.code == "ASSEMBLY_NOT_FOUND"
        assert caught.value.http_status == 404


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_every_signature_algorithm_is_accepted(
    api: StandIn, connect: Connect, algorithm: str
) -> None:
    client = connect(api.key, api.secret, signature_algorithm=algorithm, base_url=api.url)

    assert client.create_assembly(template_id="tpl").assembly_id
    assert api.requests[-1].fields["signature"].startswith(f"{algorithm}:")


def test_files_go_in_and_results_come_out(api: StandIn, client: Any) -> None:
    assembly = client.create_assembly(
        steps=STEPS,
        files={"photo": ("cat.png", b"meow"), "more": [("a.txt", b"1"), ("b.txt", b"2")]},
        form_fields={"title": "Straße 🐈", "n": 3, "loud": True},
        fields={"nested": {"x": [1, None]}},
    )
    assembly = until_done(client, assembly)

    assert assembly.ok == "ASSEMBLY_COMPLETED"
    assert [file.name for file in assembly.files["resized"]] == ["cat.png", "a.txt", "b.txt"]
    assert [file.field for file in assembly.uploads] == ["photo", "more", "more"]
    fields = assembly.fields.to_dict()
    assert fields["title"] == "Straße 🐈"
    assert (fields["n"], fields["loud"]) == ("3", "true")
    assert fields["nested"] == {"x": [1, None]}


def test_what_was_not_given_is_not_sent(api: StandIn, client: Any) -> None:
    client.create_assembly(template_id="tpl")

    assert set(sent_params(api)) == {"auth", "template_id"}
    assert set(sent_params(api)["auth"]) == {"key", "expires", "nonce"}
    assert set(api.requests[-1].fields) == {"params", "signature"}


def test_everything_given_is_sent(api: StandIn, client: Any) -> None:
    client.create_assembly(
        steps=Steps.from_dict({"a": {"robot": "/upload/handle"}}),
        template_id="tpl",
        fields={"x": 1},
        notify_url=None,
        allow_steps_override=True,
        quiet=False,
        auth={"max_size": 99},
        num_expected_upload_files=0,
        extra_params={"usage_tags": "a,b"},
    )

    params = sent_params(api)
    assert params.pop("auth")["max_size"] == 99
    assert params == {
        "steps": {"a": {"robot": "/upload/handle"}},
        "template_id": "tpl",
        "fields": {"x": 1},
        "notify_url": None,
        "allow_steps_override": True,
        "quiet": False,
        "usage_tags": "a,b",
    }
    assert api.requests[-1].fields["num_expected_upload_files"] == "0"
    assert api.requests[-1].fields["tus_num_expected_upload_files"] == "0"


def test_the_callers_own_expires_and_nonce_are_kept(api: StandIn, client: Any) -> None:
    mine = {"expires": "2099-01-01T00:00:00.000Z", "nonce": "mine"}

    client.create_assembly(steps={"a": Step(robot="/upload/handle")}, auth=mine)

    assert sent_params(api)["auth"] == {**mine, "key": api.key}


def test_each_request_has_a_nonce_of_its_own(api: StandIn, client: Any) -> None:
    for _ in range(20):
        client.create_assembly(template_id="tpl")

    assert len({sent_params(api, at)["auth"]["nonce"] for at in range(20)}) == 20


def test_an_id_of_ones_own_is_used_once(client: Any) -> None:
    identity = uuid4().hex

    assert client.create_assembly(template_id="tpl", assembly_id=identity).assembly_id == identity
    with pytest.raises(ApiError) as caught:
        client.create_assembly(template_id="tpl", assembly_id=identity)

    assert caught.value.code == "DO_NOT_REUSE_ASSEMBLY_IDS"


def test_a_quiet_assembly_can_be_read_and_canceled(client: Any) -> None:
    assembly = client.create_assembly(template_id="tpl", quiet=True, num_expected_upload_files=1)

    assert set(assembly.to_dict()) == {"ok", "assembly_id"}
    assert client.get_assembly(assembly).assembly_ssl_url
    assert client.cancel_assembly(assembly).ok == "ASSEMBLY_CANCELED"


def test_status_and_cancel_go_to_the_assemblys_own_host(api: StandIn, client: Any) -> None:
    assembly = client.create_assembly(template_id="tpl", num_expected_upload_files=1)
    own_host = assembly.assembly_ssl_url.split("/")[2]
    assert own_host not in api.url

    client.get_assembly(assembly)
    client.get_assembly(assembly.assembly_ssl_url)
    client.get_assembly(assembly.assembly_id)
    client.cancel_assembly(assembly)

    hosts = [request.headers["host"] for request in api.requests[1:]]
    assert hosts == [own_host, own_host, api.url.removeprefix("http://"), own_host]
    assert all(request.body == b"" for request in api.requests[1:])


def test_canceling_a_finished_assembly_keeps_its_outcome(client: Any) -> None:
    assembly = until_done(client, client.create_assembly(template_id="tpl"))

    assert client.cancel_assembly(assembly).ok == "ASSEMBLY_COMPLETED"


def test_a_crashed_assembly_is_a_status_and_can_be_replayed(api: StandIn, client: Any) -> None:
    api.crash_next()
    crashed = until_done(client, client.create_assembly(template_id="tpl", files=[("a.txt", b"1")]))
    assert crashed.failed

    replay = client.replay_assembly(crashed, notify_url=None)

    assert replay.busy
    assert sent_params(api)["reparse_template"] == 0
    assert sent_params(api)["notify_url"] is None
    finished = until_done(client, replay)
    assert finished.ok == "ASSEMBLY_COMPLETED"
    assert finished.parent_id == crashed.assembly_id
    assert finished.parent_assembly_status == crashed.assembly_ssl_url


def test_a_replay_sends_what_was_given(api: StandIn, client: Any) -> None:
    api.crash_next()
    crashed = until_done(client, client.create_assembly(template_id="tpl"))

    client.replay_assembly(
        crashed.assembly_ssl_url,
        reparse_template=True,
        steps={"resized": {"width": 10}},
        template_id="tpl",
        notify_url="http://127.0.0.1:9/",
        fields={"a": "b"},
        auth={"max_size": 7},
    )

    params = sent_params(api)
    assert params.pop("auth")["max_size"] == 7
    assert params == {
        "reparse_template": 1,
        "steps": {"resized": {"width": 10}},
        "template_id": "tpl",
        "notify_url": "http://127.0.0.1:9/",
        "fields": {"a": "b"},
    }
    assert api.requests[-1].headers["host"] in api.url


def test_an_assembly_that_did_not_crash_cannot_be_replayed(client: Any) -> None:
    assembly = until_done(client, client.create_assembly(template_id="tpl"))

    with pytest.raises(ApiError) as caught:
        client.replay_assembly(assembly)

    assert caught.value.code == "ASSEMBLY_CANNOT_BE_REPLAYED"


def test_a_notification_without_a_url_cannot_be_replayed(client: Any) -> None:
    assembly = until_done(client, client.create_assembly(template_id="tpl"))

    with pytest.raises(ApiError) as caught:
        client.replay_assembly_notification(assembly)

    assert caught.value.code == "ASSEMBLY_NO_NOTIFY_URL"


@pytest.mark.parametrize(
    ("wait", "ok"),
    [
        (None, "ASSEMBLY_NOTIFICATION_REPLAYED"),
        (True, "ASSEMBLY_NOTIFICATION_REPLAYED"),
        (False, "ASSEMBLY_NOTIFICATION_REPLAYING"),
    ],
)
def test_a_notification_is_replayed_and_awaited_or_not(
    client: Any, api: StandIn, receiver: str, wait: bool | None, ok: str
) -> None:
    assembly = until_done(client, client.create_assembly(template_id="tpl"))

    replay = client.replay_assembly_notification(assembly, notify_url=receiver, wait=wait)

    assert replay.ok == ok
    sent = next(r for r in api.requests if r.operation == "replayAssemblyNotification")
    params = json.loads(sent.fields["params"])
    assert params["notify_url"] == receiver
    assert params.get("wait") is wait


def test_a_bearer_token_replaces_key_and_signature_and_goes_nowhere_else(
    api: StandIn, connect: Connect
) -> None:
    client = connect(auth_token=api.auth_token, base_url=api.url)
    api.crash_next()
    assembly = client.create_assembly(template_id="tpl", auth={"max_size": 9})
    assembly = until_done(client, assembly)
    client.replay_assembly(assembly)
    client.cancel_assembly(assembly)

    for request in api.requests:
        signed_in = request.operation in ("createAssemblyWithId", "replayAssembly")
        assert ("authorization" in request.headers) == signed_in
        assert "signature" not in request.fields
    assert sent_params(api, 0) == {"template_id": "tpl", "auth": {"max_size": 9}}


def test_what_client_sign_signs_can_be_sent_by_anyone(api: StandIn, client: Any) -> None:
    """A browser, or a process without the secret, sends the two fields as they are."""
    signed = client.sign(CreateAssemblyParams(template_id="tpl"))
    form = {"params": signed.params, "signature": signed.signature}

    assert httpx.post(f"{api.url}/assemblies", data=form).json()["ok"]
    again = httpx.post(f"{api.url}/assemblies", data=form).json()
    assert again["error"] == "SIGNATURE_REUSE_DETECTED"


def test_no_request_ever_went_to_assembly_url(api: StandIn, client: Any) -> None:
    """The stand-in's `assembly_url` answers nothing: a request there would have failed."""
    assembly = client.create_assembly(template_id="tpl", num_expected_upload_files=1)
    assert assembly.assembly_url != assembly.assembly_ssl_url

    client.get_assembly(assembly)
    client.cancel_assembly(assembly)
