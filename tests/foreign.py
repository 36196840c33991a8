"""How hard the tests over foreign data try: 2,000 cases each, or as many as FOREIGN_CASES says.

`make nightly` says 100,000.
"""

import os

from hypothesis import HealthCheck, settings

many_cases = settings(
    max_examples=int(os.environ.get("FOREIGN_CASES", "2000")),
    deadline=None,  # a slow machine is no finding
    suppress_health_check=[
        HealthCheck.differing_executors,  # one test for each of two clients
        HealthCheck.function_scoped_fixture,  # the environment, cleaned once for all cases
        HealthCheck.too_slow,
    ],
)
