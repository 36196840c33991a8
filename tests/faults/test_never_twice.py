"""Under any mix of faults nothing is done twice or lost, and nobody is left in the dark.

The ledger of the stand-in is the judge. `make faults` runs the same with thousands of calls.
"""

import pytest

from .bench import MODES, STYLES, Mode, Style, run
from .errands import ERRANDS

SEED = 20


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("errand", ERRANDS)
def test_each_call_is_done_once_or_its_caller_told(errand: str, mode: Mode, style: Style) -> None:
    """12 calls each, 480 in all."""
    report = run(ERRANDS[errand], style=style, mode=mode, count=12, seed=SEED)

    assert report.findings == []
    assert report.struck > 0
    assert report.told["done"] > 6
