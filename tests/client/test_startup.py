"""What is imported when: for a client what its calls take and no more, and nothing on a call."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from transloadit_standin import StandIn

CLIENTS = pytest.mark.parametrize("client", ["Transloadit", "AsyncTransloadit"])

# Who is not awaited is called without a loop, so that the loop's own modules are not there already.
CALLS = """
import sys
from contextlib import suppress
import transloadit_client

async def main():
    client = getattr(transloadit_client, sys.argv[1])()
    before = set(sys.modules)

    async def call(name, *args, **options):
        answer = getattr(client, name)(*args, **options)
        return await answer if hasattr(answer, "__await__") else answer

    files = [("a.txt", b"hello"), sys.argv[2]]
    crashed = await call("create_assembly", template_id="tpl", files=files)
    while not crashed.done:
        crashed = await call("get_assembly", crashed)
    replay = await call("replay_assembly", crashed)
    await call("cancel_assembly", replay)
    await call("create_assembly", template_id="tpl", form_fields={"a": "b"})
    with suppress(transloadit_client.ApiError):  # it has no notify_url
        await call("replay_assembly_notification", crashed)
    print(*sorted(set(sys.modules) - before))

if sys.argv[1] == "AsyncTransloadit":
    import asyncio
    asyncio.run(main())
else:
    with suppress(StopIteration):
        main().send(None)
"""


# What uploads, waiting, events, downloads, `run`, `map`, Pingbacks and Smart CDN URLs take.
RARE = {
    "httpx_sse",
    "python_multipart",
    "sqlite3",
    "transloadit_client._client.map_tasks",
    "transloadit_client._client.map_threads",
    "transloadit_client._http.async_event_stream",
    "transloadit_client._http.event_stream",
    "transloadit_client._results.download",
    "transloadit_client._runs.journal",
    "transloadit_client._runs.map_inputs",
    "transloadit_client._runs.map_schedule",
    "transloadit_client._runs.run",
    "transloadit_client._uploads.job",
    "transloadit_client._uploads.tus",
    "transloadit_client._waiting.read_schedule",
    "transloadit_client._waiting.wait",
    "transloadit_client.pingback",
    "transloadit_client.smart_cdn",
}


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn() as api:
        api.add_template("tpl", steps={"a": {"robot": "/upload/handle"}})
        yield api


def words(code: str, *arguments: str, **environ: str) -> set[str]:
    """What a program prints, in a process of its own in which no coverage is measured."""
    unmeasured = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=unmeasured | environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    modules = words("import sys, transloadit_client; print(*sys.modules)")

    assert "transloadit_client" in modules
    assert not {"httpx", "attr", "attrs", "json", "transloadit_api", "typing", "ssl"} & modules


@CLIENTS
def test_what_only_some_methods_take_is_not_imported_for_a_client(client: str) -> None:
    """One that is ready to send; its calls have all that they take."""
    modules = words(
        f"import sys, transloadit_client as ours; client = ours.{client}('k', 's')\n"
        "client.get_httpx_client(); print(*sys.modules)"
    )

    assert {"httpcore", "transloadit_client._calls.operations"} <= modules
    assert not RARE & modules
    assert all(find_spec(name) for name in RARE)


@CLIENTS
def test_no_call_imports_anything(client: str, api: StandIn) -> None:
    """The first one neither, which would wait for it, and hold up an event loop."""
    api.crash_next()
    by_name = api.url.replace("127.0.0.1", "localhost")  # names are looked up; numbers are not

    imported = words(CALLS, client, __file__, **api.environ | {"TRANSLOADIT_ENDPOINT": by_name})

    assert imported == set()
    assert len({request.operation for request in api.requests}) == 5
