"""The contestants that block. Each maker takes the server's URL and gives the call to measure.

Imports stand in the functions, so that a process holds nothing but its own contestant.
"""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from . import payloads

Call = Callable[[], object]


def raw_socket(url: str) -> Call:
    """The limit: the bytes and nothing else. It would not notice the least trouble."""
    where = urlsplit(url)
    port = where.port or 0
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if where.scheme == "https":
        connection = ssl.create_default_context().wrap_socket(
            connection, server_hostname="127.0.0.1"
        )

    def call() -> None:
        body = urlencode(payloads.signed()).encode()
        head = (
            f"POST {payloads.path()} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
            "Transloadit-Client: benchmark:1\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        answer = connection.recv(65536)
        end = answer.index(b"\r\n\r\n") + 4
        start = answer.index(b"Content-Length: ") + 16
        length = int(answer[start : answer.index(b"\r\n", start)])
        while len(answer) < end + length:
            answer += connection.recv(65536)
        payloads.created(json.loads(answer[end:]))

    return call


def connected(url: str) -> Any:
    """As `http.client` has it."""
    import http.client  # noqa: PLC0415

    where = urlsplit(url)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    return kind(where.netloc)


def http_client(url: str) -> Call:
    connection = connected(url)
    headers = {**payloads.HEADERS, "Content-Type": "application/x-www-form-urlencoded"}

    def call() -> None:
        body = urlencode(payloads.signed()).encode()
        connection.request("POST", payloads.path(), body, headers)
        payloads.created(json.loads(connection.getresponse().read()))

    return call


def _posts(client: Any) -> Call:
    def call() -> None:
        answer = client.post(payloads.path(), data=payloads.signed())
        payloads.created(answer.json())

    return call


def _posts_parts(client: Any) -> Call:
    def call() -> None:
        answer = client.post(payloads.path(), files=payloads.parts())
        payloads.created(answer.json())

    return call


def _uploads(client: Any) -> Call:
    def call() -> None:
        files = {"files": ("ten.bin", payloads.FILE, "application/octet-stream")}
        data = {**payloads.signed(), **payloads.FIELDS}
        answer = client.post(payloads.path(), data=data, files=files)
        payloads.created(answer.json())

    return call


def _httpx(url: str) -> Any:
    import httpx  # noqa: PLC0415

    return httpx.Client(base_url=url, headers=payloads.HEADERS)


def _httpx2(url: str) -> Any:
    import httpx2  # noqa: PLC0415

    return httpx2.Client(base_url=url, headers=payloads.HEADERS)


def requests_session(url: str) -> Call:
    import requests  # noqa: PLC0415

    session = requests.Session()
    session.headers.update(payloads.HEADERS)

    def call() -> None:
        answer = session.post(url + payloads.path(), data=payloads.signed())
        payloads.created(answer.json())

    return call


def generated(url: str) -> Call:
    """The generated client as it comes; its answer is a model, as it always is."""
    from transloadit_api.api.assemblies import create_assembly_with_id  # noqa: PLC0415
    from transloadit_api.client import Client  # noqa: PLC0415
    from transloadit_api.models import CreateAssemblyForm  # noqa: PLC0415

    client = Client(base_url=url, headers=payloads.HEADERS)

    def call() -> None:
        signed = payloads.signed()
        form = CreateAssemblyForm(params=signed["params"], signature=signed["signature"])
        identity = payloads.path().rpartition("/")[2]
        status: Any = create_assembly_with_id.sync(identity, client=client, body=form)
        payloads.created({"ok": status.ok, "assembly_id": status.assembly_id})

    return call


def _vendor(url: str) -> Any:
    from transloadit.client import Transloadit  # type: ignore[import-untyped]  # noqa: PLC0415

    return Transloadit(payloads.KEY, payloads.SECRET, service=url)


def vendor(url: str) -> Call:
    client = _vendor(url)

    def call() -> None:
        answer = client.new_assembly({"steps": payloads.STEPS}).create(resumable=False)
        payloads.created(answer.data)

    return call


def vendor_uploads(url: str) -> Call:
    from io import BytesIO  # noqa: PLC0415

    client = _vendor(url)

    def call() -> None:
        # It has no further form fields, so they travel in params.
        assembly = client.new_assembly({"steps": payloads.STEPS, "fields": payloads.FIELDS})
        assembly.add_file(BytesIO(payloads.FILE), "files")
        payloads.created(assembly.create(resumable=False).data)

    return call


def _ours(url: str) -> Any:
    from transloadit_client import Transloadit  # noqa: PLC0415

    return Transloadit(payloads.KEY, payloads.SECRET, base_url=url)


def ours(url: str) -> Call:
    client = _ours(url)

    def call() -> None:
        status = client.create_assembly(steps=payloads.STEPS)
        payloads.created({"ok": status.ok, "assembly_id": status.assembly_id})

    return call


def uneven() -> None:
    """Lets our forms go out in the pieces that httpx makes: shows what `in_few_pieces` buys."""
    from transloadit_client._http import clients, form  # noqa: PLC0415

    class AsMade(form._Evened):
        def __iter__(self) -> Iterator[bytes]:
            return iter(self.parts)

    def as_made(request: Any, arguments: Any) -> Any:
        if arguments.get("files"):
            request.stream = AsMade(request.stream)
        return request

    clients.in_few_pieces = as_made  # type: ignore[attr-defined]  # only here is it replaced


def uneven_uploads(url: str) -> Call:
    uneven()
    return ours_uploads(url)


def ours_uploads(url: str) -> Call:
    client = _ours(url)

    def call() -> None:
        status = client.create_assembly(
            steps=payloads.STEPS,
            files=[("ten.bin", payloads.FILE, "application/octet-stream")],
            form_fields=payloads.FIELDS,
        )
        payloads.created({"ok": status.ok, "assembly_id": status.assembly_id})

    return call


CREATE: dict[str, Callable[[str], Call]] = {
    "raw socket": raw_socket,
    "http.client": http_client,
    "httpx": lambda url: _posts(_httpx(url)),
    "httpx, multipart": lambda url: _posts_parts(_httpx(url)),
    "httpx2": lambda url: _posts(_httpx2(url)),
    "requests": requests_session,
    "generated client alone": generated,
    "pytransloadit": vendor,
    "transloadit_client": ours,
}
UPLOAD: dict[str, Callable[[str], Call]] = {
    "httpx": lambda url: _uploads(_httpx(url)),
    "httpx2": lambda url: _uploads(_httpx2(url)),
    "pytransloadit": vendor_uploads,
    "transloadit_client": ours_uploads,
    "transloadit_client, uneven": uneven_uploads,
}
