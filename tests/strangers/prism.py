"""prism, as a gateway in front of the stand-in that refuses what the document does not allow."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from transloadit_client import Transloadit
from transloadit_standin import StandIn

from .our_calls import by_hand, every_operation

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "openapi" / "transloadit.yaml"
PROGRAM = ROOT / "tests" / "node" / "node_modules" / ".bin" / "prism"


@pytest.fixture
def prism(api: StandIn, tmp_path: Path) -> Iterator[str]:
    if not (shutil.which("node") and PROGRAM.exists()):
        lacking = "prism not found: install node, then run `make node`"
        pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = int(unused.getsockname()[1])
    command = [str(PROGRAM), "proxy", str(SPEC), api.url, "--errors", "--port", str(port)]
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


def test_it_lets_every_request_and_every_answer_through(api: StandIn, prism: str) -> None:
    with (
        httpx.Client() as http,
        Transloadit(api.key, api.secret, base_url=prism, retry=None) as client,
    ):
        every_operation(client, by_hand(client, http, prism))

    assert len(api.requests) == 8
    assert sum(len(request.files) for request in api.requests) == 3


def test_it_refuses_a_create_without_params(api: StandIn, prism: str) -> None:
    """Or its consent would say nothing."""
    refused = httpx.post(f"{prism}/assemblies", files={"signature": (None, b"x")})

    assert refused.status_code == 422
    assert api.requests == []
