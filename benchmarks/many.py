"""What each file of a `map` costs as their number grows: 100, 10,000, and so on to a million.

Run it with `build/alone/bin/python benchmarks/many.py [the most files]`; a million take some
ten minutes. Limits are off, and the API is a transport within the process, which answers that the
Assembly has completed: all that is measured is ours, and httpx. Each row is a process of its own.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx

from transloadit_client import AsyncTransloadit, Mapped, Transloadit

STEPS = {"kept": {"robot": "/file/filter", "use": ":original"}}
MOST = 1_000_000
KINDS = ("threads", "tasks")


def answered(request: httpx.Request) -> httpx.Response:
    identity = request.url.path.rpartition("/")[2]
    return httpx.Response(200, json={"ok": "ASSEMBLY_COMPLETED", "assembly_id": identity})


async def answered_awaited(request: httpx.Request) -> httpx.Response:
    return answered(request)


def inputs(number: int) -> Iterator[tuple[str, bytes]]:
    return ((f"{count}.txt", b"a tiny file") for count in range(number))


def checked(mapped: Mapped) -> None:
    if mapped.error is not None:
        raise mapped.error


def threads(number: int) -> None:
    transport = httpx.MockTransport(answered)
    with Transloadit("key", "secret", httpx_args={"transport": transport}) as client:
        for mapped in client.map(inputs(number), steps=STEPS, creates_per_minute=None):
            checked(mapped)


def tasks(number: int) -> None:
    async def awaited() -> None:
        transport = httpx.MockTransport(answered_awaited)
        async with AsyncTransloadit("key", "secret", httpx_args={"transport": transport}) as client:
            async for mapped in client.map(inputs(number), steps=STEPS, creates_per_minute=None):
                checked(mapped)

    asyncio.run(awaited())


def peak() -> int:
    """KiB of memory at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(kind: str, number: int) -> dict[str, float]:
    work = {"threads": threads, "tasks": tasks}[kind]
    work(500)  # as many as are ever in the works, and then some: what is made once is made
    idle, cpu, wall = peak(), time.process_time(), time.perf_counter()
    work(number)
    return {
        "cpu": (time.process_time() - cpu) / number,
        "wall": (time.perf_counter() - wall) / number,
        "grown": peak() - idle,
    }


def in_a_process(kind: str, number: int) -> dict[str, Any]:
    command = [sys.executable, __file__, str(number), kind]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    found: dict[str, Any] = json.loads(output)
    return found


def main(most: int) -> None:
    print(f"{'files':>10}  {'carried out by':14}  CPU µs each  wall µs each  memory grew by, KiB")
    number = 100
    while number <= most:
        for kind in KINDS:
            found = in_a_process(kind, number)
            cpu, wall = found["cpu"] * 1e6, found["wall"] * 1e6
            print(f"{number:10,}  {kind:14}  {cpu:11.0f}  {wall:12.0f}  {found['grown']:19,.0f}")
        number *= 100


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(measured(sys.argv[2], int(sys.argv[1]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else MOST)
