"""What the documentation's site is made of: tables, a reference, and the check of the result."""

import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring, tostring

import pytest
from website.check import problems
from website.docstrings import fenced
from website.glossary import linked, words
from website.links import without_links_out
from website.tables import FILLERS, filled

import transloadit_client
import transloadit_standin

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {path: path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")}
SHOWN = set(re.findall(r"^::: ([\w.]+)$", "\n".join(PAGES.values()), re.MULTILINE))


def test_each_public_name_has_its_place_in_the_reference() -> None:
    modules = {"pingback", "smart_cdn", "__version__"}  # their own names are shown
    names = {f"transloadit_client.{name}" for name in {*transloadit_client.__all__} - modules}

    assert names - SHOWN == set()
    assert {"transloadit_client.pingback.verify", "transloadit_client.smart_cdn.sign_url"} < SHOWN


def test_what_the_reference_shows_exists() -> None:
    ours = [name for name in SHOWN if name.startswith("transloadit_standin.")]

    assert {name.rpartition(".")[2] for name in ours} <= {*transloadit_standin.__all__}


def leaves(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values():
            yield from [value] if isinstance(value, str) else leaves(value)


def test_the_navigation_has_every_page_but_the_recipes_of_other_languages() -> None:
    config = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    pages = {str(path.relative_to(DOCS)) for path in PAGES if "languages" not in path.parts}

    assert sorted(leaves(config["nav"])) == sorted(pages)


def test_llms_txt_has_every_page() -> None:
    config = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    patterns = chain.from_iterable(config["plugins"]["llmstxt"]["sections"].values())
    listed = {path for pattern in patterns for path in DOCS.glob(pattern)}

    assert {*PAGES} - listed == set()


def test_the_installation_lists_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = PAGES[DOCS / "installation.md"]

    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == {
        *project["optional-dependencies"]
    }


def test_each_page_of_ours_says_in_a_sentence_what_it_is_for() -> None:
    """Search engines and llms.txt show it."""
    others = {"command-line.md", "stand-in.md", "languages.md", "performance.md", "decisions.md"}
    without = [
        path.name
        for path, text in PAGES.items()
        if "languages" not in path.parts
        and path.name not in others
        and not re.match(r"---\ndescription: .{20,160}\n---\n# ", text)
    ]

    assert without == []


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("<!-- error-codes -->", "### INVALID_SIGNATURE { #INVALID_SIGNATURE }"),
        ("<!-- fields AssemblyStatus -->", "| `assembly_ssl_url` | `string` |"),
        ("<!-- operations -->", "`DELETE /assemblies/{assembly_id}`"),
        ("<!-- schemas -->", "### CreateAssemblyParams"),
        ("<!-- guide -->", "Signing a request"),
        ("<!-- conformance -->", "exactly once"),
        ("<!-- changelog -->", "## 0.1.0"),
        ("<!-- commands -->", "| `--save-to"),
    ],
)
def test_a_comment_becomes_a_table(line: str, part: str) -> None:
    assert part in filled(line)


def test_other_lines_stay() -> None:
    for line in ("text", "<!-- a remark -->", "text <!-- commands -->"):
        assert filled(line) == line


def page_of(text: str, path: str = "how-to/a.md") -> str:
    page = fromstring(f"<div>{text}</div>")
    linked(page, path)
    return tostring(page, encoding="unicode").removeprefix("<div>").removesuffix("</div>")


def test_the_first_use_of_a_word_leads_to_the_glossary() -> None:
    page = page_of("<p>A Step of an <em>Assembly</em> waits for a webhook. A Step.</p>")

    assert page == (
        '<p>A <a href="../concepts.md#step">Step</a> of an <em>'
        '<a href="../concepts.md#assembly">Assembly</a></em> waits for a '
        '<a href="../concepts.md#webhook">webhook</a>. A Step.</p>'
    )


@pytest.mark.parametrize(
    "text",
    [
        "<h2>A Step</h2>",
        "<p>one step, <code>Step</code>, Stepwise</p>",
        '<p><a href="../concepts.md#step">Steps</a> and a Step</p>',
    ],
)
def test_other_words_headings_code_and_links_stay(text: str) -> None:
    assert page_of(text) == text


def test_pages_for_reference_have_no_links_to_the_glossary() -> None:
    assert page_of("<p>Step</p>", "reference/clients.md") == "<p>Step</p>"


def test_every_entry_of_the_glossary_can_be_linked_to() -> None:
    assert {"assembly", "auth-key-auth-secret", "tus", "webhook"} < {*words().values()}


@pytest.mark.parametrize(
    ("link", "becomes"),
    [
        ('<a href="../../openapi/vectors">vectors</a>', "<span>vectors</span>"),
        ('<a href="../a.md#b">a</a>', '<a href="../a.md#b">a</a>'),
        ('<a href="#b">b</a>', '<a href="#b">b</a>'),
        ('<a href="https://example.org/">c</a>', '<a href="https://example.org/">c</a>'),
    ],
)
def test_a_link_to_a_file_that_is_no_page_is_text_on_the_site(link: str, becomes: str) -> None:
    page = fromstring(f"<div>{link}</div>")

    without_links_out(page, "how-to/a.md")

    assert tostring(page, encoding="unicode") == f"<div>{becomes}</div>"


def test_an_example_in_a_docstring_is_shown_as_code() -> None:
    docstring = "Signs.\n\nExample:\n    with a:\n        b()\n\nRaises:\n    E: never."

    assert fenced(docstring) == (
        "Signs.\n\nExamples:\n    ```python\n    with a:\n        b()\n    ```\n\n"
        "Raises:\n    E: never."
    )
    assert fenced("No example.") == "No example."


def test_every_filler_is_asked_for_by_a_page() -> None:
    asked = set(re.findall(r"^<!-- ([a-z-]+)", "\n".join(PAGES.values()), re.MULTILINE))

    assert asked == FILLERS.keys()


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ('<script src="https://cdn.example.com/a.js"></script>', "fetches https://cdn"),
        ('<link rel="stylesheet" href="//fonts.example.com/a.css">', "fetches //fonts"),
        ('<img src="missing.png">', "leads to missing.png"),
        ('<a href="nowhere/">', "leads to nowhere/"),
        ('<a href="..">', "leads to .."),
        ('<a href="#nowhere">', "leads to #nowhere"),
        ('<a href="index.html#nowhere">', "leads to index.html#nowhere"),
    ],
)
def test_the_check_of_the_site_finds_what_is_wrong(tmp_path: Path, page: str, told: str) -> None:
    (tmp_path / "index.html").write_text(page, encoding="utf-8")

    (problem,) = problems(tmp_path)
    assert told in problem


def test_a_stylesheet_must_not_fetch_fonts(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@import 'https://fonts.example.com/a';", encoding="utf-8")

    assert problems(tmp_path) == ["a.css fetches from another host"]


def test_links_to_other_sites_and_to_files_of_the_site_are_good(tmp_path: Path) -> None:
    page = '<a href="https://example.org/">, <a href="b%20c.html#d">, <a href="#e">, <a href=".">'
    (tmp_path / "index.html").write_text(f'{page}<h2 id="e">', encoding="utf-8")
    (tmp_path / "b c.html").write_text('<h2 id="d">', encoding="utf-8")

    assert problems(tmp_path) == []
