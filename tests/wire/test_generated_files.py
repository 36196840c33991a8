"""Files that are given to generated functions directly: the seam is all that looks at them."""

import asyncio
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any

import pytest

from transloadit_api.api.assemblies import create_assembly
from transloadit_api.models import CreateAssemblyForm
from transloadit_api.types import File
from transloadit_client import AsyncTransloadit, InvalidInput, Transloadit

from .senders import KEY, SECRET
from .tap import Tap

FILES: dict[str, Callable[[], Any]] = {
    "a type with a line end": lambda: File(BytesIO(b"x"), "a.jpg", "image/jpeg\r\nX-Other: 1"),
    "a type that renames the part": lambda: File(
        BytesIO(b"{}"), "a.jpg", 'image/jpeg\r\nContent-Disposition: form-data; name="params"'
    ),
    "a type that ends the head": lambda: File(BytesIO(b"x"), "a.jpg", "image/jpeg\r\n\r\n{}"),
    "the name of the folder above": lambda: File(BytesIO(b"x"), "..", "image/jpeg"),
    "half a surrogate pair": lambda: File(BytesIO(b"x"), "\ud800.jpg", "image/jpeg"),
    "a file open for text": lambda: File(StringIO("naïve"), "a.txt"),  # type: ignore[arg-type]
    "a closed file": lambda: File(closed(), "a.jpg"),
}


def closed() -> BytesIO:
    file = BytesIO(b"x")
    file.close()
    return file


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_what_the_methods_refuse_the_seam_refuses(
    tap: Tap, kind: type[Any], make: Callable[[], File]
) -> None:
    """A content type often comes from somebody's upload, and must not write heads of its own."""
    form = CreateAssemblyForm(params="{}", files=[make()])

    with pytest.raises(InvalidInput):
        call(kind, tap.url, form)
    assert tap.connections() == 0


def call(kind: type[Any], url: str, form: CreateAssemblyForm) -> None:
    if kind is Transloadit:
        with Transloadit(KEY, SECRET, base_url=url) as client:
            create_assembly.sync_detailed(client=client, body=form)
        return

    async def send() -> None:
        async with AsyncTransloadit(KEY, SECRET, base_url=url) as client:
            await create_assembly.asyncio_detailed(client=client, body=form)

    asyncio.run(send())
