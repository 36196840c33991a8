"""How strangers are judged, and that the table in the documentation tells the truth."""

import json
import re
from pathlib import Path

import pytest
from tests.strangers import board
from tests.strangers.roster import ROOT, STRANGERS, Stranger
from tests.strangers.trial import Trial, read_report

LOCKS = (
    ROOT / "tests" / "strangers" / "node" / "package-lock.json",
    ROOT / "tests" / "node" / "package-lock.json",
    ROOT / "examples" / "browser" / "package-lock.json",
)
REPORT = """
<testsuites><testsuite>
  <testcase name="test_it_waits[by tus]"/>
  <testcase name="test_it_is_told"><failure message="no">a traceback</failure></testcase>
</testsuite></testsuites>
"""


def stranger(**options: object) -> Stranger:
    made = {"name": "made-up", "what": "", "package": "made-up", "shelf": Path(), "program": Path()}
    return Stranger(**{**made, **options})  # type: ignore[arg-type]


def trial(claims: dict[str, str], **options: object) -> Trial:
    return Trial(stranger(**options), "1.0", claims)


def test_a_report_has_each_claim_with_what_did_not_hold() -> None:
    claims, skipped = read_report(REPORT)

    assert claims == {"it waits[by tus]": "", "it is told": "no"}
    assert skipped == ""


def test_a_claim_that_was_not_tried_makes_the_stranger_not_run() -> None:
    text = "<testsuite><testcase name='a'><skipped message='no browser'/></testcase></testsuite>"

    claims, skipped = read_report(text)
    assert skipped == "no browser"
    assert not Trial(stranger(), "1.0", claims, skipped).findings


def test_a_stranger_that_falls_short_is_told() -> None:
    short = trial({"it waits": "", "it is told": "no"})

    assert short.result == "made-up 1.0: 1 of 2"
    assert short.findings == {"it is told": "no"}


def test_what_a_stranger_does_wrong_is_not_counted_until_it_is_gone() -> None:
    wrong = {"it is told": "it does not listen"}
    still = trial({"it waits": "", "it is told": "no"}, wrong=wrong)
    gone = trial({"it waits": "", "it is told": ""}, wrong=wrong)
    never_tried = trial({"it waits": ""}, wrong=wrong)

    assert (still.result, still.findings) == ("made-up 1.0: 1 of 1", {})
    assert list(gone.findings) == list(never_tried.findings) == ["it is told"]


def test_a_program_without_a_claim_is_no_success() -> None:
    assert trial({}).findings


def test_a_package_that_is_not_there_has_no_version() -> None:
    assert stranger(shelf=ROOT / "node_modules").version() is None
    assert stranger(shelf=ROOT).version() is None


def locked_version(package: str) -> str:
    """The version that a lock names."""
    for lock in LOCKS:
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        if found := packages.get(f"node_modules/{package}"):
            return str(found["version"])
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text(encoding="utf-8")
        if match := re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE):
            return match[1]
    raise LookupError(package)


@pytest.mark.parametrize("one", STRANGERS, ids=lambda one: one.name)
def test_the_table_has_the_version_that_is_locked_and_every_claim_holds(one: Stranger) -> None:
    text = board.PAGE.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| {one.package} |"))
    what, version, claims = (cell.strip() for cell in row.split("|")[2:5])

    assert (what, version) == (one.what, locked_version(one.package)), "run `make strangers`"
    held, _, number = claims.partition(" of ")
    assert held == number
    assert int(held) > 0
    assert all(reason in text for reason in [*one.wrong.values(), one.note])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_a_lock_names_no_registry(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")

    assert '"resolved"' not in text
    assert "://registry" not in text
