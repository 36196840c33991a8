"""The extension of Python-Markdown that fills and links pages, as `zensical.toml` names it.

Zensical runs no plugins of MkDocs, but every extension of Python-Markdown. What this one writes is
Markdown again, so that the search, the links and llms.txt know it too.
"""

import re
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from website.glossary import linked
from website.links import without_links_out
from website.tables import filled
from zensical.extensions.context import ContextPreprocessor

# Words for tests behind a block's language, which Markdown would not read as a block's.
_WORDS_FOR_TESTS = re.compile(r"^(\s*```\w+) (?:no-run|server|output)$")


class _Fill(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        shown = (_WORDS_FOR_TESTS.sub(r"\1", filled(line)) for line in lines)
        return [line for text in shown for line in text.split("\n")]


class _Link(Treeprocessor):
    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self._markdown = md

    def run(self, root: Element) -> None:
        context = ContextPreprocessor.from_markdown(self._markdown)
        if context is not None:
            linked(root, context.page.path)
            without_links_out(root, context.page.path)


class Pages(Extension):
    """Fills in the tables of `website.tables`, and links words of the glossary."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # Python-Markdown's name
        # 30 is the highest of Python-Markdown's own: this reads the lines before any other.
        md.preprocessors.register(_Fill(md), "tables", 100)
        # Below 20, after links and code have become elements.
        md.treeprocessors.register(_Link(md), "glossary", 5)


def makeExtension(**options: Any) -> Pages:  # noqa: N802  # Python-Markdown looks for this name
    return Pages(**options)
