"""An asyncio event loop in virtual time: it never waits, its clock jumps to the next timer."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from transloadit_client._client import map_tasks, tasks

T = TypeVar("T")


class Deadlock(Exception):
    """Tasks wait, but no timer is set: nothing can ever happen again."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs tasks and timers of one thread; there are no sockets and no other threads.

    asyncio asks its selector for events and gives the seconds until the next timer. Here this loop
    is its own selector, and answers by moving the clock forward by so much.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock
        self._now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """asyncio would wake a selector that sleeps; this one never does."""


async def _done_here(do: Callable[..., T], *arguments: Any) -> T:
    return do(*arguments)


@contextmanager
def without_threads() -> Iterator[None]:
    """Does at once what would be done in a worker thread.

    Threads run in real time and in any order, which would make the same seed tell another story.
    This is the only code of the client that the simulator replaces by a patch.
    """
    modules: tuple[Any, ...] = (tasks, map_tasks)
    kept = [module.in_thread for module in modules]
    for module in modules:
        module.in_thread = _done_here
    try:
        yield
    finally:
        for module, in_thread in zip(modules, kept, strict=True):
            module.in_thread = in_thread
