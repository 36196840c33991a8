"""A lock that a forked process finds open, whichever thread of its parent held it."""

import os
import threading
from weakref import WeakSet


class Lock:
    """Used in `with`, as `threading.Lock` is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _EVERY.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Takes it for open. Whoever held it must be gone."""
        self._lock = threading.Lock()


def renew_all() -> None:
    """In a forked process, where the thread that forked is the only one."""
    for lock in list(_EVERY):
        lock.renew()


_EVERY: WeakSet[Lock] = WeakSet()
if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows does not fork
    os.register_at_fork(after_in_child=renew_all)
