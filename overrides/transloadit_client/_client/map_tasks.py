"""Carrying out a `mapping` by tasks of an event loop: the twin of `map_threads`."""

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
from .._errors import InvalidInput
from .._http.async_pool import running_loop
from .._http.worker_threads import in_thread
from .._runs.map_inputs import Task, Tasks
from .._runs.map_schedule import Await, Moves, Start, Take, next_move
from .._runs.outcomes import Mapped


async def mapped(
    moves: Moves,
    tasks: Tasks,
    inputs: Iterable[Files] | AsyncIterable[Files],
    work: Callable[[Task, None], Any],
    _: int,
) -> AsyncIterator[Mapped]:
    """As in `threads`, in tasks, which are canceled when it is closed.

    Raises:
        InvalidInput: the event loop is not asyncio's.
    """
    # Tasks that outlive a `yield` need a nursery on trio, and a generator must not yield inside
    # one.
    if not isinstance(running_loop(), asyncio.AbstractEventLoop):
        raise InvalidInput("map needs asyncio; on trio call run for each input")
    with tasks:
        async with aclosing(_by_tasks(moves, _taker(tasks, inputs), work)) as found:
            async for one in found:
                yield one
                # Only now, when the caller has come back for more: a crash while it works on this
                # result must lead to its being delivered again.
                tasks.delivered(one)


async def _by_tasks(
    moves: Moves, take: Callable[[], Awaitable[Task | None]], work: Callable[[Task, None], Any]
) -> AsyncGenerator[Mapped]:
    running: set[asyncio.Task[Mapped]] = set()
    try:
        answer: Any = None
        while (move := next_move(moves, answer)) is not None:
            answer = None
            match move:
                case Take():
                    answer = await take()
                case Start(task):
                    # The set holds the task: the event loop itself keeps weak references only.
                    running.add(asyncio.create_task(work(task, None)))
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
        # Without waiting for them a canceled upload could still use a file that the caller has
        # closed.
        await asyncio.gather(*running, return_exceptions=True)


def _taker(
    tasks: Tasks, inputs: Iterable[Files] | AsyncIterable[Files]
) -> Callable[[], Awaitable[Task | None]]:
    """`Tasks.next`, awaited: neither the inputs nor the journal's disk hold up the event loop."""
    if not isinstance(inputs, AsyncIterable):
        # Inputs may come from a generator that reads a disk or a database.
        following = partial(tasks.next, iter(inputs))
        return lambda: in_thread(following)
    awaited = aiter(inputs)

    async def take() -> Task | None:
        async for files in awaited:
            task = await in_thread(tasks.of, files)
            if task is not None:
                return task
        return None

    return take
