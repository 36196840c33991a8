"""Ends exchanges of blocking code at a time: no timeout of a socket ends an answer that drips.

A read from a socket can be given up only by another thread, which shuts the socket down. One thread
does so for all clients of the process. It is there while there are exchanges to watch, and for a
second more. (Asynchronous code has cancel scopes for this.)
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from .failures import FAILURES

WATCH = "transloadit_client.watch"
"""The name of a request's extension: its `Watch`."""

_TICK = 0.5  # seconds between two questions whether to stop
_IDLE = 1.0  # seconds that the thread stays when there is nothing to watch


class Watch:
    """One exchange: when it ends at the latest, and the connection that is then shut down."""

    def __init__(self, until: float, stopped: Callable[[], bool] | None = None) -> None:
        self.until = until
        self.stopped = stopped
        self.line: Any = None
        """The `Line` of the pool that carries it, once that is known."""
        self.is_over = False

    def end(self) -> None:
        """Wakes the thread that reads the answer."""
        self.is_over = True
        if self.line is not None:
            self.line.hang_up()

    def extend(self) -> None:
        """Takes its end away: a body came whose rate is watched."""
        self.until = float("inf")

    def check(self) -> None:
        """Raises what a timeout raises, if it is over: for transports without a socket of ours."""
        if self.is_over or time.monotonic() > self.until:
            raise httpx.ReadTimeout("the answer was not complete in time")


class _Watchdog:
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begins with nothing to watch, as a forked process does: the thread is not in it."""
        # Made anew: in a forked process the old one may be held by a thread that is not there.
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    def add(self, watch: Watch) -> None:
        with self._changed:
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="transloadit-watchdog", daemon=True
                )
                self._thread.start()
            elif watch.stopped is not None or watch.until < self._wakes_at:
                self._changed.notify()

    def remove(self, watch: Watch) -> None:
        with self._changed:
            self._watches.discard(watch)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._watches and not self._changed.wait(_IDLE) and not self._watches:
                    self._thread = None
                    return
                over = [watch for watch in self._watches if _is_over(watch)]
                self._watches.difference_update(over)
            # Outside of the lock, since `hang_up` touches a socket, and another thread may want to
            # `remove`.
            for watch in over:
                watch.end()
            with self._changed:
                now = time.monotonic()
                ends = [watch.until for watch in self._watches]
                ends += [now + _TICK for watch in self._watches if watch.stopped is not None]
                self._wakes_at = min(ends, default=now)
                if self._wakes_at > now:
                    # Not for longer: `remove` wakes nobody, as that would cost each call a switch
                    # between threads, and a thread with nothing left to watch has to notice.
                    self._changed.wait(min(self._wakes_at - now, _IDLE))


def _is_over(watch: Watch) -> bool:
    stopped = watch.stopped is not None and watch.stopped()
    return stopped or time.monotonic() >= watch.until


_WATCHDOG = _Watchdog()
if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows does not fork
    os.register_at_fork(after_in_child=_WATCHDOG.begin)


@contextmanager
def bounded(
    request: httpx.Request, until: float | None, stopped: Callable[[], bool] | None, _: object
) -> Iterator[Watch]:
    """Ends what is done within at `until`, or once `stopped` says so.

    Raises:
        httpx.ReadTimeout: it was ended.
    """
    watch = Watch(float("inf") if until is None else until, stopped)
    request.extensions[WATCH] = watch
    if until is None and stopped is None:
        yield watch
        return
    _WATCHDOG.add(watch)
    try:
        yield watch
    except FAILURES as error:
        if not watch.is_over:
            raise
        raise httpx.ReadTimeout("the answer was not complete in time") from error
    finally:
        _WATCHDOG.remove(watch)
