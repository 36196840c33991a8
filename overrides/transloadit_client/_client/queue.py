"""Several flows at once: which is next, and what became of the others. Pure.

Each flow ends with a result or with one of our own errors, which is no reason for the others to
stop. Any other error is a bug, the caller's own, or Ctrl-C: it stops them all.
"""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Generic, TypeVar

from .._errors import TransloaditError

W = TypeVar("W")
T = TypeVar("T")

TICK = 0.1
"""Seconds between two calls of `on_tick`: often enough for eyes, and nothing for a computer."""


class Queue(Generic[W, T]):
    """The work that is left, and what became of the rest, in the order in which it was given."""

    def __init__(self, works: Sequence[W]) -> None:
        # An iterator and not shares of a list: a free worker takes the next, so one slow file holds
        # up no other.
        self._left = enumerate(works)
        self._lock = Lock()
        self._outcomes: dict[int, T | TransloaditError] = {}

    def __iter__(self) -> Iterator[tuple[int, W]]:
        while True:
            # That two threads may call `next` of one iterator is an accident of CPython's global
            # lock.
            with self._lock:
                following = next(self._left, None)
            if following is None:
                return
            yield following

    def put(self, number: int, outcome: T | TransloaditError) -> None:
        self._outcomes[number] = outcome

    def outcomes(self) -> list[T | TransloaditError]:
        return [self._outcomes[number] for number in sorted(self._outcomes)]
