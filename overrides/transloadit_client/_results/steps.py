"""The Steps whose results are wanted. Pure."""

import json
from collections.abc import Collection
from typing import Any

from .._errors import InvalidInput
from .._status import AssemblyStatus


def wanted_steps(status: AssemblyStatus, steps: Collection[str] | None) -> frozenset[str] | None:
    """The Steps whose results are wanted; None for all.

    Raises:
        InvalidInput: the Assembly has no such Step. One that made no result is none of those.
    """
    if steps is None:
        return None
    try:
        wanted = frozenset((steps,) if isinstance(steps, str) else steps)
    except TypeError:
        raise InvalidInput(f"steps is {steps!r}; it takes the names of Steps") from None
    known = _known_steps(status)
    unknown = wanted - (known or wanted)
    if unknown:
        raise InvalidInput(
            f"Assembly {status.assembly_id} has no Step {', '.join(map(repr, sorted(unknown)))};"
            f" its Steps are {', '.join(map(repr, sorted(known or ())))}"
        )
    return wanted


def _known_steps(status: AssemblyStatus) -> set[str] | None:
    """All Steps of an Assembly, as far as its status tells; None if there may be others."""
    params = _json_object(status.merged_params)  # with those of the Template
    if not params:
        params = _json_object(status.params)
        if not params or params.get("template_id"):
            return None
    steps = params.get("steps")
    return {*steps, *status.files, ":original"} if isinstance(steps, dict) else None


def _json_object(text: object) -> dict[str, Any]:
    try:
        data = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        data = None
    return data if isinstance(data, dict) else {}
