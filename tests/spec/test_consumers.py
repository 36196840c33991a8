"""Gateways, agents and testers that know nothing of us take the document and what we send by it."""

import base64
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from transloadit_client import ApiError, Transloadit
from transloadit_standin import StandIn

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "consumers"
NODE = ROOT / "tests" / "node"
SPEC = ROOT / "openapi" / "transloadit.yaml"
STEPS = {"resized": {"robot": "/image/resize", "use": ":original", "width": 30}}

Run = Callable[..., subprocess.CompletedProcess[str]]
Program = Callable[[str], str]


@pytest.fixture(scope="session")
def consume() -> Run:
    """Run a program of build/consumers, where these tools live apart from ours."""
    programs = ROOT / "build" / "consumers" / "bin"

    def run(name: str, *args: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        if not (programs / name).exists():
            lacking = f"{name} not found: run `make build/consumers/.stamp`"
            pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)
        shelves = os.pathsep.join(str(ROOT / shelf) for shelf in ("generated", "overrides"))
        env = {**os.environ, "PYTHONPATH": shelves, **options.pop("env", {})}
        return subprocess.run(
            [programs / name, *args],
            env=env, capture_output=True, text=True, timeout=120, check=False, **options,
        )  # fmt: skip

    return run


@contextmanager
def mock_server() -> Iterator[StandIn]:
    """A mock server whose key signed the examples of the document."""
    with StandIn(
        key="foo_key", secret="foo_secret", signature_required=True, step_seconds=0.2
    ) as api:
        api.add_template("foo_template", steps=STEPS)
        yield api


@pytest.fixture
def api() -> Iterator[StandIn]:
    with mock_server() as api:
        yield api


class Recorder(httpx.BaseTransport):
    """Sends requests as ever, and keeps each with its answer."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        response = self._transport.handle_request(request)
        answer = response.read()
        self.calls.append(
            {
                "request": {
                    "method": request.method.lower(),
                    "path": request.url.path,
                    "content_type": request.headers.get("Content-Type", ""),
                    "body": base64.b64encode(body).decode(),
                },
                "response": {
                    "status": response.status_code,
                    "body": base64.b64encode(answer).decode(),
                },
            }
        )
        return httpx.Response(response.status_code, headers=response.headers, content=answer)

    def close(self) -> None:
        self._transport.close()


def every_operation(client: Transloadit) -> int:
    """Calls each operation of the document, and with each kind of input; gives how many calls."""
    created = client.create_assembly(
        steps=STEPS,
        files={"a": ("a.txt", b"\x00\xff"), "b": ("b.txt", "Grüße".encode())},
        form_fields={"caption": "Grüße", "width": 3},
    )
    client.create_assembly(steps=STEPS, files=[b"1"], assembly_id=None)
    client.create_assembly(steps=STEPS)
    client.create_assembly(steps=STEPS, assembly_id=None)
    client.create_assembly(steps=STEPS, num_expected_upload_files=2)
    client.create_assembly(
        template_id="foo_template", fields={"caption": "日本 🎄"}, notify_url=None
    )
    client.get_assembly(created)
    client.cancel_assembly(created)
    replays: list[Callable[[], object]] = [
        lambda: client.replay_assembly(created, notify_url="https://example.org", fields={"a": 1}),
        lambda: client.replay_assembly(created, notify_url=None, extra_params={"quiet": True}),
        lambda: client.replay_assembly_notification(created, wait=False),
    ]
    for replay in replays:
        with suppress(ApiError):
            replay()
    return 11


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    """What the client sends, signed and with a token, and what it was answered."""
    recorder = Recorder()
    with mock_server() as api:
        given: list[dict[str, Any]] = [
            {"key": api.key, "secret": api.secret},
            {"auth_token": api.auth_token},
        ]
        for credentials in given:
            with Transloadit(
                base_url=api.url, httpx_args={"transport": recorder}, **credentials
            ) as client:
                every_operation(client)
    return recorder.calls


NOT_ALLOWED = [
    ("get", "/assemblies/a", "", b"", b'{"uploads": 7}'),
    ("post", "/assemblies/a/replay", "application/x-www-form-urlencoded", b"signature=x", b"{}"),
]
"""An answer and a request that the document does not allow."""


def call(method: str, path: str, content_type: str, body: bytes, answer: bytes) -> dict[str, Any]:
    return {
        "request": {
            "method": method,
            "path": path,
            "content_type": content_type,
            "body": base64.b64encode(body).decode(),
        },
        "response": {"status": 200, "body": base64.b64encode(answer).decode()},
    }


Gateway = Callable[..., list[str]]


@pytest.fixture(params=["openapi-core", "connexion", "kin-openapi"])
def complaints(
    request: pytest.FixtureRequest, consume: Run, program: Program, dist: Path
) -> Gateway:
    """What a gateway has to say of each call with its answer; nothing is an empty text.

    kin-openapi needs the document for gateways, the others take each.
    """
    gateway = request.param
    document = dist / "openapi" / "transloadit-gateway.json" if gateway == "kin-openapi" else SPEC

    def ask(calls: list[dict[str, Any]], document: Path = document) -> list[str]:
        given = json.dumps({"document": str(document), "calls": calls})
        if gateway == "kin-openapi":
            done = subprocess.run(
                [program("go"), "run", "."], cwd=HERE / "kin",
                input=given, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
        else:
            script = HERE / f"{gateway.replace('-', '_')}_gateway.py"
            done = consume("python", script, input=given)
        assert done.returncode == 0, done.stderr
        said: list[str] = json.loads(done.stdout)
        return said

    return ask


def test_a_gateway_accepts_every_request_and_every_answer(
    complaints: Gateway, calls: list[dict[str, Any]]
) -> None:
    assert complaints(calls) == [""] * 22


def test_a_gateway_refuses_what_the_document_does_not_allow(complaints: Gateway) -> None:
    """Or its consent would say nothing."""
    assert all(complaints([call(*one) for one in NOT_ALLOWED]))


@pytest.mark.parametrize("name", ["3.0.3", "gateway", "resolved", "urlencoded"])
def test_a_gateway_loads_each_document_of_3_0(complaints: Gateway, dist: Path, name: str) -> None:
    """kin-openapi checks their examples as well."""
    assert complaints([], dist / "openapi" / f"transloadit-{name}.json") == []


@pytest.mark.parametrize(
    "name", ["3.0.3", "3.1", "resolved", "urlencoded", "gateway", "unsigned-3.1"]
)
def test_swagger_parser_accepts_each_document(program: Program, dist: Path, name: str) -> None:
    done = subprocess.run(
        [program("node"), NODE / "swagger_parser.mjs", f"openapi/transloadit-{name}.json"],
        cwd=dist, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ("3.1.1" if "3.1" in name else "3.0.3")


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, log: Path) -> Iterator[str]:
    """Run a server as long as it is needed; gives its URL once it listens."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        for _ in range(300):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def prism(api: StandIn, program: Program, tmp_path: Path) -> Iterator[str]:
    """A gateway in front of the mock server that refuses what the document does not allow."""
    port = free_port()
    command = [program("prism"), "proxy", str(SPEC), api.url, "--errors", "--port", str(port)]
    with serving(command, port, tmp_path / "prism.log") as url:
        yield url


def test_prism_lets_every_request_and_every_answer_through(api: StandIn, prism: str) -> None:
    given: list[dict[str, Any]] = [
        {"key": api.key, "secret": api.secret},
        {"auth_token": api.auth_token},
    ]
    for credentials in given:
        with Transloadit(base_url=prism, retry=None, **credentials) as client:
            every_operation(client)
    refused = httpx.post(f"{prism}/assemblies", files={"signature": (None, b"x")})

    assert refused.status_code == 422, "a create without params"
    assert len(api.requests) == 22
    assert sum(len(request.files) for request in api.requests) == 6


def test_the_client_reads_what_mockoon_answers_from_the_examples(
    program: Program, tmp_path: Path
) -> None:
    port = free_port()
    command = [program("node"), str(NODE / "mockoon.mjs"), str(SPEC), str(port)]
    with (
        serving(command, port, tmp_path / "mockoon.log") as url,
        Transloadit("k", "s", base_url=url, retry=None) as client,
    ):
        created = client.create_assembly(template_id="t", files=[b"1"], assembly_id=None)
        known = str(created.assembly_id)
        read, cancelled = client.get_assembly(known), client.cancel_assembly(known)
        replayed = client.replay_assembly(known)
        notified = client.replay_assembly_notification(known)

    assert created.to_dict() == read.to_dict() == cancelled.to_dict()
    assert read.done
    assert [file.name for file in read.files["resized"]] == ["tree.jpg"]
    assert replayed.busy
    assert notified.ok == "ASSEMBLY_NOTIFICATION_REPLAYED"


def test_schemathesis_finds_nothing_in_examples_and_along_links(
    api: StandIn, consume: Run, tmp_path: Path
) -> None:
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_schema_conformance"
    )

    done = consume(
        "st", "run", SPEC, "--url", api.url, "--header", f"Authorization: Bearer {api.auth_token}",
        "--phases", "examples,stateful", "--mode", "positive", "--checks", checks,
        "--max-examples", "20", "--seed", "1", "--no-color", cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    followed = re.search(r"API Links: +(\d+) covered", done.stdout)
    assert followed is not None
    assert int(followed[1]) >= 3
    assert {request.code for request in api.requests} > {"ASSEMBLY_EXECUTING"}


def test_an_agent_creates_reads_and_cancels_without_seeing_a_credential(
    dist: Path, consume: Run
) -> None:
    with StandIn(signature_required=True, step_seconds=30) as api:
        done = consume(
            "python",
            HERE / "agent.py",
            ROOT / "examples" / "agents" / "with_fastmcp.py",
            dist / "openapi" / "transloadit-unsigned-3.1.json",
            env=api.environ,
        )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["answers"] == ["ASSEMBLY_EXECUTING", "ASSEMBLY_EXECUTING", "ASSEMBLY_CANCELED"]
    assert api.assemblies[told["assembly_id"]].variables == {"caption": "Grüße"}
    assert api.requests[0].headers["content-type"].startswith("multipart/form-data")
    assert "createAssembly" in told["tools"]
    arguments = {name for tool in told["tools"].values() for name in tool}
    assert {"steps", "template_id", "assembly_id"} <= arguments
    assert not arguments & {"signature", "key", "expires", "nonce", "Authorization"}
