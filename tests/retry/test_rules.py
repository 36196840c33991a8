"""Retries: the rules as data, on a simulated clock, and each operation through both clients."""

import email.utils
import io
import os
import re
import time
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest

from transloadit_client import (
    ApiError,
    AssemblyStatus,
    InvalidInput,
    NoAnswer,
    OutcomeUnknown,
    RetryPolicy,
    Transloadit,
    TransloaditError,
    UnreadableAnswer,
)
from transloadit_client._calls.call import Call, Guard
from transloadit_client._errors import Phase
from transloadit_client._flow import Outcome, Pause, Send, advanced
from transloadit_client._retry.attempts import attempts
from transloadit_client._retry.policy import Budget, Recent
from transloadit_client._retry.policy import World as Dependencies
from transloadit_client._retry.rules import Next, next_after, phase_of

from ..scripted import CALLS, ID, NOT_FOUND, OK, OTHERS, REUSE, Script

Connect = Callable[..., Any]
AT_ONCE = RetryPolicy(first=0.0, floor=0.0)


def refusal(http_status: int, code: str | None = None, **more: Any) -> ApiError:
    error = ApiError(str(code))
    error.http_status, error.code = http_status, code
    for name, value in more.items():
        setattr(error, name, value)
    return error


def unreadable(http_status: int) -> UnreadableAnswer:
    error = UnreadableAnswer("?")
    error.http_status = http_status
    return error


LOST = Outcome(error=NoAnswer("lost"))
NEVER = Outcome(error=NoAnswer("refused"), never_sent=True)
UNSENDABLE = Outcome(error=NoAnswer("illegal"), cannot_be_sent=True)
LIMITED = Outcome(error=refusal(429, "RATE_LIMIT_REACHED"))
EXPIRED = Outcome(error=refusal(400, "AUTH_EXPIRED"), date="now")
REUSED = Outcome(error=refusal(400, "SIGNATURE_REUSE_DETECTED"))
REFUSED = Outcome(error=refusal(400, "INVALID_SIGNATURE"))
MISSING = Outcome(error=refusal(404, "ASSEMBLY_NOT_FOUND"))
BLOCKED = Outcome(error=unreadable(403))  # by something on the way, which gives no code
DONE = Outcome("done")


@pytest.mark.parametrize(
    ("outcome", "phase"),
    [
        (LOST, Phase.UNKNOWN),
        (NEVER, Phase.NEVER_SENT),
        (UNSENDABLE, Phase.REFUSED),
        (LIMITED, Phase.LIMITED),
        (Outcome(error=refusal(413, "RATE_LIMIT_REACHED")), Phase.LIMITED),
        (Outcome(error=refusal(413, "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED")), Phase.LIMITED),
        (Outcome(error=refusal(429, "429 Too Many Requests")), Phase.LIMITED),
        (Outcome(error=unreadable(429)), Phase.LIMITED),
        (Outcome(error=refusal(413, "MAX_SIZE_EXCEEDED")), Phase.REFUSED),
        (Outcome(error=refusal(409)), Phase.REFUSED),  # of bytes that are sent twice only by tus
        (Outcome(error=refusal(460)), Phase.REFUSED),
        (EXPIRED, Phase.EXPIRED),
        (REUSED, Phase.REUSED),
        (Outcome(error=refusal(400, "DO_NOT_REUSE_ASSEMBLY_IDS")), Phase.REUSED),
        (REFUSED, Phase.REFUSED),
        (Outcome(error=refusal(500, "INVALID_SIGNATURE")), Phase.REFUSED),
        (Outcome(error=refusal(400, "SOMETHING_NEW")), Phase.REFUSED),
        (Outcome(error=refusal(200, "SOMETHING_NEW")), Phase.REFUSED),
        (Outcome(error=refusal(500, "SOMETHING_NEW")), Phase.UNKNOWN),
        (Outcome(error=refusal(500)), Phase.UNKNOWN),
        (Outcome(error=unreadable(200)), Phase.UNKNOWN),
        (Outcome(error=unreadable(300)), Phase.REFUSED),
        (Outcome(error=unreadable(302)), Phase.REFUSED),
        (Outcome(error=unreadable(404)), Phase.REFUSED),
        (Outcome(error=unreadable(502)), Phase.UNKNOWN),
        (Outcome(error=refusal(503, "X", status=AssemblyStatus())), Phase.REFUSED),
    ],
)
def test_how_far_an_attempt_came(outcome: Outcome, phase: Phase) -> None:
    assert phase_of(outcome, Guard.NONCE) is phase


def test_a_cancel_that_was_not_confirmed_is_an_unknown_outcome() -> None:
    error = refusal(503, "ASSEMBLY_CANCEL_UNAVAILABLE", status=AssemblyStatus())

    assert phase_of(Outcome(error=error), Guard.HARMLESS) is Phase.UNKNOWN


@pytest.mark.parametrize("maybe_done", [True, False])
@pytest.mark.parametrize("id_is_new", [True, False])
def test_what_nothing_guards_is_never_sent_again_once_it_may_have_been_carried_out(
    maybe_done: bool, id_is_new: bool
) -> None:
    assert (
        next_after(Phase.UNKNOWN, Guard.NOTHING, maybe_done=maybe_done, id_is_new=id_is_new)
        is Next.REPORT
    )


@pytest.mark.parametrize("id_is_new", [True, False])
@pytest.mark.parametrize("phase", Phase)
def test_what_only_a_nonce_guards_is_never_signed_anew_while_in_doubt(
    phase: Phase, id_is_new: bool
) -> None:
    assert next_after(phase, Guard.NONCE, maybe_done=True, id_is_new=id_is_new) is not Next.RESIGN


class World:
    """A clock that only waiting moves, and operations that are counted."""

    def __init__(self) -> None:
        self.time = 0.0
        self.made = 0
        self.corrected = False

    def make(self) -> str:
        self.made += 1
        return f"operation {self.made}"

    def correct(self, date: str | None) -> bool:
        self.corrected = date is not None
        return self.corrected

    def run(
        self,
        outcomes: list[Outcome],
        guard: Guard = Guard.NONCE,
        *,
        policy: RetryPolicy = AT_ONCE,
        budget: Budget | None = None,
        obstacle: str | None = None,
        identity: str | None = ID,
    ) -> tuple[Any, list[Any]]:
        """The result or error of a course that meets these outcomes, and what was sent."""
        look = Call[Any]("look", Guard.HARMLESS, lambda: cast("Any", "look"), lambda _: None)
        call = Call[Any](
            "create", guard, lambda: cast("Any", self.make()), lambda _: None, identity,
            find=lambda: look, why_not_again=lambda: obstacle,
        )  # fmt: skip
        world = Dependencies(
            policy, lambda: self.time, lambda most: most, budget or Budget(policy), self.correct
        )
        flow, coming = attempts(call, world), iter(outcomes)
        sent: list[Any] = []
        answer: Outcome | None = None
        try:
            while True:
                is_done, step = advanced(flow, answer)
                if is_done:
                    return step, sent
                answer = None
                if isinstance(step, Pause):
                    self.time += step.seconds
                else:
                    assert isinstance(step, Send)
                    sent.append(step.request)
                    answer = next(coming)
        except TransloaditError as error:
            return error, sent


@pytest.fixture
def world() -> World:
    return World()


# guard, outcomes in turn, what was sent, and how it ends: a result, or a class of error
COURSES: dict[str, tuple[Guard, list[Outcome], list[str], Any]] = {
    "a result": (Guard.NONCE, [DONE], ["1"], "done"),
    "never sent": (Guard.NOTHING, [NEVER, NEVER, DONE], ["1", "1", "1"], "done"),
    "limited, so signed anew": (Guard.NONCE, [LIMITED, DONE], ["1", "2"], "done"),
    "refused": (Guard.OWN_ID, [REFUSED], ["1"], ApiError),
    "hopeless": (Guard.HARMLESS, [UNSENDABLE], ["1"], NoAnswer),
    "lost, so the same bytes": (Guard.NONCE, [LOST, DONE], ["1", "1"], "done"),
    "lost, then refused as reused": (Guard.NONCE, [LOST, REUSED], ["1", "1"], OutcomeUnknown),
    "lost, then limited: still the same bytes": (
        Guard.NONCE, [LOST, LIMITED, REUSED], ["1", "1", "1"], OutcomeUnknown,
    ),
    "lost, then refused": (Guard.NONCE, [LOST, REFUSED], ["1", "1"], OutcomeUnknown),
    "lost, and nothing guards it": (Guard.NOTHING, [LOST], ["1"], OutcomeUnknown),
    "reused at once is the caller's own doing": (Guard.OWN_ID, [REUSED], ["1"], ApiError),
    "lost, looked for, found": (Guard.OWN_ID, [LOST, DONE], ["1", "look"], "done"),
    "lost, not there, sent again": (
        Guard.OWN_ID, [LOST, MISSING, DONE], ["1", "look", "1"], "done",
    ),
    "lost, not there, reused, there": (
        Guard.OWN_ID, [LOST, MISSING, REUSED, DONE], ["1", "look", "1", "look"], "done",
    ),
    "lost, not there, reused, not there, so anew": (
        Guard.OWN_ID, [LOST, MISSING, REUSED, MISSING, DONE],
        ["1", "look", "1", "look", "2"], "done",
    ),
    "lost, not there, refused, not there": (
        Guard.OWN_ID, [LOST, MISSING, REFUSED, MISSING], ["1", "look", "1", "look"], ApiError,
    ),
    "lost, not there, refused by a proxy, not there: the first may still arrive": (
        Guard.OWN_ID, [LOST, MISSING, BLOCKED, MISSING], ["1", "look", "1", "look"], OutcomeUnknown,
    ),
    "refused by a proxy": (Guard.OWN_ID, [BLOCKED], ["1"], UnreadableAnswer),
    "reused at once, by a copy that the network made": (
        Guard.NONCE, [REUSED], ["1"], OutcomeUnknown,
    ),
    "lost, and looking fails": (
        Guard.OWN_ID, [LOST, *[LOST] * 5], ["1", *["look"] * 5], OutcomeUnknown,
    ),
    "lost, and looking is refused": (
        Guard.OWN_ID, [LOST, REFUSED], ["1", "look"], OutcomeUnknown,
    ),
    "lost, there and failed": (
        Guard.OWN_ID, [LOST, Outcome(error=refusal(200, "BAD", status=AssemblyStatus()))],
        ["1", "look"], ApiError,
    ),
    "canceled, and never heard of it": (Guard.TWICE_IS_ONCE, [LOST] * 5, ["1"] * 5, OutcomeUnknown),
    "canceled, lost, then refused": (Guard.TWICE_IS_ONCE, [LOST, MISSING], ["1", "1"], ApiError),
    "canceled, lost, then refused by a proxy": (
        Guard.TWICE_IS_ONCE, [LOST, BLOCKED], ["1", "1"], OutcomeUnknown,
    ),
    "lost, not there, expired, not there, so anew": (
        Guard.OWN_ID, [LOST, MISSING, EXPIRED, MISSING, DONE],
        ["1", "look", "1", "look", "2"], "done",
    ),
    "an answer that is somebody else's": (
        Guard.OWN_ID, [MISSING, MISSING, DONE], ["1", "look", "1"], "done",
    ),
    "an answer to no operation of this API": (
        Guard.OWN_ID, [Outcome(error=refusal(404, "SERVER_404")), DONE], ["1", "look"], "done",
    ),
    "lost, and looking is told of the clock": (
        Guard.OWN_ID, [LOST, EXPIRED, DONE], ["1", "look", "look"], "done",
    ),
    "a read is made anew": (
        Guard.HARMLESS, [LOST, LIMITED, LOST, DONE], ["1", "2", "3", "4"], "done",
    ),
    "expired, clock set, signed anew": (Guard.NONCE, [EXPIRED, DONE], ["1", "2"], "done"),
    "expired twice": (Guard.NONCE, [EXPIRED, EXPIRED], ["1", "2"], ApiError),
    "attempts run out": (Guard.NONCE, [NEVER] * 5, ["1"] * 5, NoAnswer),
    "attempts run out in doubt": (Guard.NONCE, [LOST] * 5, ["1"] * 5, OutcomeUnknown),
}  # fmt: skip


@pytest.mark.parametrize(("guard", "outcomes", "sent", "end"), COURSES.values(), ids=COURSES)
def test_a_course_of_attempts(
    world: World, guard: Guard, outcomes: list[Outcome], sent: list[str], end: Any
) -> None:
    ended, operations = world.run(outcomes, guard)

    assert [str(operation).removeprefix("operation ") for operation in operations] == sent
    if isinstance(end, type):
        assert isinstance(ended, TransloaditError)
        assert type(ended) is end
        assert len(ended.attempts) == len(operations)
        assert [attempt.cause for attempt in ended.attempts] == [
            str(outcome.error) for outcome in outcomes
        ]
        assert all(attempt.phase and attempt.decision for attempt in ended.attempts)
        assert ended.attempts[-1].delay is None
    else:
        assert ended == end


def test_an_unknown_outcome_says_where_to_look(world: World) -> None:
    error, _ = world.run([LOST] * 5)

    assert isinstance(error, OutcomeUnknown)
    assert (error.assembly_id, error.last) == (ID, LOST.error)
    assert "after 5 attempts (no attempts are left)" in str(error)
    assert str(error).endswith(f"; Assembly {ID} will tell.")
    error, _ = World().run([LOST], Guard.NOTHING, identity=None)
    assert str(error).endswith("; the account's Assemblies will tell.")


def test_a_body_that_cannot_be_sent_again_is_not(world: World) -> None:
    error, sent = world.run([LIMITED], obstacle="a stream that has been read")

    assert len(sent) == 1
    assert isinstance(error, ApiError)
    assert error is LIMITED.error
    assert error.attempts[-1].decision == "a stream that has been read"


@pytest.mark.parametrize(
    ("outcome", "number", "wait"),
    [
        (LOST, 1, 0.5),
        (LOST, 2, 1.0),
        (LOST, 4, 4.0),
        (Outcome(error=refusal(503, None, retry_in=3.0)), 1, 3.0),
        (EXPIRED, 1, 0.0),
        (LIMITED, 1, 1.5),
        (Outcome(error=refusal(429, None, retry_in=0.0)), 1, 1.5),
        (Outcome(error=refusal(413, "RATE_LIMIT_REACHED", retry_in=7.0)), 1, 7.5),
        (Outcome(error=refusal(429, None, retry_in=9.0)), 1, 9.5),
    ],
)
def test_how_long_it_waits(world: World, outcome: Outcome, number: int, wait: float) -> None:
    """With jitter at its most: the backoff doubles; a rate limit has a floor."""
    policy = RetryPolicy(first=0.5, floor=1.0)

    error, _ = world.run([outcome] * 5, Guard.HARMLESS, policy=policy)

    assert error.attempts[number - 1].delay == wait


@pytest.mark.parametrize(("deadline", "times"), [(25.0, 3), (20.0, 3), (19.9, 2)])
def test_no_attempt_begins_after_the_deadline(world: World, deadline: float, times: int) -> None:
    policy = RetryPolicy(attempts=100, first=10.0, longest=10.0, deadline=deadline)

    error, sent = world.run([NEVER] * times, policy=policy)

    assert len(sent) == times
    assert error.attempts[-1].decision == "no time is left"


def test_looking_has_no_more_time_than_the_call(world: World) -> None:
    policy = RetryPolicy(attempts=100, first=10.0, longest=10.0, deadline=25.0)

    _, sent = world.run([LOST, LOST, MISSING, LOST, LOST], Guard.OWN_ID, policy=policy)

    assert sent == ["operation 1", "look", "look", "operation 1", "look"]


def test_waits_stop_growing(world: World) -> None:
    policy = RetryPolicy(attempts=2000, first=1e-9, longest=30.0, deadline=1e9, reserve=2000)

    error, _ = world.run([NEVER] * 2000, policy=policy)

    assert error.attempts[-2].delay == 30.0


def test_an_outage_is_not_amplified(world: World) -> None:
    policy = RetryPolicy(first=0.0, reserve=2.0, share=0.5)
    budget = Budget(policy)

    sent = [len(world.run([NEVER] * 5, policy=policy, budget=budget)[1]) for _ in range(10)]

    assert sent == [3, 1, 2, 1, 2, 1, 2, 1, 2, 1]
    error, _ = world.run([NEVER], policy=policy, budget=Budget(RetryPolicy(reserve=0.0)))
    assert error.attempts[-1].decision == "the retry budget is empty"


def test_rate_limits_do_not_use_up_the_budget(world: World) -> None:
    policy = RetryPolicy(floor=0.0, first=0.0, reserve=0.0)

    assert world.run([LIMITED, LIMITED, DONE], policy=policy)[0] == "done"


def test_a_wrong_clock_does_not_use_up_the_budget(world: World) -> None:
    """A hundred calls at once may all have been signed before the first one was refused."""
    policy = RetryPolicy(floor=0.0, first=0.0, reserve=0.0)

    assert world.run([EXPIRED, DONE], policy=policy)[0] == "done"


@pytest.mark.parametrize(
    ("wrong", "takes"),
    [
        ({"attempts": 0}, "whole number of attempts from 1$"),
        ({"deadline": -1}, ""),
        ({"floor": float("nan")}, ""),
    ],
)
def test_a_policy_that_is_none_is_refused(wrong: dict[str, Any], takes: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{next(iter(wrong))} is .*; it takes a {takes}"):
        RetryPolicy(**wrong)
    assert RetryPolicy(attempts=1, **{name: 0.0 for name in wrong if name != "attempts"})


# Through both clients, over a transport that follows a script; `test_conformance` has the table.


def test_a_lost_create_is_found_by_its_id(connect: Connect) -> None:
    for options in ({"key": "k", "secret": "s"}, {"auth_token": "t"}):
        script = Script(httpx.ReadError("reset"), OK)
        client = connect(**options, retry=None, httpx_args={"transport": script.transport})

        assert client.create_assembly(template_id="t").ok == "ASSEMBLY_EXECUTING"
        assert script.methods == ["POST", "GET"]


def test_a_found_create_that_was_aborted_says_so(connect: Connect) -> None:
    mine = "ab" * 16
    found = (200, {"ok": "REQUEST_ABORTED", "assembly_id": mine})
    script = Script(httpx.WriteError("reset"), found)
    client = connect("k", "s", httpx_args={"transport": script.transport})

    with pytest.raises(ApiError, match="its upload broke off") as caught:
        client.create_assembly(template_id="t", assembly_id=mine)

    assert caught.value.status is not None
    assert caught.value.attempts


@pytest.mark.parametrize("call", ["get", "cancel", "create"])
@pytest.mark.parametrize(
    "others", [OTHERS, (404, {"error": "ASSEMBLY_NOT_FOUND", "assembly_id": "0" * 32})]
)
def test_an_answer_about_another_assembly_is_not_taken(
    connect: Connect, call: str, others: Any
) -> None:
    script = Script(others, OK)
    client = connect("k", "s", retry=AT_ONCE, httpx_args={"transport": script.transport})

    assert CALLS[call](client).assembly_id != "0" * 32
    assert len(script.methods) == 2


def test_a_stream_is_sent_again_from_where_it_stood_and_a_pipe_is_not(connect: Connect) -> None:
    stream = io.BytesIO(b"skipped, sent")
    stream.seek(9)
    script = Script(httpx.ReadError("reset"), NOT_FOUND, OK)
    connect("k", "s", retry=AT_ONCE, httpx_args={"transport": script.transport}).create_assembly(
        template_id="t", files=stream
    )
    assert script.bodies[0] == script.bodies[2]
    assert b"\r\n\r\nsent\r\n" in script.bodies[2]

    reader, writer = os.pipe()
    os.write(writer, b"sent")
    os.close(writer)
    script = Script(httpx.ReadError("reset"), NOT_FOUND)
    with os.fdopen(reader, "rb") as pipe, pytest.raises(OutcomeUnknown) as caught:
        connect(
            "k", "s", retry=AT_ONCE, httpx_args={"transport": script.transport}
        ).create_assembly(template_id="t", files=pipe)
    assert "cannot be sent again" in caught.value.attempts[-1].decision


def test_a_file_that_changed_meanwhile_is_not_sent_again(connect: Connect, tmp_path: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"first")

    def change(request: httpx.Request) -> httpx.Response:
        request.read()
        if request.method == "GET":
            return httpx.Response(*NOT_FOUND[:1], json=NOT_FOUND[1])
        path.write_bytes(b"second!")
        raise httpx.ReadError("reset")

    client = connect("k", "s", retry=AT_ONCE, httpx_args={"transport": httpx.MockTransport(change)})
    with pytest.raises(OutcomeUnknown, match="a file has changed"):
        client.create_assembly(template_id="t", files=[path])


def test_a_wrong_clock_is_set_right_once_and_said(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    expired = (400, {"error": "AUTH_EXPIRED"}, {"Date": "Sat, 01 Jan 2022 00:00:00 GMT"})

    script = Script(expired, OK, OK)
    client = connect("k", "s", retry=AT_ONCE, httpx_args={"transport": script.transport})
    with pytest.raises(ApiError):  # years off: that is no clock, so it is not believed
        client.replay_assembly(ID)

    near = email.utils.formatdate(time.time() - 7200, usegmt=True)
    script = Script((400, {"error": "AUTH_EXPIRED"}, {"Date": near}), OK)
    client = connect("k", "s", retry=AT_ONCE, httpx_args={"transport": script.transport})
    client.replay_assembly(ID)

    assert script.bodies[0] != script.bodies[1]
    assert re.search(r"clock differs from the server's by -720[01] seconds", caplog.text)


def test_each_retry_is_logged_with_its_attempt_and_without_the_id(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """So that a handler of `logging` can count retries; whoever knows an id may cancel."""
    caplog.set_level("INFO", "transloadit_client")
    script = Script((503, {}), (503, {}), OK)

    connect(retry=AT_ONCE, httpx_args={"transport": script.transport}).get_assembly(ID)

    records = [one for one in caplog.records if one.name == "transloadit_client"]
    assert [one.getMessage() for one in records] == [
        f"could not read Assembly (id): outcome unknown (HTTP 503) after attempt {number} of 5;"
        " going to send the same bytes again in 0.0 seconds"
        for number in (1, 2)
    ]
    assert all(ID not in one.getMessage() for one in records)
    assert [one.attempt.phase for one in records] == ["outcome unknown"] * 2  # type: ignore[attr-defined]


def test_copies_share_the_budget() -> None:
    client = Transloadit("k", "s")

    assert client.with_timeout(1)._budget is client._budget


def test_a_fresh_id_that_counts_as_used_is_looked_for(connect: Connect) -> None:
    """Nobody else can have used it: so it was our own request, or its answer went astray."""
    for refusal in (REUSE, (400, {"error": "DO_NOT_REUSE_ASSEMBLY_IDS"})):
        script = Script(refusal, OK)
        client = connect("k", "s", retry=None, httpx_args={"transport": script.transport})

        assert client.create_assembly(template_id="t").busy

    script = Script((400, {"error": "DO_NOT_REUSE_ASSEMBLY_IDS"}))
    client = connect("k", "s", retry=AT_ONCE, httpx_args={"transport": script.transport})
    with pytest.raises(ApiError, match="DO_NOT_REUSE"):
        client.create_assembly(template_id="t", assembly_id="ab" * 16)


def test_a_found_create_whose_upload_may_be_the_broken_one_is_not_taken_yet(
    connect: Connect,
) -> None:
    mine = "ab" * 16
    uploading = (200, {"ok": "ASSEMBLY_UPLOADING", "assembly_id": mine})

    script = Script(httpx.ReadError("reset"), uploading, uploading, OK)
    client = connect("k", "s", retry=AT_ONCE, httpx_args={"transport": script.transport})
    created = client.create_assembly(template_id="t", assembly_id=mine)
    assert created.ok == "ASSEMBLY_EXECUTING"

    script = Script(httpx.ReadError("reset"), uploading)
    client = connect("k", "s", retry=AT_ONCE, httpx_args={"transport": script.transport})
    created = client.create_assembly(template_id="t", assembly_id=mine, num_expected_upload_files=1)
    assert created.ok == "ASSEMBLY_UPLOADING"


def test_a_create_is_recent_for_ten_seconds() -> None:
    now = 1000.0
    recent = Recent(lambda: now)
    recent.add("mine")

    now += 9.9
    assert recent.has("mine")
    assert not recent.has("another")
    assert not recent.has(None)
    now = 1010.0
    assert not recent.has("mine")


def test_only_the_last_thousand_creates_count_as_recent() -> None:
    recent = Recent(lambda: 0.0)
    for number in range(1001):
        recent.add(f"{number}")

    assert not recent.has("0")
    assert recent.has("1")
    assert recent.has("1000")


def test_a_world_without_a_clock_of_the_servers_corrects_none() -> None:
    world = Dependencies(RetryPolicy(), lambda: 0.0, lambda most: most)

    assert not world.correct_clock("today")
