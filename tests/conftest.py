"""What all tests share: a clean environment, and one way to drive both clients."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings

from transloadit_client import AsyncTransloadit, Transloadit

settings.register_profile("ours", deadline=None)  # a busy machine is no defect
settings.load_profile("ours")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own account or proxy must not decide how a test ends."""
    ours = [name for name in os.environ if name.startswith("TRANSLOADIT_")]
    proxies = [name for name in os.environ if name.lower().endswith("_proxy")]
    for name in ours + proxies:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> Iterator[None]:
    """A shell starts `make test &` with SIGINT ignored, and so would the programs that tests start.

    A signal with a handler has its default action in a new program; an ignored one stays ignored.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Awaited:
    """An `AsyncTransloadit` whose methods are awaited on a loop of their own."""

    def __init__(self, client: AsyncTransloadit, portal: BlockingPortal) -> None:
        self._client = client
        self._portal = portal

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if not iscoroutinefunction(attribute):
            return attribute
        return lambda *args, **kwargs: self._portal.call(partial(attribute, *args, **kwargs))


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest, portal: BlockingPortal) -> Iterator[Callable[..., Any]]:
    """Makes a client, once synchronous and once asynchronous, that is called as if it were sync."""
    clients: list[Any] = []

    def make(*args: Any, **kwargs: Any) -> Any:
        if request.param == "sync":
            clients.append(Transloadit(*args, **kwargs))
        else:
            clients.append(Awaited(AsyncTransloadit(*args, **kwargs), portal))
        return clients[-1]

    yield make
    for client in clients:
        client.close() if request.param == "sync" else client.aclose()
