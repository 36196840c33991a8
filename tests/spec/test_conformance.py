"""Our own client holds every row of the vectors, seen from outside: what it sends and returns."""

import base64
import email.utils
import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from transloadit_client import (
    ApiError,
    AssemblyStatus,
    Credentials,
    NoAnswer,
    OutcomeUnknown,
    RetryPolicy,
    Transloadit,
    TransloaditError,
    UnreadableAnswer,
    UntrustedUrl,
    pingback,
    sign,
)
from transloadit_client._results.file_names import safe_name
from transloadit_standin import CODES

Connect = Callable[..., Any]
VECTORS = Path(__file__).parents[2] / "openapi" / "vectors"
ID = "7828446e5acd4aa996dce3455ec914e9"
OK = {"ok": "ASSEMBLY_EXECUTING", "assembly_id": ID}
CALLS: dict[str, Callable[[Any, str], Any]] = {
    "createAssembly": lambda client, _: client.create_assembly(template_id="t", assembly_id=None),
    "createAssemblyWithId": lambda client, _: client.create_assembly(template_id="t", files=[b"1"]),
    "getAssembly": lambda client, assembly: client.get_assembly(assembly),
    "cancelAssembly": lambda client, assembly: client.cancel_assembly(assembly),
    "replayAssembly": lambda client, assembly: client.replay_assembly(assembly),
    "replayAssemblyNotification": lambda client, assembly: client.replay_assembly_notification(
        assembly
    ),
}


def rows(kind: str, *needed: str) -> list[Any]:
    """The rows of a file that have these keys, as parameters of a test."""
    document = json.loads((VECTORS / f"{kind}.json").read_text(encoding="ascii"))
    chosen = [row for row in document["rows"] if row.keys() >= {*needed}]
    assert chosen
    return [pytest.param(row, id=row["name"]) for row in chosen]


def body_of(row: dict[str, Any]) -> bytes:
    """The bytes of a body that stands there as a text, or in base64."""
    if "body_base64" in row:
        return base64.b64decode(row["body_base64"])
    return str(row.get("body", "")).encode()


# Answers


@pytest.mark.parametrize("row", rows("answers"))
def test_an_answer_reads_as_its_row_says(connect: Connect, row: dict[str, Any]) -> None:
    transport = httpx.MockTransport(
        lambda _: httpx.Response(row["http_status"], content=body_of(row))
    )
    client = connect("k", "s", retry=None, httpx_args={"transport": transport})
    reads_as = row["reads_as"]

    if reads_as["as"] == "status":
        asked = json.loads(body_of(row))["assembly_id"]
        status = CALLS[row["operation"]](client, asked)
        state = "failed" if status.failed else "done" if status.done else "busy"
        assert state == reads_as["state"]
        assert status.to_dict() == json.loads(body_of(row))
        return
    with pytest.raises(TransloaditError) as caught:
        CALLS[row["operation"]](client, ID)
    error = caught.value.last if isinstance(caught.value, OutcomeUnknown) else caught.value
    assert isinstance(error, UnreadableAnswer) == (reads_as["as"] == "unreadable")
    assert isinstance(error, ApiError)
    assert error.code == reads_as.get("code")


def test_there_are_enough_odd_answers_of_both_kinds() -> None:
    kinds = [row.values[0]["reads_as"]["as"] for row in rows("answers")]

    assert kinds.count("status") >= 60
    assert kinds.count("unreadable") >= 17


@pytest.mark.parametrize("row", rows("answers", "body"))
def test_what_was_seen_fits_the_schema_of_the_document(spec: Any, row: dict[str, Any]) -> None:
    """What was made up to be odder still need not: it is for parsers, not for schemas."""
    name = {"status": "AssemblyStatus", "refusal": "AssemblyError"}.get(row["reads_as"]["as"])
    if row["weight"] != "seen" or name is None:
        return
    registry: Registry[Any] = Registry().with_resource("urn:spec", DRAFT4.create_resource(spec))
    schema = {"$ref": f"urn:spec#/components/schemas/{name}"}
    complaints = OAS30Validator(schema, registry=registry).iter_errors(json.loads(row["body"]))
    assert [error.message for error in complaints] == []


@pytest.mark.parametrize("row", rows("states"))
def test_a_state_is_what_its_row_says(row: dict[str, Any]) -> None:
    status = AssemblyStatus.from_dict(row["status"])

    assert ("failed" if status.failed else "done" if status.done else "busy") == row["state"]


def test_the_stand_in_answers_with_the_codes_of_the_table() -> None:
    document = json.loads((VECTORS / "codes.json").read_text("ascii"))
    table = {row["code"]: (row["http_status"], row["weight"]) for row in document["rows"]}

    assert len(table) == len(document["rows"]), "a code stands there twice"
    answered = {code: (entry.http_status, entry.weight) for code, entry in CODES.items()}
    assert answered == table


# Where requests go


@pytest.mark.parametrize("row", rows("hosts"))
def test_a_request_goes_where_its_row_says_or_nowhere(
    connect: Connect, row: dict[str, Any]
) -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(str(request.url))
        return httpx.Response(200, json=OK)

    client = connect(
        base_url=row["base_url"],
        trusted_hosts=row.get("trusted_hosts", ()),
        httpx_args={"transport": httpx.MockTransport(answer)},
    )

    if row["goes_to"] is None:
        with pytest.raises(UntrustedUrl):
            client.get_assembly(row["url"])
        assert sent == []
    else:
        client.get_assembly(row["url"])
        assert sent == [row["goes_to"]]


# Signing, and Pingbacks


@pytest.mark.parametrize("row", rows("expires"))
def test_a_time_of_expiry_is_written_in_utc(row: dict[str, Any]) -> None:
    expires = datetime.fromisoformat(row["time"])

    form = sign({}, Credentials("k", "s"), expires=expires, nonce="n")

    assert json.loads(form.params)["auth"]["expires"] in (row["slashes"], row["iso"])


@pytest.mark.parametrize("row", rows("pingbacks", "body_base64"))
def test_the_body_of_a_pingback_is_genuine_or_refused(row: dict[str, Any]) -> None:
    body = base64.b64decode(row["body_base64"])

    if row["accept"]:
        status = pingback.verify(body, row["content_type"], row["secret"])
        assert status.to_dict() == json.loads(row["transloadit"])
    else:
        with pytest.raises(pingback.PingbackError):
            pingback.verify(body, row["content_type"], row["secret"])


# Uploads, events, names


HOST = "https://api2-jenks.transloadit.com"
NEW = f"{HOST}/resumable/files/new"


class TusService:
    """An Assembly that waits for uploads, and a server that takes every byte and says no more."""

    def __init__(self, tus_uploads: list[Any], expected: int = 1) -> None:
        self.status = {
            "ok": "ASSEMBLY_UPLOADING",
            "assembly_id": ID,
            "assembly_ssl_url": f"{HOST}/assemblies/{ID}",
            "tus_url": f"{HOST}/resumable/files/",
            "expected_tus_uploads": expected,
            "tus_uploads": tus_uploads,
        }
        self.offsets = {u["upload_url"]: u["offset"] for u in tus_uploads if isinstance(u, dict)}
        self.metadata: list[str] = []
        """Of the uploads that were begun."""
        self.sent_to: set[str] = set()
        """Where bytes went."""
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        url, body = str(request.url), request.read()
        if "/assemblies/" in url:
            return httpx.Response(200, json=self.status)
        if request.method == "POST":
            self.metadata.append(request.headers["Upload-Metadata"])
            return httpx.Response(201, headers={"Location": NEW, "Upload-Offset": "0"})
        if request.method == "PATCH":
            self.sent_to.add(url)
        at = self.offsets.get(url, 0) + len(body)
        return httpx.Response(204, headers={"Upload-Offset": str(at), "Upload-Length": "4"})

    def receive(self, connect: Connect, field: str, name: str) -> None:
        """Four bytes are uploaded; it never says that they count, which the client minds."""
        client = connect(retry=None, httpx_args={"transport": self.transport})
        with suppress(TransloaditError):
            client.upload(self.status["assembly_ssl_url"], {field: (name, bytes(4))})


@pytest.mark.parametrize("row", rows("tus", "metadata"))
def test_the_metadata_of_an_upload_are_pairs_of_a_key_and_base64(
    connect: Connect, row: dict[str, Any]
) -> None:
    service = TusService([])

    service.receive(connect, row["metadata"]["fieldname"], row["metadata"]["filename"])

    own = [pair for pair in row["header"].split(",") if not pair.startswith("filetype ")]
    assert set(own) <= set(service.metadata[0].split(","))


@pytest.mark.parametrize("row", rows("tus", "resumes"))
def test_the_upload_that_is_gone_on_with_is_the_files(
    connect: Connect, row: dict[str, Any]
) -> None:
    """Every other upload stays as it is; what has none gets a new one."""
    urls = [upload["upload_url"] for upload in row["tus_uploads"] if isinstance(upload, dict)]
    service = TusService(row["tus_uploads"], 1 + len([u for u in urls if u != row["resumes"]]))

    service.receive(connect, row["file"]["field"], row["file"]["name"])

    assert row["file"]["size"] == 4
    assert service.sent_to == {row["resumes"] or NEW}
    assert len(service.metadata) == (row["resumes"] is None)


@pytest.mark.parametrize("row", rows("events"))
def test_a_stream_holds_the_events_of_its_row(row: dict[str, Any]) -> None:
    """By the reader that the client uses; it reads lines as the standard says."""
    response = httpx.Response(
        200, headers={"Content-Type": "text/event-stream"}, content=row["stream"].encode()
    )

    events = [{"event": e.event, "data": e.data} for e in EventSource(response).iter_sse()]
    assert [event for event in events if event["data"]] == row["events"]


@pytest.mark.parametrize("row", rows("names"))
def test_a_file_gets_the_name_of_its_row(row: dict[str, Any]) -> None:
    assert safe_name(json.loads(row["given"]), "file") == row["file_name"]


# Retries


class Story:
    """Answers as a row of `retries.json` says, and writes down what was sent."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.outcomes = iter([step["outcome"] for step in row["history"]])
        self.sent: list[tuple[str, bytes]] = []
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.method, request.read()))
        outcome = next(self.outcomes)
        if outcome["kind"] == "answer":
            asked = request.url.path.split("/")[2]  # a create draws an id of its own
            headers: dict[str, str] = outcome.get("headers", {})
            if "clock_is_off_by" in outcome:
                then = time.time() + outcome["clock_is_off_by"]
                headers = {"Date": email.utils.formatdate(then, usegmt=True)}
            body = body_of(outcome).replace(ID.encode(), asked.encode())
            return httpx.Response(outcome["http_status"], content=body, headers=headers)
        raise {
            "not sent": httpx.ConnectError("refused"),
            "lost": httpx.ReadError("reset"),
            "cannot be sent": httpx.LocalProtocolError("an illegal header"),
        }[outcome["kind"]]

    def decisions(self) -> list[str]:
        """What was done after each outcome but the last, in the words of the vectors."""
        first_method, known = self.sent[0]
        done = []
        for method, body in self.sent[1:]:
            if method == "GET" and first_method != "GET":
                done.append("look")
            else:
                done.append("same" if body == known else "anew")
                known = body
        return done


def carried_out(client: Any, row: dict[str, Any]) -> tuple[str, TransloaditError | None]:
    """How the call ended, in the words of the vectors."""
    try:
        assert CALLS[row["operation"]](client, ID)
    except OutcomeUnknown as error:
        return "report", error
    except (ApiError, NoAnswer) as error:
        return "stop", error
    return "done", None


def credentials(row: dict[str, Any]) -> dict[str, Any]:
    return {"auth_token": "t"} if row["guard"] == "nothing" else {"key": "k", "secret": "s"}


WAITS = [row for row in rows("retries") if "wait" in row.values[0]["history"][0]]
COURSES = [row for row in rows("retries") if "wait" not in row.values[0]["history"][0]]


@pytest.mark.parametrize("row", COURSES)
def test_each_outcome_is_followed_by_what_its_row_says(
    connect: Connect, row: dict[str, Any]
) -> None:
    story = Story(row)
    policy = RetryPolicy(attempts=row["attempts"], first=0.0, floor=0.0)
    client = connect(**credentials(row), retry=policy, httpx_args={"transport": story.transport})

    end, _ = carried_out(client, row)

    assert [*story.decisions(), end] == [step["next"] for step in row["history"]]


@pytest.mark.parametrize("row", WAITS)
def test_a_wait_is_within_its_bounds(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    story = Story(row)
    policy = RetryPolicy(attempts=row["attempts"])
    client = Transloadit(
        **credentials(row), retry=policy, httpx_args={"transport": story.transport}
    )

    end, error = carried_out(client, row)

    assert [*story.decisions(), end] == [step["next"] for step in row["history"]]
    assert error is not None
    waits = [step.get("wait") for step in row["history"]]
    for attempt, bounds in zip(error.attempts, waits, strict=True):
        if bounds is not None:
            assert attempt.delay is not None
            assert bounds[0] <= attempt.delay <= bounds[1]
