"""Carrying out a `mapping` by threads; `map_tasks` does so by tasks of an event loop."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from .._calls.files import Files
from .._runs.map_inputs import Task, Tasks
from .._runs.map_schedule import Await, Moves, Start, Take, next_move
from .._runs.outcomes import Mapped

_TICK = 1.0  # seconds


def mapped(
    moves: Moves,
    tasks: Tasks,
    inputs: Iterable[Files],
    work: Callable[[Task, Event], Mapped],
    at_once: int,
) -> Iterator[Mapped]:
    """Carries out a `mapping`: what `work` makes of each task, as it comes.

    `work` is given an event that is set to end it. A caller who comes back for the next `Mapped`
    has had the last one, which is then noted in the journal.
    """
    with tasks, closing(_by_threads(moves, tasks, inputs, work, at_once)) as found:
        for one in found:
            yield one
            tasks.delivered(one)


def _by_threads(
    moves: Moves,
    tasks: Tasks,
    inputs: Iterable[Files],
    work: Callable[[Task, Event], Mapped],
    at_once: int,
) -> Generator[Mapped]:
    take = partial(tasks.next, iter(inputs))
    crew = _Threads(work, at_once)
    running = 0
    try:
        answer: Any = None
        while (move := next_move(moves, answer)) is not None:
            answer = None
            match move:
                case Take():
                    answer = take()
                case Start(task):
                    running += 1
                    crew.begin(task)
                case Await(seconds) if running:
                    answer = crew.ended(seconds)
                    running -= len(answer)
                case Await(seconds):
                    time.sleep(seconds or 0.0)
                    answer = []
                case _:
                    yield move.mapped
    finally:
        crew.stop()


class _Threads:
    """Threads that end with the program: `concurrent.futures` would wait for each of them.

    After Ctrl-C nobody wants to wait for answers; and in a function of `atexit`, or in a thread
    that outlives the main one, its pools begin nothing any more.
    """

    def __init__(self, work: Callable[[Task, Event], Mapped], most: int) -> None:
        self._work, self._most = work, most
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._ended: SimpleQueue[Mapped | BaseException] = SimpleQueue()
        self._stopped = Event()
        self._number = 0

    def begin(self, task: Task) -> None:
        """Does a task in a thread; there are never more tasks in progress than threads."""
        if self._number < self._most:
            self._number += 1
            Thread(target=self._run, name="transloadit-map", daemon=True).start()
        self._tasks.put(task)

    def ended(self, seconds: float | None) -> list[Mapped]:
        """What has ended: at least one, or none if that takes longer than so many seconds."""
        found: list[Mapped] = []
        until = None if seconds is None else time.monotonic() + seconds
        while not found:
            # In steps: on some systems Ctrl-C cannot break a wait without end.
            left = _TICK if until is None else min(_TICK, until - time.monotonic())
            with suppress(Empty):
                found.append(self._result(max(0.0, left)))
            if until is not None and time.monotonic() >= until:
                break
        with suppress(Empty):
            while True:
                found.append(self._result(0.0))
        return found

    def stop(self) -> None:
        """Begins nothing more; a request that is under way ends by itself."""
        self._stopped.set()
        for _ in range(self._number):
            self._tasks.put(None)

    def _result(self, seconds: float) -> Mapped:
        one = self._ended.get(timeout=seconds) if seconds else self._ended.get_nowait()
        if isinstance(one, BaseException):
            raise one
        return one

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None and not self._stopped.is_set():
            try:
                self._ended.put(self._work(task, self._stopped))
            except BaseException as error:  # noqa: BLE001  # raised in the caller's thread
                self._ended.put(error)
