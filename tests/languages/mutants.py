"""Break the document on purpose: each mutant has to turn the languages red that it hurts."""

from __future__ import annotations

import copy
import json
import sys
from typing import TYPE_CHECKING, Any

import yaml
from tests.languages import manifest, stage

if TYPE_CHECKING:
    from collections.abc import Callable


def required_answer_key(schemas: Any) -> None:
    """A key that most statuses have, but not all."""
    schemas["AssemblyStatus"]["required"] = ["queue_duration_of_old"]
    schemas["AssemblyStatus"]["properties"]["queue_duration_of_old"] = {"type": "number"}


def enum(schemas: Any) -> None:
    """The codes of the pages, of which there are more every month."""
    schemas["AssemblyStatus"]["properties"]["ok"]["enum"] = ["ASSEMBLY_COMPLETED"]


def object_params(schemas: Any) -> None:
    """`params` as the object that it means, and not as the text that is signed."""
    reference = {"$ref": "#/components/schemas/CreateAssemblyParams"}
    schemas["CreateAssemblyForm"]["properties"]["params"] = reference


MUTANTS: dict[str, tuple[Callable[[Any], None], tuple[str, ...], str]] = {
    "a required answer key": (required_answer_key, ("go", "python"), "run"),
    "an enum": (enum, ("python", "kotlin"), "run"),
    "`params` as an object": (object_params, ("typescript-fetch", "java", "hey-api"), "compile"),
}
"""What is changed, the generators that have to notice, and at which stage."""


def main() -> int:
    """Try all; gives the exit code."""
    document = yaml.safe_load((manifest.ROOT / "openapi/transloadit.yaml").read_text("utf-8"))
    survivors = 0
    for name, (change, hurt, at) in MUTANTS.items():
        mutant = copy.deepcopy(document)
        change(mutant["components"]["schemas"])
        path = manifest.BUILD / "mutant.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(mutant), encoding="utf-8")
        for generator in hurt:
            language = manifest.read(generator)
            result = stage.attempt(language, path, say=lambda _: None)
            noticed = result.findings.get(at, "")
            survivors += not noticed and not result.skipped
            told = result.skipped or noticed.strip() or f"NOT NOTICED: {result.findings}"
            print(f"{name}: {language.title}, {at}: {_gist(told)}", flush=True)
    return 1 if survivors else 0


def _gist(text: str) -> str:
    """The line of a finding that says what went wrong."""
    tells = ("rror", "xception", "panic")
    lines = [line.strip() for line in text.splitlines() if any(tell in line for tell in tells)]
    return next(iter(lines), text.splitlines()[0])[:200]


if __name__ == "__main__":
    sys.exit(main())
