"""Retry conformance as data: what each operation does about each kind of failure, both clients."""

import email.utils
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from transloadit_client import ApiError, NoAnswer, OutcomeUnknown, RetryPolicy, UnreadableAnswer

from ..scripted import CALLS, ID, LIMIT, NOT_FOUND, OK, OTHERS, REUSE, Script

Connect = Callable[..., Any]
AT_ONCE = RetryPolicy(first=0.0, floor=0.0)
SIGNED: dict[str, Any] = {"key": "k", "secret": "s"}
LOST = httpx.ReadError("reset")
UNREACHED = httpx.ConnectError("refused")


class Course(NamedTuple):
    """What an operation does about a failure, and how it ends."""

    requests: str
    """A letter each: F the first, S the same bytes again, N signed anew, L looking for it."""
    end: Any = "done"
    """Or the class of the error."""
    then: tuple[Any, ...] = (OK,)
    """What is answered after the failure."""


class Group(NamedTuple):
    """Failures that are treated alike, each a case of its own."""

    failures: list[Any]
    courses: dict[str, Course]
    """By operation."""
    options: dict[str, Any] = SIGNED


def each(course: Course, **others: Course) -> dict[str, Course]:
    """That course for every operation but those named, or for all that have a nonce alone."""
    nonce = others.pop("nonce", course)
    courses = dict.fromkeys(CALLS, course)
    courses |= dict.fromkeys(("create without an id", "replay", "notification"), nonce)
    return courses | others


def server_time(away: float) -> Callable[[], dict[str, str]]:
    """The header of a server whose clock is away by so many seconds when it answers."""
    return lambda: {"Date": email.utils.formatdate(time.time() + away, usegmt=True)}


GROUPS = {
    "never sent: the same again": Group(
        [
            UNREACHED, httpx.ConnectTimeout("slow"), httpx.PoolTimeout("busy"),
            httpx.ProxyError("407"),
        ],
        each(Course("FS")),
    ),
    "limited: signed anew": Group(
        [
            LIMIT, (413, LIMIT[1]), (429, {"error": "429 Too Many Requests"}), (429, b"<html>"),
            (429, b"", {"Retry-After": "0"}),
            (429, {"error": "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED"}),
        ],
        each(Course("FN"), get=Course("FS"), cancel=Course("FS")),
    ),
    "lost, and not done: looked for or the same again": Group(
        [
            LOST, httpx.ReadTimeout("slow"), httpx.WriteTimeout("slow"), httpx.WriteError("reset"),
            httpx.CloseError("reset"), httpx.RemoteProtocolError("cut"),
        ],
        each(Course("FS"), create=Course("FLS", then=(NOT_FOUND, OK))),
    ),
    "failed in front of the service, outcome unknown": Group(
        [
            (502, b"<html>"), (503, b"", {"Retry-After": "0"}), (504, b""), (500, {"error": "X"}),
            (520, b"<html>"), (200, {"errno": 1, "code": "ECONNRESET", "syscall": "read"}),
        ],
        each(Course("FS"), create=Course("FLS", then=(NOT_FOUND, OK))),
    ),
    "an answer that says nothing": Group(
        [
            (200, b'{"ok":"ASS'), (200, b""), (200, b"<html>"), (200, b"[]"), (200, {}),
            (200, b"\xff\xfe"), (200, b"[" * 100_000),
        ],
        each(Course("FS"), create=Course("FLS", then=(NOT_FOUND, OK))),
    ),
    "lost, but done: found or reported": Group(
        [LOST, httpx.ReadTimeout("slow"), (502, b"<html>"), (200, b'{"ok":"ASS')],
        each(
            Course("FS"),
            create=Course("FL"),
            nonce=Course("FS", OutcomeUnknown, (REUSE,)),
        ),
    ),
    "lost, then limited: never signed anew for want of an id": Group(
        [LOST, (502, b"<html>")],
        each(
            Course("FSS", then=(LIMIT, OK)), create=Course("FLSN", then=(NOT_FOUND, LIMIT, OK))
        ),
    ),
    "lost, then refused: that says nothing of the first": Group(
        [LOST, (502, b"<html>")],
        each(
            Course("FS", ApiError, ((403, {"error": "X"}),)),
            nonce=Course("FS", OutcomeUnknown, ((403, {"error": "X"}),)),
            create=Course("FLSL", ApiError, (NOT_FOUND, (403, {"error": "X"}), NOT_FOUND)),
        ),
    ),
    "refused: an error at once": Group(
        [
            (400, {"error": "INVALID_SIGNATURE"}), (400, {"error": "SOMETHING_NEW"}), (401, b""),
            (403, {"error": "INSUFFICIENT_AUTH_SCOPE"}), (413, {"error": "MAX_SIZE_EXCEEDED"}),
            (500, {"error": "GET_ACCOUNT_UNKNOWN_AUTH_KEY"}), (200, {"error": "SOMETHING_NEW"}),
        ],
        each(Course("F", ApiError)),
    ),
    "led elsewhere: not followed": Group(
        [(301, b"", {"Location": "https://x.net/"}), (307, b"", {"Location": "/elsewhere"})],
        each(Course("F", UnreadableAnswer)),
    ),
    "impossible to send: an error at once": Group(
        [httpx.LocalProtocolError("header"), httpx.UnsupportedProtocol("x"), OSError("a file")],
        each(Course("F", NoAnswer)),
    ),
    "expired by a clock that is wrong: signed anew": Group(
        [
            (400, {"error": "AUTH_EXPIRED"}, server_time(-7200)),
            (401, {"error": "AUTH_EXPIRED"}, server_time(7200)),
        ],
        each(Course("FN"), get=Course("FS"), cancel=Course("FS")),
    ),
    "expired by a clock that is right": Group(
        [(400, {"error": "AUTH_EXPIRED"}, server_time(0)), (400, {"error": "AUTH_EXPIRED"})],
        each(Course("F", ApiError)),
    ),
    "about another Assembly: not taken, where its id was given": Group(
        [OTHERS, (404, {"error": "ASSEMBLY_NOT_FOUND", "assembly_id": "0" * 32})],
        {
            name: course
            for name, course in each(Course("FS"), create=Course("FL")).items()
            if name not in ("create without an id", "replay")
        },
    ),
    "an outage: never reached": Group(
        [UNREACHED], each(Course("FSSSS", NoAnswer, (UNREACHED,) * 4))
    ),
    "an outage: always lost": Group(
        [LOST],
        each(
            Course("FSSSS", OutcomeUnknown, (LOST,) * 4),
            get=Course("FSSSS", NoAnswer, (LOST,) * 4),
            create=Course("FLLLLL", OutcomeUnknown, (LOST,) * 5),
        ),
    ),
    "lost, with a token: what has no id is not sent again": Group(
        [LOST, httpx.ReadTimeout("slow"), (502, b"<html>"), (200, b"")],
        each(Course("FS"), nonce=Course("F", OutcomeUnknown), create=Course("FL")),
        {"auth_token": "t"},
    ),
    "told to try once": Group(
        [UNREACHED], each(Course("F", NoAnswer)), {**SIGNED, "retry": None}
    ),
}  # fmt: skip
CASES = [
    pytest.param(group, failure, call, id=f"{name}-{failure!r:.60}-{call}")
    for name, group in GROUPS.items()
    for failure in group.failures
    for call in group.courses
]


@pytest.mark.parametrize(("group", "failure", "call"), CASES)
def test_each_failure_is_treated_as_the_table_says(
    connect: Connect, group: Group, failure: Any, call: str
) -> None:
    requests, end, then = group.courses[call]
    script = Script(failure, *then)
    options = {"retry": AT_ONCE, "httpx_args": {"transport": script.transport}, **group.options}
    client = connect(**options)

    if end == "done":
        assert CALLS[call](client).ok == "ASSEMBLY_EXECUTING"
    else:
        with pytest.raises(end) as caught:
            CALLS[call](client)
        assert isinstance(caught.value, OutcomeUnknown) == (end is OutcomeUnknown)
        assert len(caught.value.attempts) == len(requests)
    assert story(script) == requests


def story(script: Script) -> str:
    """The requests of a script as letters, as `Course` has them."""
    letters, bodies = "F", [script.bodies[0]]
    for method, body in zip(script.methods[1:], script.bodies[1:], strict=True):
        if method == "GET" and script.methods[0] != "GET":
            letters += "L"
        else:
            letters += "S" if body == bodies[-1] else "N"
            bodies.append(body)
    return letters


def test_what_a_client_has_just_created_is_not_missing(connect: Connect) -> None:
    """Reads of the service lag behind its writes."""
    script = Script(OK, NOT_FOUND, NOT_FOUND, OK, NOT_FOUND)
    client = connect(**SIGNED, retry=AT_ONCE, httpx_args={"transport": script.transport})
    created = client.create_assembly(template_id="t")

    assert client.get_assembly(created).id == created.id
    with pytest.raises(ApiError, match="ASSEMBLY_NOT_FOUND"):
        client.get_assembly(ID)  # another's
    assert script.methods == ["POST", "GET", "GET", "GET", "GET"]
