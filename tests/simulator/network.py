"""A model of the network: which requests arrive, when and how often; what becomes of answers."""

import asyncio
from collections.abc import Container
from contextvars import ContextVar
from enum import Enum
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from attrs import define, evolve, field, frozen

from transloadit_client._calls.call import Call, Guard
from transloadit_client._flow import CLOSED, OPENED, Event, Listen, Outcome, Send
from transloadit_client._http.exchange import lost, received

from .service import Reply, Request, Service

TIMEOUT = 1.0
"""Seconds that the client waits for each part of an answer."""
LATEST = 3.0
"""Seconds after which a request that was delayed arrives, at most, once its sender gave up."""
SLOWEST = 5.0 * TIMEOUT
"""Seconds that one exchange takes at most: a part of the answer comes before each timeout."""


class Kind(Enum):
    """What the network does to a request or its answer."""

    REFUSED = "no connection"
    FULL = "no connection became free"
    LOST = "the request was lost"
    UNANSWERED = "the answer was lost"
    SILENT = "the answer was lost, and nobody said so"
    LATE = "the request came after its sender gave up"
    TWICE = "the request came twice; the first answer"
    SECOND = "the request came twice; the second answer"
    CUT = "the request broke off"
    DRIP = "the answer came by drops"
    GARBLED = "the answer was garbled"
    GATEWAY = "an error of a gateway, which passed nothing on"
    IMPATIENT = "an error of a gateway, which passed the request on"
    FIREWALL = "a refusal by something on the way"
    STRAY = "the answer to another request"


HARMLESS = {Kind.REFUSED, Kind.FULL, Kind.DRIP, Kind.FIREWALL}
"""After these, and a clean answer, the sender knows whether the request was carried out."""

_GARBAGE = (b"", b"<html>", b'{"ok":"ASSEMBLY_EXEC', b"[" * 9, b'"ok"', b"{}", b"\xff\xfe\x00")


@frozen
class Fault:
    """A fault that strikes one exchange; `amount` says how much, from zero up to one."""

    kind: Kind
    amount: float


@define(eq=False)
class Sends:
    """How often one call was sent.

    Attributes:
        number: how often.
        queued: of these, those that only waited: for a connection, or for the lock of an upload.
        repeats: repeats that cost budget: queues, rate limits and a wrong clock are no outage.
        is_next_free: whether the next one costs none.
    """

    call: Call[Any]
    number: int = 0
    queued: int = 0
    repeats: int = 0
    is_next_free: bool = True

    def sent(self) -> None:
        self.number += 1
        self.repeats += not self.is_next_free

    def answered(self, outcome: Outcome) -> None:
        status, code = (getattr(outcome.error, name, None) for name in ("http_status", "code"))
        self.queued += outcome.is_queued or status == 423
        is_no_outage = status in (423, 429) or code == "AUTH_EXPIRED"
        self.is_next_free = outcome.is_queued or is_no_outage


Line = tuple[float, float, str, Fault | None, str, Exception | None]
"""What is told of an exchange: its begin and end, the request, and what came of it."""


def written(line: Line) -> str:
    """A line of a story."""
    began, ended, request, fault, note, error = line
    why = f" [{fault.kind.value}]" if fault else f" ({note})" if note else ""
    return f"{began:9.3f} to {ended:.3f}: {request}{why}: {error or 'fine'}"


@define(eq=False)
class Operation:
    """Something that a caller does, and what befell it. Its draws are its own, so that leaving out
    other operations, or faults, changes as little as possible.

    Attributes:
        number: its place in the story.
        dice: the service's, for its requests.
        share: of its exchanges, how many are struck.
        spared: the exchanges that no fault may strike.
        struck: the exchanges that one did, and which.
        doubts: how many look-ups followed each exchange that left it open what was done.
        notes: which difficulties the service made.
        sent: its calls.
        reads: how many reads it made once each.
        starts: when which Assembly was first asked for, since the process began.
    """

    number: int
    kind: str
    draw: Random
    dice: Random
    share: float
    spared: Container[int]
    exchanges: int = 0
    struck: dict[int, Kind] = field(factory=dict)
    doubts: list[int] = field(factory=list)
    notes: list[str] = field(factory=list)
    log: list[Line] = field(factory=list)
    sent: dict[int, Sends] = field(factory=dict)
    reads: int = 0
    starts: dict[str, float] = field(factory=dict)
    streams: set[str] = field(factory=set)

    @property
    def tag(self) -> str:
        return f"{self.kind}-{self.number}"

    @property
    def is_troubled(self) -> bool:
        """Whether there was any reason for it to fail."""
        return bool(self.struck) or any(note != "expired" for note in self.notes)

    def fault(self) -> Fault | None:
        """What strikes its next exchange."""
        number, self.exchanges = self.exchanges, self.exchanges + 1
        if self.draw.random() >= self.share:
            return None
        fault = Fault(self.draw.choice(_KINDS), self.draw.random())
        if number in self.spared:
            return None
        self.struck[number] = fault.kind
        return fault


_KINDS = list(Kind)

CURRENT: ContextVar[Operation] = ContextVar("CURRENT")
"""The operation that a task works for; tasks inherit it from the task that began them."""


@define(eq=False)
class Network:
    """Carries requests to the service, and answers back."""

    service: Service
    loop: asyncio.AbstractEventLoop

    async def exchange(self, send: Send, longest: float | None) -> Outcome:
        """Sends a request, and waits for what comes of it.

        Args:
            send: the request.
            longest: seconds for each part of the answer, of a read that is never repeated.
        """
        operation = CURRENT.get()
        call, request = send.call, _request(send)
        sends = Sends(call) if longest else operation.sent.setdefault(id(call), Sends(call))
        operation.reads += longest is not None
        sends.sent()
        operation.starts.setdefault(urlsplit(request.url).path, self.loop.time())
        fault = operation.fault()
        if fault is not None and not _can_happen(fault.kind, call):
            fault = evolve(fault, kind=Kind.UNANSWERED)
            operation.struck[operation.exchanges - 1] = fault.kind
        began, line = self.loop.time(), f"{request.method} {request.url}"
        outcome, note = await self._carry(send, request, fault, min(TIMEOUT, longest or TIMEOUT))
        if note:
            operation.notes.append(note)
        sends.answered(outcome)
        if call.guard is Guard.HARMLESS:
            operation.doubts = [looked + 1 for looked in operation.doubts]
        elif fault is not None and fault.kind not in HARMLESS:
            operation.doubts.append(0)
        operation.log.append((began, self.loop.time(), line, fault, note, outcome.error))
        return outcome

    async def listen(self, listen: Listen) -> Event | None:
        """Waits for the next event of a stream."""
        operation = CURRENT.get()
        assembly = self.service.assemblies[parse_qs(urlsplit(listen.url).query)["assembly"][0]]
        is_broken = operation.fault() is not None
        is_open = assembly.id in operation.streams
        if is_broken or not is_open:
            await asyncio.sleep(min(listen.seconds, 0.01 + operation.draw.random() * 0.1))
            operation.streams.discard(assembly.id)
            if not is_broken:
                operation.streams.add(assembly.id)
            return Event(CLOSED if is_broken else OPENED)
        left = (assembly.ended or float("inf")) - self.loop.time()
        if 0 < left <= listen.seconds:
            await asyncio.sleep(left)
            return Event("assembly_finished")
        await asyncio.sleep(listen.seconds)
        return None

    async def _carry(
        self, send: Send, request: Request, fault: Fault | None, patience: float
    ) -> tuple[Outcome, str]:
        operation = CURRENT.get()
        there, back = (0.005 + operation.draw.random() * 0.05 for _ in range(2))
        kind, amount = (fault.kind, fault.amount) if fault else (None, 0.0)
        replies: list[Reply] = []

        def arrives() -> None:
            # A copy of what was refused for now would be carried out beside the repeat that is
            # signed anew: against that only an id of one's own helps.
            if replies and replies[0].note in ("limited", "expired"):
                return
            self.service.draw = operation.dice
            reply = self.service.handle(request)
            # Nor may the answer to a copy be a rate limit, which has to mean that nothing was done.
            if not replies or reply.note != "limited":
                replies.append(reply)

        match kind:
            case Kind.REFUSED | Kind.FULL | Kind.LOST | Kind.GATEWAY | Kind.FIREWALL:
                pass
            case Kind.LATE | Kind.STRAY:
                self.loop.call_later(patience + amount * LATEST, arrives)
            case Kind.CUT:
                request = _cut(request, amount)
                self.loop.call_later(there, arrives)
            case _:
                self.loop.call_later(there, arrives)
        if kind is Kind.SECOND:
            self.loop.call_later(there, arrives)
        elif kind is Kind.TWICE:
            self.loop.call_later(there + amount * LATEST, arrives)

        late = kind in (Kind.FULL, Kind.LOST, Kind.SILENT, Kind.LATE)
        slow = amount * (SLOWEST - patience) if kind is Kind.DRIP else 0.0
        await asyncio.sleep(patience if late else there + back + slow)
        if kind in _ERRORS:
            return lost(send, _ERRORS[kind](kind.value)), ""
        reply = _foreign(kind, amount, request) or replies[-1 if kind is Kind.SECOND else 0]
        return received(send, reply.http_status, reply.headers, reply.body, "/"), reply.note


_ERRORS: dict[Kind, type[httpx.TransportError]] = {
    Kind.REFUSED: httpx.ConnectError,
    Kind.FULL: httpx.PoolTimeout,
    Kind.LOST: httpx.ReadTimeout,
    Kind.UNANSWERED: httpx.ReadError,
    Kind.SILENT: httpx.ReadTimeout,
    Kind.LATE: httpx.ReadTimeout,
    Kind.CUT: httpx.WriteError,
}


def _can_happen(kind: Kind, call: Call[Any]) -> bool:
    """Whether this may befall a call, so that the promise can still be kept.

    What nothing guards is carried out twice by a network that delivers it twice, whatever the
    sender does; and an answer that names no Assembly can be that to another request.
    """
    if kind in (Kind.TWICE, Kind.SECOND):
        return call.guard is not Guard.NOTHING
    return kind is not Kind.STRAY or not call.own_connection


def _foreign(kind: Kind | None, amount: float, request: Request) -> Reply | None:
    """An answer that the service did not give."""
    match kind:
        case Kind.GARBLED:
            return Reply(200, _GARBAGE[int(amount * len(_GARBAGE))])
        case Kind.GATEWAY | Kind.IMPATIENT:
            return Reply((500, 502, 503, 504)[int(amount * 4)], b"<html>gateway")
        case Kind.FIREWALL:
            return Reply((400, 403, 404, 407)[int(amount * 4)], b"<html>blocked")
        case Kind.STRAY if request.method == "PATCH":
            end = int(request.headers["Upload-Offset"]) + len(request.body)
            return Reply(204, headers={"Upload-Offset": str(end)})
        case Kind.STRAY:
            return Reply(200, b'{"ok":"ASSEMBLY_COMPLETED","assembly_id":"%s"}' % (b"f" * 32))
    return None


def _cut(request: Request, amount: float) -> Request:
    return evolve(request, is_whole=False, body=request.body[: int(amount * len(request.body))])


def _request(send: Send) -> Request:
    arguments = send.request.arguments
    parts = arguments.get("files") or ()
    form = {name: value.decode() for name, (file, value, _) in parts if file is None}
    files = {file: _read(value) for _, (file, value, _) in parts if file is not None}
    return Request(
        arguments["method"].upper(),
        arguments["url"],
        arguments.get("headers") or {},
        {**form, **(arguments.get("data") or {})},
        files,
        b"".join(arguments.get("content") or ()),
    )


def _read(content: Any) -> bytes:
    return content if isinstance(content, bytes) else b"".join(content.pieces())
