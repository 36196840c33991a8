"""README and docs: each Python and shell block works for a reader, each link leads somewhere."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from .reader import PageError, Reader, blocks, unpacked, without_blocks

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# `docs/languages/` has recipes that `make languages` runs, each with its own toolchain.
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("how-to/*.md"))]
READ = [
    pytest.param(
        page,
        id=str(page.relative_to(ROOT)),
    )
    for page in PAGES
    if re.search(r"^ *```(python|shell|bash|sh)$", page.read_text(encoding="utf-8"), re.MULTILINE)
]


def read(page: Path, wheel: Path, folder: Path) -> None:
    """Does what a page says, from its first block to its last."""
    with Reader(folder, wheel) as reader:
        for block in blocks(page.read_text(encoding="utf-8")):
            try:
                reader.read(block)
            except PageError as error:
                error.add_note(f"{page.relative_to(ROOT)}:{block.line}")
                raise


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


@pytest.fixture(scope="session")
def readings(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Path, Future[None]]]:
    """The pages, a few at a time: readers mostly wait for Assemblies to end."""
    pages: set[Path] = {
        item.callspec.params["page"]  # type: ignore[misc]  # pytest calls it an object
        for item in request.session.items
        if isinstance(item, pytest.Function) and "readings" in item.fixturenames
    }
    with ThreadPoolExecutor(max_workers=4) as pool:
        yield {
            page: pool.submit(read, page, wheel, tmp_path_factory.mktemp("reader"))
            for page in sorted(pages)
        }


@pytest.mark.skipif(os.name == "nt", reason="the pages' shell is bash")
@pytest.mark.parametrize("page", READ)
def test_a_reader_gets_through_a_page_with_nothing_but_what_it_says(
    page: Path, readings: dict[Path, Future[None]]
) -> None:
    readings[page].result()


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
        for link in re.findall(
            r"\]\((?!http|#)([^)#]+)", without_blocks(path.read_text(encoding="utf-8"))
        )
    ],
)
def test_a_link_inside_the_repository_leads_somewhere(path: Path, link: str) -> None:
    assert (path.parent / link).exists()
