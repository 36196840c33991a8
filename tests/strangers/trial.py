"""One stranger's run: its program's claims, and which of them held."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from PIL import Image
from tests.strangers.roster import ROOT

if TYPE_CHECKING:
    from tests.strangers.roster import Stranger

TIMEOUT = 180
"""Seconds that one stranger may take."""


@dataclass
class Trial:
    """How one stranger fared."""

    stranger: Stranger
    version: str
    claims: dict[str, str] = field(default_factory=dict)
    """What did not hold, by claim; empty is good."""
    skipped: str = ""
    """Why it was not run."""
    trouble: str = ""
    """What its program said when it ended as it should not."""

    @property
    def counted(self) -> dict[str, str]:
        """The claims that have to hold."""
        return {name: why for name, why in self.claims.items() if name not in self.stranger.wrong}

    @property
    def held(self) -> int:
        """How many of those do."""
        return sum(not why for why in self.counted.values())

    @property
    def findings(self) -> dict[str, str]:
        """What makes the run fail, by claim."""
        found = {name: why for name, why in self.counted.items() if why}
        for name in self.stranger.wrong:
            if not self.claims.get(name):
                found[name] = "this is no longer wrong: take it out of roster.py"
        if not self.claims or self.trouble:
            found["its program"] = self.trouble or "it made no claim"
        return {} if self.skipped else found

    @property
    def result(self) -> str:
        """The line that is printed."""
        told = f"not run: {self.skipped}" if self.skipped else f"{self.held} of {len(self.counted)}"
        return f"{self.stranger.package} {self.version}: {told}"


def attempt(stranger: Stranger) -> Trial:
    """Run a stranger's program."""
    version = stranger.version()
    if version is None:
        return Trial(stranger, "?", skipped=f"{stranger.package} is not installed")
    with tempfile.TemporaryDirectory() as folder:
        report, picture = Path(folder) / "report.xml", Path(folder) / "in.jpg"
        Image.open(ROOT / "examples" / "sunrise.png").convert("RGB").save(picture)
        try:
            done = subprocess.run(
                stranger.command(report),
                cwd=stranger.program.parent,
                env={**os.environ, "PACKAGE": stranger.package, "PICTURE": str(picture)},
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Trial(stranger, version, trouble=f"it took more than {TIMEOUT} seconds")
        claims, skipped = (
            read_report(report.read_text(encoding="utf-8")) if report.exists() else ({}, "")
        )
    failed = done.returncode != 0 and not any(claims.values())
    trouble = (done.stdout + done.stderr)[-2000:] if failed else ""
    return Trial(stranger, version, claims, skipped, trouble)


def read_report(text: str) -> tuple[dict[str, str], str]:
    """The claims of JUnit's XML with what did not hold, and why a claim was not tried.

    Pytest's claims are functions' names, which become sentences.
    """
    claims: dict[str, str] = {}
    skipped = ""
    for case in ET.fromstring(text).iter("testcase"):
        name = case.get("name", "").removeprefix("test_").replace("_", " ")
        claims[name] = ""
        for outcome in case:
            if outcome.tag in ("failure", "error"):
                claims[name] = outcome.get("message") or outcome.text or outcome.tag
            elif outcome.tag == "skipped":
                skipped = outcome.get("message") or "a claim was not tried"
    return claims, skipped
