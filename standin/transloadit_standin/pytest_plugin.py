"""A pytest fixture, there for whoever has the package installed; it imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transloadit_standin import StandIn


@pytest.fixture(name="transloadit_standin")
def transloadit_standin_fixture() -> Iterator[StandIn]:
    """A stand-in of its own for each test; see `transloadit_standin.StandIn`."""
    try:
        from transloadit_standin import StandIn  # noqa: PLC0415 - heavy, and may be missing
    except ModuleNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    with StandIn() as api:
        yield api
