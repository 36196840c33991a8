"""A stand-in for each test, someone to call it, and someone for it to notify."""

from collections.abc import Iterator

import pytest

from .caller import Caller, calling
from .receiver import Receiver


@pytest.fixture
def caller() -> Iterator[Caller]:
    with calling() as caller:
        yield caller


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
