"""Gateways, agents and testers that know nothing of us take the document and what we send by it."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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
