"""Uploads whose process is killed at random bytes and that other processes go on with.

`python -m tests.uploads.kills --kills 100` does so against `@tus/server` and against the stand-in.
"""

import argparse
import hashlib
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from transloadit_client import Transloadit
from transloadit_standin import StandIn

from .. import tus_server
from ..tus_server import TusServer

SIZE = 4 * 1024 * 1024
STEPS = {"kept": {"robot": "/file/filter", "use": ":original"}}

# What the killed processes run: one upload resumed at its URL; all uploads of an Assembly.
ONE = """
import sys
from transloadit_client import Transloadit
from transloadit_client._calls.addresses import Home
from transloadit_client._calls.files import sources
from transloadit_client._uploads import tus
base, url, path = sys.argv[1:]
(source,) = sources([path])
server = tus.Server(base + "/files", Home(base))
flow = tus.uploaded(source, server, {}, chunk_size=1_000_000, sent=lambda _: None, url=url)
with Transloadit("key", "secret", base_url=base) as client:
    client._carry_out(flow)
"""
ALL = """
import sys
from transloadit_client import Transloadit
base, assembly, *paths = sys.argv[1:]
with Transloadit("key", "secret", base_url=base) as client:
    client.upload(assembly, paths, chunk_size=1_000_000, parallel=2)
"""


class Relay:
    """Passes bytes on to a port, and after so many of the client's calls for an end."""

    def __init__(self, port: int, after: int, end: Callable[[], object]) -> None:
        self._port, self._left, self._end = port, after, end
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            self._sockets += [client, server]
            for source, target, counts in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pass_on, args=(source, target, counts), daemon=True
                ).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(self._counted(data) if counts else data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _counted(self, data: bytes) -> bytes:
        with self._lock:
            passed = data[: max(0, self._left)]
            self._left -= len(data)
            if self._left < 0:
                self._end()
        return passed


def against_node(server: TusServer, folder: Path, *, kills: int, seed: int) -> list[str]:
    """What went wrong, in sentences."""
    draw = random.Random(seed)
    path, killed = folder / "a.bin", 0
    found: list[str] = []
    while killed < kills:
        path.write_bytes(draw.randbytes(SIZE + draw.randrange(1000)))
        size = path.stat().st_size
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size)}
        url = httpx.post(server.url, headers=headers).headers["Location"]
        code: int | None = -signal.SIGKILL
        while code == -signal.SIGKILL:
            after = draw.randrange(size // 2) if killed < kills else 10 * size
            code = _killed_after(server.port, after, url, path)
            killed += code == -signal.SIGKILL
        if code != 0:
            return [*found, f"seed {seed}: a process ended with {code}"]
        if _sha256(server.stored(url)) != _sha256(path):
            found.append(f"seed {seed}: {server.stored(url)} is not what was sent")
    return found


def against_the_standin(folder: Path, *, kills: int, seed: int, size: int = SIZE) -> list[str]:
    """What went wrong, in sentences: with three files for each Assembly."""
    draw = random.Random(seed)
    paths = [folder / name for name in ("a.bin", "b.bin", "c.bin")]
    found: list[str] = []
    killed = 0
    with StandIn(key="key", secret="secret", tus_checksum=False) as api:
        while killed < kills:
            for path in paths:
                path.write_bytes(draw.randbytes(size + draw.randrange(1000)))
            with Transloadit("key", "secret", base_url=api.url) as client:
                assembly = client.create_assembly(steps=STEPS, num_expected_upload_files=3)
            identity = str(assembly.assembly_id)
            code: int | None = -signal.SIGKILL
            while code == -signal.SIGKILL:
                more = draw.randrange(size) if killed < kills else None
                code = _killed_when(api, identity, more, paths)
                killed += code == -signal.SIGKILL
            uploads = api.assemblies[identity].uploads
            sums = {upload.stored.name: upload.stored.sha256 for upload in uploads}
            if code != 0:
                return [*found, f"seed {seed}: a process ended with {code}"]
            if sums != {path.name: _sha256(path) for path in paths}:
                found.append(f"seed {seed}: Assembly {identity} has other files")
            begun = sum(received.operation == "tusCreate" for received in api.requests)
            if begun != 3 * len(api.assemblies):
                found.append(f"seed {seed}: {begun} uploads for {len(api.assemblies)} Assemblies")
    return found


def _killed_after(port: int, after: int, url: str, path: Path) -> int | None:
    """Resumes an upload, and kills that process once it has sent so many bytes."""
    processes: list[subprocess.Popen[bytes]] = []

    def end() -> None:
        for process in processes:
            process.kill()

    relay = Relay(port, after, end)
    base = f"http://127.0.0.1:{relay.port}"
    there = f"{base}/files/{url.rpartition('/')[2]}"
    try:
        with subprocess.Popen([sys.executable, "-c", ONE, base, there, path]) as process:
            processes.append(process)
            return process.wait(60)
    finally:
        relay.close()


def _killed_when(api: StandIn, identity: str, more: int | None, paths: list[Path]) -> int | None:
    """Uploads to an Assembly, and kills that process once so many more bytes have come."""

    def come() -> int:
        return sum(upload.offset for upload in list(api.assemblies[identity].tus_uploads))

    end = None if more is None else come() + more
    url = api.assemblies[identity].addresses()["assembly_ssl_url"]
    with subprocess.Popen([sys.executable, "-c", ALL, api.url, url, *paths]) as process:
        while process.poll() is None:
            if end is not None and come() >= end:
                process.kill()
            time.sleep(0.0005)
        return process.returncode


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.uploads.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        found = against_the_standin(folder, kills=options.kills, seed=options.seed)
        if tus_server.is_here():
            (folder / "tus").mkdir()
            with tus_server.running(folder / "tus") as server:
                found += against_node(server, folder, kills=options.kills, seed=options.seed)
        else:
            print(tus_server.LACKING)
    print("\n".join(found) or f"{options.kills} kills, seed {options.seed}: all bytes are there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
