"""Carrying out a `mapping` by threads."""

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from threading import Event
from typing import Any

from .._runs.map_inputs import Mapped, Task, Tasks
from .._runs.map_schedule import Await, Moves, Start, Take, next_move


def by_threads(
    moves: Moves,
    take: Callable[[], Task | None],
    work: Callable[[Task], Mapped],
    at_once: int,
    stopped: Event,
) -> Generator[Mapped]:
    """What `work` makes of each task, as it comes. `stopped` is set to end its threads with it."""
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="transloadit-map")
    running: set[Future[Mapped]] = set()
    try:
        answer: Any = None
        while (move := next_move(moves, answer)) is not None:
            answer = None
            match move:
                case Take():
                    answer = take()
                case Start(task):
                    running.add(threads.submit(work, task))
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


def delivered(tasks: Tasks, found: Generator[Mapped]) -> Iterator[Mapped]:
    """Passes on what is found. A caller who comes back for the next has had the last."""
    with tasks, closing(found):
        for mapped in found:
            yield mapped
            tasks.delivered(mapped)
