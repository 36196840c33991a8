"""README and docs: each Python and shell block works for a reader, each link leads somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .reader import PageError, Reader, blocks, unpacked

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# `docs/languages/` has recipes that `make languages` runs, each with its own toolchain.
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("how-to/*.md"))]
RUNS = ("python", "shell", "bash", "sh")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return unpacked(found, folder / "content")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.skipif(os.name == "nt", reason="the pages' shell is bash")
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.language in RUNS for block in blocks(page.read_text()))],
    ids=named,
)
def test_a_reader_gets_through_a_page_with_nothing_but_what_it_says(
    page: Path, wheel: Path, tmp_path: Path
) -> None:
    with Reader(tmp_path, wheel) as reader:
        for block in blocks(page.read_text(encoding="utf-8")):
            try:
                reader.read(block)
            except PageError as error:
                pytest.fail(f"{named(page)}:{block.line}: {error}", pytrace=False)


def test_the_demo_tells_its_story() -> None:
    done = subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for chapter in ("Create", "Receive", "Cancel", "Replay", "All four endpoints did"):
        assert f"\n{chapter}" in done.stdout


@pytest.mark.parametrize(
    ("path", "link"),
    [
        pytest.param(path, link, id=f"{path.name}-{link}")
        for path in [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *DOCS.glob("**/*.md")]
        for link in re.findall(r"\]\((?!http|#)([^)#]+)", path.read_text(encoding="utf-8"))
    ],
)
def test_a_link_inside_the_repository_leads_somewhere(path: Path, link: str) -> None:
    assert (path.parent / link).exists()
