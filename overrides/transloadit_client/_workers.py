"""Carrying out a `mapping`: by threads, or by tasks of an event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from ._mapping import Await, Deliver, Mapped, Move, Start, Take, Task

Moves = Generator[Move, Any, None]


def by_threads(
    moves: Moves, take: Callable[[], Task | None], work: Callable[[Task], Mapped], at_once: int
) -> Iterator[Mapped]:
    """What `work` makes of each task, as it comes. The last of its threads end with it."""
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
                case Deliver(mapped):
                    yield mapped
    finally:
        threads.shutdown(cancel_futures=True)


async def by_tasks(
    moves: Moves, take: Callable[[], Awaitable[Task | None]], work: Callable[[Task], Any]
) -> AsyncIterator[Mapped]:
    """As `by_threads`, with tasks, which are canceled when it is closed."""
    running: set[asyncio.Task[Mapped]] = set()
    try:
        answer: Any = None
        while (move := next_move(moves, answer)) is not None:
            answer = None
            match move:
                case Take():
                    answer = await take()
                case Start(task):
                    running.add(asyncio.create_task(work(task)))
                case Await(seconds) if running:
                    ended, running = await asyncio.wait(
                        running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
                    )
                    answer = [one.result() for one in ended]
                case Await(seconds):
                    await asyncio.sleep(seconds or 0.0)
                    answer = []
                case Deliver(mapped):
                    yield mapped
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def next_move(moves: Moves, answer: Any) -> Move | None:
    """The next move, once the last one was answered; None at the end."""
    try:
        return moves.send(answer)
    except StopIteration:
        return None
