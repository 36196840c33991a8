"""Numbers that callers give, checked before anything is sent."""

from math import inf
from typing import TypeVar

from .._errors import InvalidInput

N = TypeVar("N")


def whole_number(name: str, given: N, unit: str, *, least: int) -> N:
    """A whole number.

    Args:
        name: the argument's.
        given: what was given.
        unit: what it counts, for errors: `bytes`.
        least: how many there have to be.

    Raises:
        InvalidInput: it is no whole number, or less.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise InvalidInput(f"{name} is {given!r}; it takes a whole number of {unit} from {least}")
    return given


def number(name: str, given: N, *, unit: str = "", least: float = 0.0, most: float = inf) -> N:
    """A number, also one that is not whole.

    Raises:
        InvalidInput: it is no number, or not within these bounds.
    """
    right = isinstance(given, int | float) and not isinstance(given, bool)
    if not (right and least <= given <= most):  # type: ignore[operator]  # NaN is nowhere
        upto = "" if most == inf else f" to {most:.10g}"
        raise InvalidInput(f"{name} is {given!r}; it takes a number{unit} from {least:.3g}{upto}")
    return given


def seconds(name: str, given: N, *, least: float = 0.0, most: float = inf) -> N:
    """A number of seconds; see `number`."""
    return number(name, given, unit=" of seconds", least=least, most=most)
