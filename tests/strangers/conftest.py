"""A mock server with its default settings, and a picture."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.standin.caller import Caller, calling

from transloadit_standin import StandIn

ROOT = Path(__file__).parents[2]


@pytest.fixture
def caller() -> Iterator[Caller]:
    with calling() as caller:
        yield caller


@pytest.fixture
def api(caller: Caller) -> StandIn:
    return caller.api


@pytest.fixture(scope="session")
def picture() -> Path:
    return ROOT / "examples" / "sunrise.png"
