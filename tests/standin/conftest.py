"""A stand-in for each test, someone to call it, and someone for it to notify."""

from collections.abc import Iterator

import pytest

from transloadit_standin import StandIn

from .caller import Caller
from .receiver import Receiver


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn() as api:
        yield api


@pytest.fixture
def caller(api: StandIn) -> Iterator[Caller]:
    caller = Caller(api)
    with caller.http:
        yield caller


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
