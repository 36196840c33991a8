"""Gateways, agents and testers that know nothing of us take the document and what we send by it."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.gateways import (
    CALLS,
    NOT_ALLOWED,
    ROOT,
    SPEC,
    STEPS,
    missing,
    recorded,
    said_by,
    serving,
)
from tests.ports import free_port

from transloadit_client import Transloadit
from transloadit_standin import StandIn

HERE = Path(__file__).parent / "consumers"
CONSUMERS = ROOT / "build" / "consumers" / "bin"
NODE = ROOT / "tests" / "node"

Run = Callable[..., subprocess.CompletedProcess[str]]
Program = Callable[[str], str]


@pytest.fixture(scope="session")
def consume() -> Run:
    """Run a program of build/consumers, where these tools live apart from ours."""

    def run(name: str, *args: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        if not (CONSUMERS / name).exists():
            missing(name, "build/consumers/.stamp")
        shelves = os.pathsep.join(str(ROOT / shelf) for shelf in ("generated", "overrides"))
        env = {**os.environ, "PYTHONPATH": shelves, **options.pop("env", {})}
        return subprocess.run(
            [CONSUMERS / name, *args],
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


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    """What the client sends, signed and with a token, and what it was answered."""
    with mock_server() as api:
        signed = recorded(api.url, key=api.key, secret=api.secret)
        return signed + recorded(api.url, auth_token=api.auth_token)


OLDER = ("3.0.3", "gateway", "resolved", "urlencoded")
"""The documents of OpenAPI 3.0 among the artefacts."""


@pytest.fixture(scope="module", params=["connexion", "kin-openapi"])
def complaints(
    request: pytest.FixtureRequest, program: Program, dist: Path, calls: list[dict[str, Any]]
) -> dict[str, list[str]]:
    """What a gateway has to say of each call with its answer, and of each document.

    kin-openapi needs the document for gateways, connexion takes each.
    """
    documents = {name: dist / "openapi" / f"transloadit-{name}.json" for name in OLDER}
    if request.param == "kin-openapi":
        document = documents["gateway"]
        gateway = partial(said_by, [program("go"), "run", "."], cwd=HERE / "kin")
    else:
        if not (CONSUMERS / "python").exists():
            missing("connexion", "build/consumers/.stamp")
        document = SPEC
        gateway = partial(said_by, [CONSUMERS / "python", HERE / "connexion_gateway.py"])
    given = {"ours": (document, calls), "not allowed": (document, NOT_ALLOWED)}
    given |= {name: (path, []) for name, path in documents.items()}
    return dict(zip(given, gateway([*given.values()]), strict=True))


def test_a_gateway_accepts_every_request_and_every_answer(
    complaints: dict[str, list[str]],
) -> None:
    assert complaints["ours"] == [""] * 2 * CALLS


def test_a_gateway_refuses_what_the_document_does_not_allow(
    complaints: dict[str, list[str]],
) -> None:
    """Or its consent would say nothing."""
    assert len(complaints["not allowed"]) == len(NOT_ALLOWED)
    assert all(complaints["not allowed"])


@pytest.mark.parametrize("name", OLDER)
def test_a_gateway_loads_each_document_of_3_0(complaints: dict[str, list[str]], name: str) -> None:
    """kin-openapi checks their examples as well."""
    assert complaints[name] == []


@pytest.fixture(scope="module")
def versions(program: Program, dist: Path) -> dict[str, str]:
    """The version of OpenAPI that swagger-parser finds in a document, or what is wrong with it."""
    documents = (dist / "openapi").glob("transloadit-*.json")
    done = subprocess.run(
        [program("node"), NODE / "swagger_parser.mjs", *documents],
        cwd=dist, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return {Path(path).name: said for path, said in found.items()}


@pytest.mark.parametrize("name", [*OLDER, "3.1", "unsigned-3.1"])
def test_swagger_parser_accepts_each_document(versions: dict[str, str], name: str) -> None:
    said = versions[f"transloadit-{name}.json"]

    assert said == ("3.1.1" if "3.1" in name else "3.0.3")


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
