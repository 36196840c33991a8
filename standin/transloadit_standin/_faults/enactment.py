"""What each fault does to a request, step by step: before the work, in it, and to its answer."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import TYPE_CHECKING

from starlette.responses import Response

from .script import Answer, Delay, Drop, Fault, Garble, Garbling, Refuse

if TYPE_CHECKING:
    from .._network.exchange import Exchange
    from .._network.link import Change
    from .._network.relay import Relay

_ID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_OFFSET = re.compile(rb"(\r\nupload-offset: *)(\d+)", re.IGNORECASE)
_LENGTH = re.compile(rb"(\r\ncontent-length: *)\d+", re.IGNORECASE)


async def befall_request(fault: Fault | None, exchange: Exchange, relay: Relay) -> None:
    """What goes wrong before there is any work.

    Raises:
        ClientGone: the connection was ended, or the client did not wait.
    """
    match fault:
        case Refuse(seconds=seconds):
            relay.refuse(seconds)
            await exchange.lose("reset")
        case Drop(after="headers", byte=0, how=how):
            await exchange.lose(how)
        case Drop(after="headers", byte=byte, how=how):
            exchange.break_at(byte, how)
        case Drop(after="body", how=how):
            await exchange.drain()
            await exchange.lose(how)
        case Delay(before="work", seconds=seconds):
            await exchange.read_ahead()
            await asyncio.sleep(seconds)


async def befall_answer(fault: Fault | None, exchange: Exchange) -> None:
    """What goes wrong when all is done and nothing is answered yet."""
    match fault:
        case Delay(before="answer", seconds=seconds):
            await asyncio.sleep(seconds)
        case Drop(after="work", byte=byte, how=how):
            exchange.link.cut_answer(lambda head, body: _at(byte, head, body), how)
        case Drop(after="half", how=how):
            exchange.link.cut_answer(lambda head, body: head + (body or 0) // 2, how)
        case Garble(how=how):
            exchange.link.change_answer(_CHANGES[how], "end" if how in _ENDS else None)


def answer_of(fault: Answer) -> Response:
    """The answer that comes whatever the service has to say."""
    content = b"" if fault.status in (204, 304) else fault.content  # HTTP allows them no body
    return Response(content, fault.status, fault.headers, fault.content_type)


def _at(byte: int, head: int, body: int | None) -> int:
    return byte if body is None else min(byte, head + body)


def _truncated(head: bytes, body: bytes) -> bytes:
    half = body[: len(body) // 2]
    return _with_length(head, len(half)) + half


def _longer(head: bytes, body: bytes) -> bytes:
    return _with_length(head, len(body) + 10) + body


def _shorter(head: bytes, body: bytes) -> bytes:
    return _with_length(head, max(0, len(body) - 10)) + body


def _twice(head: bytes, body: bytes) -> bytes:
    return (head + body) * 2


def _another(head: bytes, body: bytes) -> bytes:
    return head + _ID.sub(uuid.uuid4().hex.encode(), body)


def _offset(head: bytes, body: bytes) -> bytes:
    return _OFFSET.sub(lambda found: b"%b%d" % (found[1], int(found[2]) // 2), head) + body


def _with_length(head: bytes, length: int) -> bytes:
    return _LENGTH.sub(rb"\g<1>%d" % length, head)


_CHANGES: dict[Garbling, Change] = {
    "truncated": _truncated,
    "longer": _longer,
    "shorter": _shorter,
    "twice": _twice,
    "another": _another,
    "offset": _offset,
}
_ENDS = ("longer", "shorter")
