"""The server that all contestants speak to: canned answers from one process, over TCP and TLS.

It is cheaper than any client here, so that clients are what is measured; how much room is left is
seen in the row of the raw socket. Large uploads go to `sink`, in the same process. Run as `python
-m benchmarks.server CPU`: it prints its URLs by name, and the file with its CA, as JSON, and serves
until its input closes.
"""

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import trustme

from . import payloads, sink
from .machine import pin

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"/assemblies/([0-9a-f]{32})")


def _canned() -> tuple[bytes, bytes]:
    """An answer in two pieces, between which the Assembly's id belongs."""
    data = payloads.status()
    last = data.pop("assembly_id")
    for key in ("assembly_url", "assembly_ssl_url"):
        data[key] = data[key].replace(last, "0" * 32)
    body = json.dumps({**data, "assembly_id": "ID HERE"}).encode().split(b"ID HERE")
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Date: Tue, 01 Jan 2030 08:47:19 GMT\r\nConnection: keep-alive\r\n"
        f"Content-Length: {len(b''.join(body)) + 32}\r\n\r\n"
    )
    return head.encode() + body[0], body[1]


BEFORE, AFTER = _canned()


class Answering(asyncio.Protocol):
    """Answers each request once it is whole; bodies are counted and dropped."""

    def __init__(self) -> None:
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]  # it is

    def data_received(self, data: bytes) -> None:
        self._pending = data = self._pending + data if self._pending else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(data, 0, end)
        if length is not None:
            whole = len(data) >= end + 4 + int(length[1])
        else:
            chunked = data.find(b"chunked", 0, end) > 0
            whole = data.endswith(b"\r\n0\r\n\r\n") if chunked else True
        if whole:
            self._pending = b""
            named = _ID.search(data, 0, 200)
            identity = named[1] if named else payloads.ASSEMBLY_ID.encode()
            self._transport.write(BEFORE + identity + AFTER)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    ca = trustme.CA()
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    plain = await loop.create_server(Answering, "127.0.0.1", 0, backlog=2048)
    safe = await loop.create_server(Answering, "127.0.0.1", 0, ssl=tls, backlog=2048)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ca.pem"
        file.write_bytes(ca.cert_pem.bytes())
        urls = {
            scheme: f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for scheme, server in (("http", plain), ("https", safe))
        }
        sinks = {
            "uploads": sink.listen(),
            "uploads over TLS": sink.listen(tls),
            "uploads from afar": sink.listen(tls, late=0.02),
        }
        print(json.dumps({**urls, **sinks, "ca": str(file)}), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    pin(int(sys.argv[1]))
    asyncio.run(serve())
