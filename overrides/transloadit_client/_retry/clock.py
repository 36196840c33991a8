"""Time as the server tells it: HTTP dates, `Retry-After`, and our own clock set right by them."""

import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

logger = logging.getLogger("transloadit_client")

# Less is the way of an answer, and more than a day is no clock that anybody uses: a server that
# says so would make us sign for a time when the signature is long out of our sight.
_LEAST, _MOST = timedelta(seconds=30), timedelta(days=1)


def utc_now() -> datetime:
    """The time by this machine's clock, in UTC."""
    return datetime.now(UTC)


class Clock:
    """This machine's clock, corrected once a refusal has shown that it is wrong.

    Args:
        machine: reads the clock that may be wrong; a simulator gives its own.
    """

    def __init__(self, machine: Callable[[], datetime] = utc_now) -> None:
        self._machine = machine
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._machine() + self._ahead

    def correct(self, date: str | None) -> bool:
        """Takes the server's `Date` for right.

        Returns:
            Whether what is signed from now on is signed for another time: also where another call,
            which ran at the same time, has corrected the clock already.
        """
        then = parsed_date(date)
        if then is None:
            return False
        ahead = then - self._machine()
        if abs(ahead) > _MOST:
            return False
        if abs(ahead - self._ahead) < _LEAST:
            return self._ahead != timedelta(0)
        logger.warning(
            "this machine's clock differs from the server's by %+.0f seconds; signing with theirs",
            ahead.total_seconds(),
        )
        self._ahead = ahead
        return True


def seconds_until(retry_after: str | None, date: str | None) -> float | None:
    """What a `Retry-After` asks for: seconds, or a time, which is held against the `Date`."""
    if retry_after is None:
        return None
    # `isdigit` alone takes superscripts, on which `float` raises; ten digits are 300 years.
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10:
        return float(retry_after)
    # Both times are the server's, so that a wrong clock on this machine does not matter.
    then, sent = parsed_date(retry_after), parsed_date(date)
    return max(0.0, (then - sent).total_seconds()) if then and sent else None


def parsed_date(text: str | None) -> datetime | None:
    """An HTTP date as an aware time; None for what is not one."""
    try:
        date = parsedate_to_datetime(text or "")
        # A date that ends in `-0000` comes back without a zone, and comparing it would raise.
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def jitter(most: float) -> float:
    """A number of seconds from zero to the most."""
    return random.uniform(0.0, most)  # noqa: S311  # it spreads load
