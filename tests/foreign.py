"""How hard the tests over foreign data try: 200 cases each, or as many as FOREIGN_CASES says.

CI says 2,000 for one Python, and `make nightly` 100,000. Such tests carry the mark `foreign`.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., Any])


def many_cases(test: Test) -> Test:
    """Tries a test 200 times, or as often as FOREIGN_CASES says."""
    hard: Callable[[Test], Test] = settings(
        max_examples=int(os.environ.get("FOREIGN_CASES", "200")),
        deadline=None,  # a slow machine is no finding
        suppress_health_check=[
            HealthCheck.differing_executors,  # one test for each of two clients
            HealthCheck.function_scoped_fixture,  # the environment, cleaned once for all cases
            HealthCheck.too_slow,
        ],
    )
    return hard(pytest.mark.foreign(test))
