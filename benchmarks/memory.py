"""Peak memory of a process over its idle, for uploads and downloads on every path; the loop's lag.

Run it with `.venv/bin/python -m benchmarks.memory [GiB [path]]`, 4 by default; it exits with 1 if a
path takes more than 16 MiB. Each path is a process of its own that has done the same with a small
file before, so that what is imported late counts as idle. The files are holes, and so is what the
stand-in keeps; results are written in full.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from transloadit_client import AsyncTransloadit, Transloadit
from transloadit_standin import StandIn

from .gauges import PEAK, Lag, Peak

MIB = 1024 * 1024
MOST = 16 * MIB
STEPS = {"kept": {"robot": "/file/filter", "use": ":original"}}

# How many files there are, and what they are given as.
PATHS = {
    "in the form": (1, "path"),
    "by tus": (1, "path"),
    "by tus, 4 at once": (4, "path"),
    "by tus, a stream": (1, "stream"),
    "by tus, 4 streams at once": (4, "stream"),
    "results": (1, "path"),
    "results, 4 at once": (4, "path"),
}


def pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // MIB):
        yield bytes(MIB)


async def awaited_pieces(size: int) -> AsyncIterator[bytes]:
    for piece in pieces(size):
        yield piece


def given(kind: str, number: int, size: int, path: Path, *, awaited: bool) -> list[Any]:
    """The files of an upload, which have `size` bytes in all."""
    if kind == "path":
        with path.open("wb") as file:
            file.truncate(size // number)
        return [(f"{n}.bin", path) for n in range(number)]
    make = awaited_pieces if awaited else pieces
    return [(f"{n}.bin", make(size // number)) for n in range(number)]


def prepared(client: Transloadit, how: str, files: list[Any], folder: Path) -> Callable[[], Any]:
    """What is to be measured."""
    if how == "in the form":
        return lambda: client.create_assembly(steps=STEPS, files=files)
    if how.startswith("results"):
        assembly = client.create_assembly(steps=STEPS, files=files)
        status = client.wait_for_assembly(assembly)
        return lambda: client.download_results(status, folder, steps="kept")
    assembly = client.create_assembly(steps=STEPS, num_expected_upload_files=len(files))
    return lambda: client.upload(assembly, files)


async def prepared_awaited(
    client: AsyncTransloadit, how: str, files: list[Any], folder: Path
) -> Awaitable[Any]:
    """The same, to be awaited."""
    if how == "in the form":
        return client.create_assembly(steps=STEPS, files=files)
    if how.startswith("results"):
        assembly = await client.create_assembly(steps=STEPS, files=files)
        status = await client.wait_for_assembly(assembly)
        return client.download_results(status, folder, steps="kept")
    assembly = await client.create_assembly(steps=STEPS, num_expected_upload_files=len(files))
    return client.upload(assembly, files)


def sync(url: str, how: str, size: int, path: Path) -> dict[str, float]:
    number, kind = PATHS[how]
    with Transloadit("key", "secret", base_url=url, timeout=600) as client:
        small = given(kind, number, number * MIB, path, awaited=False)
        prepared(client, how, small, path.with_name("small"))()
        files = given(kind, number, size, path, awaited=False)
        work = prepared(client, how, files, path.with_name("large"))
        peak, begun = Peak(), time.perf_counter()
        work()
        return {"peak": peak.over_idle(), "seconds": time.perf_counter() - begun}


async def asynchronous(url: str, how: str, size: int, path: Path) -> dict[str, float]:
    number, kind = PATHS[how]
    async with AsyncTransloadit("key", "secret", base_url=url, timeout=600) as client:
        small = given(kind, number, number * MIB, path, awaited=True)
        await (await prepared_awaited(client, how, small, path.with_name("small")))
        files = given(kind, number, size, path, awaited=True)
        work = await prepared_awaited(client, how, files, path.with_name("large"))
        peak, lag, begun = Peak(), Lag(every=0.005), time.perf_counter()
        await work
        seconds = time.perf_counter() - begun
        _, usual, most = lag.stop()
    return {"peak": peak.over_idle(), "seconds": seconds, "lag": most, "usual lag": usual}


def measured(url: str, how: str, size: int, path: Path, *, awaited: bool) -> dict[str, float]:
    """As measured in a process of its own."""
    arguments = [url, how, str(size), str(path), "async" if awaited else "sync"]
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    found: dict[str, float] = json.loads(output)
    return found


def main(size: int, only: str) -> int:
    if not PEAK.exists():
        print("this system does not tell a process's peak: it takes /proc")
        return 0
    good = True
    print(f"{size / 1024**3:g} GiB: peak over idle, speed, the loop's lag (at most; 99 %)")
    for how in PATHS:
        for awaited in (False, True):
            if not how.startswith(only):
                continue
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "file"
                with StandIn(key="key", secret="secret", tus_checksum=False) as api:
                    found = measured(api.url, how, size, path, awaited=awaited)
            lags = "  ".join(
                f"{found[it] * 1000:5.1f} ms" for it in ("lag", "usual lag") if awaited
            )
            style = "async" if awaited else "sync "
            print(
                f"{how:26} {style} {found['peak'] / MIB:5.1f} MiB"
                f" {size / MIB / found['seconds']:6.0f} MiB/s  {lags}",
                flush=True,
            )
            good = good and found["peak"] <= MOST
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) == 6:  # in a process of its own
        _, url, how, size, path, style = sys.argv
        if style == "sync":
            print(json.dumps(sync(url, how, int(size), Path(path))))
        else:
            print(json.dumps(asyncio.run(asynchronous(url, how, int(size), Path(path)))))
    else:
        gib = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
        sys.exit(main(int(gib * 1024**3), sys.argv[2] if len(sys.argv) > 2 else ""))
