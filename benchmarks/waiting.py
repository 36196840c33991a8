"""What it costs to wait for 2,000 Assemblies at once, with the stream of events and without.

Run it with `.venv/bin/python benchmarks/waiting.py [how many] [seconds that each takes]`. The local
API is a process of its own, which keeps to the limit of three reads a second of one Assembly. Then,
by a simulated clock: how often an Assembly that takes so long is read, and how late its end is
noticed, where there are no events.
"""

import asyncio
import multiprocessing
import resource
import sys
import time
from collections import Counter
from contextlib import suppress
from multiprocessing.connection import Connection

from transloadit_client import AssemblyStatus, AsyncTransloadit
from transloadit_client._calls.addresses import Home
from transloadit_client._flow import Once, Pause, advanced
from transloadit_client._retry.policy import RetryPolicy, World
from transloadit_client._waiting.wait import Terms, waiting
from transloadit_standin import Limits, StandIn

MANY = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 40.0
STEPS = {"small": {"robot": "/image/resize", "use": ":original"}}


def allow_many_sockets() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve(pipe: Connection) -> None:
    """The local API; at the end it tells how often each Assembly was read, and who was refused."""
    allow_many_sockets()
    limits = Limits(creates=10**9, running=10**9)
    with suppress(EOFError), StandIn(step_seconds=SECONDS, limits=limits) as api:
        pipe.send((api.url, api.key, api.secret))
        while pipe.recv() == "report":
            reads = [seen for seen in api.requests if seen.operation == "getAssembly"]
            streams = sum(seen.operation == "events" for seen in api.requests)
            limited = sum(seen.status in (413, 429) for seen in reads)
            pipe.send((Counter(seen.path for seen in reads), streams, limited))
            api.requests.clear()


async def wait(settings: tuple[str, str, str], *, events: bool) -> None:
    url, key, secret = settings
    late: list[float] = []
    async with AsyncTransloadit(key, secret, base_url=url) as client:
        at_once = asyncio.Semaphore(50)

        async def create() -> tuple[AssemblyStatus, float]:
            async with at_once:
                files = [("a.bin", b"a")]
                return await client.create_assembly(steps=STEPS, files=files), time.monotonic()

        created = await asyncio.gather(*[create() for _ in range(MANY)])
        began, cpu = time.monotonic(), time.process_time()

        async def one(assembly: AssemblyStatus, at: float) -> None:
            status = await client.wait_for_assembly(assembly, events=events)
            late.append(time.monotonic() - at - SECONDS)
            assert status.ok == "ASSEMBLY_COMPLETED"

        await asyncio.gather(*[one(*assembly) for assembly in created])
        cpu, took = time.process_time() - cpu, time.monotonic() - began
    late.sort()
    print(
        f"  {took:.0f} s, {cpu:.1f} s of CPU ({cpu / MANY * 1000:.1f} ms each), noticed"
        f" {late[MANY // 2]:.1f} s late in the middle, {late[-1]:.1f} s at most;"
        f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most"
    )


def simulated(seconds: float) -> tuple[int, float]:
    """Reads of an Assembly that takes so long, and how late its end is noticed, without events."""
    now = reads = 0.0
    identity = "7828446e5acd4aa996dce3455ec914e9"
    world = World(RetryPolicy(), lambda: now, lambda most: most / 2)
    terms = Terms(
        deadline=None,
        interval=1.0,
        events=False,
        cancel_on_timeout=False,
        on_progress=None,
        stop=None,
    )
    flow = waiting(identity, Home("https://api2.transloadit.com"), terms, world)
    is_done, step = advanced(flow)
    while not is_done:
        status = None
        if isinstance(step, Once):
            reads += 1
            ok = "ASSEMBLY_COMPLETED" if now >= seconds else "ASSEMBLY_EXECUTING"
            status = AssemblyStatus.from_dict({"ok": ok, "assembly_id": identity})
        elif isinstance(step, Pause):
            now += step.seconds
        is_done, step = advanced(flow, status)
    return int(reads), now - seconds


def main() -> None:
    allow_many_sockets()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    settings = ours.recv()
    for events in (True, False):
        print(f"{MANY} Assemblies of {SECONDS:g} s, {'events' if events else 'reads alone'}:")
        asyncio.run(wait(settings, events=events))
        ours.send("report")
        reads, streams, limited = ours.recv()
        print(
            f"  {reads.total() / MANY:.2f} reads each, {max(reads.values())} at most;"
            f" {streams} streams; {limited} reads refused for their number"
        )
    ours.send("end")
    server.join()
    print("seconds      10      60     600    3600   28800")
    table = [simulated(seconds) for seconds in (10.5, 60.5, 600.5, 3600.5, 28800.5)]
    print("reads  " + "".join(f"{reads:8}" for reads, _ in table))
    print("late   " + "".join(f"{late:8.1f}" for _, late in table))


if __name__ == "__main__":
    main()
