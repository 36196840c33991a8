"""Griffe's extension for the reference: shows the example of a docstring as code."""

import re
from inspect import cleandoc
from textwrap import indent
from typing import Any

from griffe import Extension, Object

# Google's style has prose in this section; the docstrings here have Python and nothing else.
_EXAMPLE = re.compile(r"^Example:\n((?: {4}.*\n?|\n)+)", re.MULTILINE)


def fenced(docstring: str) -> str:
    """The docstring with its example in a fenced block.

    Example:
        fenced("Example:\\n    sign(params)")
    """
    return _EXAMPLE.sub(_block, docstring)


def _block(found: re.Match[str]) -> str:
    code = cleandoc("\n" + found[1])
    return "Examples:\n" + indent(f"```python\n{code}\n```", "    ") + "\n\n"


class Examples(Extension):
    """Rewrites the docstrings before they are parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
