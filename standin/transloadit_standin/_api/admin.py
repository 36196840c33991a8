"""The admin API under `/_standin/`: what tests in any language look at, and what they put in.

`admin.yaml` beside this module describes it. Admin requests are not in the ledger, meet no faults
and pass at full speed. Pages of other origins are kept out: they could change anything here.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from .._faults.named import describe_fault, read_fault
from .._page.assets import CONTENT_SECURITY_POLICY, read_asset
from .._service.limits import Limits
from .._service.templates import NAME, read_template
from .downloads import file_response
from .ledger_rows import pingback_row, request_row
from .operations import OPERATIONS
from .tus import TUS_HANDLERS

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from .._service.service import Service

ADMIN_PATH = "/_standin"
MAX_BODY = 1024 * 1024
Answer = Awaitable[Response] | Response
Handler = Callable[["Service", "Call"], Answer]


class BadRequest(Exception):
    """An admin request that makes no sense; its message says why."""

    def __init__(self, message: str, status: int = 400, error: str = "BAD_REQUEST") -> None:
        super().__init__(message)
        self.status = status
        self.error = error


@dataclasses.dataclass
class Call:
    """An admin request."""

    arguments: dict[str, str]
    query: dict[str, list[str]]
    body: bytes

    def json(self) -> Any:
        """The body."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"the body is no JSON: {error}") from error

    def newest(self, rows: list[Any]) -> list[Any]:
        """The last rows, as many as `limit` says."""
        (text,) = self.query.get("limit", [""])[-1:]
        if text and not (text.isascii() and text.isdecimal()):
            raise BadRequest(f"limit is no number: {text!r}")
        return rows[-int(text) :] if text and int(text) else [] if text else rows


async def answer_admin(service: Service, scope: Scope, receive: Receive) -> Response:
    """The answer to a request whose path begins with `/_standin`."""
    try:
        _check_origin(Headers(raw=scope["headers"]), scope["method"])
        handler, arguments = _route(scope["method"], scope["path"])
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        answer = handler(service, Call(arguments, query, await _read(receive)))
        response = answer if isinstance(answer, Response) else await answer
    except BadRequest as error:
        response = _json({"error": error.error, "message": str(error)}, error.status)
    except ValueError as error:
        response = _json({"error": "BAD_REQUEST", "message": str(error)}, 400)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _check_origin(headers: Headers, method: str) -> None:
    """Refuse what a page of another origin sends; programs that are no browsers name none."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
    if foreign or (method not in ("GET", "HEAD") and site not in ("none", "same-origin")):
        raise BadRequest("pages of other origins have no business here", 403, "FORBIDDEN")


def _route(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    for route, pattern, methods in ROUTES:
        if match := re.fullmatch(pattern, path.removeprefix(ADMIN_PATH)):
            asked = "GET" if method == "HEAD" else method
            if asked in methods:
                return methods[asked], match.groupdict()
            raise BadRequest(f"{route} takes {', '.join(methods)}", 405, "METHOD_NOT_ALLOWED")
    raise BadRequest(f"there is nothing at {path}", 404, "NOT_FOUND")


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise BadRequest(f"the body exceeds {MAX_BODY} bytes", 413, "TOO_LARGE")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(body)


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, media_type="application/json")


def _nothing() -> Response:
    return Response(status_code=204)


def to_page(_: Service, __: Call) -> Response:
    """The page's files are named relative to its own address, which ends with a slash."""
    return Response(status_code=308, headers={"Location": f"{ADMIN_PATH}/"})


def page(name: str) -> Handler:
    """A file of the page."""

    def answer(_: Service, __: Call) -> Response:
        content, media_type = read_asset(name)
        headers = {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Referrer-Policy": "no-referrer",
        }
        return Response(content, media_type=media_type, headers=headers)

    return answer


def description(_: Service, __: Call) -> Response:
    """The OpenAPI document of all this."""
    text = files(__name__.rpartition(".")[0]).joinpath("admin.yaml").read_bytes()
    return Response(text, media_type="application/yaml")


def environment(service: Service, _: Call) -> Response:
    """What the stand-in is: its hosts, and how it is set; never the Auth Secret."""
    settings = {
        name: value
        for name, value in vars(service.settings).items()
        if isinstance(value, bool | int | float | str)
    }
    return _json(
        {
            "endpoint": service.hosts.api,
            "instances": service.hosts.instances,
            "auth_keys": [key.key for key in service.keys],
            "settings": settings,
        }
    )


def list_assemblies(service: Service, call: Call) -> Response:
    """Whole statuses, in the order of their creation."""
    assemblies = call.newest(list(service.assemblies.values()))
    return _json([assembly.status() for assembly in assemblies])


def get_file(service: Service, call: Call) -> Response:
    """The bytes of an upload or a result; this is not in the ledger, and no fault befalls it."""
    file = service.files.get(call.arguments["file_id"])
    if file is None:
        raise BadRequest("there is no such file", 404, "NOT_FOUND")
    return file_response(file)


def list_requests(service: Service, call: Call) -> Response:
    """The ledger."""
    numbered = call.newest(list(enumerate(service.requests, 1)))
    return _json([request_row(number, received) for number, received in numbered])


def list_pingbacks(service: Service, call: Call) -> Response:
    """All Notifications, each with its last attempt."""
    found = [
        (assembly.id, notification)
        for assembly in service.assemblies.values()
        for notification in assembly.notifications
    ]
    found.sort(key=lambda pair: pair[1].created)
    return _json([pingback_row(*pair) for pair in call.newest(found)])


async def replay_pingback(service: Service, call: Call) -> Response:
    """Send the same Notification once more, to where it went before."""
    for assembly in service.assemblies.values():
        for notification in assembly.notifications:
            if notification.id == call.arguments["pingback_id"]:
                again = service.prepare(assembly, notification.url)
                await service.notifier.deliver(again)
                return _json(pingback_row(assembly.id, again))
    raise BadRequest("there is no such Pingback", 404, "NOT_FOUND")


def list_templates(service: Service, _: Call) -> Response:
    """The content of each Template, by its name."""
    return _json({name: template.content() for name, template in service.templates.items()})


def get_template(service: Service, call: Call) -> Response:
    """One Template's content."""
    template = service.templates.get(_name(call))
    if template is None:
        raise BadRequest("there is no such Template", 404, "NOT_FOUND")
    return _json(template.content())


def put_template(service: Service, call: Call) -> Response:
    """Add a Template, or replace the one of that name."""
    template = read_template(_name(call), call.json())
    service.templates[template.id] = template
    return _json(template.content())


def delete_template(service: Service, call: Call) -> Response:
    """Remove a Template."""
    if service.templates.pop(_name(call), None) is None:
        raise BadRequest("there is no such Template", 404, "NOT_FOUND")
    return _nothing()


def _name(call: Call) -> str:
    name = call.arguments["name"]
    if not NAME.fullmatch(name):
        raise BadRequest(f"{name!r} is no name of a Template: letters, digits, dots, - and _")
    return name


def list_faults(service: Service, _: Call) -> Response:
    """The faults to come."""
    return _json([describe_fault(fault) for fault in service.faults])


def add_fault(service: Service, call: Call) -> Response:
    """Let something go wrong: with the next request, unless told otherwise."""
    fault = read_fault(call.json())
    if fault.operation is not None and fault.operation not in OPERATIONS | TUS_HANDLERS:
        known = ", ".join(OPERATIONS | TUS_HANDLERS)
        raise BadRequest(f"there is no operation {fault.operation!r}, but {known}")
    service.faults.append(fault)
    return _json(describe_fault(fault), 201)


def clear_faults(service: Service, _: Call) -> Response:
    """Let nothing go wrong any more."""
    service.faults.clear()
    return _nothing()


def get_clock(service: Service, _: Call) -> Response:
    """The time by the service's clock, and how far that is ahead."""
    ahead = service.clock_offset.total_seconds()
    return _json({"now": service.now().isoformat(), "ahead": ahead})


def set_clock(service: Service, call: Call) -> Response:
    """Move the service's clock, by so many seconds or to a time; it goes on from there."""
    data = call.json()
    match data:
        case {"ahead": int() | float() as ahead} if len(data) == 1 and not isinstance(ahead, bool):
            offset = ahead
        case {"now": str() as text} if len(data) == 1:
            now = datetime.fromisoformat(text)
            if now.tzinfo is None:
                raise BadRequest("now needs a zone, such as 2030-01-01T00:00:00+00:00")
            offset = (now - service.clock()).total_seconds()
        case _:
            raise BadRequest('send {"ahead": SECONDS} or {"now": "2030-01-01T00:00:00+00:00"}')
    service.set_clock_ahead(offset)
    return get_clock(service, call)


def get_limits(service: Service, _: Call) -> Response:
    """The rate limits, null if there are none."""
    limits = service.meter.limits
    return _json(None if limits is None else dataclasses.asdict(limits))


def set_limits(service: Service, call: Call) -> Response:
    """Have other rate limits, or none: `null`. Missing ones are the service's."""
    data = call.json()
    if data is not None and not isinstance(data, dict):
        raise BadRequest('limits are null, or an object such as {"creates": 10}')
    service.meter.limits = None if data is None else Limits(**_known(data))
    return get_limits(service, call)


def _known(data: dict[str, Any]) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(Limits)]
    for name, value in data.items():
        if name not in names:
            raise BadRequest(f"there is no limit {name!r}, but {', '.join(names)}")
        if type(value) is not int or value < 0:
            raise BadRequest(f"{name} has to be a whole number")
    return data


async def reset(service: Service, _: Call) -> Response:
    """Forget Assemblies, requests, faults and used nonces; Templates and keys stay."""
    await service.reset()
    await asyncio.sleep(0)  # runs that were canceled end
    return _nothing()


ROUTES: list[tuple[str, str, dict[str, Handler]]] = [
    ("/_standin", "", {"GET": to_page}),
    ("/_standin/", "/", {"GET": page("index.html")}),
    ("/_standin/page.js", r"/page\.js", {"GET": page("page.js")}),
    ("/_standin/page.css", r"/page\.css", {"GET": page("page.css")}),
    ("/_standin/openapi.yaml", r"/openapi\.yaml", {"GET": description}),
    ("/_standin/environment", "/environment", {"GET": environment}),
    ("/_standin/assemblies", "/assemblies", {"GET": list_assemblies}),
    ("/_standin/files/{file_id}", r"/files/(?P<file_id>\w+)", {"GET": get_file}),
    ("/_standin/requests", "/requests", {"GET": list_requests}),
    ("/_standin/pingbacks", "/pingbacks", {"GET": list_pingbacks}),
    (
        "/_standin/pingbacks/{pingback_id}/replay",
        r"/pingbacks/(?P<pingback_id>\w+)/replay",
        {"POST": replay_pingback},
    ),
    ("/_standin/templates", "/templates", {"GET": list_templates}),
    (
        "/_standin/templates/{name}",
        "/templates/(?P<name>[^/]+)",
        {"GET": get_template, "PUT": put_template, "DELETE": delete_template},
    ),
    (
        "/_standin/faults",
        "/faults",
        {"GET": list_faults, "POST": add_fault, "DELETE": clear_faults},
    ),
    ("/_standin/clock", "/clock", {"GET": get_clock, "PUT": set_clock}),
    ("/_standin/limits", "/limits", {"GET": get_limits, "PUT": set_limits}),
    ("/_standin/reset", "/reset", {"POST": reset}),
]
"""Each path as the description spells it, a pattern, and the handlers of its methods."""
