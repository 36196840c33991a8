"""How long an event loop is held up while a file is uploaded from a slow disk: ours, httpx alone.

Run it with `.venv/bin/python benchmarks/lag.py`. Each read of the file takes 50 ms, as on a disk
that wakes up, or over a network; the stand-in is a process of its own.
"""

import asyncio
import io
import multiprocessing
import time
from collections.abc import Awaitable
from multiprocessing.connection import Connection

import httpx

from transloadit_client import AsyncTransloadit
from transloadit_standin import StandIn

SIZE, SLOWNESS = 2 * 1024 * 1024, 0.05
STEPS = {"kept": {"robot": "/file/filter", "use": ":original"}}


class SlowFile(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if size:
            time.sleep(SLOWNESS)
        return super().read(size)


def serve(told: Connection) -> None:
    with StandIn(key="key", secret="secret", tus_checksum=False) as api:
        told.send(api.url)
        told.recv()


def slow_file() -> SlowFile:
    return SlowFile(bytes(SIZE))


async def lag(work: Awaitable[object]) -> tuple[float, float, float]:
    """Seconds by which the loop came back late, in all and at most; and how long the work took."""
    late: list[float] = []

    async def watch() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - begun - 0.005)

    watching, begun = asyncio.create_task(watch()), time.perf_counter()
    await asyncio.sleep(0.02)
    await work
    watching.cancel()
    return sum(late), max(late), time.perf_counter() - begun


async def measure(url: str) -> None:
    async with (
        AsyncTransloadit("key", "secret", base_url=url) as client,
        httpx.AsyncClient() as bare,
    ):
        form = client.create_assembly(steps=STEPS, files=[("a.bin", slow_file())])
        assembly = await client.create_assembly(steps=STEPS, num_expected_upload_files=1)
        by_tus = client.upload(assembly, [("a.bin", slow_file())])
        signed = client.sign({"steps": STEPS})
        alone = bare.post(
            f"{url}/assemblies",
            data={"params": signed.params, "signature": signed.signature},
            files={"a": ("a.bin", slow_file())},
        )
        rows: dict[str, Awaitable[object]] = {
            "nothing at all": asyncio.sleep(2),
            "in the form": form,
            "by tus": by_tus,
            "httpx alone, in the form": alone,
        }
        for name, work in rows.items():
            late, most, seconds = await lag(work)
            print(f"{name:25} held up for {late:5.2f} s of {seconds:.2f} s, {most:.2f} s at most")


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    asyncio.run(measure(ours.recv()))
    ours.send(None)
    server.join()


if __name__ == "__main__":
    main()
