"""Many Assemblies: how many at once, and how fast. Pure, but for `free_descriptors`.

`mapping` is a generator: it says what to take, start and await, and others do it. So threads, tasks
and a simulated clock carry out the same code.
"""

import errno
import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from .._calls.numbers import whole_number
from .map_inputs import Task
from .outcomes import Mapped

logger = logging.getLogger("transloadit_client")

AT_ONCE = 100  # Assemblies in progress: an account may have 250, and a client 100 connections
_MINUTE = 60.0
# What one Assembly in progress may have open: four uploads or results, with a connection each.
_DESCRIPTORS = 8
_SPARE_DESCRIPTORS = 16  # for the journal, logs, and what else the program opens meanwhile


def at_once_within(descriptors: int | None) -> int:
    """How many Assemblies may be in progress by default.

    Args:
        descriptors: how many files and connections can still be opened; None for any number.
    """
    if descriptors is None:
        return AT_ONCE
    return min(AT_ONCE, max(1, (descriptors - _SPARE_DESCRIPTORS) // _DESCRIPTORS))


def free_descriptors() -> int | None:
    """How many files and connections this process can still open; None for any number."""
    try:
        import resource  # noqa: PLC0415  # Windows has none, and its limit is far away
    except ImportError:
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        used = sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError as error:  # none is left to look with, or the system has no such folder
        used = most if error.errno == errno.EMFILE else 0
    return None if most == resource.RLIM_INFINITY else max(0, most - used)


class Quota:
    """No more than so many starts within any minute.

    Args:
        a_minute: how many; None for any number.

    Raises:
        InvalidInput: less than one.
    """

    def __init__(self, a_minute: int | None) -> None:
        if a_minute is not None:
            whole_number("creates_per_minute", a_minute, "Assemblies a minute", least=1)
        self._most = a_minute
        # As many times as the limit has starts: the oldest of them is all that has to be looked at.
        self._starts: deque[float] = deque(maxlen=a_minute or 0)

    def wait(self, now: float) -> float:
        """Seconds until another may start."""
        if self._most is None or len(self._starts) < self._most:
            return 0.0
        return max(0.0, self._starts[0] + _MINUTE - now)

    def started(self, now: float) -> None:
        self._starts.append(now)


@frozen
class Take:
    """Give the next task, or None when there are no more."""


@frozen
class Start:
    """Begin with this task."""

    task: Task


@frozen
class Await:
    """Give what has ended: at least one, or none if that takes longer than so many seconds."""

    seconds: float | None


@frozen
class Deliver:
    """Give this to the caller."""

    mapped: Mapped


Move: TypeAlias = Take | Start | Await | Deliver
Moves: TypeAlias = Generator[Move, Any, None]


def mapping(at_once: int, quota: Quota, now: Callable[[], float]) -> Moves:
    """What to do, move by move; each is answered as its docstring says.

    Args:
        at_once: how many Assemblies may be in progress.
        quota: how many may be created in a minute.
        now: a clock in seconds that only goes forward.

    Raises:
        InvalidInput: `at_once` is less than one.
    """
    whole_number("at_once", at_once, "Assemblies at once", least=1)
    return _moves(at_once, quota, now)


def _moves(at_once: int, quota: Quota, now: Callable[[], float]) -> Moves:
    running, more, is_waiting = 0, True, False
    while more or running:
        seconds = None
        if more and running < at_once:
            seconds = quota.wait(now())
            # A task is taken only when it may start at once: inputs are read no earlier than they
            # are needed, so that a generator of a million of them fits into memory.
            if seconds == 0:
                task: Task | None = yield Take()
                if task is None:
                    more = False
                else:
                    quota.started(now())
                    is_waiting = False
                    running += 1
                    yield Start(task)
                continue
            if seconds is not None and not is_waiting:
                is_waiting = True
                logger.info("waiting %.1f seconds, as creates_per_minute has been reached", seconds)
        ended: Sequence[Mapped] = yield Await(seconds)
        for mapped in ended:
            running -= 1
            yield Deliver(mapped)


def next_move(moves: Moves, answer: Any) -> Move | None:
    """The next move, once the last one was answered; None at the end."""
    try:
        return moves.send(answer)
    except StopIteration:
        return None
