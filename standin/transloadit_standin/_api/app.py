"""The ASGI application: routes taken from the spec, faults, the ledger, and JSON for everything."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response

from .._codes import Refusal
from .._faults.enactment import answer_of, befall_answer, befall_request
from .._faults.script import Answer, Drop, Fault
from .._ledger import Received
from .._network.exchange import ClientGone, Exchange, json_response
from .._service.paths import EVENTS_PATH, FILES_PATH
from .admin import ADMIN_PATH, answer_admin
from .cors import ON_ANSWERS, is_preflight, preflight
from .event_stream import EventResponse
from .host_names import is_own
from .operations import OPERATIONS, Handler
from .requests import Interrupted
from .spec import Route, routes
from .tus import TUS_HANDLERS, TUS_ROUTES

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from .._network.relay import Relay
    from .._service.service import Service

DOWNLOADS = [
    Route(method, re.compile(rf"{FILES_PATH}(?P<file_id>[^/]+)/[^/]+"), "downloadFile")
    for method in ("GET", "HEAD")
]
EVENTS = Route("GET", re.compile(EVENTS_PATH), "events")
ACCOUNT_ROUTES = [
    Route("GET", re.compile("/assemblies"), "listAssemblies"),
    Route("POST", re.compile("/token"), "createToken"),
]
"""Routes of the base URL that the spec does not describe."""
INSTANCE_ROUTES = [*DOWNLOADS, EVENTS, *TUS_ROUTES]
"""Routes that the spec does not describe, of the instance hosts alone."""
HANDLERS = {**OPERATIONS, **TUS_HANDLERS}
UPLOADS = frozenset({"createAssembly", "createAssemblyWithId", "tusCreate", "tusPatch"})
"""They alone are answered while they still arrive: uploads are checked as they come."""
NONCED = frozenset(
    {"createAssembly", "createAssemblyWithId", "replayAssembly", "replayAssemblyNotification"}
)
"""Operations whose nonce can be noted before they fail."""
ON_INSTANCES = frozenset({"getAssembly", "cancelAssembly", "replayAssembly"})
"""Those of the spec's operations that are on the instance hosts too."""
PREFLIGHT, FOREIGN = "preflight", "foreignHost"
"""What a request is called in the ledger that no operation is asked for; no fault strikes these."""


class App:
    """Answers every request, and never with a traceback."""

    def __init__(self, service: Service, spec: dict[str, Any], relay: Relay) -> None:
        self._service = service
        self._relay = relay
        described = routes(spec)
        self._api_routes = [*described, *ACCOUNT_ROUTES]
        on_instances = [route for route in described if route.operation in ON_INSTANCES]
        self._instance_routes = [*on_instances, *INSTANCE_ROUTES]
        if missing := {route.operation for route in self._api_routes} - HANDLERS.keys():
            raise RuntimeError(f"the stand-in has no handler for the spec's {sorted(missing)}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._is_admin(scope):
            response = await answer_admin(self._service, scope, receive)
            await response(scope, receive, send)
            return
        exchange, fault = self._begin(scope, receive)
        # The client may have gone; or the stand-in stops, and has cut the connection.
        with suppress(ClientGone, asyncio.CancelledError):
            try:
                await befall_request(fault, exchange, self._relay)
                response = await self._answer(exchange, fault)
                await befall_answer(fault, exchange)
                if isinstance(fault, Answer) or exchange.received.operation not in UPLOADS:
                    await exchange.drain()
                await self._send(exchange, response, self._carrying(exchange, fault, send))
            finally:
                self._service.answered(exchange.received)

    def _is_admin(self, scope: Scope) -> bool:
        if not f"{scope['path']}/".startswith(f"{ADMIN_PATH}/"):
            return False
        host = Headers(raw=scope["headers"]).get("host")
        on_api = self._relay.link(scope["client"]).origin == self._service.hosts.api
        return on_api and is_own(host, self._service.settings.host_names)

    def _begin(self, scope: Scope, receive: Receive) -> tuple[Exchange, Fault | None]:
        service, headers = self._service, Headers(raw=scope["headers"])
        link = self._relay.link(scope["client"])
        link.bodiless = scope["method"] == "HEAD"
        host = service.hosts.instance_of(link.origin)
        operation, arguments = self._route(scope, headers, host)
        path = scope["raw_path"].decode("ascii")
        query = scope["query_string"].decode("ascii")
        received = Received(
            operation=operation,
            method=scope["method"],
            url=f"{link.origin}{path}{'?' if query else ''}{query}",
            path=path,
            headers=headers,
        )
        service.requests.append(received)
        struck = operation not in (PREFLIGHT, FOREIGN)
        fault = service.faults.strike(received) if struck else None
        received.fault = (fault.name or type(fault).__name__) if fault else None
        exchange = Exchange(
            scope,
            receive,
            received,
            link=link,
            host=host,
            arguments=arguments,
            line=service.upload_line,
            keep_body=0 if operation in TUS_HANDLERS else service.settings.keep_body,
        )
        exchange.breaks_down = isinstance(fault, Answer) and fault.after == "nonce"
        return exchange, fault

    def _route(
        self, scope: Scope, headers: Headers, host: str
    ) -> tuple[str | None, dict[str, str]]:
        settings = self._service.settings
        if not is_own(headers.get("host"), settings.host_names):
            return FOREIGN, {}
        if settings.cors and is_preflight(scope["method"], headers):
            return PREFLIGHT, {}
        # Which tus asks for, as not everyone can send PATCH.
        method = headers.get("x-http-method-override", scope["method"])
        on_api = host == self._service.hosts.api
        for route in self._api_routes if on_api else self._instance_routes:
            match = route.path.fullmatch(scope["path"])
            if match and route.method == method:
                return route.operation, match.groupdict()
        # An OPTIONS without `Access-Control-Request-Method` is answered as a preflight is.
        return (PREFLIGHT if settings.cors and method == "OPTIONS" else None), {}

    async def _answer(self, exchange: Exchange, fault: Fault | None) -> Response:
        operation = exchange.received.operation
        if not isinstance(fault, Answer):
            return await self._work(exchange)
        # Who sends no nonce has none that could be noted.
        if fault.after == "work" or (fault.after == "nonce" and operation in NONCED):
            await self._work(exchange)
        return answer_of(fault)

    async def _work(self, exchange: Exchange) -> Response:
        handler = _FURTHER.get(exchange.received.operation) or HANDLERS.get(
            exchange.received.operation or "", _not_found
        )
        try:
            response = await handler(self._service, exchange)
        except (Refusal, Interrupted) as refusal:
            self._note_nonce(exchange, refused=True)
            if isinstance(refusal, Interrupted):
                return Response()  # the fault that interrupted has an answer of its own
            return json_response(refusal.body(), refusal.http_status)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets JSON
            self._service.report(error)
            return json_response(Refusal("SERVER_500").body(), 500)
        self._note_nonce(exchange, refused=False)
        return response

    def _note_nonce(self, exchange: Exchange, *, refused: bool) -> None:
        if exchange.nonce is not None:
            self._service.note_nonce(exchange.nonce, refused=refused)

    async def _send(self, exchange: Exchange, response: Response, send: Send) -> None:
        received = exchange.received
        if isinstance(response, FileResponse | EventResponse):
            await response(exchange.scope, exchange.receive, send)
            return
        body = bytes(response.body)
        received.code = _code(body) or received.code
        head = {"status": response.status_code, "headers": response.raw_headers}
        await send({"type": "http.response.start", **head})
        # The rest of a refused upload is taken, so that the client can send it and read the answer.
        await send(_body(body, more=True))
        await exchange.drain()
        await send(_body(b"", more=False))

    def _carrying(self, exchange: Exchange, fault: Fault | None, send: Send) -> Send:
        """Send down the line, and note in the ledger which status was sent."""
        unheard = isinstance(fault, Drop) and fault.after == "work" and not fault.byte

        async def carry(message: Message) -> None:
            if message["type"] == "http.response.start":
                if not unheard:
                    exchange.received.status = message["status"]
                if self._service.settings.cors and exchange.received.operation != FOREIGN:
                    message = {**message, "headers": [*message["headers"], *ON_ANSWERS]}
            await self._service.download_line.carry(len(message.get("body", b"")))
            await send(message)

        return carry


async def _not_found(_: Service, __: Exchange) -> Response:
    raise Refusal("SERVER_404")


async def _preflight(_: Service, __: Exchange) -> Response:
    return preflight()


async def _foreign(_: Service, exchange: Exchange) -> Response:
    reason = f"this machine is not {exchange.header('host')!r}; host_names admits other names"
    raise Refusal("SERVER_403", reason)


_FURTHER: dict[str | None, Handler] = {PREFLIGHT: _preflight, FOREIGN: _foreign}


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
