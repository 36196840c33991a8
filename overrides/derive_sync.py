"""Derives blocking code from its asynchronous twin, so that neither is typed twice.

    python overrides/derive_sync.py FOLDER   # `make generate`; `make drift` compares

httpcore, psycopg and elastic-transport do the same. What truly differs (threads and tasks, event
streams, connections) stands in two modules with the same names, of which the derived code imports
the other.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent / "transloadit_client"
FROM = HERE / "_client"
MODULES = {"async_driver": "driver", "async_transloadit": "transloadit"}
MARK = "# Derived from _client/{}.py by overrides/derive_sync.py. Do not edit.\n"
ABOUT = '"""The blocking client, derived from the asynchronous one."""\n'

# In this order; each is a regular expression and what takes its place, in code and docstrings.
CHANGES: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bfrom \.", "from .."),  # the derived code stands one folder further in
    (r"from \.\.async_driver\b", "from .driver"),
    (r"from \.\.tasks\b", "from ..threads"),
    (r"from \.\.map_tasks\b", "from ..map_threads"),
    (r"\basync_event_stream\b", "event_stream"),
    (r"\bget_async_httpx_client\b", "get_httpx_client"),
    (r"\basync_queue\b", "queue"),
    (r"\b(aclose|aiter_raw)\b", lambda found: found[1].replace("a", "", 1)),
    (r"\b_uses_await = True\b", "_uses_await = False"),
    (r"(?<!`)\bAsync(Transloadit|Driver|Listener|Iterator)\b", r"\1"),
    # Sentences that are about one of the two.
    (
        r"The client for asynchronous code, on asyncio or trio; it also serves generated functions",
        "The client of the API; it also serves as `client=` of every generated function",
    ),
    (r"One client may be used from any number of event loops\.", "It may be shared by threads."),
    (r'(?s)\A"""`AsyncTransloadit`.*?"""', '"""`Transloadit`: the methods that people call."""'),
]


def derived(name: str) -> str:
    """The blocking twin of a module."""
    text = (FROM / f"{name}.py").read_text(encoding="utf-8")
    for pattern, replacement in CHANGES:
        text = re.sub(pattern, replacement, text)
    return MARK.format(name) + text


def main(folder: Path) -> None:
    """Writes all of them into a folder, formatted."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text(ABOUT, encoding="utf-8")
    for source, target in MODULES.items():
        (folder / f"{target}.py").write_text(derived(source), encoding="utf-8", newline="\n")
    ruff = [sys.executable, "-m", "ruff"]
    how = ["--isolated", "--no-cache", "--target-version", "py311", "--line-length", "100"]
    for command in (["check", "--select", "I", "--fix-only"], ["format"]):
        subprocess.run([*ruff, *command, "--quiet", *how, folder], check=True)  # noqa: S603  # our own words


if __name__ == "__main__":
    main(Path(sys.argv[1]))
