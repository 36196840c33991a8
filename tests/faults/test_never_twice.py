"""Under any mix of faults nothing is done twice or lost, and nobody is left in the dark.

The ledger of the stand-in is the judge. `make faults` runs the same with thousands of calls.
"""

import pytest

from . import jobs
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


@pytest.mark.parametrize("style", STYLES)
def test_files_arrive_and_results_are_whole_through_all_faults(style: Style) -> None:
    """30 files of mixed sizes, by form and by tus; `python -m tests.faults.jobs` sends 1,000."""
    report = jobs.run(30, style=style, seed=SEED)

    assert report.findings == []
    assert report.struck.total() >= 0.1 * report.requests
