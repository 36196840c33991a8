"""One contestant in a process of its own: `python -m benchmarks.worker KIND NAME ARGUMENT CPU`.

It reads lines `CALLS IN_FLIGHT` and answers each with `CPU_SECONDS WALL_SECONDS`.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from . import awaited, blocking, inside
from .machine import pin

KINDS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "create": blocking.CREATE,
    "upload": blocking.UPLOAD,
    "async create": awaited.CREATE,
    "async upload": awaited.UPLOAD,
    "status": inside.STATUS,
    "sign": inside.SIGN,
}


class Stopwatch:
    """CPU and wall time of what stands in its `with`, printed for whoever asked."""

    def __enter__(self) -> None:
        gc.collect()
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        print(cpu, wall, flush=True)


def block(call: Callable[[], object]) -> None:
    call()
    print("ready", flush=True)
    for line in sys.stdin:
        calls, _ = map(int, line.split())
        with Stopwatch():
            for _ in range(calls):
                call()


async def wait(make: Callable[[str], Callable[[], Awaitable[object]]], url: str) -> None:
    call = make(url)
    await call()
    print("ready", flush=True)
    while line := sys.stdin.readline():  # nothing else is to happen meanwhile
        calls, in_flight = map(int, line.split())
        left = iter(range(calls))

        async def one_after_the_other(left: Any = left) -> None:
            for _ in left:
                await call()

        with Stopwatch():
            await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))


if __name__ == "__main__":
    kind, name, argument, cpu = sys.argv[1:]
    pin(int(cpu))
    make = KINDS[kind][name]
    if kind.startswith("async"):
        asyncio.run(wait(make, argument))
    else:
        block(make(int(argument) if argument.isdigit() else argument))
    sys.stdout.flush()
    os._exit(0)  # a contestant's farewells are its own business
