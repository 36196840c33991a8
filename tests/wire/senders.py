"""The four ways to create an Assembly: our methods, and the generated functions called directly."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, TypeAlias

from transloadit_api.api.assemblies import create_assembly
from transloadit_api.models import CreateAssemblyForm
from transloadit_api.types import UNSET, File
from transloadit_client import AsyncTransloadit, RetryPolicy, Transloadit

KEY = "wire_key"
SECRET = "wire_secret_ключ"
STEPS = {"resized": {"robot": "/image/resize", "note": 'naïve "résumé" 🙂 </script>\r\n'}}
CONTENT = b"0123456789\r\n\x00\xff"
AT_ONCE = RetryPolicy(first=0.0, floor=0.0)
"""Tries as often as ever, without the waits."""

NamedFile: TypeAlias = tuple[str, bytes, str]
"""A file name, a content and a content type."""
Sender: TypeAlias = Callable[[str, Sequence[NamedFile], Mapping[str, str]], None]
"""Takes the API's URL, the files of the field `files`, and the further form fields."""


def sync_method(url: str, files: Sequence[NamedFile], form_fields: Mapping[str, str]) -> None:
    with Transloadit(KEY, SECRET, base_url=url) as client:
        client.create_assembly(steps=STEPS, files=list(files), form_fields=form_fields)


def async_method(url: str, files: Sequence[NamedFile], form_fields: Mapping[str, str]) -> None:
    async def send() -> None:
        async with AsyncTransloadit(KEY, SECRET, base_url=url) as client:
            await client.create_assembly(steps=STEPS, files=list(files), form_fields=form_fields)

    asyncio.run(send())


def sync_function(url: str, files: Sequence[NamedFile], form_fields: Mapping[str, str]) -> None:
    with Transloadit(KEY, SECRET, base_url=url) as client:
        create_assembly.sync_detailed(client=client, body=signed_form(client, files, form_fields))


def async_function(url: str, files: Sequence[NamedFile], form_fields: Mapping[str, str]) -> None:
    async def send() -> None:
        async with AsyncTransloadit(KEY, SECRET, base_url=url) as client:
            form = signed_form(client, files, form_fields)
            await create_assembly.asyncio_detailed(client=client, body=form)

    asyncio.run(send())


def signed_form(
    client: Transloadit | AsyncTransloadit,
    files: Sequence[NamedFile],
    form_fields: Mapping[str, str],
) -> CreateAssemblyForm:
    signed = client.sign({"steps": STEPS})
    form = CreateAssemblyForm(params=signed.params, signature=signed.signature)
    form.files = [File(BytesIO(content), name, kind) for name, content, kind in files] or UNSET
    form.additional_properties = dict(form_fields)
    return form


def call(kind: type[Any], url: str, operation: str, /, **arguments: Any) -> None:
    """Calls a method of either client by its name."""
    if kind is Transloadit:
        with Transloadit(KEY, SECRET, base_url=url, retry=AT_ONCE) as client:
            getattr(client, operation)(**arguments)
        return

    async def send() -> None:
        async with AsyncTransloadit(KEY, SECRET, base_url=url, retry=AT_ONCE) as client:
            await getattr(client, operation)(**arguments)

    asyncio.run(send())


SENDERS: dict[str, Sender] = {
    "method": sync_method,
    "async method": async_method,
    "generated function": sync_function,
    "generated async function": async_function,
}
