"""`make changes`: what changed since a release, in the spec and in the Python API.

For the changelog: it lists, and leaves the judgement to people.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[2]
SPEC = "openapi/transloadit.yaml"
PACKAGES = ("transloadit_client", "transloadit_standin")
SHELVES = ("generated", "overrides", "standin")


def main() -> int:
    """Print the report; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.changes", description=__doc__)
    parser.add_argument("base", nargs="?", help="a git ref; default: the last release's tag")
    base = parser.parse_args().base or last_release()
    if base is None:
        print("Nothing was released yet. Name a commit: make changes BASE=main~10")
        return 0
    print(report(base))
    return 0


def last_release() -> str | None:
    """The newest tag that this commit has behind it."""
    done = _run("git", "describe", "--tags", "--abbrev=0")
    return done.stdout.strip() or None


def report(base: str) -> str:
    """Markdown, with a part for the spec and a part for Python."""
    then = _run("git", "show", f"{base}:{SPEC}")
    if then.returncode:
        raise SystemExit(f"there is no {SPEC} at {base}: {then.stderr.strip()}")
    parts = [f"# Changes since {base}", "## The spec", spec_changes(then.stdout)]
    for package in PACKAGES:
        parts += [f"## Python: breaking changes of `{package}`", python_changes(package, base)]
    return "\n\n".join(parts)


def spec_changes(then: str, now: Path = ROOT / SPEC) -> str:
    """What oasdiff sees between an older text of the spec and the one here."""
    if shutil.which("go") is None:
        if os.environ.get("CI") == "true":
            raise SystemExit("go not found")
        return "Not compared: oasdiff needs go."
    with tempfile.TemporaryDirectory() as folder:
        older = Path(folder, "base.yaml")
        older.write_text(then, encoding="utf-8")
        oasdiff = ("go", "tool", "oasdiff", "changelog", "--format=markdown")
        done = _run(*oasdiff, older, now.resolve(), cwd=Path(__file__).parent)
    if done.returncode:
        raise SystemExit(done.stderr)
    _, _, changes = done.stdout.strip().partition("\n")  # its own headline is ours already
    return changes.strip() or "None."


def python_changes(package: str, base: str, root: Path = ROOT) -> str:
    """What griffe sees of names that went, and of arguments that a caller could trip over."""
    older = griffe.load_git(package, ref=base, repo=root, search_paths=SHELVES)
    newer = griffe.load(package, search_paths=[root / shelf for shelf in SHELVES])
    found = griffe.find_breaking_changes(older, newer)
    markdown = griffe.ExplanationStyle.MARKDOWN
    return "\n".join(breakage.explain(markdown) for breakage in found) or "None."


def _run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
