"""The contestants that are awaited: the twins of `blocking`, made inside a running loop."""

from collections.abc import Awaitable, Callable
from typing import Any

from . import payloads

Call = Callable[[], Awaitable[object]]


def _posts(client: Any) -> Call:
    async def call() -> None:
        answer = await client.post(payloads.path(), data=payloads.signed())
        payloads.created(answer.json())

    return call


def _posts_parts(client: Any) -> Call:
    async def call() -> None:
        answer = await client.post(payloads.path(), files=payloads.parts())
        payloads.created(answer.json())

    return call


def _uploads(client: Any) -> Call:
    async def call() -> None:
        files = {"files": ("ten.bin", payloads.FILE, "application/octet-stream")}
        data = {**payloads.signed(), **payloads.FIELDS}
        answer = await client.post(payloads.path(), data=data, files=files)
        payloads.created(answer.json())

    return call


def _httpx(url: str) -> Any:
    import httpx  # noqa: PLC0415

    return httpx.AsyncClient(base_url=url, headers=payloads.HEADERS, timeout=60)


def _httpx2(url: str) -> Any:
    import httpx2  # noqa: PLC0415

    return httpx2.AsyncClient(base_url=url, headers=payloads.HEADERS, timeout=60)


def _aiohttp(url: str) -> Any:
    import aiohttp  # noqa: PLC0415

    return aiohttp.ClientSession(url, headers=payloads.HEADERS)


def aiohttp_posts(url: str) -> Call:
    session = _aiohttp(url)

    async def call() -> None:
        async with session.post(payloads.path(), data=payloads.signed()) as answer:
            payloads.created(await answer.json())

    return call


def aiohttp_uploads(url: str) -> Call:
    import aiohttp  # noqa: PLC0415

    session = _aiohttp(url)

    async def call() -> None:
        form = aiohttp.FormData({**payloads.signed(), **payloads.FIELDS})
        form.add_field(
            "files",
            payloads.FILE,
            filename="ten.bin",
            content_type="application/octet-stream",
        )
        async with session.post(payloads.path(), data=form) as answer:
            payloads.created(await answer.json())

    return call


def _vendor(url: str) -> Any:
    from transloadit.async_client import AsyncTransloadit  # type: ignore[import-untyped]  # noqa: PLC0415

    return AsyncTransloadit(payloads.KEY, payloads.SECRET, service=url)


def vendor(url: str) -> Call:
    client = _vendor(url)

    async def call() -> None:
        assembly = client.new_assembly({"steps": payloads.STEPS})
        payloads.created((await assembly.create(resumable=False)).data)

    return call


def vendor_uploads(url: str) -> Call:
    from io import BytesIO  # noqa: PLC0415

    client = _vendor(url)

    async def call() -> None:
        assembly = client.new_assembly({"steps": payloads.STEPS, "fields": payloads.FIELDS})
        assembly.add_file(BytesIO(payloads.FILE), "files")
        payloads.created((await assembly.create(resumable=False)).data)

    return call


def _ours(url: str) -> Any:
    from transloadit_client import AsyncTransloadit  # noqa: PLC0415

    return AsyncTransloadit(payloads.KEY, payloads.SECRET, base_url=url)


def ours(url: str) -> Call:
    client = _ours(url)

    async def call() -> None:
        status = await client.create_assembly(steps=payloads.STEPS)
        payloads.created({"ok": status.ok, "assembly_id": status.assembly_id})

    return call


def ours_uploads(url: str) -> Call:
    client = _ours(url)

    async def call() -> None:
        status = await client.create_assembly(
            steps=payloads.STEPS,
            files=[("ten.bin", payloads.FILE, "application/octet-stream")],
            form_fields=payloads.FIELDS,
        )
        payloads.created({"ok": status.ok, "assembly_id": status.assembly_id})

    return call


CREATE: dict[str, Callable[[str], Call]] = {
    "aiohttp": aiohttp_posts,
    "httpx": lambda url: _posts(_httpx(url)),
    "httpx, multipart": lambda url: _posts_parts(_httpx(url)),
    "httpx2": lambda url: _posts(_httpx2(url)),
    "pytransloadit": vendor,
    "transloadit_client": ours,
}
UPLOAD: dict[str, Callable[[str], Call]] = {
    "aiohttp": aiohttp_uploads,
    "httpx": lambda url: _uploads(_httpx(url)),
    "httpx2": lambda url: _uploads(_httpx2(url)),
    "pytransloadit": vendor_uploads,
    "transloadit_client": ours_uploads,
}
