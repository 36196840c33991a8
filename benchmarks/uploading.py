"""The contestants that upload files as they are on disk, blocking and awaited.

Each maker takes the server's URL and gives the call to measure, which takes the files to send.

Imports stand in the functions, so that a process holds nothing but its own contestant.
"""

import json
import socket
import subprocess
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from . import awaited, blocking, payloads
from .scenarios import CURL

Upload = Callable[[Sequence[Path]], object]
AwaitedUpload = Callable[[Sequence[Path]], Awaitable[object]]

BINARY = "application/octet-stream"
CHUNK = 5 * 1024 * 1024  # bytes of a request of tuspy, as pytransloadit has it


def _begun(url: str, files: Sequence[Path]) -> dict[str, Any]:
    """An Assembly that awaits so many files, as its status tells it."""
    connection = blocking.connected(url)
    form = {**payloads.signed(), "tus_num_expected_upload_files": len(files)}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", payloads.path(), urlencode(form), headers)
    status: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return status


def _metadata(status: dict[str, Any], path: Path) -> dict[str, str]:
    return {
        "assembly_url": status["assembly_ssl_url"],
        "fieldname": "files",
        "filename": path.name,
    }


def _open(files: Sequence[Path], stack: ExitStack) -> list[tuple[str, tuple[str, Any, str]]]:
    """As httpx takes them."""
    return [("files", (it.name, stack.enter_context(it.open("rb")), BINARY)) for it in files]


class Wire:
    """The limit: a socket, to which the kernel itself copies the files."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._connection = socket.create_connection((where.hostname, where.port))
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, line: str, headers: dict[str, object], file: Path | None = None) -> bytes:
        """The answer, which has to fit into a packet."""
        size = file.stat().st_size if file else 0
        told = {"Host": "127.0.0.1", "Content-Length": size, **headers}
        text = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._connection.sendall(f"{line} HTTP/1.1\r\n{text}\r\n".encode())
        if file:
            with file.open("rb") as content:
                self._connection.sendfile(content)
        return self._connection.recv(65536)


def raw_form(url: str) -> Upload:
    """Sends the bytes of the files alone, each as the body of a request."""
    wire = Wire(url)

    def call(files: Sequence[Path]) -> None:
        for file in files:
            answer = wire.request(f"POST {payloads.path()}", {}, file)
            assert b"ASSEMBLY_EXECUTING" in answer

    return call


def raw_tus(url: str) -> Upload:
    wire = Wire(url)

    def call(files: Sequence[Path]) -> None:
        status = _begun(url, files)
        for file in files:
            pairs = _metadata(status, file).items()
            meta = ",".join(f"{name} {b64encode(it.encode()).decode()}" for name, it in pairs)
            length = {"Upload-Length": file.stat().st_size, "Upload-Metadata": meta}
            answer = wire.request(f"POST {urlsplit(status['tus_url']).path}", length)
            where = answer.partition(b"Location: ")[2].partition(b"\r\n")[0].decode()
            answer = wire.request(f"PATCH {urlsplit(where).path}", {"Upload-Offset": 0}, file)
            assert b"204" in answer

    return call


def curl_form(url: str) -> Upload:
    def call(files: Sequence[Path]) -> None:
        fields = [f"{name}={value}" for name, value in payloads.signed().items()]
        fields += [f"files=@{file};type={BINARY}" for file in files]
        forms = [argument for it in fields for argument in ("--form", it)]
        command = ["curl", "--silent", "--fail", *forms, url + payloads.path()]
        payloads.created(json.loads(subprocess.check_output(command)))

    return call


def httpx_form(url: str) -> Upload:
    return _form(blocking._httpx(url))


def httpx2_form(url: str) -> Upload:
    return _form(blocking._httpx2(url))


def _form(client: Any) -> Upload:
    def call(files: Sequence[Path]) -> None:
        with ExitStack() as stack:
            parts = _open(files, stack)
            answer = client.post(payloads.path(), data=payloads.signed(), files=parts)
        payloads.created(answer.json())

    return call


def _vendor(client: Any, files: Sequence[Path], stack: ExitStack) -> Any:
    assembly = client.new_assembly({"steps": payloads.STEPS})
    for file in files:
        assembly.add_file(stack.enter_context(file.open("rb")))
    return assembly


def _vendors(url: str, *, resumable: bool) -> Upload:
    client = blocking._vendor(url)

    def call(files: Sequence[Path]) -> None:
        with ExitStack() as stack:
            _vendor(client, files, stack).create(resumable=resumable)

    return call


def tuspy(url: str) -> Upload:
    from tusclient.client import TusClient  # noqa: PLC0415

    def call(files: Sequence[Path]) -> None:
        status = _begun(url, files)
        client = TusClient(status["tus_url"])
        for file in files:
            meta = _metadata(status, file)
            client.uploader(str(file), chunk_size=CHUNK, metadata=meta).upload()

    return call


def _ours(url: str, *, resumable: bool) -> Upload:
    client = blocking._ours(url)

    def call(files: Sequence[Path]) -> None:
        if resumable:
            status = client.create_assembly(
                steps=payloads.STEPS, num_expected_upload_files=len(files)
            )
            status = client.upload(status, files)
        else:
            status = client.create_assembly(steps=payloads.STEPS, files=files)
        payloads.created({"ok": status.ok, "assembly_id": status.assembly_id})

    return call


def _awaited_form(client: Any) -> AwaitedUpload:
    async def call(files: Sequence[Path]) -> None:
        with ExitStack() as stack:
            parts = _open(files, stack)
            answer = await client.post(payloads.path(), data=payloads.signed(), files=parts)
        payloads.created(answer.json())

    return call


def _aiohttp_form(url: str) -> AwaitedUpload:
    import aiohttp  # noqa: PLC0415

    session = awaited._aiohttp(url)

    async def call(files: Sequence[Path]) -> None:
        with ExitStack() as stack:
            form = aiohttp.FormData(payloads.signed())
            for name, (file_name, content, kind) in _open(files, stack):
                form.add_field(name, content, filename=file_name, content_type=kind)
            async with session.post(payloads.path(), data=form) as answer:
                payloads.created(await answer.json())

    return call


def _awaited_vendors(url: str, *, resumable: bool) -> AwaitedUpload:
    client = awaited._vendor(url)

    async def call(files: Sequence[Path]) -> None:
        with ExitStack() as stack:
            await _vendor(client, files, stack).create(resumable=resumable)

    return call


def _awaited_ours(url: str, *, resumable: bool) -> AwaitedUpload:
    client = awaited._ours(url)

    async def call(files: Sequence[Path]) -> None:
        if resumable:
            status = await client.create_assembly(
                steps=payloads.STEPS, num_expected_upload_files=len(files)
            )
            status = await client.upload(status, files)
        else:
            status = await client.create_assembly(steps=payloads.STEPS, files=files)
        payloads.created({"ok": status.ok, "assembly_id": status.assembly_id})

    return call


def uneven(url: str) -> Upload:
    blocking.uneven()
    return _ours(url, resumable=False)


def awaited_uneven(url: str) -> AwaitedUpload:
    blocking.uneven()
    return _awaited_ours(url, resumable=False)


SENDS: dict[str, Callable[[str], Upload]] = {
    "raw socket": raw_form,
    "raw socket, by tus": raw_tus,
    CURL: curl_form,
    "httpx": httpx_form,
    "httpx2": httpx2_form,
    "pytransloadit": lambda url: _vendors(url, resumable=False),
    "pytransloadit, by tus": lambda url: _vendors(url, resumable=True),
    "tuspy": tuspy,
    "transloadit_client": lambda url: _ours(url, resumable=False),
    "transloadit_client, uneven": uneven,
    "transloadit_client, by tus": lambda url: _ours(url, resumable=True),
}
AWAITED: dict[str, Callable[[str], AwaitedUpload]] = {
    "aiohttp": _aiohttp_form,
    "httpx": lambda url: _awaited_form(awaited._httpx(url)),
    "httpx2": lambda url: _awaited_form(awaited._httpx2(url)),
    "pytransloadit": lambda url: _awaited_vendors(url, resumable=False),
    "pytransloadit, by tus": lambda url: _awaited_vendors(url, resumable=True),
    "transloadit_client": lambda url: _awaited_ours(url, resumable=False),
    "transloadit_client, uneven": awaited_uneven,
    "transloadit_client, by tus": lambda url: _awaited_ours(url, resumable=True),
}
