"""The attempts at a call, as a flow: it returns the result, or raises the last error.

What may be tried again is in `rules`, how often and how long in `policy`.
"""

from typing import Any, TypeVar, cast

from attrs import evolve

from .._calls.call import Call, Guard, NotThere
from .._errors import ApiError, Attempt, InvalidInput, NoAnswer, OutcomeUnknown, Phase
from .._flow import Flow, Outcome, Pause, Send
from .policy import World, wait_after_fault, wait_after_limit
from .rules import AFTER_NOT_FOUND, NEVER_IN_DOUBT, Next, next_after, phase_of

T = TypeVar("T")


def attempts(call: Call[T], world: World, until: float | None = None) -> Flow[T]:
    """Sends a call as often as the rules allow.

    Args:
        call: the call.
        world: the policy, and what else it depends on.
        until: when it has to end, on the world's clock; by default as the policy says.
    """
    policy, now = world.policy, world.now
    until = now() + policy.deadline if until is None else until
    world.budget.earn()
    history: tuple[Attempt, ...] = ()
    maybe_done = corrected = False
    request, number = call.prepare(), 0
    while True:
        number += 1
        outcome: Outcome = yield Send(call, request)
        if outcome.error is None:
            result: T = outcome.result
            return result
        if outcome.is_queued and policy.attempts > 1:
            number -= 1  # waiting for a free connection is no fault of the network
        phase = phase_of(outcome, call.guard)
        if call.guard is Guard.CHECKABLE:
            until = now() + policy.deadline  # sending a large body takes what it takes
        if phase is Phase.EXPIRED:
            corrected = not corrected and world.correct_clock(outcome.date)
            phase = Phase.EXPIRED if corrected else Phase.REFUSED
        maybe_done = maybe_done or (phase is Phase.UNKNOWN and call.guard not in NEVER_IN_DOUBT)
        if phase is Phase.REFUSED and call.guard is Guard.TWICE_IS_ONCE:
            maybe_done = False  # the refusal says how things stand
        step = next_after(phase, call.guard, maybe_done=maybe_done, id_is_new=call.id_is_new)
        history += (Attempt(str(outcome.error), phase.value, step.value),)
        if step is Next.FIND and call.find is not None:
            try:
                found = yield from attempts(call.find(), world, until)
                if not isinstance(found, NotThere):
                    return cast("T", found)
            except (ApiError, NoAnswer) as seen:
                history += seen.attempts
                if not _is_missing(seen):
                    unclear = not _is_there(seen) and call.guard not in NEVER_IN_DOUBT
                    final = _final(seen, call, history, maybe_done=unclear)
                    raise final from final.__cause__
            maybe_done = phase is not Phase.REFUSED and call.guard not in NEVER_IN_DOUBT
            step = AFTER_NOT_FOUND[phase]
        delay = _wait_before(phase, outcome, number, world)
        why_not = (
            step.value if step in (Next.STOP, Next.REPORT)
            else "no attempts are left" if number >= policy.attempts
            else "no time is left" if now() + delay > until
            else call.why_not_again()
            or (None if phase is Phase.LIMITED or outcome.is_queued or world.budget.spend()
                else "the retry budget is empty")
        )  # fmt: skip
        last = evolve(history[-1], decision=why_not or step.value, delay=None if why_not else delay)
        history = (*history[:-1], last)
        if why_not:
            raise _final(outcome.error, call, history, maybe_done=maybe_done)
        yield Pause(delay)
        if step is Next.RESIGN or call.guard is Guard.HARMLESS:
            request = call.prepare()


def _wait_before(phase: Phase, outcome: Outcome, number: int, world: World) -> float:
    """Seconds to wait after attempt `number`, before it is followed by another."""
    if phase is Phase.EXPIRED:
        return 0.0  # the clock is right now
    hint = outcome.error.retry_in if isinstance(outcome.error, ApiError) else None
    hint = outcome.retry_after if hint is None else hint
    wait = wait_after_limit if phase is Phase.LIMITED else wait_after_fault
    return wait(world.policy, max(1, number), hint, world.jitter)


def _is_missing(error: ApiError | NoAnswer) -> bool:
    return isinstance(error, ApiError) and error.code == "ASSEMBLY_NOT_FOUND"


def _is_there(error: ApiError | NoAnswer) -> bool:
    return isinstance(error, ApiError) and error.status is not None


def _final(
    error: ApiError | InvalidInput | NoAnswer,
    call: Call[Any],
    history: tuple[Attempt, ...],
    *,
    maybe_done: bool,
) -> ApiError | InvalidInput | NoAnswer:
    if maybe_done:
        where = f"Assembly {call.assembly_id}" if call.assembly_id else "the account's Assemblies"
        unknown = OutcomeUnknown(
            f"{error} Whether it was carried out is unknown, after {len(history)} attempts"
            f" ({history[-1].decision}); {where} will tell."
        )
        unknown.assembly_id = call.assembly_id
        unknown.__cause__ = unknown.last = error
        error = unknown
    error.attempts = history
    return error
