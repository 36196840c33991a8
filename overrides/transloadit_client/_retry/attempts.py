"""The attempts at a call, as a flow: it returns the result, or raises the last error.

What may be tried again is in `rules`, how often and how long in `policy`.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from attrs import evolve

from .._calls.call import Call, Guard, NotThere
from .._errors import ApiError, Attempt, InvalidInput, NoAnswer, OutcomeUnknown, Phase
from .._flow import Flow, Outcome, Pause, Send
from .policy import RetryPolicy, World, wait_after_fault, wait_after_limit
from .reports import log_retry
from .rules import (
    AFTER_NOT_FOUND,
    CREATES,
    LOCKED,
    NEVER_IN_DOUBT,
    Next,
    next_after,
    phase_of,
)

T = TypeVar("T")

# These repeats cost no budget, which is there for outages. A wrong clock is corrected once, but all
# calls that were signed before that have to be signed anew: a `map` has a hundred at once.
_NO_OUTAGE = (Phase.LIMITED, Phase.EXPIRED)


def attempts(
    call: Call[T],
    world: World,
    until: float | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Flow[T]:
    """Sends a call as often as the rules allow.

    Args:
        call: the call.
        world: the policy, and what else it depends on.
        until: when it has to end, on the world's clock; by default as the policy says.
        stopped: says whether to end a request that is under way.
    """
    policy, now = world.policy, world.now
    until = now() + policy.deadline if until is None else until
    # Once a call and not once an attempt: otherwise an outage, which makes attempts, would earn the
    # very repeats that the budget is to hold back.
    world.budget.earn()
    history: tuple[Attempt, ...] = ()
    # A create whose first answer was lost may exist although its second request was refused, so a
    # refusal does not reset this; but for a cancel, see below.
    maybe_done = corrected = False
    # Built once. Repeats send the same bytes, under one nonce, so that the server can tell that it
    # has seen them.
    request, number = call.prepare(), 0
    while True:
        outcome: Outcome = yield Send(call, request, _end(call, until, policy), stopped)
        if outcome.error is None:
            if call.guard in CREATES:
                world.recent.add(getattr(outcome.result, "assembly_id", None))
            result: T = outcome.result
            return result
        is_free = policy.attempts > 1 and _only_waited(outcome)
        number += not is_free
        phase = phase_of(outcome, call.guard)
        if _is_missing(outcome.error) and world.recent.has(call.assembly_id):
            phase = Phase.NOT_DONE  # reads lag behind: this very client has just created it
        if call.guard is Guard.CHECKABLE and not is_free:
            until = now() + policy.deadline  # sending a large body takes what it takes
        if phase is Phase.EXPIRED:
            # One correction a call: a server that disagrees with its own `Date` would have us sign
            # for ever.
            corrected = not corrected and world.correct_clock(outcome.date)
            phase = Phase.EXPIRED if corrected else Phase.REFUSED
        maybe_done = maybe_done or (phase is Phase.UNKNOWN and call.guard not in NEVER_IN_DOUBT)
        # Only the API gives a code. A refusal without one may come from a proxy or a firewall,
        # which knows nothing of an earlier attempt, and that one may arrive even now.
        is_settled = phase is Phase.REFUSED and getattr(outcome.error, "code", None) is not None
        if is_settled and call.guard is Guard.TWICE_IS_ONCE:
            maybe_done = False  # the refusal says how things stand
        step = next_after(phase, call.guard, maybe_done=maybe_done, id_is_new=call.id_is_new)
        maybe_done = maybe_done or step is Next.REPORT
        history += (
            Attempt(str(outcome.error), phase.value, step.value, None, number, policy.attempts),
        )
        if step is Next.FIND and call.find is not None:
            try:
                # Within the time of this call: looking is a part of it, not another one.
                found = yield from attempts(call.find(), world, until, stopped)
                if not isinstance(found, NotThere):
                    if call.guard in CREATES:
                        world.recent.add(call.assembly_id)
                    return cast("T", found)
            except (ApiError, NoAnswer) as seen:
                history += seen.attempts
                if not _is_missing(seen):
                    unclear = not _is_there(seen) and call.guard not in NEVER_IN_DOUBT
                    final = _final(seen, call, history, maybe_done=unclear)
                    # The cause is the failed search, not the fault before it, which stands in the
                    # history.
                    raise final from final.__cause__
            maybe_done = not is_settled and call.guard not in NEVER_IN_DOUBT
            step = AFTER_NOT_FOUND[phase]
        delay = _wait_before(phase, outcome, number, world)
        why_not = _why_not(call, step, number, policy, out_of_time=now() + delay > until)
        if not (why_not or is_free or phase in _NO_OUTAGE or world.budget.spend()):
            why_not = "the retry budget is empty"
        last = evolve(history[-1], decision=why_not or step.value, delay=None if why_not else delay)
        history = (*history[:-1], last)
        if why_not:
            raise _final(outcome.error, call, history, maybe_done=maybe_done)
        # Not `last`, which may be that of a search: this one failed, and is made again.
        failed = Attempt(
            str(outcome.error), phase.value, step.value, delay, max(1, number), policy.attempts
        )
        log_retry(call.title, outcome.error, failed)
        # A pause and no sleep: the driver knows whether a thread, a task or a simulated clock
        # waits.
        yield Pause(delay, retry=failed, assembly_id=call.assembly_id)
        if step is Next.RESIGN or call.guard is Guard.HARMLESS:
            request = call.prepare()


def _end(call: Call[Any], until: float, policy: RetryPolicy) -> float | None:
    """When an exchange ends at the latest: a large body may take what the slowest rate takes.

    Of a download that is when its body begins, whose rate is watched as it comes. None for no end:
    of a body that may come at any rate.
    """
    if call.size and not policy.minimum_rate:
        return None
    return until + (call.size / policy.minimum_rate if call.size else 0.0)


def _only_waited(outcome: Outcome) -> bool:
    """Whether only time can help: a connection was not free, or an upload is locked.

    Neither is a fault of the network, so it costs no attempt: only the deadline ends it.
    """
    error = outcome.error
    return outcome.is_queued or (isinstance(error, ApiError) and error.http_status == LOCKED)


def _why_not(
    call: Call[Any], step: Next, number: int, policy: RetryPolicy, *, out_of_time: bool
) -> str | None:
    """Why there is no further attempt, or None."""
    if step in (Next.STOP, Next.REPORT):
        return str(step.value)
    if number >= policy.attempts:
        return "no attempts are left"
    why_not: str | None = "no time is left" if out_of_time else call.why_not_again()
    return why_not


def _wait_before(phase: Phase, outcome: Outcome, number: int, world: World) -> float:
    """Seconds to wait after attempt `number`, before it is followed by another."""
    if phase is Phase.EXPIRED:
        return 0.0  # the clock is right now
    hint = outcome.error.retry_in if isinstance(outcome.error, ApiError) else None
    wait = wait_after_limit if phase is Phase.LIMITED else wait_after_fault
    return wait(world.policy, max(1, number), hint, world.jitter)


def _is_missing(error: object) -> bool:
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
        # Without an id of its own nothing can be looked up, so the person is told where to look.
        where = f"Assembly {call.assembly_id}" if call.assembly_id else "the account's Assemblies"
        unknown = OutcomeUnknown(
            f"{error} Whether it was carried out is unknown, after {len(history)} attempts"
            f" ({history[-1].decision}); {where} will tell."
        )
        unknown.assembly_id = call.assembly_id
        unknown.host, unknown.proxy = getattr(error, "host", None), getattr(error, "proxy", None)
        unknown.__cause__ = unknown.last = error
        error = unknown
    error.attempts = history
    return error
