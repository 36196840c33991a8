"""openapi-core, as a gateway that reads what our client sent and the stand-in answered."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from transloadit_client import Transloadit
from transloadit_standin import StandIn

from .our_calls import by_hand, every_operation

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "build" / "consumers" / "bin" / "python"
GATEWAY = ROOT / "tests" / "spec" / "consumers" / "gateway.py"
SPEC = ROOT / "openapi" / "transloadit.yaml"


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


def complaints(calls: list[dict[str, Any]]) -> list[str]:
    """What the gateway has against each call; an empty text is nothing."""
    if not PYTHON.exists():
        lacking = f"{PYTHON} not found: run `make build/consumers/.stamp`"
        pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)
    done = subprocess.run(
        [PYTHON, GATEWAY],
        input=json.dumps({"document": str(SPEC), "calls": calls}),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_it_accepts_every_request_and_every_answer(api: StandIn) -> None:
    recorder = Recorder()
    http = httpx.Client(transport=recorder)
    with Transloadit(
        api.key, api.secret, base_url=api.url, httpx_args={"transport": recorder}
    ) as client:
        every_operation(client, by_hand(client, http, api.url))

    assert complaints(recorder.calls) == [""] * 8


def test_it_refuses_what_the_document_does_not_allow() -> None:
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

    assert all(complaints(calls))
