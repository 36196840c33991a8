"""What blocking code does in its own way: waiting, and several things at once, in threads.

`tasks` has the same names for asynchronous code; the derived client imports them from here.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from functools import wraps
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, TypeAlias, TypeVar, cast

import httpx

from .._calls.call import Sink
from .._calls.files import Files
from .._errors import InvalidInput, TransloaditError, check_function
from .._flow import InThread
from .._http.bodies import Rate, pieces
from .._http.exchange import SHOWN
from .._http.watchdog import Watch as Bound
from .._http.watchdog import bounded
from .._progress import OnProgress, is_awaited, telling, ticking
from .queue import TICK, Queue

__all__ = ["Bound", "bounded"]

M = TypeVar("M", bound=Callable[..., Any])
W = TypeVar("W")
T = TypeVar("T")

Sleep: TypeAlias = Callable[[float], object]


Inputs: TypeAlias = Iterable[Files]
"""What `map` takes: for each Assembly what `run` takes as `files`."""


run_in_loop = None
"""There is no event loop: what has to be awaited is refused."""


def sleep(seconds: float) -> None:
    """As `time.sleep`, which hands the processor to others even where there is nothing to wait."""
    if seconds:
        time.sleep(seconds)


def checkpoint() -> None:
    """Nothing: threads take turns by themselves."""


def check(sleep: Sleep) -> None:
    """Raises `Stopped` in a thread that is to stop; a task would be canceled where it waits."""
    sleep(0.0)


def reports(method: M) -> M:
    """Lets a method with `on_progress` report steps forward alone; see `Story`."""

    @wraps(method)
    def reporting(*args: Any, on_progress: OnProgress | None = None, **kwargs: Any) -> Any:
        check_function("on_progress", on_progress)
        if is_awaited(on_progress):
            raise InvalidInput(
                "on_progress is an `async def`, which only AsyncTransloadit awaits; give a function"
            )
        with telling(on_progress) as story:
            return method(*args, on_progress=story, **kwargs)

    return cast("M", reporting)


def done_in_thread(step: InThread) -> Any:
    """Does it right here: this is no event loop."""
    return step.do()


def poured(response: httpx.Response, sink: Sink, check: Sleep, rate: Rate, bound: Bound) -> bytes:
    """Gives a body to its sink. `check` is called before each piece, and may raise to end it.

    Returns:
        The beginning of a body that does not belong there.
    """
    if not sink.begin(response.status_code, response.headers):
        return next(pieces(response, SHOWN), b"")
    bound.extend()
    for data in pieces(response):
        check(0.0)
        rate.add(len(data))
        if not sink.write(data):
            break
    return b""


class Stopped(Exception):
    """Raised where a thread would wait, once all are to stop."""


def all_done(
    works: Sequence[W],
    do: Callable[[W, Sleep], T],
    parallel: int,
    on_tick: Callable[[], object],
) -> list[T | TransloaditError]:
    """Does all of them, `parallel` at once; results and errors in the order of the works.

    Args:
        works: what is to be done; each begins when its turn comes.
        do: does one of them, in a thread; it waits by the function that it is given, which raises
            once all are to stop.
        parallel: how many threads there are.
        on_tick: called in the caller's own thread, now and then and at the end.

    Ctrl-C is raised at once: threads that are in a request end with it, and are not waited for.
    """
    queue: Queue[W, T] = Queue(works)
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    stop = Event()

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    def carry_on() -> None:
        try:
            for number, work in queue:
                wait(0)
                try:
                    queue.put(number, do(work, wait))
                except TransloaditError as error:
                    queue.put(number, error)
        except BaseException as error:  # noqa: BLE001  # raised in the caller's thread
            ended.put(error)
        else:
            ended.put(None)

    number = min(parallel, len(works))
    # With the context of the caller, in which the call's story is, and the spans of tracers are.
    threads = [
        Thread(target=copy_context().run, args=(carry_on,), name="transloadit", daemon=True)
        for _ in range(number)
    ]
    try:
        for thread in threads:
            thread.start()
        _watch(ended, len(threads), ticking(on_tick))
    except Exception:
        stop.set()
        for thread in threads:
            thread.join()
        raise
    finally:
        stop.set()
    return queue.outcomes()


def _watch(
    ended: "SimpleQueue[BaseException | None]", threads: int, on_tick: Callable[[], object]
) -> None:
    """Waits for the threads, in steps: on some systems Ctrl-C cannot break a wait without end."""
    due = time.monotonic() + TICK
    while threads:
        try:
            error = ended.get(timeout=max(0.0, due - time.monotonic()))
        except Empty:
            on_tick()
            due = time.monotonic() + TICK
        else:
            threads -= 1
            if error is not None:
                raise error
    on_tick()
