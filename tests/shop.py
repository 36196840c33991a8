"""A server of files that behaves as badly as a test asks for."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from email.message import Message

ID = "0123456789abcdef0123456789abcdef"

Script = Callable[["Order"], None]


class Order(BaseHTTPRequestHandler):
    """One request, as scripts answer it."""

    server: "Shop"  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or the body, sent after the headers, comes 40 ms later

    def do_GET(self) -> None:
        self.server.orders.append(self.headers)
        scripts = self.server.scripts[self.path]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        script(self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.begin(status, **{"Content_Length": str(len(body)), **headers})
        self.wfile.write(body)

    def begin(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        pass


class Shop(ThreadingHTTPServer):
    """Serves each path by its scripts: one a request, the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Order)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.scripts: dict[str, list[Script]] = {}
        self.orders: list[Message] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to report."""

    def file(self, name: str, *scripts: Script, **facts: object) -> dict[str, Any]:
        """What a status says of a file that these scripts serve."""
        path = f"/{len(self.scripts)}/{name}"
        self.scripts[path] = list(scripts)
        return {"id": path, "name": name, "ssl_url": f"{self.url}{path}", **facts}

    def status(self, *files: dict[str, Any], **more: Any) -> dict[str, Any]:
        results = {"made": list(files)}
        return {"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID, "results": results, **more}

    def asked(self, header: str) -> list[str | None]:
        return [headers.get(header) for headers in self.orders]


@contextmanager
def opened_shop() -> Iterator[Shop]:
    shop = Shop()
    thread = threading.Thread(target=shop.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        shop.shutdown()
        shop.server_close()
        thread.join()


def facts_of(data: bytes) -> dict[str, Any]:
    """What a status says of these bytes."""
    return {"size": len(data), "md5hash": hashlib.md5(data).hexdigest()}


def serves(data: bytes, etag: str | None = '"one"', breaks_after: int | None = None) -> Script:
    """Serves a file as servers should, with ranges; if asked to, it breaks on the way."""

    def script(order: Order) -> None:
        headers = {"ETag": etag} if etag else {}
        asked = order.headers.get("Range")
        valid = order.headers.get("If-Range") in (None, etag)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and valid else 0
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        rest = data[start:]
        order.begin(206 if start else 200, Content_Length=str(len(rest)), **headers)
        order.wfile.write(rest[:breaks_after])
        if breaks_after is not None:
            order.hang_up()

    return script


def says(status: int, body: bytes = b"", **headers: str) -> Script:
    return lambda order: order.answer(status, body, **headers)


def chunked(data: bytes, *, ends: bool = True) -> Script:
    """Serves bytes whose number is not announced."""

    def script(order: Order) -> None:
        order.begin(200, Transfer_Encoding="chunked")
        order.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if ends:
            order.wfile.write(b"0\r\n\r\n")
        else:
            order.hang_up()

    return script


def as_json(status: dict[str, Any]) -> Script:
    return says(200, json.dumps(status).encode())
