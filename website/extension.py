"""The extension of Python-Markdown that fills pages with tables, as `zensical.toml` names it.

Zensical runs no plugins of MkDocs, but every extension of Python-Markdown. What this one writes is
Markdown again, so that the search, the links and llms.txt know it too.
"""

import re
from typing import Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from website.tables import filled

# Words for tests behind a block's language, which Markdown would not read as a block's.
_WORDS_FOR_TESTS = re.compile(r"^(\s*```\w+) (?:no-run|server|output)$")


class _Fill(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        shown = (_WORDS_FOR_TESTS.sub(r"\1", filled(line)) for line in lines)
        return [line for text in shown for line in text.split("\n")]


class Tables(Extension):
    """Fills in what `website.tables` knows."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # Python-Markdown's name
        # 30 is the highest of Python-Markdown's own: this reads the lines before any other.
        md.preprocessors.register(_Fill(md), "tables", 100)


def makeExtension(**options: Any) -> Tables:  # noqa: N802  # Python-Markdown looks for this name
    return Tables(**options)
