"""The vendor's Python SDK: blocking and asynchronous, by tus and by form."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from transloadit.async_client import AsyncTransloadit  # type: ignore[import-untyped]  # no py.typed
from transloadit.client import Transloadit  # type: ignore[import-untyped]  # likewise

from transloadit_standin import StandIn, rate_limit

STEP = ("resized", "/image/resize", {"use": ":original", "width": 75})
Result = tuple[int, dict[str, Any]]
"""The HTTP status of an answer, and its body."""
Call = Callable[..., Result]
Work = Callable[[Any], Coroutine[Any, Any, Any]]


class Blocking:
    """The blocking client."""

    def __init__(self, api: StandIn, secret: str | None = None) -> None:
        self._client = Transloadit(api.key, secret or api.secret, service=api.url)

    def create(self, files: list[Path], *, params: Any = None, **options: Any) -> Result:
        with ExitStack() as stack:
            answer = filled(self._client.new_assembly(params), files, stack).create(**options)
        return answer.status_code, answer.data

    def call(self, method: str, *arguments: Any, **options: Any) -> Result:
        answer = getattr(self._client, method)(*arguments, **options)
        return answer.status_code, answer.data


class Awaited:
    """The asynchronous one; each call has a client and an event loop of its own."""

    def __init__(self, api: StandIn, secret: str | None = None) -> None:
        self._account = (api.key, secret or api.secret, api.url)

    def create(self, files: list[Path], *, params: Any = None, **options: Any) -> Result:
        async def work(client: Any) -> Any:
            with ExitStack() as stack:
                return await filled(client.new_assembly(params), files, stack).create(**options)

        return self._run(work)

    def call(self, method: str, *arguments: Any, **options: Any) -> Result:
        async def work(client: Any) -> Any:
            return await getattr(client, method)(*arguments, **options)

        return self._run(work)

    def _run(self, work: Work) -> Result:
        key, secret, url = self._account

        async def with_client() -> Any:
            async with AsyncTransloadit(key, secret, service=url) as client:
                return await work(client)

        answer = asyncio.run(with_client())
        return answer.status_code, answer.data


def filled(assembly: Any, files: list[Path], stack: ExitStack) -> Any:
    assembly.add_step(*STEP)
    for file in files:
        assembly.add_file(stack.enter_context(file.open("rb")), file.stem)
    return assembly


@pytest.fixture(params=[Blocking, Awaited], ids=["blocking", "asynchronous"])
def client(request: pytest.FixtureRequest, api: StandIn) -> Blocking | Awaited:
    made: Blocking | Awaited = request.param(api)
    return made


way = pytest.mark.parametrize("resumable", [True, False], ids=["by tus", "by form"])


@way
def test_it_uploads_a_picture_and_waits_for_its_result(
    client: Blocking, picture: Path, resumable: bool
) -> None:
    code, data = client.create([picture], resumable=resumable, wait=True)

    assert (code, data["ok"]) == (200, "ASSEMBLY_COMPLETED")
    assert data["results"]["resized"][0]["meta"]["width"] == 75


@way
def test_it_uploads_several_files_whole(client: Blocking, tmp_path: Path, resumable: bool) -> None:
    contents = {"first": bytes(range(256)) * 4096, "second": b"", "third": bytes(6_000_000)}
    files = [tmp_path / f"{name}.dat" for name in contents]
    for file in files:
        file.write_bytes(contents[file.stem])

    _, data = client.create(files, resumable=resumable, wait=True)
    assert data["ok"] == "ASSEMBLY_COMPLETED"
    assert {file["field"]: file["md5hash"] for file in data["uploads"]} == {
        name: hashlib.md5(content).hexdigest() for name, content in contents.items()
    }
    assert {file["name"] for file in data["uploads"]} == {file.name for file in files}
    assert len(data["results"]["resized"]) == 3


@way
def test_it_waits_out_a_rate_limit(
    client: Blocking, api: StandIn, picture: Path, resumable: bool
) -> None:
    api.faults.append(rate_limit(retry_in=0))

    _, data = client.create([picture], resumable=resumable, wait=True)
    assert data["ok"] == "ASSEMBLY_COMPLETED"


@way
def test_it_is_told_of_a_wrong_signature(
    client: Blocking, api: StandIn, picture: Path, resumable: bool
) -> None:
    stranger = type(client)(api, secret="wrong")

    code, data = stranger.create([picture], resumable=resumable)
    assert (code, data["error"]) == (400, "INVALID_SIGNATURE")


def test_its_params_name_a_template(client: Blocking, picture: Path) -> None:
    """It sends `steps` beside it, as ever; here they are a Step more."""
    _, data = client.create([picture], params={"template_id": "resize-to-fit"}, wait=True)

    assert data["ok"] == "ASSEMBLY_COMPLETED"


def test_it_reads_lists_and_cancels(client: Blocking, picture: Path) -> None:
    _, created = client.create([picture], resumable=False)

    code, read = client.call("get_assembly", assembly_url=created["assembly_ssl_url"])
    assert (code, read["assembly_id"]) == (200, created["assembly_id"])
    code, listed = client.call("list_assemblies")
    assert (code, [item["id"] for item in listed["items"]]) == (200, [created["assembly_id"]])
    code, canceled = client.call("cancel_assembly", assembly_id=created["assembly_id"])
    assert code == 200
    assert canceled["ok"] in ("ASSEMBLY_CANCELED", "ASSEMBLY_COMPLETED")


def test_it_follows_the_plain_address(client: Blocking, picture: Path) -> None:
    _, created = client.create([picture], resumable=False)

    code, read = client.call("get_assembly", assembly_url=created["assembly_url"])
    assert (code, read["assembly_id"]) == (200, created["assembly_id"])


def test_it_is_told_of_an_assembly_that_is_not_there(client: Blocking) -> None:
    code, data = client.call("get_assembly", assembly_id="f" * 32)

    assert (code, data["error"]) == (404, "ASSEMBLY_NOT_FOUND")
