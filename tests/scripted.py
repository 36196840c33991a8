"""Transports that answer without a network, and a call of each operation to send over them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

ID = "7828446e5acd4aa996dce3455ec914e9"
CALLS: dict[str, Callable[[Any], Any]] = {
    "create": lambda client: client.create_assembly(template_id="t", files=[("a", b"1")]),
    "create without an id": lambda client: client.create_assembly(
        template_id="t", assembly_id=None
    ),
    "get": lambda client: client.get_assembly(ID),
    "cancel": lambda client: client.cancel_assembly(ID),
    "replay": lambda client: client.replay_assembly(ID),
    "notification": lambda client: client.replay_assembly_notification(ID),
}


class Wire:
    """A transport that records requests and answers each with a status, and these headers."""

    def __init__(self, **headers: str) -> None:
        self.requests: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self.answer)
        self._headers = headers

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        named = request.url.path.removeprefix("/assemblies/")
        identity = named if len(named) == 32 else ID
        status = {"ok": "ASSEMBLY_EXECUTING", "assembly_id": identity}
        return httpx.Response(200, json=status, headers=self._headers)


class Script:
    """Answers requests in turn: with an exception, or an HTTP status and a JSON object or bytes."""

    def __init__(self, *answers: Any) -> None:
        self.answers: Iterator[Any] = iter(answers)
        self.bodies: list[bytes] = []
        self.methods: list[str] = []
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.read())
        self.methods.append(request.method)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        status, body, *headers = answer
        if body == "ok":
            named = request.url.path.split("/")[2:]
            body = {"ok": "ASSEMBLY_EXECUTING", "assembly_id": named[0] if named else ID}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = headers[0] if headers else {}
        now = given if isinstance(given, dict) else given()  # as when it answers
        return httpx.Response(status, content=content, headers=now)


OK = (200, "ok")
LIMIT = (429, {"error": "RATE_LIMIT_REACHED", "info": {"retryIn": 0}})
NOT_FOUND = (404, {"error": "ASSEMBLY_NOT_FOUND"})
REUSE = (400, {"error": "SIGNATURE_REUSE_DETECTED"})
OTHERS = (200, {"ok": "ASSEMBLY_COMPLETED", "assembly_id": "0" * 32})
