"""Carrying out a `mapping` by threads; `map_tasks` does so by tasks of an event loop."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from functools import partial
from threading import Event
from typing import Any

from .._calls.files import Files
from .._runs.map_inputs import Task, Tasks
from .._runs.map_schedule import Await, Moves, Start, Take, next_move
from .._runs.outcomes import Mapped


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
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="transloadit-map")
    running: set[Future[Mapped]] = set()
    stopped = Event()
    try:
        answer: Any = None
        while (move := next_move(moves, answer)) is not None:
            answer = None
            match move:
                case Take():
                    answer = take()
                case Start(task):
                    running.add(threads.submit(work, task, stopped))
                case Await(seconds) if running:
                    ended, running = wait(running, seconds, FIRST_COMPLETED)
                    answer = [future.result() for future in ended]
                case Await(seconds):
                    time.sleep(seconds or 0.0)
                    answer = []
                case _:
                    yield move.mapped
    finally:
        stopped.set()
        threads.shutdown(cancel_futures=True)
