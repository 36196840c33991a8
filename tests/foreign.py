"""How hard the tests over foreign data try: 2,000 cases each, or as many as FOREIGN_CASES says.

`make nightly` says 100,000, and `make lowest` 200: what is old reads no data differently.
Such tests carry the mark `foreign`.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., Any])


def cases(usual: int) -> Callable[[Test], Test]:
    """Tries a test so often, or as often as FOREIGN_CASES says."""
    hard = settings(
        max_examples=int(os.environ.get("FOREIGN_CASES", usual)),
        deadline=None,  # a slow machine is no finding
        suppress_health_check=[
            HealthCheck.differing_executors,  # one test for each of two clients
            HealthCheck.function_scoped_fixture,  # the environment, cleaned once for all cases
            HealthCheck.too_slow,
        ],
    )

    def marked(test: Test) -> Test:
        hard(pytest.mark.foreign(test))  # both mark the very function
        return test

    return marked


many_cases = cases(2000)
