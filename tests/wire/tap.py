"""A server that keeps what arrives on its socket, byte for byte, and answers what it is told to."""

import json
import socket
import socketserver
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

ASSEMBLY_ID = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)
    """Without the marks of a chunked transfer; its beginning, where the tap keeps no more."""
    size: int
    """The length of the whole body."""

    def header(self, name: str) -> str | None:
        """The value of a header, which must not be there twice."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} was sent {len(values)} times"
        return values[0] if values else None

    @property
    def content_type(self) -> str:
        return self.header("Content-Type") or ""

    @property
    def boundary(self) -> bytes:
        kind, _, boundary = self.content_type.partition("; boundary=")
        assert kind == "multipart/form-data"
        return boundary.encode()

    def raw_parts(self) -> list[tuple[bytes, bytes]]:
        """The heads and contents of a multipart body, split by hand."""
        first, *parts, last = (b"\r\n" + self.body).split(b"\r\n--" + self.boundary)
        assert (first, last) == (b"", b"--\r\n")
        assert all(part.startswith(b"\r\n") for part in parts)
        split = [part[2:].partition(b"\r\n\r\n") for part in parts]
        return [(head, content) for head, _, content in split]


class Tap:
    """Listens on a free port of 127.0.0.1 from `with` to its end.

    Attributes:
        requests: what came, in order.
        answer: what every request is answered with, as JSON.
        keep: how many bytes of a body to keep.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.answer: Mapping[str, Any] = {
            "ok": "ASSEMBLY_EXECUTING",
            "assembly_id": ASSEMBLY_ID,
        }
        self.keep = 1 << 30
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def only(self) -> Received:
        """The one request there was."""
        (request,) = self.requests
        return request

    def connections(self) -> int:
        """How many connections were opened so far, whether or not anything was sent on them.

        They are accepted in the order they were opened, so once one of our own was, all were.
        """
        before = self._server.accepted
        with socket.create_connection(("127.0.0.1", self._server.server_address[1])) as probe:
            probe.shutdown(socket.SHUT_WR)
            assert probe.recv(1) == b""
        self._server.probes += 1
        assert self._server.accepted > before
        return self._server.accepted - self._server.probes


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self, tap: Tap) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tap = tap
        self.accepted = 0
        self.probes = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.accepted += 1
        super().process_request(request, client_address)


class _Handler(socketserver.StreamRequestHandler):
    timeout = 30  # seconds: a broken client must not hang the tests

    @property
    def tap(self) -> Tap:
        assert isinstance(self.server, _Server)
        return self.server.tap

    def handle(self) -> None:
        line = self.rfile.readline().decode("ascii").split()
        if not line:
            return
        headers = []
        while header := self.rfile.readline().rstrip(b"\r\n"):
            name, _, value = header.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        sent = {name.lower(): value for name, value in headers}
        body, size = self._body(sent)
        method, target, _ = line
        self.tap.requests.append(Received(method, target, headers, body, size))
        self._answer()

    def _body(self, headers: Mapping[str, str]) -> tuple[bytes, int]:
        kept = bytearray()
        size = 0
        if headers.get("transfer-encoding") == "chunked":
            while length := int(self.rfile.readline(), 16):
                size += self._read(length, kept)
                assert self.rfile.readline() == b"\r\n"
            assert self.rfile.readline() == b"\r\n"
        else:
            size = self._read(int(headers.get("content-length", 0)), kept)
        return bytes(kept), size

    def _read(self, length: int, kept: bytearray) -> int:
        left = length
        while left:
            piece = self.rfile.read(min(left, 1 << 20))
            assert piece, f"the body ended {left} bytes early"
            left -= len(piece)
            kept += piece[: self.tap.keep - len(kept)]
        return length

    def _answer(self) -> None:
        answer = dict(self.tap.answer)
        created = self.tap.requests[-1].target.removeprefix("/assemblies/")
        if len(created) == len(ASSEMBLY_ID):  # a create under an id of the caller's
            answer["assembly_id"] = created
        body = json.dumps(answer).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)
