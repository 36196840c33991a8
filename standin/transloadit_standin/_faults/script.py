"""What goes wrong on purpose: a list of faults, each used up by the requests it meets.

`api.faults` is that list. For every request the first fault that fits (by operation) is taken, so a
list reads as a script: `[rate_limit(), Drop(), Answer(502)]` befalls three requests in turn.
`Crash` alone waits for the next Assembly instead, and a `FaultMix` draws for each request anew.
What a fault does is in `_enactment`; a new kind is a class here and a few lines there.
"""

from __future__ import annotations

import json
import re
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal

from .._codes import CODES
from .._network.link import Ending  # noqa: TC001 - `named` reads it at run time

if TYPE_CHECKING:
    from .._ledger import Received

DropPoint = Literal["headers", "body", "work", "half"]
AnswerPoint = Literal["body", "nonce", "work"]
Garbling = Literal["truncated", "longer", "shorter", "twice", "another", "offset"]


_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # of a header, by RFC 9110


@dataclass
class Fault:
    """What all faults have."""

    _: KW_ONLY
    operation: str | None = None
    """As in `Received.operation`; None for whatever comes."""
    times: int = 1
    """How many requests it is good for."""
    name: str = ""
    """What the ledger calls it; by default its class's name."""

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError("times counts from 1")

    def draw(self, received: Received) -> Fault | None:  # noqa: ARG002 - a `FaultMix` asks it
        """The fault that befalls this request, if one does."""
        return self


@dataclass
class Crash(Fault):
    """The next Assembly crashes once its uploads are there, with this error code."""

    code: str = "INTERNAL_COMMAND_ERROR"


@dataclass
class Delay(Fault):
    """Wait: when the request was read and nothing is done yet, or when only the answer is missing.

    The work is done then, even if the client has given up.
    """

    seconds: float = 1.0
    before: Literal["work", "answer"] = "work"


@dataclass
class Drop(Fault):
    """Cut the connection: after the headers or the body were read (nothing is done then), after the
    work was done (not a byte is answered), or in the half of the answer's body.
    """

    after: DropPoint = "headers"
    byte: int = 0
    """So many bytes later: of the body after "headers", and the service sees an upload that breaks
    off; of the answer, its head included, after "work". What is shorter breaks at its end."""
    how: Ending = "end"
    """By FIN ("end"), by RST ("reset"), or not at all: nothing more is read or said ("stall")."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.byte < 0 or (self.byte and self.after not in ("headers", "work")):
            raise ValueError('byte counts from 0, after "headers" or after "work"')


@dataclass
class Refuse(Fault):
    """Reset the connection, the request unread, and refuse all new ones for so many seconds.

    Connections that others have live on. To have nothing but refusals, see `StandIn.refusing()`.
    """

    seconds: float = 0.1


@dataclass
class Answer(Fault):
    """Answer this: HTML of a proxy, half a JSON text, an odd status."""

    status: int = 502
    content: bytes = b"<html><h1>502 Bad Gateway</h1></html>"
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)
    after: AnswerPoint = "body"
    """What was done by then: nothing; nothing but noting the nonce of the request; everything."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 200 <= self.status <= 599:
            raise ValueError("status has to be an HTTP status from 200 to 599")
        for name, value in {**self.headers, "Content-Type": self.content_type}.items():
            if not _NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
                raise ValueError(f"{name!r}: {value!r} cannot be a header")


@dataclass
class Garble(Fault):
    """Do the work, and spoil its answer.

    "truncated": half the body, in an HTTP answer that is whole; "longer" and "shorter": a
    `Content-Length` of ten bytes more or less than there are, then the end; "twice": the answer
    comes two times; "another": all ids in it are another Assembly's; "offset": an `Upload-Offset`
    that is half of what it should be. Answers of more than 8 MiB, and events, stay as they are.
    """

    how: Garbling = "truncated"


def rate_limit(
    *,
    retry_in: float | None = 1.0,
    retry_after: float | datetime | None = None,
    status: int = 429,
    code: str = "RATE_LIMIT_REACHED",
    after: AnswerPoint = "body",
    operation: str | None = None,
    times: int = 1,
) -> Answer:
    """The answer to too many requests, which the service sends as 413 or as 429.

    `retry_in` is in seconds, None to say nothing of it. `retry_after` is the header: seconds, or a
    date that is aware of its zone.
    """
    if code not in CODES:
        raise ValueError(f"the stand-in knows no code {code!r}")
    if status not in (413, 429):
        raise ValueError("the status of a rate limit has to be 413 or 429")
    body = {"error": code, "http_code": status, "message": CODES[code].message}
    info = {} if retry_in is None else {"info": {"retryIn": retry_in}}
    return Answer(
        status,
        json.dumps({**body, **info}).encode(),
        "application/json",
        retry_after_header(retry_after),
        after,
        operation=operation,
        times=times,
    )


def unavailable(
    *,
    retry_after: float | datetime | None = None,
    after: AnswerPoint = "body",
    operation: str | None = None,
    times: int = 1,
) -> Answer:
    """A 503 of something in front of the service; `retry_after` as in `rate_limit()`."""
    content = b"<html><h1>503 Service Unavailable</h1></html>"
    headers = retry_after_header(retry_after)
    return Answer(503, content, "text/html", headers, after, operation=operation, times=times)


def retry_after_header(when: float | datetime | None) -> dict[str, str]:
    """`Retry-After`, in either of its spellings."""
    if isinstance(when, datetime):
        return {"Retry-After": format_datetime(when.astimezone(UTC), usegmt=True)}
    return {} if when is None else {"Retry-After": f"{when:g}"}


class Faults(list[Fault]):
    """The faults to come, in their order."""

    def strike(self, received: Received) -> Fault | None:
        """The fault that befalls a request, used once more."""
        fitting = [fault for fault in self if not isinstance(fault, Crash)]
        return self._first(fitting, received)

    def crash(self, received: Received) -> Fault | None:
        """The crash that the Assembly of a request will see, used once more."""
        return self._first([fault for fault in self if isinstance(fault, Crash)], received)

    def _first(self, faults: list[Fault], received: Received) -> Fault | None:
        for fault in faults:
            if fault.operation in (None, received.operation) and (drawn := fault.draw(received)):
                fault.times -= 1
                if fault.times <= 0:
                    self.remove(fault)
                return drawn
        return None
