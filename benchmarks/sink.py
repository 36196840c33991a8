"""The server that large uploads go to: it counts what comes, by form or by tus, and drops it.

Where the system can, bytes are dropped unread (`MSG_TRUNC`), so that the client is what is
measured; how much room is left is seen in the row of the raw socket.
"""

import json
import re
import socket
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex
from ssl import SSLContext
from typing import Any

Head = dict[str, str]
Reply = tuple[str, dict[str, str], bytes]

DROPPED = socket.MSG_TRUNC if sys.platform == "linux" else 0
EXTENSIONS = (
    "creation,creation-with-upload"  # what tusd, which the service's people write, has at least
)
SMALL = 64 * 1024  # bytes: a form of that size is read for the number of files to come
EXPECTED = re.compile(rb"tus_num_expected_upload_files\D+(\d+)")
BUFFER = memoryview(bytearray(4 * 1024 * 1024))  # whoever reads what stands in it reads nonsense


@dataclass
class Assembly:
    """What its status tells."""

    url: str
    expected: int
    uploads: list[dict[str, Any]] = field(default_factory=list)

    def status(self, tus_url: str) -> bytes:
        waits = sum(upload["finished"] for upload in self.uploads) < self.expected
        told = {
            "ok": "ASSEMBLY_UPLOADING" if waits else "ASSEMBLY_EXECUTING",
            "assembly_id": self.url.rpartition("/")[2],
            "assembly_url": self.url,
            "assembly_ssl_url": self.url,
            "tus_url": tus_url,
            "expected_tus_uploads": self.expected,
            "tus_uploads": self.uploads,
        }
        return json.dumps(told).encode()


class Service:
    """The Assemblies and their uploads, by path."""

    def __init__(self, url: str) -> None:
        self._url, self._tus_url = url, f"{url}/resumable/files/"
        self._assemblies: dict[str, Assembly] = {}
        self._uploads: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, path: str, head: Head, body: bytes, size: int) -> Reply:
        """What is answered once `size` bytes have come, of which small bodies are kept."""
        if method == "PATCH":
            upload = self._uploads[path]
            upload["offset"] = int(head["upload-offset"]) + size
            upload["finished"] = upload["offset"] == upload["size"]
            return "204 No Content", {"Upload-Offset": str(upload["offset"])}, b""
        if method == "POST" and path.startswith("/resumable"):
            return self._begun(head, size)
        if method == "POST":
            path = path if len(path) > 32 else f"/assemblies/{token_hex(16)}"
            found = EXPECTED.search(body)
            url = self._url + path
            self._assemblies[path] = Assembly(url, int(found[1]) if found else 0)
        if method in ("GET", "POST"):
            kind = {"Content-Type": "application/json"}
            return "200 OK", kind, self._assemblies[path].status(self._tus_url)
        return "204 No Content", {"Tus-Version": "1.0.0", "Tus-Extension": EXTENSIONS}, b""

    def _begun(self, head: Head, size: int) -> Reply:
        pairs = (pair.partition(" ") for pair in head["upload-metadata"].split(","))
        meta = {name: b64decode(value).decode() for name, _, value in pairs}
        assembly = self._assemblies[meta.pop("assembly_url").removeprefix(self._url)]
        url = self._tus_url + token_hex(16)
        upload = {
            "filename": meta.pop("filename"),
            "fieldname": meta.pop("fieldname"),
            "user_meta": meta,
            "size": int(head["upload-length"]),
            "offset": size,
            "finished": str(size) == head["upload-length"],
            "upload_url": url,
        }
        assembly.uploads.append(upload)
        self._uploads[url.removeprefix(self._url)] = upload
        return "201 Created", {"Location": url, "Upload-Offset": str(size)}, b""


def serve(
    connection: socket.socket,
    tls: SSLContext | None,
    late: float,
    answer: Callable[..., Reply],
) -> None:
    """Answers one request after the other."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    how = 0 if tls else DROPPED  # what is encrypted has to be read
    connection = tls.wrap_socket(connection, server_side=True) if tls else connection
    pending = b""
    with connection:
        while True:
            while (end := pending.find(b"\r\n\r\n")) < 0:
                if not (more := connection.recv(SMALL)):
                    return
                pending += more
            request, *lines = pending[:end].decode("latin-1").split("\r\n")
            head = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
            if head.get("expect"):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            size = int(head.get("content-length", 0))
            body, pending = pending[end + 4 :][:size], pending[end + 4 + size :]
            left = size - len(body)
            while left and size <= SMALL:
                body += (more := connection.recv(left))
                left -= len(more)
            while left:
                left -= connection.recv_into(BUFFER, min(left, len(BUFFER)), how)
            method, path, _ = request.split(" ")
            status, headers, told = answer(method, path, head, body, size)
            headers = {"Tus-Resumable": "1.0.0", "Content-Length": str(len(told)), **headers}
            text = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            time.sleep(late)
            connection.sendall(f"HTTP/1.1 {status}\r\n{text}\r\n".encode() + told)


def listen(tls: SSLContext | None = None, late: float = 0.0) -> str:
    """Serves from now on, in threads of its own; gives the URL.

    Args:
        tls: what it encrypts with, if it does.
        late: seconds that it waits before each answer, as if it were far away.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    url = f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    service = Service(url)

    def accept() -> None:
        while True:
            arguments = (listener.accept()[0], tls, late, service.answer)
            threading.Thread(target=serve, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return url
