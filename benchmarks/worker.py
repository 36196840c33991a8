"""One contestant in a process: `python -m benchmarks.worker KIND NAME ARGUMENT CPU [FOLDER]`.

It reads lines `CALLS IN_FLIGHT` and answers each with `CPU_SECONDS WALL_SECONDS`, those of its own
children included. One that uploads the files of a folder adds the bytes that it took at its peak
and, if it is awaited, how late its loop came back.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from . import awaited, blocking, inside, uploading
from .gauges import Lag, Peak
from .machine import pin

KINDS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "create": blocking.CREATE,
    "upload": blocking.UPLOAD,
    "async create": awaited.CREATE,
    "async upload": awaited.UPLOAD,
    "status": inside.STATUS,
    "sign": inside.SIGN,
    "send": uploading.SENDS,
    "async send": uploading.AWAITED,
}


class Stopwatch:
    """CPU and wall time of what stands in its `with`, printed for whoever asked."""

    def __init__(self, *, sends: bool, awaited: bool = False) -> None:
        self._sends, self._awaited = sends, awaited

    def __enter__(self) -> None:
        gc.collect()
        self._lag = Lag(every=0.001) if self._sends and self._awaited else None
        self._peak = Peak() if self._sends else None
        self._cpu, self._wall = _cpu(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self._wall, _cpu() - self._cpu
        more = [self._peak.over_idle()] if self._peak else []
        print(cpu, wall, *more, *(self._lag.stop() if self._lag else ()), flush=True)


def _cpu() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


Prepare = Callable[[], tuple[Callable[[], Any], Callable[[], Any]]]
"""Gives the call that goes first, and the call to measure; inside the loop, if there is one."""


def prepared(kind: str, name: str, argument: str, folder: str = "") -> Any:
    call = KINDS[kind][name](int(argument) if argument.isdigit() else argument)
    if not folder:
        return call, call
    files = sorted(Path(folder).iterdir())
    return partial(call, [Path(folder).parent / "small"]), partial(call, files)


def block(prepare: Prepare, stopwatch: Stopwatch) -> None:
    first, call = prepare()
    first()
    print("ready", flush=True)
    for line in sys.stdin:
        calls, _ = map(int, line.split())
        with stopwatch:
            for _ in range(calls):
                call()


async def wait(prepare: Prepare, stopwatch: Stopwatch) -> None:
    first, call = prepare()
    await first()
    print("ready", flush=True)
    while line := sys.stdin.readline():  # nothing else is to happen meanwhile
        calls, in_flight = map(int, line.split())
        left = iter(range(calls))

        async def one_after_the_other(left: Any = left) -> None:
            for _ in left:
                await call()

        with stopwatch:
            await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))


if __name__ == "__main__":
    kind, name, argument, cpu, *folder = sys.argv[1:]
    pin(int(cpu))
    prepare = partial(prepared, kind, name, argument, *folder)
    if kind.startswith("async"):
        asyncio.run(wait(prepare, Stopwatch(sends=bool(folder), awaited=True)))
    else:
        block(prepare, Stopwatch(sends=bool(folder)))
    sys.stdout.flush()
    os._exit(0)  # a contestant's farewells are its own business
