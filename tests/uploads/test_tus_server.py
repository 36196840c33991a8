"""Our tus against `@tus/server` from npm, which knows no Assemblies and shares no code with us."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import run

from transloadit_client import AsyncTransloadit, FileChanged, Stream, Transloadit
from transloadit_client._calls.addresses import Home
from transloadit_client._calls.files import sources
from transloadit_client._flow import Flow
from transloadit_client._uploads import tus

from .. import tus_server
from ..tus_server import TusServer
from . import kills

Connect = Callable[..., Any]
CONTENT = os.urandom(1_000_000)
CHUNK = 100_000


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TusServer]:
    if not tus_server.is_here():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(tus_server.LACKING)
    with tus_server.running(tmp_path_factory.mktemp("tus")) as server:
        yield server


@pytest.fixture
def client(connect: Connect, server: TusServer) -> Any:
    return connect("key", "secret", base_url=f"http://127.0.0.1:{server.port}")


def at(server: TusServer, *, bodies: bool = False) -> tus.Server:
    return tus.Server(server.url, Home(f"http://127.0.0.1:{server.port}"), bodies=bodies)


def work(
    server: TusServer,
    content: Any,
    *,
    asynchronous: bool = False,
    bodies: bool = False,
    url: str | None = None,
) -> Flow[str]:
    (source,) = sources([("a.bin", content)], run if asynchronous else None)
    try:
        return (
            yield from tus.uploaded(
                source,
                at(server, bodies=bodies),
                {"filename": "a.bin"},
                chunk_size=CHUNK,
                sent=lambda _: None,
                url=url,
            )
        )
    finally:
        source.close()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_stored(server: TusServer, url: str, content: bytes) -> bool:
    head = httpx.head(url, headers={"Tus-Resumable": "1.0.0"})
    whole = head.headers["Upload-Offset"] == head.headers["Upload-Length"] == str(len(content))
    return whole and sha256(server.stored(url)) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 999_999])
@pytest.mark.parametrize("kind", ["bytes", "path", "stream", "sized stream"])
@pytest.mark.parametrize("bodies", [False, True])
def test_files_of_all_sizes_and_kinds_arrive(
    client: Any, server: TusServer, tmp_path: Path, size: int, kind: str, *, bodies: bool
) -> None:
    content = CONTENT[:size]
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    pieces = (content[start : start + 30_000] for start in range(0, size, 30_000))
    kinds = {
        "bytes": content,
        "path": path,
        "stream": pieces,
        "sized stream": Stream(pieces, size),
    }

    url = client._carry_out(work(server, kinds[kind], bodies=bodies))

    assert is_stored(server, url, content)


def test_many_arrive_side_by_side(client: Any, server: TusServer) -> None:
    contents = [os.urandom(n * CHUNK // 3) for n in range(12)]

    urls = client._all_done([work(server, content) for content in contents], 4, None, lambda: None)

    assert len(set(urls)) == 12
    assert all(is_stored(server, *both) for both in zip(urls, contents, strict=True))


def test_asynchronous_streams_arrive(server: TusServer) -> None:
    async def pieces() -> Any:
        for start in range(0, len(CONTENT), 1000):
            await asyncio.sleep(0)
            yield CONTENT[start : start + 1000]

    async def main() -> str:
        base_url = f"http://127.0.0.1:{server.port}"
        async with AsyncTransloadit("key", "secret", base_url=base_url) as client:
            url: str = await client._carry_out(work(server, pieces(), asynchronous=True))
            return url

    assert is_stored(server, asyncio.run(main()), CONTENT)


def test_an_upload_that_has_arrived_is_not_sent_again(client: Any, server: TusServer) -> None:
    url = client._carry_out(work(server, CONTENT))
    written = server.stored(url).stat().st_mtime_ns

    client._carry_out(work(server, CONTENT, url=url))

    assert server.stored(url).stat().st_mtime_ns == written


def test_an_upload_of_another_size_is_not_resumed(client: Any, server: TusServer) -> None:
    url = client._carry_out(work(server, CONTENT))

    with pytest.raises(FileChanged):
        client._carry_out(work(server, CONTENT[1:], url=url))


def test_what_the_server_can_do_is_understood(server: TusServer) -> None:
    with Transloadit("key", "secret", base_url=f"http://127.0.0.1:{server.port}") as client:
        able = client._carry_out(tus.asked(at(server), {}))

    assert able.checksums is False
    assert able.bodies is True


def test_an_upload_survives_its_process(server: TusServer, tmp_path: Path) -> None:
    """Killed at random bytes; `make nightly` kills a hundred times."""
    assert kills.against_node(server, tmp_path, kills=6, seed=7) == []


@pytest.mark.parametrize("size", [kills.SIZE, 700_000])
def test_an_assembly_s_uploads_survive_their_process(tmp_path: Path, size: int) -> None:
    """Small ones too, all of whose bytes go with the request that begins them."""
    assert kills.against_the_standin(tmp_path, kills=6, seed=7, size=size) == []
