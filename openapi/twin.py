"""The OpenAPI 3.1 twin of the document, derived: it says the same in the newer words."""

from __future__ import annotations

from typing import Any

RENAMED = {"x-content-media-type": "contentMediaType", "x-content-schema": "contentSchema"}
"""What only 3.1 has a word for, and linters refuse in 3.0.3."""


def twin(document: dict[str, Any]) -> dict[str, Any]:
    """Give the twin; the document stays as it is.

    The Notification is a webhook there: its URL stands inside a JSON text, where no expression of a
    callback can reach. Files keep `format: binary`, which 3.1 allows and generators know.
    """
    derived = _newer(document)
    created = derived["paths"]["/assemblies"]["post"]
    by_id = derived["paths"]["/assemblies/{assembly_id}"]["post"]
    by_id.pop("callbacks", None)
    [notification] = created.pop("callbacks")["assemblyNotification"].values()
    return {**derived, "openapi": "3.1.1", "webhooks": {"assemblyNotification": notification}}


def _newer(value: Any, *, names: bool = False) -> Any:
    """The same in 3.1; `names` says that the keys are names of properties and not words."""
    if isinstance(value, list):
        return [_newer(item) for item in value]
    if not isinstance(value, dict):
        return value
    if names:
        return {key: _newer(member) for key, member in value.items()}
    newer = {}
    for key, member in value.items():
        if key in ("example", "examples", "x-transloadit-signature"):
            newer[key] = member  # a value, not a schema
        elif key != "nullable":
            newer[RENAMED.get(key, key)] = _newer(member, names=key == "properties")
    if value.get("nullable") is True and "type" in newer:
        newer["type"] = [newer["type"], "null"]
    return newer
