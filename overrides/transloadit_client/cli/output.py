"""What is written, and where: results on the standard output, everything else beside it."""

import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from transloadit_client import AssemblyStatus, SavedFile


def tell(text: str) -> None:
    """Writes lines for people to the standard error."""
    sys.stderr.write("".join(f"{printable(line)}\n" for line in text.splitlines()))
    sys.stderr.flush()


def give(rows: Iterable[Sequence[str]]) -> None:
    """Writes results, one a line, with tabs between what belongs to it."""
    _write("".join("\t".join(map(printable, row)) + "\n" for row in rows))


def give_document(document: Mapping[str, Any]) -> None:
    """Writes the one JSON document of `--json`, in ASCII."""
    _write(json.dumps(document, indent=2) + "\n")


def printable(text: str) -> str:
    """`text` without what a terminal would obey: a server may have put anything into a name."""
    return "".join(
        character if character.isprintable() else _escaped(character) for character in text
    )


def headline(status: AssemblyStatus) -> str:
    """How an Assembly is, in a line."""
    state = status.error if status.failed else status.ok
    message = f": {status.message}" if isinstance(status.message, str) and status.message else ""
    return f"{state or 'in a state without a name'}{message}"


def address(status: AssemblyStatus) -> str:
    """The URL of an Assembly, or its id where the answer did not have more."""
    found = (status.assembly_ssl_url, status.assembly_id)
    return next((text for text in found if isinstance(text, str) and text), "-")


def report(status: AssemblyStatus) -> list[tuple[str, ...]]:
    """An Assembly in a few rows, each with its name first."""
    uploads = status.uploads if isinstance(status.uploads, list) else []
    return [
        ("assembly", address(status)),
        ("state", headline(status)),
        ("uploads", str(len(uploads))),
        *(("results", step, str(len(files))) for step, files in status.files.items()),
    ]


def result_rows(status: AssemblyStatus, steps: Collection[str] = ()) -> list[tuple[str, ...]]:
    """The results in rows of Step, name and URL; `-` stands for what is missing."""
    return [
        tuple(value if isinstance(value, str) and value else "-" for value in values)
        for step, files in status.files.items()
        if not steps or step in steps
        for values in ((step, file.name, file.ssl_url or file.url) for file in files)
    ]


def saved_files(saved: Iterable[SavedFile]) -> list[dict[str, Any]]:
    """The saved results as `--json` has them."""
    return [{"step": one.step, "path": str(one.path), "file": one.file.to_dict()} for one in saved]


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has had enough, as `head` does; the work itself was done. What Python would
        # flush at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
