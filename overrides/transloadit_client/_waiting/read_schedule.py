"""When to read the status of an Assembly that is waited for. Pure.

The gap between two reads is a tenth of the time that it has taken so far, within bounds: an end is
then noticed late by a twentieth on average. `benchmarks/waiting.py` has the figures.
"""

from attrs import define, field

from .._errors import ApiError, Attempt, NoAnswer, Phase, TransloaditError
from .._retry.policy import RetryPolicy, World, wait_after_fault, wait_after_limit
from .._status import AssemblyStatus

MOST_OFTEN = 1 / 3  # seconds between two reads: the API allows three reads a second
_SOON = 0.4  # seconds between two reads where an event asks for the second
_SELDOM = 10.0  # seconds between two reads of an Assembly that has been at work for long
# Seconds between two reads while events arrive: at first, and once it has taken as long. A
# connection that dies in silence dies of old age, such as that of a router's table.
_LISTENING, _ASSURED = 60.0, 90.0
SLOWEST = 60.0  # seconds between two reads once rate limits were met
_LATE = 0.1  # an end is noticed at most by this share of the Assembly's time too late


@define
class ReadSchedule:
    """When to read the status next."""

    _world: World
    _interval: float
    due: float = field(init=False)
    _began: float = field(init=False)
    _last: float = field(init=False, default=-_SOON)
    _not_before: float = field(init=False, default=0.0)
    _limits: int = field(init=False, default=0)
    _failing_since: float | None = field(init=False, default=None)
    _failures: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.due = self._began = self._not_before = self._world.now()
        self._last = self.due - _SOON

    def read(self, status: AssemblyStatus, *, listening: bool) -> None:
        """A status came, and the Assembly is busy."""
        self._last = self._world.now()
        self._failing_since, self._failures = None, 0
        # One step down and not to zero, or reads would meet the limit over and over.
        self._limits = max(0, self._limits - 1)
        taken = self._last - self._began
        gap = min(max(taken, _LISTENING), _ASSURED) if listening else min(_LATE * taken, _SELDOM)
        gap = max(self._interval, gap)
        # After a rate limit the gap doubles, and halves with each read that succeeds: other
        # programs may use the same account.
        gap = max(min(gap * 2.0 ** min(self._limits, 16), SLOWEST), gap, _asked_for(status))
        # Jitter, since a map begins many Assemblies in the same second.
        self.due = self._last + gap + self._world.jitter(gap / 4)

    def failed(self, error: ApiError | NoAnswer) -> Attempt:
        """A read failed: what is done about it; raises the error if that is how it ends."""
        world = self._world
        self._last = world.now()
        phase = phase_of_last(error)
        hint = error.retry_in if isinstance(error, ApiError) else None
        if phase is Phase.LIMITED:
            # Too many reads, of this Assembly or of others beside it: fewer from now on.
            self._limits += 1
            wait = wait_after_limit(world.policy, self._limits, hint, world.jitter)
        elif phase is Phase.REFUSED:
            raise error
        else:
            self._failures += 1
            if self._failing_since is None:
                self._failing_since = self._last
            if self._last - self._failing_since >= _may_fail_for(world.policy):
                raise error
            wait = wait_after_fault(world.policy, self._failures, hint, world.jitter)
        seconds = max(wait, self._interval)
        self.due = self._not_before = self._last + seconds
        number = self._limits if phase is Phase.LIMITED else self._failures
        return Attempt(str(error), phase.value, "read it again", seconds, number)

    def hasten(self, *, anew: bool) -> None:
        """Something happened: the next read is due soon; `anew` if the end must be near."""
        if anew:
            self._began = self._world.now()
        self.due = max(self._not_before, min(self.due, self._last + _SOON))


def _may_fail_for(policy: RetryPolicy) -> float:
    """Seconds for which reads may go on failing."""
    return policy.deadline if policy.attempts > 1 else 0.0


def _asked_for(status: AssemblyStatus) -> float:
    """The seconds that a status asks to wait, as `info.retryIn`."""
    asked = getattr(status.info, "retry_in", None)
    # `True` is an int in Python, and the API's documents promise no types.
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        return 0.0
    return float(asked) if 0 <= asked <= SLOWEST else 0.0


def phase_of_last(error: TransloaditError) -> Phase:
    """How far the last attempt came."""
    return Phase(error.attempts[-1].phase)
