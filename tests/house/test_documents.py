"""Every Python and shell snippet of README and docs runs, and so does the demo."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from transloadit_standin import StandIn

ROOT = Path(__file__).parents[2]
RUNNERS = {
    "python": [sys.executable, "-W", "error", "-c"],
    "bash": ["bash", "-euo", "pipefail", "-c"],
}
SNIPPETS = [
    pytest.param(language, code, id=f"{path.name}-{number}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for number, (language, code) in enumerate(
        re.findall(
            r"^```(python|bash)\n(.*?)^```$",
            path.read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
    )
]
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
LINKS = [
    pytest.param(path, link, id=f"{path.name}-{link}")
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("docs/*.md")]
    for link in re.findall(r"\]\((?!http|#)([^)#]+)\)", path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("language", "code"), SNIPPETS)
def test_a_snippet_runs_as_it_stands(language: str, code: str, tmp_path: Path) -> None:
    for tool in ("bash", "curl"):
        if (language == tool or f"\n{tool} " in code) and shutil.which(tool) is None:
            assert not os.environ.get("CI"), f"CI has {tool}"
            pytest.skip(f"{tool} is not installed")
    for name in ("holiday.jpg", "sunrise.jpg"):
        (tmp_path / name).write_bytes(b"a picture, as far as the stand-in is concerned")
    with StandIn() as api:
        api.add_template("resize-to-fit", steps={"resized": {"robot": "/image/resize"}})
        done = subprocess.run(
            [*RUNNERS[language], code],
            cwd=tmp_path, env={**os.environ, **api.environ, "HOME": str(tmp_path), "PATH": PATH},
            capture_output=True, text=True, check=False,
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
