"""Apply an OpenAPI Overlay (version 1.0) to a document."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpath


class OverlayError(ValueError):
    """An action of an overlay that cannot be applied, or that changes nothing."""


def overlaid(document: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Give the changed document; the given one stays as it is.

    Actions are applied in turn, as the specification says: `remove` takes away what `target`
    matches, `update` is merged into it, and a list is appended to.

    Raises:
        OverlayError: a target matches nothing: then the overlay is out of date.
    """
    # Not `deepcopy`: an alias in YAML makes two places one object, which would be changed twice.
    changed: dict[str, Any] = json.loads(json.dumps(document))
    for action in overlay["actions"]:
        matches = list(jsonpath.finditer(action["target"], changed))
        if not matches:
            raise OverlayError(f"{overlay['info']['title']}: {action['target']} matches nothing")
        for match in reversed(matches):  # from the last on, so that places in lists stay right
            if action.get("remove") and match.parent is not None:
                holder: Any = match.parent.obj
                del holder[match.parts[-1]]
            else:
                _merge(match.obj, action["update"])
    return changed


def _merge(target: Any, update: Any) -> None:
    if isinstance(target, list):
        target.append(copy.deepcopy(update))
        return
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        elif isinstance(value, list) and isinstance(target.get(key), list):
            target[key].extend(copy.deepcopy(value))
        else:
            target[key] = copy.deepcopy(value)
