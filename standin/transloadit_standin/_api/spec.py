"""The API's description: the routes and the reserved form fields come from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from .._service.resources import shipped

# PyYAML built with libyaml is ten times as fast; not every platform's build has it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the spec."""

    method: str
    path: re.Pattern[str]
    operation: str


@cache
def load_spec() -> dict[str, Any]:
    """Read the spec, once a process: it does not change while we run."""
    text = shipped("transloadit.yaml")
    spec: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    return spec


def routes(spec: dict[str, Any]) -> list[Route]:
    """Every operation with its method, in capitals, and a pattern for its path."""
    return [
        Route(
            method.upper(), re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), operation_id
        )
        for path, item in spec["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and (operation_id := operation.get("operationId"))
    ]


def reserved_fields(spec: dict[str, Any]) -> frozenset[str]:
    """The create form's text fields that are no Assembly Variables."""
    properties = spec["components"]["schemas"]["CreateAssemblyForm"]["properties"]
    named = {name for name, schema in properties.items() if schema.get("type") != "array"}
    return frozenset(named | {"max_size"})  # which the spec tells of in words alone
