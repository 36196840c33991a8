"""Something for Notifications to arrive at."""

from __future__ import annotations

import email
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from types import TracebackType


class Receiver:
    """An HTTP server on loopback; `answers` are the statuses it gives, then it gives 200."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        self.content_types: list[str] = []
        self.answers: deque[int] = deque()
        self.arrived = threading.Event()
        self.released = threading.Event()
        self.released.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(self.headers["content-type"], body)
                receiver.released.wait(10)
                self.send_response(receiver.answers.popleft() if receiver.answers else 200)
                self.send_header("location", receiver.url)
                self.send_header("content-length", "5")
                self.end_headers()
                self.wfile.write(b"ta-da")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/pingback"

    def take(self, content_type: str, body: bytes) -> None:
        self.content_types.append(content_type.partition(";")[0])
        self.received.append(read_form(content_type, body))
        self.arrived.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form in either encoding, read by the standard library."""
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\n\n" + body)
    fields: dict[str, str] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields[name] = payload.decode()
    return fields
