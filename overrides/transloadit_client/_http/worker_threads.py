"""Blocking work of asynchronous code, such as reading files, in threads of this package's own."""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from .async_pool import running_loop

T = TypeVar("T")

# As many as anyio has for everybody. All of those may be waiting for us: 40 blocking functions that
# each call back into the event loop to upload a file leave no thread to read it.
_AT_ONCE = 40

_LIMITERS: WeakKeyDictionary[Any, CapacityLimiter] = WeakKeyDictionary()
_LOCK = Lock()


async def in_thread(do: Callable[..., T], *arguments: Any) -> T:
    """Does something in a thread. A canceled caller does not wait for a slow disk."""
    loop = running_loop()
    with _LOCK:
        limiter = _LIMITERS.get(loop) or _LIMITERS.setdefault(loop, CapacityLimiter(_AT_ONCE))
    return await run_sync(do, *arguments, abandon_on_cancel=True, limiter=limiter)
