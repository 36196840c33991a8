"""The service's rate limits, if the stand-in is told to have them."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from .._codes import Refusal

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Limits:
    """How much is too much, as the pages say; what is refused does not count.

    Args:
        creates: Creates and replays in any minute.
        running: Assemblies that have no outcome yet, at any time.
        status_reads: Reads of one Assembly's status in any second.
        http_status: That of `RATE_LIMIT_REACHED`, which is seen with both.
    """

    creates: int = 250
    running: int = 250
    status_reads: int = 3
    http_status: Literal[413, 429] = 429

    def __post_init__(self) -> None:
        if self.http_status not in (413, 429):
            raise ValueError("http_status of limits has to be 413 or 429")


@dataclass
class Meter:
    """Counts, and refuses what goes beyond the limits; the time is the stand-in's own clock's."""

    limits: Limits | None
    running: set[str] = field(default_factory=set)
    """The ids of the Assemblies that run."""
    _creates: deque[datetime] = field(default_factory=deque)
    _reads: defaultdict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))

    def check_create(self, now: datetime) -> None:
        """Refuse a create that comes too soon; whether it counts is seen when it is `created()`."""
        if self.limits is None:
            return
        wait = _wait(self._creates, now, self.limits.creates, timedelta(minutes=1))
        if wait is None and len(self.running) >= self.limits.running:
            wait = 1.0  # nobody knows when one of them ends
        if wait is not None:
            raise Refusal(
                "RATE_LIMIT_REACHED", http_status=self.limits.http_status, info={"retryIn": wait}
            )

    def created(self, assembly_id: str, now: datetime) -> None:
        """There is one more Assembly."""
        self.running.add(assembly_id)
        if self.limits is not None:
            self._creates.append(now)

    def forget(self) -> None:
        """Begin to count anew."""
        self.running.clear()
        self._creates.clear()
        self._reads.clear()

    def read(self, assembly_id: str, now: datetime) -> None:
        """Refuse a read of a status that comes too soon, and count the others."""
        if self.limits is None:
            return
        reads = self._reads[assembly_id]
        wait = _wait(reads, now, self.limits.status_reads, timedelta(seconds=1))
        if wait is not None:
            raise Refusal("ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED", info={"retryIn": wait})
        reads.append(now)


def _wait(moments: deque[datetime], now: datetime, most: int, window: timedelta) -> float | None:
    """Seconds until there is room for one more, None if there is."""
    while moments and moments[0] <= now - window:
        moments.popleft()
    if len(moments) < most:
        return None
    if not moments:  # none at all are allowed
        return window.total_seconds()
    # Rounded up, so that whoever waits exactly that long is not refused again.
    return math.ceil((moments[0] + window - now).total_seconds() * 1000) / 1000
