"""The stand-in itself: how soon it serves, how many creates a second, what a huge upload takes.

`python -m benchmarks.standin [GiB]` starts `python -m transloadit_standin` anew for each figure.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator

    Serving = tuple[int, int]
    """The port of the base URL, and the id of the process."""

PARAMS = json.dumps(
    {
        "auth": {"key": "standin_key", "expires": "2099/01/01 00:00:00+00:00"},
        "steps": {"resized": {"robot": "/image/resize", "width": 75}},
    }
)
SIGNATURE = "sha384:" + hmac.new(b"standin_secret", PARAMS.encode(), hashlib.sha384).hexdigest()
FORM = {"params": PARAMS, "signature": SIGNATURE}
SECONDS = 5.0
LANES = 4


@contextmanager
def serving() -> Iterator[Serving]:
    """A stand-in in a process of its own."""
    command = [sys.executable, "-m", "transloadit_standin", "-q", "--step-seconds", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "ENDPOINT=" in line:
                break
        try:
            yield int(line.strip().rpartition(":")[2]), process.pid
        finally:
            process.terminate()


def start_up() -> tuple[float, float]:
    """Seconds from the start of the process to its first answer: by the wall clock, of its CPU."""
    begun = time.perf_counter()
    with serving() as (port, pid):
        answer(port, b"GET /assemblies/" + b"0" * 32 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return time.perf_counter() - begun, cpu(pid)


def answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        return connection.recv(65536)


def creates() -> tuple[float, float]:
    """Creates a second over a few connections that stay open, and CPU seconds of each."""
    body = urlencode(FORM).encode()
    request = (
        b"POST /assemblies HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body
    done = [0] * LANES
    with serving() as (port, pid):
        before = cpu(pid)
        until = time.perf_counter() + SECONDS
        lanes = [Thread(target=create, args=(port, request, done, i, until)) for i in range(LANES)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        return sum(done) / SECONDS, (cpu(pid) - before) / sum(done)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def create(port: int, request: bytes, done: list[int], lane: int, until: float) -> None:
    """Send the same create again and again, and read each answer whole."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.perf_counter() < until:
            connection.sendall(request)
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            head, _, rest = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), received
            length = next(
                int(line[15:])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            while len(rest) < length:
                rest += connection.recv(65536)
            done[lane] += 1


def memory(gib: int) -> float:
    """MiB that the process' peak grows by, for one upload of so many GiB in a form."""
    with serving() as (port, pid):
        upload(port, 1)  # what any first upload takes
        before = peak(pid)
        upload(port, gib * 1024)
        return (peak(pid) - before) / 1024


def upload(port: int, mib: int) -> None:
    """Upload zeros, which the stand-in keeps as a hole in a file."""
    texts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (name.encode(), text.encode())
        for name, text in FORM.items()
    )
    head = texts + b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n'
    tail = b"\r\n--x--\r\n"
    size = len(head) + mib * 1024 * 1024 + len(tail)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"POST /assemblies HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n" % size
        )
        connection.sendall(head)
        piece = bytes(1024 * 1024)
        for _ in range(mib):
            connection.sendall(piece)
        connection.sendall(tail)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def peak(pid: int) -> int:
    """The largest resident size so far, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    """Print the three figures."""
    gib = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    wall, taken = min(start_up() for _ in range(7))
    print(f"start-up        {wall:8.2f} s to the first answer, {taken:.2f} s of them CPU")
    rate, each = max(creates() for _ in range(3))
    print(f"creates         {rate:8.0f} a second, {each * 1e6:.0f} µs of CPU each")
    print(f"a {gib} GiB upload  {memory(gib):+8.1f} MiB")


if __name__ == "__main__":
    main()
