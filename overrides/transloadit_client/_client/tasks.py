"""What asynchronous code does in its own way: waiting, and several things at once, in tasks.

`threads` has the same names for blocking code, from which the derived client imports them.
"""

import math
import time
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import anyio
import httpx
from anyio.from_thread import run as run_in_loop
from anyio.lowlevel import checkpoint

from .._calls.call import Sink
from .._calls.files import Files
from .._errors import TransloaditError, check_function
from .._flow import InThread
from .._http.bodies import Rate, async_pieces
from .._http.exchange import SHOWN
from .._http.failures import FAILURES
from .._http.worker_threads import in_thread
from .._progress import OnProgress, Progress, is_awaited, telling, ticking
from .queue import TICK, Queue

if TYPE_CHECKING:
    from .._http.async_event_stream import AsyncListener

# The second awaits something of a caller's, such as a file, from a worker thread.
__all__ = ["checkpoint", "run_in_loop"]

M = TypeVar("M", bound=Callable[..., Any])
W = TypeVar("W")
T = TypeVar("T")

Sleep: TypeAlias = Callable[[float], Awaitable[object]]

Inputs: TypeAlias = Iterable[Files] | AsyncIterable[Files]
"""What `map` takes: for each Assembly what `run` takes as `files`."""

_TICK = 0.5  # seconds between two questions whether to stop
_HANDED_OVER = 1024 * 1024  # bytes that are handed to another thread together


def check(_: Sleep) -> None:
    """Nothing: a task that is to stop is canceled where it waits."""


async def sleep(seconds: float) -> None:
    """As `anyio.sleep`, but goes on at once where there is nothing to wait."""
    if seconds:
        await anyio.sleep(seconds)


def reports(method: M) -> M:
    """Lets a method with `on_progress` report steps forward alone; an `async def` is awaited."""

    @wraps(method)
    async def reporting(*args: Any, on_progress: OnProgress | None = None, **kwargs: Any) -> Any:
        check_function("on_progress", on_progress)

        async def work(report: OnProgress | None) -> Any:
            with telling(report) as story:
                return await method(*args, on_progress=story, **kwargs)

        if on_progress is not None and is_awaited(on_progress):
            return await _reported_beside(on_progress, work)
        return await work(on_progress)

    return cast("M", reporting)


async def _reported_beside(
    on_progress: Callable[[Progress], Any], work: Callable[[OnProgress], Awaitable[T]]
) -> T:
    """Works, and awaits `on_progress` in a task beside it, so that it does not hold up the work.

    While it is busy only the newest progress is kept: each holds a status, which may be large.
    """
    send, receive = anyio.create_memory_object_stream[Progress](1)
    results: list[T] = []
    broken: list[Exception] = []

    def report(progress: Progress) -> None:
        with suppress(anyio.WouldBlock):
            receive.receive_nowait()
        send.send_nowait(progress)

    async def follow() -> None:
        async for progress in receive:
            await on_progress(progress)

    async def do_work() -> None:
        with send:  # it ends what follows
            results.append(await work(report))

    with receive:
        async with anyio.create_task_group() as group:
            stop = group.cancel_scope.cancel
            group.start_soon(_until_broken, follow, broken, stop)
            await _until_broken(do_work, broken, stop)
    if broken:
        raise broken[0]
    return results[0]


async def _until_broken(
    task: Callable[[], Awaitable[None]], broken: list[Exception], stop: Callable[[], None]
) -> None:
    """Notes the error of a task, to be raised as itself, not in a group; stops the others."""
    try:
        await task()
    except Exception as error:  # noqa: BLE001  # whoever reads `broken` raises it
        broken.append(error)
        stop()


async def done_in_thread(step: InThread) -> Any:
    """Does something in a thread, or awaits it."""
    return await (step.do() if step.is_awaited else in_thread(step.do))


class Bound:
    """An exchange that is ended by its cancel scope, so that there is nothing to check."""

    def __init__(self, scope: anyio.CancelScope) -> None:
        self._scope = scope

    def check(self) -> None: ...

    def extend(self) -> None:
        """Takes its end away: a body came whose rate is watched."""
        self._scope.deadline = math.inf


@asynccontextmanager
async def bounded(
    _: httpx.Request,
    until: float | None,
    stopped: Callable[[], bool] | None,
    listener: "AsyncListener | None",
) -> AsyncIterator[Bound]:
    """As in `_http.watchdog`, by a cancel scope; `listener` lends its tasks to ask `stopped`.

    Raises:
        httpx.ReadTimeout: it was ended.
    """
    scope = anyio.CancelScope()
    if until is not None:
        scope.deadline = anyio.current_time() + until - time.monotonic()
    is_done = anyio.Event()

    async def ask() -> None:
        while stopped is not None and not is_done.is_set() and not stopped():
            with anyio.move_on_after(_TICK):
                await is_done.wait()
        scope.cancel()

    if stopped is not None and listener is not None:
        listener.start_soon(ask)
    try:
        with scope:
            yield Bound(scope)
    finally:
        is_done.set()
    if scope.cancelled_caught:
        raise httpx.ReadTimeout("the answer was not complete in time")


async def poured(response: httpx.Response, sink: Sink, _: Sleep, rate: Rate, bound: Bound) -> bytes:
    """Gives a body to its sink; whatever touches the disk is done in another thread.

    Returns:
        The beginning of a body that does not belong there.
    """
    if not await in_thread(sink.begin, response.status_code, response.headers):
        return await anext(async_pieces(response, SHOWN), b"")
    bound.extend()
    held, broken = bytearray(), None
    try:
        async for data in async_pieces(response):
            rate.add(len(data))
            held += data
            if len(held) >= _HANDED_OVER:
                more = await in_thread(sink.write, bytes(held))
                held.clear()
                if not more:
                    break
    except FAILURES as error:  # what came before it is good
        broken = error
    if held:
        await in_thread(sink.write, bytes(held))
    if broken is not None:
        raise broken
    return b""


async def all_done(
    works: Sequence[W],
    do: Callable[[W, Sleep], Awaitable[T]],
    parallel: int,
    on_tick: Callable[[], object],
) -> list[T | TransloaditError]:
    """As in `threads`, in tasks; they are canceled where threads would be asked to stop."""
    queue: Queue[W, T] = Queue(works)
    broken: list[Exception] = []
    is_done = anyio.Event()

    tick = ticking(on_tick)

    async def carry_on() -> None:
        for number, work in queue:
            try:
                queue.put(number, await do(work, sleep))
            except TransloaditError as error:
                queue.put(number, error)

    async def watch() -> None:
        while not is_done.is_set():
            with anyio.move_on_after(TICK):
                await is_done.wait()
            tick()

    async with anyio.create_task_group() as group:
        stop = group.cancel_scope.cancel
        group.start_soon(_until_broken, watch, broken, stop)
        async with anyio.create_task_group() as workers:
            for _ in range(min(parallel, len(works))):
                workers.start_soon(_until_broken, carry_on, broken, stop)
        is_done.set()
    if broken:
        raise broken[0]
    return queue.outcomes()
