"""Documents that other tools can use: parts written out in place, or schemas on their own."""

from __future__ import annotations

import copy
from typing import Any

INLINED = ("parameters", "requestBodies", "responses")
"""Kinds of components that some generators do not follow: they send JSON instead, for instance."""


def resolved(document: dict[str, Any]) -> dict[str, Any]:
    """Write request bodies, responses and parameters where they are used; schemas keep names."""
    prefixes = tuple(f"#/components/{kind}/" for kind in INLINED)

    def inline(value: Any) -> Any:
        if isinstance(value, list):
            return [inline(item) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(prefixes):
            return inline(_at(document, reference))
        return {key: inline(member) for key, member in value.items()}

    components = {k: v for k, v in document["components"].items() if k not in INLINED}
    return copy.deepcopy({**document, "paths": inline(document["paths"]), "components": components})


def schema_alone(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Give a schema of an OpenAPI 3.1 document as a JSON Schema that needs no other file."""
    schemas = document["components"]["schemas"]
    needed: list[str] = []

    def rename(value: Any, *, names: bool = False) -> Any:
        """The same with references to `$defs`; `names` says that the keys are properties' names."""
        if isinstance(value, list):
            return [rename(item) for item in value]
        if not isinstance(value, dict):
            return value
        renamed = {}
        for key, member in value.items():
            if names:
                renamed[key] = rename(member)
            elif key == "example":
                renamed["examples"] = [member]  # JSON Schema has the plural alone
            elif key == "$ref":
                other = member.rpartition("/")[2]
                renamed[key] = f"#/$defs/{other}"
                if other not in needed:
                    needed.append(other)
            else:
                renamed[key] = rename(member, names=key == "properties")
        return renamed

    root = rename(schemas[name])
    defs = {}
    for other in needed:  # it grows meanwhile
        defs[other] = rename(schemas[other])
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name}
    return {**head, **root, **({"$defs": defs} if defs else {})}


def _at(document: dict[str, Any], reference: str) -> Any:
    value: Any = document
    for key in reference.removeprefix("#/").split("/"):
        value = value[key]
    return value
