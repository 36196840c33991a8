"""Which failures may be tried again, and with which bytes. Pure: it neither sends nor waits.

A course of attempts is a generator. It yields what to send and when, is told what came of it, and
ends with a result or an error; the two clients only carry it out.

The policy is the table `RULES`, and what `next_after` changes once an earlier outcome is unknown.
What makes it safe:

- The nonce makes signed bytes single-use, so the *same bytes* may be sent again whatever happened
  to the first; a request signed *anew* may not, once an earlier one may have been carried out.
- An id of one's own makes a create single-use altogether, and tells where to look.
- What has neither is never sent again when its outcome is unknown.
"""

from collections.abc import Callable, Generator
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar, cast

from attrs import evolve, frozen

from .._errors import (
    ApiError,
    Attempt,
    InvalidInput,
    NoAnswer,
    OutcomeUnknown,
    UnreadableAnswer,
)
from .policy import Budget, RetryPolicy, wait_after_fault, wait_after_limit

T = TypeVar("T")


class Phase(Enum):
    """How far an attempt came, as far as can be told from here."""

    NEVER_SENT = "never sent"
    LIMITED = "refused by a rate limit"
    EXPIRED = "refused as expired"
    REUSED = "refused as sent before"
    REFUSED = "refused"
    UNKNOWN = "outcome unknown"


class Guard(Enum):
    """What keeps a request from being carried out twice."""

    HARMLESS = "nothing has to: it changes nothing"
    TWICE_IS_ONCE = "nothing has to: canceled twice is canceled"
    OWN_ID = "an Assembly id of its own"
    NONCE = "a nonce under its signature"
    TRACE = "what it leaves behind, which can be looked for at any time"
    NOTHING = "nothing does"


class Next(Enum):
    """What to do after an attempt."""

    STOP = "stop"
    AGAIN = "send the same bytes again"
    ANEW = "sign anew and send"
    LOOK = "look whether it was carried out"
    REPORT = "report that the outcome is unknown"


RULES: dict[Phase, dict[Guard, Next]] = {
    Phase.NEVER_SENT: dict.fromkeys(Guard, Next.AGAIN),
    Phase.LIMITED: dict.fromkeys(Guard, Next.ANEW),
    Phase.EXPIRED: dict.fromkeys(Guard, Next.ANEW),
    Phase.REFUSED: dict.fromkeys(Guard, Next.STOP),
    Phase.REUSED: {
        Guard.HARMLESS: Next.STOP,
        Guard.TWICE_IS_ONCE: Next.STOP,
        Guard.OWN_ID: Next.LOOK,
        Guard.NONCE: Next.STOP,
        Guard.TRACE: Next.LOOK,
        Guard.NOTHING: Next.STOP,
    },
    Phase.UNKNOWN: {
        Guard.HARMLESS: Next.AGAIN,
        Guard.TWICE_IS_ONCE: Next.AGAIN,
        Guard.OWN_ID: Next.LOOK,
        Guard.NONCE: Next.AGAIN,
        Guard.TRACE: Next.LOOK,
        Guard.NOTHING: Next.REPORT,
    },
}

# What these codes say of a request, whatever HTTP status they come with. All others are judged by
# that status.
CODES = {
    **dict.fromkeys(
        ("RATE_LIMIT_REACHED", "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED"), Phase.LIMITED
    ),
    "AUTH_EXPIRED": Phase.EXPIRED,
    **dict.fromkeys(("SIGNATURE_REUSE_DETECTED", "DO_NOT_REUSE_ASSEMBLY_IDS"), Phase.REUSED),
    **dict.fromkeys(
        (
            "GET_ACCOUNT_UNKNOWN_AUTH_KEY", "INSUFFICIENT_AUTH_SCOPE", "INVALID_PARAMS_FIELD",
            "INVALID_AUTH_EXPIRES_PARAMETER", "INVALID_SIGNATURE", "NO_AUTH_EXPIRES_PARAMETER",
            "NO_PARAMS_FIELD", "NO_SIGNATURE_FIELD", "TEMPLATE_DENIES_STEPS_OVERRIDE",
            "TEMPLATE_NOT_FOUND",
        ),
        Phase.REFUSED,
    ),
}  # fmt: skip


# Locked: the server has not noticed yet that the connection of an earlier request broke.
STATUSES = {423: Phase.LIMITED, 429: Phase.LIMITED}
# Bytes that do not belong where they were sent, and such as came damaged.
TUS_STATUSES = {**STATUSES, 409: Phase.REUSED, 460: Phase.REUSED}


@frozen
class Send:
    """Wait, then send this operation; one that was sent before goes out again byte for byte."""

    operation: Any
    wait: float = 0.0
    """Seconds."""


@frozen
class Outcome:
    """What came of an attempt: a result, or an error and what the answer said beside it."""

    result: Any = None
    error: ApiError | NoAnswer | InvalidInput | None = None
    """InvalidInput if a file of the body could not be read to its end."""
    never_sent: bool = False
    hopeless: bool = False
    """The request cannot be sent at all: an illegal header, a file that broke."""
    retry_after: float | None = None
    date: str | None = None


class NotThere(Enum):
    """What was looked for was not carried out."""

    NOT_THERE = "not there"


NOT_THERE = NotThere.NOT_THERE


def _nothing_in_the_way() -> None:
    return None


@frozen
class Plan(Generic[T]):
    """A call: how its requests are made, and what keeps them from being carried out twice.

    Attributes:
        guard: what keeps a request from being carried out twice.
        make: makes the operation, signed anew each time; what changes nothing is made anew always.
        assembly_id: the Assembly concerned, where it is known.
        look: the plan that reads back what there is, or gives `NOT_THERE`; only where something
            of one's own can be looked for.
        obstacle: why the body cannot be sent a second time, or None.
        fresh: whether the id was drawn for this call, so that nobody can have used it before.
    """

    guard: Guard
    make: Callable[[], Any]
    assembly_id: str | None = None
    look: "Callable[[], Plan[Any]] | None" = None
    obstacle: Callable[[], str | None] = _nothing_in_the_way
    fresh: bool = False


Course: TypeAlias = Generator[Send, Outcome, T]


def phase_of(outcome: Outcome, guard: Guard) -> Phase:
    """How far a failed attempt came, as far as its outcome tells."""
    error = outcome.error
    if outcome.hopeless:
        return Phase.REFUSED
    if not isinstance(error, ApiError):
        return Phase.NEVER_SENT if outcome.never_sent else Phase.UNKNOWN
    code = error.code or ""
    status = error.http_status or 0
    known = CODES.get(code) or (TUS_STATUSES if guard is Guard.TRACE else STATUSES).get(status)
    if known is not None:
        return known
    if error.status is not None and guard in (Guard.OWN_ID, Guard.NONCE, Guard.NOTHING):
        return Phase.REFUSED  # the Assembly is there, and has failed
    mute = isinstance(error, UnreadableAnswer) and (error.strayed or status < 300)
    # A create is never answered that there is no such Assembly: that answers another question.
    stray = guard is Guard.OWN_ID and code in ("ASSEMBLY_NOT_FOUND", "SERVER_404")
    return Phase.UNKNOWN if status >= 500 or mute or stray else Phase.REFUSED


def next_after(phase: Phase, guard: Guard, *, doubt: bool, fresh: bool) -> Next:
    """What to do.

    Args:
        phase: how far the attempt came.
        guard: what keeps the request from being carried out twice.
        doubt: whether the outcome of an earlier attempt is unknown.
        fresh: whether nobody can have used the id before.
    """
    if not doubt:
        strange = phase is Phase.REUSED and guard is not Guard.TRACE and not fresh
        return Next.STOP if strange else RULES[phase][guard]
    if guard is Guard.OWN_ID and phase in (Phase.REFUSED, Phase.EXPIRED):
        return Next.LOOK
    if guard is Guard.NONCE and phase is Phase.LIMITED:
        return Next.AGAIN  # signed anew it might be carried out twice
    if guard is Guard.NONCE and phase in (Phase.REFUSED, Phase.REUSED, Phase.EXPIRED):
        return Next.REPORT
    return RULES[phase][guard]


def course(
    plan: Plan[T],
    policy: RetryPolicy,
    budget: Budget,
    *,
    now: Callable[[], float],
    jitter: Callable[[float], float],
    correct_clock: Callable[[str | None], bool],
    until: float | None = None,
) -> Course[T]:
    """The attempts at a call, as a generator: it returns the result, or raises the last error.

    Args:
        plan: the call.
        policy: how often and how long.
        budget: the client's.
        now: a clock in seconds that only goes forward.
        jitter: draws a number between zero and the one it is given.
        correct_clock: given the server's `Date`, sets our clock; whether that changed anything.
        until: when it has to end, on that clock; by default as the policy says.
    """
    until = now() + policy.deadline if until is None else until
    budget.earn()
    history: tuple[Attempt, ...] = ()
    doubt = corrected = False
    operation, delay, number = plan.make(), 0.0, 0
    while True:
        number += 1
        outcome = yield Send(operation, delay)
        if outcome.error is None:
            result: T = outcome.result
            return result
        phase = phase_of(outcome, plan.guard)
        if plan.guard is Guard.TRACE:
            until = now() + policy.deadline  # sending a large body takes what it takes
        if phase is Phase.EXPIRED:
            corrected = not corrected and correct_clock(outcome.date)
            phase = Phase.EXPIRED if corrected else Phase.REFUSED
        doubt = doubt or (phase is Phase.UNKNOWN and plan.guard not in _NO_DOUBT)
        if phase is Phase.REFUSED and plan.guard is Guard.TWICE_IS_ONCE:
            doubt = False  # the refusal says how things stand
        step = next_after(phase, plan.guard, doubt=doubt, fresh=plan.fresh)
        history += (Attempt(str(outcome.error), phase.value, step.value),)
        if step is Next.LOOK and plan.look is not None:
            try:
                found = yield from course(
                    plan.look(),
                    policy,
                    budget,
                    now=now,
                    jitter=jitter,
                    correct_clock=correct_clock,
                    until=until,
                )
                if not isinstance(found, NotThere):
                    return cast("T", found)
            except (ApiError, NoAnswer) as seen:
                history += seen.attempts
                if not _is_missing(seen):
                    unclear = not _is_there(seen) and plan.guard not in _NO_DOUBT
                    final = _final(seen, plan, history, doubt=unclear)
                    raise final from final.__cause__
            doubt = phase is not Phase.REFUSED and plan.guard not in _NO_DOUBT
            step = _AFTER_LOOKING[phase]
        delay = _wait_before(phase, outcome, number, policy, jitter)
        hurdle = (
            step.value if step in (Next.STOP, Next.REPORT)
            else "no attempts are left" if number >= policy.attempts
            else "no time is left" if now() + delay > until
            else plan.obstacle()
            or (None if phase is Phase.LIMITED or budget.spend() else "the retry budget is empty")
        )  # fmt: skip
        last = evolve(history[-1], decision=hurdle or step.value, delay=None if hurdle else delay)
        history = (*history[:-1], last)
        if hurdle:
            raise _final(outcome.error, plan, history, doubt=doubt)
        if step is Next.ANEW or plan.guard is Guard.HARMLESS:
            operation = plan.make()


def _wait_before(
    phase: Phase,
    outcome: Outcome,
    number: int,
    policy: RetryPolicy,
    jitter: Callable[[float], float],
) -> float:
    """Seconds to wait after attempt `number`, before it is followed by another."""
    if phase is Phase.EXPIRED:
        return 0.0  # the clock is right now
    hint = outcome.error.retry_in if isinstance(outcome.error, ApiError) else None
    hint = outcome.retry_after if hint is None else hint
    wait = wait_after_limit if phase is Phase.LIMITED else wait_after_fault
    return wait(policy, number, hint, jitter)


_NO_DOUBT = (Guard.HARMLESS, Guard.TRACE)
"""Whose outcome does not matter, or can be told at any time."""

_AFTER_LOOKING = {
    Phase.UNKNOWN: Next.AGAIN,
    Phase.REUSED: Next.ANEW,
    Phase.EXPIRED: Next.ANEW,
    Phase.REFUSED: Next.STOP,
}
"""What follows when the Assembly is not there: a nonce that counts as used needs another."""


def _is_missing(error: ApiError | NoAnswer) -> bool:
    return isinstance(error, ApiError) and error.code == "ASSEMBLY_NOT_FOUND"


def _is_there(error: ApiError | NoAnswer) -> bool:
    return isinstance(error, ApiError) and error.status is not None


def _final(
    error: ApiError | NoAnswer | InvalidInput,
    plan: Plan[Any],
    history: tuple[Attempt, ...],
    *,
    doubt: bool,
) -> ApiError | NoAnswer | InvalidInput:
    if doubt:
        where = f"Assembly {plan.assembly_id}" if plan.assembly_id else "the account's Assemblies"
        unknown = OutcomeUnknown(
            f"{error} Whether it was carried out is unknown, after {len(history)} attempts"
            f" ({history[-1].decision}); {where} will tell."
        )
        unknown.assembly_id = plan.assembly_id
        unknown.__cause__ = unknown.last = error
        error = unknown
    error.attempts = history
    return error
