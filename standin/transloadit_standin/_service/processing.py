"""The Robots that the stand-in has: what they make of a file.

`/file/filter` and `/file/hash` always work; `/image/resize` and `/image/optimize` need Pillow, in
the extra `media`. All others pass their files through, and the status says so.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any

from .._codes import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .files import AssemblyFile

ALGORITHMS = ("b2", "md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_UNITS = {unit: 1024**power for power, unit in enumerate(("", "k", "m", "g", "t", "p"))}
_SIZE = re.compile(r"(-?\d+(?:\.\d+)?)\s*(?:([kmgtp]?)i?b)?", re.IGNORECASE)


class NotDone(Exception):
    """The stand-in cannot do this, though the service can; its message says what."""


def hash_file(step: dict[str, Any], file: AssemblyFile) -> dict[str, Any]:
    """`/file/hash`: the file's meta data, with its `hash`."""
    algorithm = step.get("algorithm", "sha256")
    if algorithm not in ALGORITHMS:
        raise Refusal("FILE_HASH_VALIDATION", f"algorithm has to be one of {', '.join(ALGORITHMS)}")
    with file.stored.path.open("rb") as content:
        digest = hashlib.file_digest(content, algorithm.replace("b2", "blake2b"))
    return {**file.further_meta, "hash": digest.hexdigest()}


def accepts(step: dict[str, Any]) -> bool:
    """`/file/filter`: whether a file goes on, by conditions whose variables are filled in.

    Raises:
        Refusal: it does not, and that is an error; or a condition is none.
        NotDone: the conditions are JavaScript.
    """
    accepted, declined = step.get("accepts"), step.get("declines")
    every = step.get("condition_type", "or") == "and"
    goes_on = (accepted is None or _holds(accepted, every=every)) and not (
        declined and _holds(declined, every=every)
    )
    if not goes_on and step.get("error_on_decline") is True:
        raise Refusal(
            "FILE_FILTER_DECLINED_FILE",
            message=str(step.get("error_msg", "One of your files was declined")),
        )
    return goes_on


def _holds(conditions: Any, *, every: bool) -> bool:
    if isinstance(conditions, str):
        raise NotDone("conditions in JavaScript")
    if not isinstance(conditions, list):
        raise Refusal("FILE_FILTER_VALIDATION", "conditions are a list of lists")
    found = [_condition(one) for one in conditions]
    return bool(found) and (all(found) if every else any(found))


def _condition(condition: Any) -> bool:
    if not isinstance(condition, list) or len(condition) not in (2, 3):
        raise Refusal("FILE_FILTER_VALIDATION", "a condition has three members")
    value, operator, *rest = condition
    other = rest[0] if rest else ""
    negated = isinstance(operator, str) and operator.startswith("!") and operator[1:] in _OPERATORS
    compare = _OPERATORS.get(operator[1:] if negated else operator)
    if compare is None:
        raise Refusal("FILE_FILTER_INVALID_OPERATOR", f"there is no operator {operator!r}")
    try:
        return compare(value, other) is not negated
    except re.error as error:
        raise Refusal("FILE_FILTER_VALIDATION", f"{other!r}: {error}") from error


def _number(value: Any) -> float:
    """A number, also of a text such as `20mb`; what is none compares as nothing does."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _SIZE.fullmatch(str(value).strip())
    return float(found[1]) * _UNITS[(found[2] or "").lower()] if found else math.nan


def _equal(one: Any, other: Any) -> bool:
    return str(one) == str(other) or _number(one) == _number(other)


_OPERATORS: dict[Any, Callable[[Any, Any], bool]] = {
    "=": _equal,
    "==": _equal,
    "===": _equal,
    "!=": lambda one, other: not _equal(one, other),
    "!==": lambda one, other: not _equal(one, other),
    "<": lambda one, other: _number(one) < _number(other),
    ">": lambda one, other: _number(one) > _number(other),
    "<=": lambda one, other: _number(one) <= _number(other),
    ">=": lambda one, other: _number(one) >= _number(other),
    "regex": lambda one, other: re.search(str(other), str(one)) is not None,
    "includes": lambda one, other: (
        other in one if isinstance(one, list) else str(other) in str(one)
    ),
    "empty": lambda one, _: one in ("", None, [], {}),
}
