"""What it costs to begin, as multiples of `import httpx`; run it with `make bench`.

It runs in an environment that holds the wheel and its dependencies alone, since httpx imports more
where `rich` and `click` are installed. Each row is a process of its own, and they take turns.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from statistics import median
from threading import Thread

import httpx

from transloadit_client import Transloadit

ROUNDS = 31
ID = "0" * 32
BARE, UNIT = "bare Python", "import httpx"
PEERS = Path(__file__).parent.parent / "build" / "peers" / "bin" / "python"
PEER = "pytransloadit: "

IMPORTS = {
    BARE: "pass",
    UNIT: "import httpx",
    "what we stand on: httpx, httpcore and attrs": "import httpx, httpcore, attrs",
    "the generated client": "import transloadit_api.client",
    "import transloadit_client": "import transloadit_client",
    "from transloadit_client import Transloadit": "from transloadit_client import Transloadit",
}
CLIENTS = {
    "httpx.Client()": (
        "import httpx; client = httpx.Client()",
        "client.get(server + '/assemblies/' + ID).json()",
    ),
    "Transloadit(key, secret)": (
        "import transloadit_client as our; client = our.Transloadit('k', 's', base_url=server)",
        "client.get_assembly(ID)",
    ),
    f"{PEER}Transloadit(key, secret)": (
        "from transloadit.client import Transloadit; client = Transloadit('k', 's', server)",
        "client.get_assembly(ID).data",
    ),
    "httpx.AsyncClient()": (
        "import asyncio, httpx; client = httpx.AsyncClient()",
        "asyncio.run(client.get(server + '/assemblies/' + ID)).json()",
    ),
    "AsyncTransloadit(key, secret)": (
        (
            "import asyncio, transloadit_client as our;"
            "client = our.AsyncTransloadit('k', 's', base_url=server)"
        ),
        "asyncio.run(client.get_assembly(ID))",
    ),
}
"""How a client is made, and its first call."""


class Server(BaseHTTPRequestHandler):
    """Answers each read with the status of an Assembly that has ended."""

    def do_GET(self) -> None:
        body = b'{"ok":"ASSEMBLY_COMPLETED","assembly_id":"%s"}' % ID.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Writes nothing."""


class Row:
    """A program, what it took each time, and how many modules its last part imported."""

    def __init__(self, name: str, url: str, first: str, last: str = "") -> None:
        python = str(PEERS) if name.startswith(PEER) else sys.executable
        code = f"import sys; server, ID = sys.argv[1:]; {first}"
        if last:
            code += f"; before = len(sys.modules); {last}; print(len(sys.modules) - before)"
        self._command = [python, "-c", code, url, ID]
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.imported = ""

    def run(self) -> None:
        before, start = _cpu_of_children(), time.perf_counter()
        done = subprocess.run(self._command, check=True, capture_output=True, text=True)
        self.wall.append(time.perf_counter() - start)
        self.cpu.append(_cpu_of_children() - before)
        self.imported = done.stdout.strip()


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows(url: str) -> dict[str, Row]:
    table = {name: Row(name, url, code) for name, code in IMPORTS.items()}
    for name, (made, called) in CLIENTS.items():
        if PEERS.exists() or not name.startswith(PEER):
            table[name] = Row(name, url, made)
            table[f"{name} and its first call"] = Row(name, url, made, called)
    return table


def report(table: dict[str, Row]) -> None:
    bare = table.pop(BARE)
    unit = min(table[UNIT].cpu) - min(bare.cpu)
    print(f"Python {sys.version.split()[0]}, httpx {version('httpx')}, attrs {version('attrs')}.")
    print(f"Milliseconds above bare Python ({min(bare.cpu) * 1000:.1f} ms of CPU), {ROUNDS} runs;")
    print("the last column is how many modules the first call imports.\n")
    print(f"{'':57}x httpx  CPU, least  median  wall, least  imported")
    for name, row in table.items():
        cpu = min(row.cpu) - min(bare.cpu)
        middle, wall = median(row.cpu) - median(bare.cpu), min(row.wall) - min(bare.wall)
        figures = f"{cpu / unit:7.2f}{cpu * 1000:12.1f}{middle * 1000:8.1f}{wall * 1000:13.1f}"
        print(f"{name:57}{figures}{row.imported:>10}".rstrip())


def least(call: Callable[[], object]) -> float:
    """The milliseconds of CPU that a call takes once it has been made before."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times) * 1000


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    table = rows(f"http://127.0.0.1:{server.server_port}")
    for _ in range(ROUNDS):  # interleaved, so that a busy moment strikes all alike
        for row in table.values():
            row.run()
    server.shutdown()
    report(table)
    print("\nA second client in the same process, in milliseconds of CPU:")
    ours = least(lambda: Transloadit("key", "secret").get_httpx_client())
    print(f"Transloadit(key, secret) {ours:.2f}, httpx.Client() {least(httpx.Client):.2f}")


if __name__ == "__main__":
    main()
