"""Programs between our client and the mock server: what goes through them, how they are run."""

import base64
import json
import os
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

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "openapi" / "transloadit.yaml"
STEPS = {"resized": {"robot": "/image/resize", "use": ":original", "width": 30}}
CALLS = 11
"""How many calls `every_operation` makes."""


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


def every_operation(client: Transloadit) -> None:
    """Calls each operation of the document, and with each kind of input."""
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
        template_id="resize-to-fit", fields={"caption": "日本 🎄"}, notify_url=None
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


def recorded(url: str, **credentials: Any) -> list[dict[str, Any]]:
    """The calls of `every_operation` as they were sent, and what was answered."""
    recorder = Recorder()
    with Transloadit(base_url=url, httpx_args={"transport": recorder}, **credentials) as client:
        every_operation(client)
    return recorder.calls


def call(method: str, path: str, content_type: str, body: bytes, answer: bytes) -> dict[str, Any]:
    """A call as `recorded` has it."""
    return {
        "request": {
            "method": method,
            "path": path,
            "content_type": content_type,
            "body": base64.b64encode(body).decode(),
        },
        "response": {"status": 200, "body": base64.b64encode(answer).decode()},
    }


URLENCODED = "application/x-www-form-urlencoded"
NOT_ALLOWED = [
    call("get", "/assemblies/a", "", b"", b'{"uploads": 7}'),
    call(
        "post", "/assemblies/a/replay", "application/x-www-form-urlencoded", b"signature=x", b"{}"
    ),
]
"""An answer and a request that the document does not allow."""


def said_by(
    program: list[str | Path], given: list[tuple[Path, list[dict[str, Any]]]], **options: Any
) -> list[list[str]]:
    """What a gateway has against each call to each document; an empty text is nothing.

    Its process takes all documents at once, since it takes a second to start.
    """
    done = subprocess.run(
        program,
        input=json.dumps([{"document": str(path), "calls": calls} for path, calls in given]),
        capture_output=True, text=True, timeout=300, check=False, **options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: list[list[str]] = json.loads(done.stdout)
    return said


def missing(program: str, target: str) -> None:
    """Skips a test that needs a program; in CI it fails."""
    lacking = f"{program} not found: run `make {target}`"
    pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)


@contextmanager
def serving(command: list[str], port: int, log: Path) -> Iterator[str]:
    """Runs a server as long as it is needed; gives its URL once it listens."""
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
