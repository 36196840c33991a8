"""Code as users write it. It is checked by mypy --strict and pyright, and never run."""

import os
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, assert_type

import httpx
from anyio import Path as AsyncPath
from anyio import open_file
from django.http import HttpRequest
from flask import request as flask_request
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.requests import Request

from transloadit_api.api.assemblies import create_assembly
from transloadit_api.models import CreateAssemblyForm, CreateAssemblyParams
from transloadit_api.models import ReplayAssemblyNotificationResult as Replayed
from transloadit_client import (
    ApiError,
    AssemblyFile,
    AssemblyStatus,
    AsyncTransloadit,
    Credentials,
    Progress,
    SignedParams,
    Stream,
    Transloadit,
    UploadIncomplete,
    pingback,
    sign,
    smart_cdn,
)


def synchronous(steps: Mapping[str, Mapping[str, Any]], picture: Path) -> None:
    with Transloadit(timeout=5) as client:
        assembly = client.create_assembly(steps=steps, files={"a": picture, "b": ["x", b"y"]})
        assert_type(assembly, AssemblyStatus)
        assert_type(assembly.files, dict[str, list[AssemblyFile]])
        assert_type(assembly.busy or assembly.done or assembly.failed, bool)
        assert_type(client.get_assembly(assembly), AssemblyStatus)
        assert_type(client.cancel_assembly(str(assembly.assembly_ssl_url)), AssemblyStatus)
        assert_type(client.replay_assembly("id", notify_url=None), AssemblyStatus)
        assert_type(client.replay_assembly_notification("id", wait=False), Replayed)
        assert_type(client.with_timeout(3).with_headers({}).with_options(key="k"), Transloadit)
        assert_type(client.sign(CreateAssemblyParams(template_id="t")), SignedParams)


async def asynchronous(name: str) -> str | None:
    proxy = {"proxy": "http://localhost:3128", "limits": httpx.Limits(max_connections=10)}
    async with AsyncTransloadit(httpx_args=proxy) as client:
        try:
            assembly = await client.create_assembly(template_id="t", files=[(name, b"", "a/b")])
        except ApiError as error:
            return error.code
        assert_type(assembly, AssemblyStatus)
        assert_type(await client.replay_assembly_notification(assembly), Replayed)
        with BytesIO(b"film") as file:
            await client.create_assembly(template_id="t", files=file, form_fields={"a": 1, "b": ""})
    return None


async def files_of_many_kinds(client: AsyncTransloadit, uploaded: UploadFile, path: Path) -> None:
    member = zipfile.Path("a.zip") / "cat.jpg"
    await client.create_assembly(template_id="t", files=[uploaded, member, ("a.jpg", path)])
    await client.run(template_id="t", files=[("b.jpg", path, None, {"caption": "a cat"}), b""])
    await client.run(template_id="t", files=os.scandir(path))
    await client.run(template_id="t", files=AsyncPath(path).glob("*.jpg"))
    async with await open_file(path, "rb") as opened:
        await client.run(template_id="t", files={"film": opened, "rows": iter([b"1\n"])})
        await client.run(template_id="t", files=[("a", Stream(opened, size=7))])


def files_of_a_folder(client: Transloadit, path: Path) -> None:
    client.run(template_id="t", files=path.glob("*.jpg"))
    client.run(template_id="t", files=(one for one in path.iterdir() if one.suffix == ".jpg"))


def by_hand(client: Transloadit) -> object:
    signed = sign({}, Credentials("k", "s"), expires=datetime.now(UTC), nonce="n")
    form = CreateAssemblyForm(params=signed.params, signature=signed.signature)
    return create_assembly.sync(client=client, body=form)


def upload(client: Transloadit, status: AssemblyStatus, error: UploadIncomplete) -> None:
    with Path("film").open("rb") as file:
        assert_type(client.upload(status, [file, "a", b"b"], parallel=2), AssemblyStatus)
    log: list[Progress] = []
    client.upload("id", {"f": ("name", iter([b"x"]))}, on_progress=log.append)
    client.upload(error.assembly_url or "", Stream([b"x"], size=1), chunk_size=2**20)
    client.upload(status, sys.stdin.buffer, on_progress=lambda told: told.bytes_sent)


async def upload_awaited(client: AsyncTransloadit, pieces: AsyncIterator[bytes]) -> None:
    assert_type(await client.upload("id", [("a", pieces), Stream(pieces)]), AssemblyStatus)


def receive(form: dict[str, str]) -> AssemblyStatus:
    return pingback.verify_fields(form.get("transloadit"), form.get("signature"), "secret")


def receive_flask() -> AssemblyStatus:
    return pingback.verify_request(flask_request, "secret")


def receive_django(request: HttpRequest) -> AssemblyStatus:
    return pingback.verify_request(request, "secret")


async def receive_fastapi(request: Request) -> AssemblyStatus:
    return await pingback.verify_async_request(request, "secret")


def shortcuts(status: AssemblyStatus, error: ApiError) -> list[str]:
    """Of one type each, so that no `isinstance` is needed."""
    url: str = status.url
    identity: str = status.id
    names = [file.name for file in (*status.upload_files, *status.result_files)]
    links: list[str] = [file.download_url for file in status.result_files if file.name in names]
    request: str | None = error.request_id or status.headers.get("x-request-id")
    return [url, identity, request or "", *links]


class Thumbnail(BaseModel):
    robot: str = "/image/resize"
    width: int


async def told(progress: Progress) -> None:
    assert_type(progress.files_to_send, int | None)


async def everyday(client: AsyncTransloadit, blocking: Transloadit) -> None:
    steps = {"small": Thumbnail(width=100), "other": {"robot": "/image/resize"}}
    finished = await client.run(steps=steps, on_progress=told, save_to="out")
    assert_type(finished.status, AssemblyStatus)
    assert_type(await client.upload("id", [b"x"], on_progress=told), AssemblyStatus)
    assert_type(blocking.with_options(retry=5).with_options(retry=False), Transloadit)
    smart_cdn.sign_url("w", "t", "i", {"q": 1.5, "w": 3}, key="k", secret="s")
