"""A third driver for flows, beside those for threads and for event loops: one that tests steer."""

from collections.abc import Callable
from typing import Any, TypeVar

from transloadit_client import TransloaditError
from transloadit_client._flow import Flow, advanced

T = TypeVar("T")


def carried_out(flow: Flow[T], do: Callable[[Any], Any]) -> T:
    """Carries out a flow: `do` answers each of its steps, or raises what the step ends with."""
    is_done, step = advanced(flow)
    while not is_done:
        answer, error = None, None
        try:
            answer = do(step)
        except TransloaditError as raised:
            error = raised
        is_done, step = advanced(flow, answer, error)
    result: T = step
    return result
