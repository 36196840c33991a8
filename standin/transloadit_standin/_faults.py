"""What goes wrong on purpose: a list of faults, each used up by the requests it meets.

`api.faults` is that list. For every request the first fault that fits (by operation) is taken, so a
list reads as a script: `[RateLimit(), Drop(), Answer(502, b"<html>")]` befalls three requests in
turn. `Crash` alone waits for the next Assembly instead. The whole effect of a fault is in
`App.answer()`; a new kind of fault is a class here and a few lines there.
"""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, TypeVar

from transloadit_standin._codes import CODES

DropPoint = Literal["headers", "body", "work", "half"]


@dataclass
class Fault:
    """What all faults have."""

    _: KW_ONLY
    operation: str | None = None
    """An `operationId` of the spec, or `downloadFile`; None for whatever comes."""
    times: int = 1
    """How many requests it is good for."""


@dataclass
class Crash(Fault):
    """The next Assembly crashes once its uploads are there, with this error code."""

    code: str = "INTERNAL_COMMAND_ERROR"


@dataclass
class Delay(Fault):
    """Wait: before the request is looked at, or when all is done and only the answer is missing."""

    seconds: float = 1.0
    before: Literal["work", "answer"] = "work"


@dataclass
class Drop(Fault):
    """Cut the connection: after the headers or the body were read (nothing is done then), after the
    work was done (not a byte is answered), or in the half of the answer's body."""

    after: DropPoint = "headers"


@dataclass
class Answer(Fault):
    """Answer this, and do nothing: HTML of a proxy, half a JSON text, an odd status."""

    status: int = 502
    content: bytes = b"<html><h1>502 Bad Gateway</h1></html>"
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)


def rate_limit(
    *,
    retry_in: float | None = 1.0,
    status: int = 429,
    code: str = "RATE_LIMIT_REACHED",
    operation: str | None = None,
    times: int = 1,
) -> Answer:
    """The answer to too many requests; `retry_in` is in seconds, None to say nothing of it.

    The service sends it as 413 or as 429.
    """
    body = {"error": code, "http_code": status, "message": CODES[code].message}
    info = {} if retry_in is None else {"info": {"retryIn": retry_in}}
    content = json.dumps({**body, **info}).encode()
    return Answer(status, content, "application/json", operation=operation, times=times)


F = TypeVar("F", bound=Fault)


class Faults(list[Fault]):
    """The faults to come, in their order."""

    def take(self, operation: str | None, *kinds: type[F]) -> F | None:
        """The first fault of these kinds that fits, used once more."""
        for fault in self:
            if isinstance(fault, kinds) and fault.operation in (None, operation):
                fault.times -= 1
                if fault.times <= 0:
                    self.remove(fault)
                return fault
        return None
