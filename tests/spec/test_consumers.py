"""Gateways, agents and testers that know nothing of us take the document and what we send by it."""

import base64
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from transloadit_client import ApiError, Transloadit
from transloadit_standin import StandIn

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "consumers"
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


@pytest.fixture
def api() -> Iterator[StandIn]:
    """A mock server whose key signed the examples of the document."""
    with StandIn(
        key="foo_key", secret="foo_secret", signature_required=True, step_seconds=0.2
    ) as api:
        api.add_template("foo_template", steps=STEPS)
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


def every_operation(client: Transloadit, create: Callable[[dict[str, Any]], Any]) -> None:
    """Calls each operation of the document once and more; `create` sends one without files."""
    files = {"a": ("a.txt", b"\x00\xff"), "b": ("b.txt", "Grüße".encode())}
    created = client.create_assembly(steps=STEPS, files=files, form_fields={"caption": "Grüße"})
    client.create_assembly(steps=STEPS, files=[b"1"], assembly_id=None)
    create({})
    create({"num_expected_upload_files": 2, "tus_num_expected_upload_files": 2})
    client.get_assembly(created)
    client.cancel_assembly(created)
    with suppress(ApiError):
        client.replay_assembly(created, notify_url="https://example.org", fields={"a": 1})
    with suppress(ApiError):
        client.replay_assembly_notification(created, wait=False)


def by_hand(client: Transloadit, http: httpx.Client, url: str) -> Callable[[dict[str, Any]], Any]:
    """Creates without files, in multipart as the document has it."""

    def create(fields: dict[str, Any]) -> None:
        form = client.sign({"steps": STEPS})
        all_fields = {"params": form.params, "signature": form.signature, **fields}
        parts = {name: (None, str(value).encode()) for name, value in all_fields.items()}
        assert http.post(f"{url}/assemblies", files=parts).status_code == 200

    return create


def test_openapi_core_accepts_every_request_and_every_answer(api: StandIn, consume: Run) -> None:
    recorder = Recorder()
    http = httpx.Client(transport=recorder)
    with Transloadit(
        api.key, api.secret, base_url=api.url, httpx_args={"transport": recorder}
    ) as client:
        every_operation(client, by_hand(client, http, api.url))

    given = json.dumps({"document": str(SPEC), "calls": recorder.calls})
    done = consume("python", HERE / "gateway.py", input=given)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [""] * 8


def test_openapi_core_refuses_what_the_document_does_not_allow(consume: Run) -> None:
    """Or its consent would say nothing."""
    answer = {"status": 200, "body": base64.b64encode(b'{"uploads": 7}').decode()}
    form = base64.b64encode(b"signature=x").decode()
    calls = [
        {
            "request": {"method": "get", "path": "/assemblies/a", "content_type": "", "body": ""},
            "response": answer,
        },
        {
            "request": {
                "method": "post",
                "path": "/assemblies/a/replay",
                "content_type": "application/x-www-form-urlencoded",
                "body": form,
            },
            "response": answer,
        },
    ]

    done = consume(
        "python", HERE / "gateway.py", input=json.dumps({"document": str(SPEC), "calls": calls})
    )

    assert done.returncode == 0, done.stderr
    assert all(json.loads(done.stdout))


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.fixture
def prism(api: StandIn, program: Program, tmp_path: Path) -> Iterator[str]:
    """A gateway in front of the mock server that refuses what the document does not allow."""
    port = free_port()
    command = [program("prism"), "proxy", str(SPEC), api.url, "--errors", "--port", str(port)]
    with (tmp_path / "prism.log").open("wb") as log:
        gateway = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(300):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        gateway.terminate()
        gateway.wait(10)


def test_prism_lets_every_request_and_every_answer_through(api: StandIn, prism: str) -> None:
    with (
        httpx.Client() as http,
        Transloadit(api.key, api.secret, base_url=prism, retry=None) as client,
    ):
        every_operation(client, by_hand(client, http, prism))
        refused = http.post(f"{prism}/assemblies", files={"signature": (None, b"x")})

    assert refused.status_code == 422, "a create without params"
    assert len(api.requests) == 8
    assert sum(len(request.files) for request in api.requests) == 3


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
