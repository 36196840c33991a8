"""Every Python snippet of README and docs runs, and so does the demo."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from transloadit_standin import StandIn

ROOT = Path(__file__).parent.parent
SNIPPETS = [
    pytest.param(code, id=f"{path.name}-{number}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for number, code in enumerate(
        re.findall(
            r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
    )
]
LINKS = [
    pytest.param(path, link, id=f"{path.name}-{link}")
    for path in [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("*/README.md"))]
    for link in re.findall(r"\]\((?!http|#)([^)#]+)\)", path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("code", SNIPPETS)
def test_a_snippet_runs_as_it_stands(code: str, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"a picture, as far as the stand-in is concerned")
    with StandIn() as api:
        api.add_template("resize-to-fit", steps={"resized": {"robot": "/image/resize"}})
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=tmp_path, env={**os.environ, **api.environ}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_demo_tells_its_story() -> None:
    done = subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for chapter in ("Create", "Receive", "Cancel", "Replay", "All four endpoints did"):
        assert f"\n{chapter}" in done.stdout


@pytest.mark.parametrize(("path", "link"), LINKS)
def test_a_link_inside_the_repository_leads_somewhere(path: Path, link: str) -> None:
    assert (path.parent / link).exists()
