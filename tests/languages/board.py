"""What people read of the runs: the scoreboard, and a recipe for each generator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.languages.manifest import HERE, ROOT, Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.languages.stage import Result

DOCS = ROOT / "docs"
CALLS = ("create", "status", "cancel", "replay", "notification", "refusal")
COMMENTS = ("//", "#", "/*", "*", "--", '"""')
PROMPTS = {"go": "go", "rs": "rust", "java": "java", "kt": "kotlin", "ts": "typescript",
           "py": "python", "rb": "ruby", "php": "php", "cpp": "cpp", "hpp": "cpp"}  # fmt: skip
COLUMNS = (
    "generator", "language", "version", "warnings", "compiles", "good", "calls", "vectors", "level",
    "odd", "lines", "gaps",
)  # fmt: skip
HEAD = """\
# One spec, many languages

Written by `make languages`. Each generator made a client from
[`openapi/transloadit.yaml`](../openapi/transloadit.yaml); the client was compiled, and a small
program by hand called the local stand-in with it: create with two files and non-ASCII fields, read
the status, cancel, replay, replay the Notification, and one refusal. What the program says it
signed and read was compared with what the stand-in had received, byte for byte, and the rows of
[`openapi/vectors`](../openapi/vectors) were checked in that language (but for values that it cannot
hold). The names lead to the exact commands.

*Level* is how far the program [conforms](reference/conformance.md) to what every client has to do:
signs, survives, exactly once. *Odd* is how many of the odd answers in `answers.json` the generated
code could not read: none that was seen, only some that were made up.

*Lines* are what a user writes, without blanks and comments: the calls, and behind the plus sign
what no generator writes in that language (encode, sign, check a Pingback, sign a Smart CDN URL).

"""
GAPS = """

## Known gaps

Each run looks for each of them, and fails when one is gone, so that it is taken out here.

"""
LEFT_OUT = """

## Rows that a language cannot hold

Each such row says in `needs` what a language's values would have to be able to hold.

"""


def summary(results: Iterable[Result]) -> str:
    """One line: how many were good."""
    results = list(results)
    good = [result for result in results if result.good]
    parts = [f"{len(good)} good in {len({r.language.language for r in good})} languages"]
    if bad := [result.language.name for result in results if result.findings]:
        parts.append(f"not good: {', '.join(bad)}")
    if skipped := [result.language.name for result in results if result.skipped]:
        parts.append(f"not run: {', '.join(skipped)}")
    return "; ".join(parts)


def publish(results: Sequence[Result]) -> list[Path]:
    """Write the scoreboard and the recipes; gives the files that changed."""
    pages = {DOCS / "languages.md": scoreboard(results)}
    for result in results:
        if not result.language.no_driver:
            pages[recipe_path(result.language)] = recipe(result.language)
    changed = []
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def scoreboard(results: Sequence[Result]) -> str:
    """The table, and the gaps below it."""
    gaps: list[str] = []
    rows = [row(result, gaps) for result in results]
    notes = "\n".join(f"{number}. {gap}" for number, gap in enumerate(gaps, 1))
    lines = (COLUMNS, ["---"] * len(COLUMNS))
    table = "\n".join([*(f"| {' | '.join(line)} |" for line in lines), *rows])
    left_out = "\n".join(left_out_by(results))
    return f"{HEAD}{table}\n\n{summary(results)}.{GAPS}{notes}{LEFT_OUT}{left_out}\n"


def left_out_by(results: Sequence[Result]) -> Iterator[str]:
    """A line for each set of rows, with the generators whose languages cannot hold them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        if result.left_out:
            found.setdefault(result.left_out, []).append(result.language.title)
    for rows, titles in found.items():
        yield f"- {', '.join(titles)}: {named(rows)}."


def named(rows: Iterable[str]) -> str:
    """The names of rows, for people."""
    return ", ".join(f"`{row}`" for row in rows)


def row(result: Result, gaps: list[str]) -> str:
    """A generator's line of the table; its gaps are added to the list."""
    language = result.language
    if result.skipped:
        return f"| {language.title} | {language.language} | not run: {result.skipped}" + " |" * (
            len(COLUMNS) - 2
        )
    numbers = []
    for gap in language.gap:
        upstream = f" ([upstream]({gap.upstream}))" if gap.upstream else ""
        rows = f" ({named(gap.refuses)})" if gap.refuses else ""
        gaps.append(f"{language.title}: {gap.what}{rows}{upstream}")
        numbers.append(str(len(gaps)))
    called = sum(call not in result.findings for call in CALLS)
    cells = [
        f"[{language.title}](languages/{language.name}.md)", language.language, result.version,
        str(result.warnings), language.strict or "yes", "yes" if result.good else "no",
        f"{called} of {len(CALLS)}", str(result.vectors), result.level, str(result.refused),
        lines(language), ", ".join(numbers),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def lines(language: Language) -> str:
    """How much a user writes: the calls + the signing."""
    counts = {path.stem.lower(): count(path) for path in language.written()}
    return f"{counts['driver']} + {counts.get('transloadit', 0)}"


def count(path: Path) -> int:
    """Lines that are neither blank nor a comment."""
    text = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return sum(1 for line in text if line and not line.startswith(COMMENTS))


def recipe_path(language: Language) -> Path:
    """Where its recipe is."""
    return DOCS / "languages" / f"{language.name}.md"


def recipe(language: Language) -> str:
    """The commands and files that the run used, for people to use again."""
    needs = ", ".join([*language.needs, *language.debian]) or "nothing but Python"
    stages = {"generate": language.generate, "compile": language.compile, "run": language.run}
    if language.node:
        stages = {"install": f"npm install --save-dev {node_packages(language)}", **stages}
    commands = "\n".join(f"# {name}\n{text.strip()}\n" for name, text in stages.items())
    parts = [
        f"# {language.title}\n",
        "Written by `make languages` from what it ran; see the [scoreboard](../languages.md).\n",
        f"Needs: {needs}. `$SPEC` is the path of `openapi/transloadit.yaml`.\n",
        f"```sh\n{commands}```\n",
        *[f"**Known gap:** {gap.what}\n" for gap in language.gap],
    ]
    for path in _files(language):
        text = path.read_text(encoding="utf-8").strip()
        parts.append(f"`{path.name}`:\n\n```{_prompt(path)}\n{text}\n```\n")
    return "\n".join(parts)


def node_packages(language: Language) -> str:
    """What npm is told to install, with the versions that the run had."""
    package = json.loads((HERE / "node" / "package.json").read_text(encoding="utf-8"))
    return " ".join(f"{name}@{package['devDependencies'][name]}" for name in language.node)


def _files(language: Language) -> list[Path]:
    """All that was written by hand, the two files first that a user cares for."""
    places = [folder for folder in (language.folder, language.shared_folder) if folder]
    found = [path for folder in places for path in sorted(folder.iterdir()) if path.is_file()]
    written = language.written()
    others = [path for path in found if path.name not in {"language.toml", "go.sum"}]
    return [*written, *(path for path in others if path not in written)]


def _prompt(path: Path) -> str:
    return PROMPTS.get(path.suffix[1:], path.suffix[1:])
