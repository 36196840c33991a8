"""prism, as a gateway in front of the stand-in that refuses what the document does not allow."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.gateways import CALLS, ROOT, SPEC, every_operation, missing, serving
from tests.ports import free_port

from transloadit_client import Transloadit
from transloadit_standin import StandIn

PROGRAM = ROOT / "tests" / "node" / "node_modules" / ".bin" / "prism"


@pytest.fixture
def prism(api: StandIn, tmp_path: Path) -> Iterator[str]:
    if not (shutil.which("node") and PROGRAM.exists()):
        missing("prism", "node")
    port = free_port()
    command = [str(PROGRAM), "proxy", str(SPEC), api.url, "--errors", "--port", str(port)]
    with serving(command, port, tmp_path / "prism.log") as url:
        yield url


@pytest.mark.parametrize("by_token", [False, True], ids=["signed", "with a token"])
def test_it_lets_every_request_and_every_answer_through(
    api: StandIn, prism: str, *, by_token: bool
) -> None:
    signed = {"key": api.key, "secret": api.secret}
    credentials: dict[str, Any] = {"auth_token": api.auth_token} if by_token else signed
    with Transloadit(base_url=prism, retry=None, **credentials) as client:
        every_operation(client)

    assert len(api.requests) == CALLS
    assert sum(len(request.files) for request in api.requests) == 3


def test_it_refuses_a_create_without_params(api: StandIn, prism: str) -> None:
    """Or its consent would say nothing."""
    refused = httpx.post(f"{prism}/assemblies", files={"signature": (None, b"x")})

    assert refused.status_code == 422
    assert api.requests == []
