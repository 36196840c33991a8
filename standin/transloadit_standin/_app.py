"""The ASGI application: routes taken from the spec, faults, the ledger, and JSON for everything."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from transloadit_standin import _faults as faults
from transloadit_standin._codes import Refusal
from transloadit_standin._exchange import ClientGone, Exchange, json_response
from transloadit_standin._ledger import Received
from transloadit_standin._operations import HANDLERS
from transloadit_standin._spec import Route, routes

if TYPE_CHECKING:
    from transloadit_standin._service import Service

DOWNLOAD = Route("GET", re.compile(r"/files/(?P<file_id>[^/]+)/[^/]+"), "downloadFile")
CREATES = frozenset({"createAssembly", "createAssemblyWithId"})
"""They alone are answered while they still arrive: uploads are checked as they come."""
ON_INSTANCES = frozenset({"getAssembly", "cancelAssembly", "downloadFile"})

Cut = Callable[[Scope, bool], None]
"""Cuts a request's connection, at once or (True) when all that was written has gone out."""


class App:
    """Answers every request, and never with a traceback."""

    def __init__(self, service: Service, spec: dict[str, Any], cut: Cut) -> None:
        self._service = service
        self._cut = cut
        self._routes = [*routes(spec), DOWNLOAD]
        if missing := {route.operation for route in self._routes} - HANDLERS.keys():
            raise RuntimeError(f"the stand-in has no handler for the spec's {sorted(missing)}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = self._begin(scope, receive)
        with suppress(asyncio.CancelledError):  # the stand-in stops, and has cut the connection
            await self.answer(exchange, send)

    async def answer(self, exchange: Exchange, send: Send) -> None:
        """Answer one request, unless a fault befalls it."""
        received = exchange.received
        fault = self._service.faults.take(
            received.operation, faults.Answer, faults.Delay, faults.Drop
        )
        received.fault = type(fault).__name__ if fault else None
        drop = fault.after if isinstance(fault, faults.Drop) else None
        delay = fault if isinstance(fault, faults.Delay) else faults.Delay(0)
        if drop == "body":
            await exchange.drain()
        if drop in ("headers", "body"):
            await self._drop(exchange, flush=False)
            return
        if delay.before == "work":
            await asyncio.sleep(delay.seconds)
        if isinstance(fault, faults.Answer):
            response = Response(fault.content, fault.status, fault.headers, fault.content_type)
        else:
            response = await self._work(exchange)
        if delay.before == "answer":
            await asyncio.sleep(delay.seconds)
        if drop == "work":
            await self._drop(exchange, flush=False)
            return
        await self._send(exchange, response, send, half=drop == "half")

    def _begin(self, scope: Scope, receive: Receive) -> Exchange:
        address, port = scope["server"]
        host = f"http://{address}:{port}"
        operation, arguments = self._route(scope, host)
        path = scope["raw_path"].decode("ascii")
        query = scope["query_string"].decode("ascii")
        received = Received(
            operation=operation,
            method=scope["method"],
            url=f"{host}{path}{'?' if query else ''}{query}",
            path=path,
            headers=Headers(raw=scope["headers"]),
        )
        self._service.requests.append(received)
        return Exchange(
            scope,
            receive,
            received,
            host=host,
            arguments=arguments,
            keep_body=self._service.keep_body,
        )

    def _route(self, scope: Scope, host: str) -> tuple[str | None, dict[str, str]]:
        on_instance = host != self._service.hosts.api
        for route in self._routes:
            here = route.operation in ON_INSTANCES if on_instance else route is not DOWNLOAD
            match = route.path.fullmatch(scope["path"])
            if here and match and route.method == scope["method"]:
                return route.operation, match.groupdict()
        return None, {}

    async def _work(self, exchange: Exchange) -> Response:
        handler = HANDLERS.get(exchange.received.operation or "", _not_found)
        try:
            return await handler(self._service, exchange)
        except Refusal as refusal:
            return json_response(refusal.body(), refusal.http_status)
        except ClientGone:
            return Response()  # nobody is there to read it
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets JSON
            self._service.report(error)
            return json_response(Refusal("SERVER_500").body(), 500)

    async def _send(
        self, exchange: Exchange, response: Response, send: Send, *, half: bool
    ) -> None:
        received = exchange.received
        if received.fault == "Answer" or received.operation not in CREATES:
            await exchange.drain()
        received.status = response.status_code
        if isinstance(response, FileResponse):
            await response(exchange.scope, exchange.receive, send)
            return
        body = bytes(response.body)
        received.code = _code(body)
        head = {"status": response.status_code, "headers": response.raw_headers}
        await send({"type": "http.response.start", **head})
        if half:
            await send(_body(body[: len(body) // 2], more=True))
            await self._drop(exchange, flush=True)
            return
        # The rest of a refused upload is taken, so that the client can send it and read the answer.
        await send(_body(body, more=True))
        await exchange.drain()
        await send(_body(b"", more=False))

    async def _drop(self, exchange: Exchange, *, flush: bool) -> None:
        self._cut(exchange.scope, flush)
        await exchange.gone()


async def _not_found(_: Service, __: Exchange) -> Response:
    raise Refusal("SERVER_404")


def _body(content: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


def _code(body: bytes) -> str | None:
    """The `ok` or `error` in an answer, if there is one."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    code = (answer.get("error") or answer.get("ok")) if isinstance(answer, dict) else None
    return code if isinstance(code, str) else None
