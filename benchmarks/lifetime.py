"""What many calls and many clients leave behind: 100,000 calls of one client, then 1,000 clients.

Run it with `make bench`; it takes a few minutes and exits with 1 if memory, descriptors or threads
grow. The server is a process of its own.
"""

import asyncio
import gc
import multiprocessing
import sys
import threading
import tracemalloc
from multiprocessing.connection import Connection
from pathlib import Path

from transloadit_client import Transloadit

ASSEMBLY_ID = "7828446e5acd4aa996dce3455ec914e9"
BODY = b'{"ok":"ASSEMBLY_EXECUTING","assembly_id":"' + ASSEMBLY_ID.encode() + b'"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CALLS, CLIENTS = 100_000, 1_000


async def _serve(port: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while await reader.readline() not in (b"\r\n", b""):
                pass
            writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def serve(port: Connection) -> None:
    asyncio.run(_serve(port))


def state() -> tuple[int, int, int]:
    """Bytes that Python holds, open descriptors, and threads."""
    gc.collect()
    files = Path("/proc/self/fd")
    descriptors = len(list(files.iterdir())) if files.exists() else 0
    return tracemalloc.get_traced_memory()[0], descriptors, threading.active_count()


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    grown = False

    def call(client: Transloadit, times: int) -> None:
        for _ in range(times):
            client.get_assembly(ASSEMBLY_ID)

    def renew(times: int) -> None:
        for _ in range(times):
            with Transloadit(base_url=url) as client:
                call(client, 1)

    tracemalloc.start()
    with Transloadit(base_url=url) as client:
        call(client, 1_000)
        before = state()
        call(client, CALLS)
        grown |= report(f"{CALLS:,} calls of one client", before, state())
    renew(50)
    before = state()
    renew(CLIENTS)
    grown |= report(f"{CLIENTS:,} clients, one call each", before, state())
    server.terminate()
    sys.exit(int(grown))


def report(what: str, before: tuple[int, int, int], after: tuple[int, int, int]) -> bool:
    memory, descriptors, threads = (now - then for then, now in zip(before, after, strict=True))
    print(f"{what:28} {memory:+8,} bytes  {descriptors:+3} descriptors  {threads:+3} threads")
    return memory > 64 * 1024 or descriptors > 1 or threads > 0


if __name__ == "__main__":
    main()
