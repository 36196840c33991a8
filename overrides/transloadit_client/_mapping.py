"""Many Assemblies, one for each input: how many at once, how fast, and which is which. Pure.

`mapping` is a generator: it says what to take, start, await and deliver, and others do it. So
threads, tasks and a simulated clock carry out the same code.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from attrs import field, frozen

from ._errors import InvalidInput, TransloaditError
from ._files import base_name
from ._journal import Entry
from ._results import SavedFile
from ._status import AssemblyStatus

MINUTE = 60.0


class Pace:
    """No more than so many starts within any minute. A start's turn is kept for it.

    Args:
        a_minute: how many; None for any number.
    """

    def __init__(self, a_minute: int | None) -> None:
        self._last: deque[float] = deque(maxlen=a_minute)
        self._limited = a_minute is not None

    def wait(self, now: float) -> float:
        """Seconds until another may start."""
        if not self._limited or len(self._last) < (self._last.maxlen or 0):
            return 0.0
        return max(0.0, self._last[0] + MINUTE - now)

    def started(self, now: float) -> None:
        if self._limited:
            self._last.append(now)
