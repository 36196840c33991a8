"""The table of `docs/strangers.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.strangers.roster import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.strangers.trial import Trial

PAGE = ROOT / "docs" / "strangers.md"
HEAD = """\
---
description: SDKs, upload clients and gateways of others, run against the local mock server.
---
# Software of others

Written by `make strangers`, which runs the programs of `tests/strangers` in each change. They use
the [local API](stand-in.md) with its default settings, as they would use the service. A claim is
one test, such as "uploads a file by tus, waits, and reads its result".

| software | what it is | version | claims that hold |
| --- | --- | --- | --- |
"""
WRONG = """
## What they do wrong

Each run looks for each of these, and fails when one is gone, so that it is taken out here.

"""
NOTES = """
## Notes

"""


def page(trials: Sequence[Trial]) -> str:
    """The whole page."""
    rows = "".join(
        f"| {one.stranger.package} | {one.stranger.what} | {one.version} | "
        f"{one.held} of {len(one.counted)} |\n"
        for one in trials
    )
    wrong = "".join(
        f"- {one.stranger.package} {one.version} does not hold “{claim}”: {reason}\n"
        for one in trials
        for claim, reason in one.stranger.wrong.items()
    )
    notes = "".join(
        f"- {one.stranger.package}: {one.stranger.note}\n" for one in trials if one.stranger.note
    )
    return f"{HEAD}{rows}{WRONG}{wrong}{NOTES}{notes}"


def publish(trials: Sequence[Trial]) -> bool:
    """Write the page; whether it changed."""
    text = page(trials)
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return False
    PAGE.write_text(text, encoding="utf-8")
    return True
