"""Several pieces of work at once: in threads, or in tasks of an event loop.

Each piece ends with a result or with one of our own errors, which is no reason for the others to
stop. Any other error is a bug, the caller's own, or Ctrl-C: it stops them all.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Generic, TypeVar

from .._errors import TransloaditError
from .._flow import Aside

W = TypeVar("W")
T = TypeVar("T")

LOOK = 0.1
"""Seconds between two calls of `meanwhile`: often enough for eyes, and nothing for a computer."""


class Stopped(Exception):
    """Raised where a thread would wait, once all are to stop."""


class _Pile(Generic[W, T]):
    """The work that is left, and what became of the rest, in the order it was given."""

    def __init__(self, works: Sequence[W]) -> None:
        self._left = enumerate(works)
        self._lock = Lock()
        self._outcomes: dict[int, T | TransloaditError] = {}

    def __iter__(self) -> Iterator[tuple[int, W]]:
        while True:
            with self._lock:
                following = next(self._left, None)
            if following is None:
                return
            yield following

    def put(self, number: int, outcome: T | TransloaditError) -> None:
        self._outcomes[number] = outcome

    def outcomes(self) -> list[T | TransloaditError]:
        return [self._outcomes[number] for number in sorted(self._outcomes)]


def in_threads(
    works: Sequence[W],
    do: Callable[[W, Callable[[float], None]], T],
    parallel: int,
    meanwhile: Callable[[], object],
) -> list[T | TransloaditError]:
    """Does all of them, `parallel` at once; results and errors in the order of the works.

    Args:
        works: what is to be done; each begins when its turn comes.
        do: does one of them, in a thread; it waits by the function it is given, so that it stops
            when all do.
        parallel: how many threads there are.
        meanwhile: called in the caller's own thread, now and then and at the end.

    Ctrl-C is raised at once: threads still in a request end with it, and hold up nobody.
    """
    pile: _Pile[W, T] = _Pile(works)
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    stop = Event()

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    def carry_on() -> None:
        try:
            for number, work in pile:
                wait(0)
                try:
                    pile.put(number, do(work, wait))
                except TransloaditError as error:
                    pile.put(number, error)
        except BaseException as error:  # noqa: BLE001  # told to the caller's thread
            ended.put(error)
        else:
            ended.put(None)

    crew = min(parallel, len(works))
    threads = [Thread(target=carry_on, name="transloadit", daemon=True) for _ in range(crew)]
    try:
        for thread in threads:
            thread.start()
        _watch(ended, len(threads), meanwhile)
    except Exception:
        stop.set()
        for thread in threads:
            thread.join()
        raise
    finally:
        stop.set()
    return pile.outcomes()


def _watch(
    ended: "SimpleQueue[BaseException | None]", threads: int, meanwhile: Callable[[], object]
) -> None:
    """Waits for the threads, in steps: on some systems Ctrl-C cannot break a wait without end."""
    due = time.monotonic() + LOOK
    while threads:
        try:
            error = ended.get(timeout=max(0.0, due - time.monotonic()))
        except Empty:
            meanwhile()
            due = time.monotonic() + LOOK
        else:
            threads -= 1
            if error is not None:
                raise error
    meanwhile()


async def in_tasks(
    works: Sequence[W],
    do: Callable[[W], Awaitable[T]],
    parallel: int,
    meanwhile: Callable[[], object],
) -> list[T | TransloaditError]:
    """As `in_threads`, in tasks; they are canceled where threads would be asked to stop."""
    from anyio import Event, create_task_group, move_on_after  # as late as httpx

    pile: _Pile[W, T] = _Pile(works)
    broken: list[Exception] = []
    all_done = Event()

    async def carry_on() -> None:
        for number, work in pile:
            try:
                pile.put(number, await do(work))
            except TransloaditError as error:
                pile.put(number, error)

    async def watch() -> None:
        while not all_done.is_set():
            with move_on_after(LOOK):
                await all_done.wait()
            meanwhile()

    async def until_broken(task: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> None:
        try:
            await task()
        except Exception as error:  # noqa: BLE001  # raised below, as itself and not in a group
            broken.append(error)
            stop()

    async with create_task_group() as group:
        stop = group.cancel_scope.cancel
        group.start_soon(until_broken, watch, stop)
        async with create_task_group() as workers:
            for _ in range(min(parallel, len(works))):
                workers.start_soon(until_broken, carry_on, stop)
        all_done.set()
    if broken:
        raise broken[0]
    return pile.outcomes()


async def aside(step: Aside) -> Any:
    """Does something in a thread, or awaits it. Who is canceled does not wait for a slow disk."""
    from anyio.to_thread import run_sync  # likewise

    return await (step.do() if step.awaited else run_sync(step.do, abandon_on_cancel=True))
