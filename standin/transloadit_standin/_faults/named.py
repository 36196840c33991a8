"""Faults as JSON: how the admin API and the command line name them.

`{"kind": "rate_limit", "retry_in": 2, "times": 3}` is `rate_limit(retry_in=2, times=3)`. The
arguments and their types are read from the fault itself, so that the two cannot differ.
"""

from __future__ import annotations

import inspect
import math
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from .mix import FaultMix
from .script import Answer, Crash, Delay, Drop, Fault, Garble, Refuse, rate_limit, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

FAULTS: dict[str, Callable[..., Fault]] = {
    "answer": Answer,
    "crash": Crash,
    "delay": Delay,
    "drop": Drop,
    "garble": Garble,
    "mix": FaultMix,
    "rate_limit": rate_limit,
    "refuse": Refuse,
    "unavailable": unavailable,
}
NOT_JSON = {"kinds"}
"""Arguments that Python alone can give."""


def read_fault(data: Any) -> Fault:
    """The fault that some JSON describes.

    Raises:
        ValueError: it describes none; the message says what is wrong.
    """
    if not isinstance(data, dict):
        raise ValueError('a fault is an object such as {"kind": "unavailable"}')  # noqa: TRY004 - bad JSON is no wrong type
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in FAULTS:
        raise ValueError(f"kind has to be one of {', '.join(FAULTS)}")
    hints = arguments_of(kind)
    given = {name: value for name, value in data.items() if name != "kind"}
    for name, value in given.items():
        if name not in hints:
            raise ValueError(f"{kind} takes no {name!r}, but {', '.join(hints)}")
        if not _fits(value, hints[name]):
            raise ValueError(f"{name} of {kind} cannot be {value!r}")
    if isinstance(given.get("content"), str):
        given["content"] = given["content"].encode()
    return FAULTS[kind](**given)


def arguments_of(kind: str) -> dict[str, Any]:
    """The arguments that a kind of fault takes, each with its type."""
    fault = FAULTS[kind]
    hints = get_type_hints(fault)
    names = inspect.signature(fault).parameters
    return {name: hints[name] for name in names if name not in NOT_JSON}


def describe_fault(fault: Fault) -> dict[str, Any]:
    """A fault that is still to come, as JSON."""
    shown = {
        name: value
        for name, value in vars(fault).items()
        if not name.startswith("_") and name not in NOT_JSON
    }
    if isinstance(content := shown.get("content"), bytes):
        shown["content"] = content.decode("utf-8", "replace")
    kind = next((name for name, made_by in FAULTS.items() if made_by is type(fault)), "fault")
    return {"kind": kind, **shown}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value is of a type; numbers also have to be finite and not negative."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return any(_fits(value, one) for one in arguments)
    if origin is Literal:
        return value in arguments
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    if hint in (int, float):
        numbers = (int, float) if hint is float else int
        return (
            isinstance(value, numbers)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and value >= 0
        )
    if hint is bytes:
        return isinstance(value, str)
    return hint is not datetime and isinstance(value, hint)
