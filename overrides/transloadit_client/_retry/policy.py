"""How often and how long to try: a policy, a client's budget, and the arithmetic of waiting. Pure.

What may be tried again at all, and with which bytes, is in `rules`.
"""

from collections.abc import Callable

from attrs import Factory, field, frozen

from .._calls.numbers import number, seconds, whole_number
from .._errors import InvalidInput
from .._locks import Lock


@frozen(kw_only=True)
class RetryPolicy:
    """How often and how long to try.

    Each attempt that is followed by another is logged at INFO by the logger `transloadit_client`,
    so a `logging.Handler` is the hook to count retries; the record's `attempt` is an `Attempt`.

    Args:
        attempts: how many at most, the first included.
        deadline: seconds for a whole call; no attempt begins later.
        first: the longest first wait after a fault, in seconds. Each further one may be twice as
            long, and all are drawn at random from zero up ("full jitter").
        longest: the longest such wait of all, in seconds.
        floor: the shortest wait after a rate limit, in seconds, since the API may ask for 0.
        share: how many retries each request adds to the budget of its client, on average.
        reserve: how many retries the budget holds at first, and at most. When it is empty nothing
            is retried, so that an outage is not met with more requests than usual.
        minimum_rate: bytes a second that a large body must reach on average; 0 for any. Uploads get
            the time that this takes beside the deadline; slower downloads are broken off and
            resumed.

    Raises:
        InvalidInput: one of them is negative or no number, or `attempts` is no whole number from 1.

    Example:
        client = Transloadit(retry=RetryPolicy(attempts=3, deadline=60))
    """

    __module__ = "transloadit_client"

    # Five attempts with waits of at most 0.5, 1, 2 and 4 s: long enough for a restart of a server
    # behind a load balancer, short enough for a person who waits.
    attempts: int = 5
    deadline: float = 300.0
    first: float = 0.5
    longest: float = 30.0
    # The API's `info.retryIn` may be 0, and to obey that would meet the limit again at once.
    floor: float = 1.0
    # One repeat for five requests. A retry storm is what turns a short outage into a long one: with
    # five attempts for each call the load would be five-fold.
    share: float = 0.2
    reserve: float = 20.0
    minimum_rate: float = 1024.0

    def __attrs_post_init__(self) -> None:
        whole_number("attempts", self.attempts, "attempts", least=1)
        for name in ("first", "longest", "floor"):
            seconds(name, getattr(self, name), most=_LONGEST_WAIT)
        for name in ("deadline", "share", "reserve", "minimum_rate"):
            number(name, getattr(self, name))


_LONGEST_WAIT = 30 * 24 * 3600.0  # seconds: a sleep of an infinite time is an OverflowError

ONCE = RetryPolicy(attempts=1)
"""Never repeat; a lost create is still looked for."""


def policy_of(retry: "RetryPolicy | int | None") -> RetryPolicy:
    """The policy that `retry=` stands for.

    Raises:
        InvalidInput: it is no policy, and no number of attempts.
    """
    if isinstance(retry, RetryPolicy):
        return retry
    if retry is None or retry is False:
        return ONCE
    if retry is True or not isinstance(retry, int) or retry < 1:
        raise InvalidInput(
            f"retry is {retry!r}; it takes a RetryPolicy, a number of attempts from 1, or None or"
            " False to try once"
        )
    return RetryPolicy(attempts=retry)


class Budget:
    """How many repeats a client may still make. Safe to share between threads."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._share, self._most = policy.share, policy.reserve
        self._left = policy.reserve
        self._lock = Lock()

    def earn(self) -> None:
        """A request was made."""
        with self._lock:
            self._left = min(self._most, self._left + self._share)

    def spend(self) -> bool:
        """Whether one more repeat may be made; if so, it is counted."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Recent:
    """The Assemblies that a client has created in the last seconds: a read may not know them yet.

    The status is eventually consistent: `ASSEMBLY_NOT_FOUND` right after a create was seen in
    production. Safe to share between threads.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._created: dict[str, float] = {}

    def add(self, assembly_id: object) -> None:
        """An Assembly was created."""
        if isinstance(assembly_id, str):
            self._created[assembly_id] = self._now()
        while len(self._created) > _MOST_RECENT:
            self._created.pop(next(iter(self._created), ""), None)

    def has(self, assembly_id: str | None) -> bool:
        """Whether an Assembly was created here so recently that a read may not find it."""
        created = self._created.get(assembly_id or "")
        return created is not None and self._now() - created < _RECENTLY


_RECENTLY = 10.0  # seconds
_MOST_RECENT = 1000  # an account may create 250 a minute


def _keep_the_clock(_: str | None) -> bool:
    return False


@frozen
class World:
    """What flows depend on beside the API, so that tests and a simulator can give their own.

    Attributes:
        policy: how often and how long to try.
        now: a clock in seconds that only goes forward.
        jitter: draws a number between zero and the one it is given.
        budget: how many repeats the client may still make.
        correct_clock: given the server's `Date`, sets our clock; whether signing anew can help.
        recent: what was created just now.
    """

    policy: RetryPolicy
    now: Callable[[], float]
    jitter: Callable[[float], float]
    budget: Budget = field(
        default=Factory(lambda world: Budget(world.policy), takes_self=True), repr=False
    )
    correct_clock: Callable[[str | None], bool] = _keep_the_clock
    recent: Recent = field(
        default=Factory(lambda world: Recent(world.now), takes_self=True), repr=False
    )


def wait_after_fault(
    policy: RetryPolicy, number: int, hint: float | None, jitter: Callable[[float], float]
) -> float:
    """Seconds to wait after attempt `number` met a fault.

    Args:
        policy: how long to try.
        number: 1 for the first attempt of a call.
        hint: the seconds that the answer asked for, if it did.
        jitter: draws a number between zero and the one it is given.
    """
    # Full jitter: clients that were cut off at the same moment must not come back at the same
    # moment. What the server asked for is never undercut.
    return max(jitter(_backoff(policy, number)), hint or 0.0)


def wait_after_limit(
    policy: RetryPolicy, number: int, hint: float | None, jitter: Callable[[float], float]
) -> float:
    """Seconds to wait after attempt `number` met a rate limit: never less than asked for."""
    asked = _backoff(policy, number) if hint is None else hint
    # The wait is added to, not drawn from: to come back too early counts against the limit again.
    return max(policy.floor, asked) + jitter(policy.first)


def _backoff(policy: RetryPolicy, number: int) -> float:
    # The exponent is bounded because 2.0 ** 1024 raises an OverflowError.
    return min(policy.longest, policy.first * 2.0 ** min(number - 1, 64))
