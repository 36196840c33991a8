"""Carrying out a `mapping` by tasks of an event loop: the twin of `_workers`."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from contextlib import aclosing
from functools import partial
from typing import Any

from .._calls.files import Files
from .._runs.map_inputs import Mapped, Task, Tasks
from .._runs.map_schedule import Await, Moves, Start, Take, next_move


async def by_tasks(
    moves: Moves, take: Callable[[], Awaitable[Task | None]], work: Callable[[Task], Any]
) -> AsyncGenerator[Mapped]:
    """What `work` makes of each task, as it comes. What runs is canceled when it is closed."""
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
                case _:
                    yield move.mapped
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def taker(
    tasks: Tasks, inputs: Iterable[Files] | AsyncIterable[Files]
) -> Callable[[], Awaitable[Task | None]]:
    """`Tasks.next`, awaited: neither the inputs nor the journal's disk hold up the event loop."""
    if not isinstance(inputs, AsyncIterable):
        following = partial(tasks.next, iter(inputs))
        return lambda: asyncio.to_thread(following)
    awaited = aiter(inputs)

    async def take() -> Task | None:
        async for files in awaited:
            task = await asyncio.to_thread(tasks.of, files)
            if task is not None:
                return task
        return None

    return take


async def delivered(tasks: Tasks, found: AsyncGenerator[Mapped]) -> AsyncIterator[Mapped]:
    """Passes on what is found, as `_workers.delivered`."""
    with tasks:
        async with aclosing(found):
            async for mapped in found:
                yield mapped
                tasks.delivered(mapped)
