"""Flows: generators that say what is to be done next, while others do it.

A flow yields a step, and is told what came of it, or has the step's error thrown in; it returns
what it was for. It neither sends nor waits, so threads, tasks of an event loop and a simulated
clock carry out the same code. Every step that fails on purpose fails with a `TransloaditError`.
"""

from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from ._calls.call import Call, Prepared
from ._errors import ApiError, Attempt, InvalidInput, NoAnswer, TransloaditError

T = TypeVar("T")


@frozen
class Send:
    """Send one request, once; it is answered by an `Outcome`. (A flow yields a `Call` to have it
    sent as often as the rules for retries allow.)
    """

    call: Call[Any]
    request: Prepared
    until: float | None = None
    """When the exchange ends at the latest, on the clock of the flow's `World`."""
    stopped: Callable[[], bool] | None = None
    """Says whether to end it before that; it is asked every half second."""


@frozen
class Outcome:
    """What came of a request.

    Attributes:
        result: what the answer reads as.
        error: why there is no result; InvalidInput if a file of the body could not be read.
        never_sent: whether the request cannot have been received.
        cannot_be_sent: whether it never can be: an illegal header, a file that broke.
        is_queued: whether it was not sent because no connection became free.
        date: the answer's `Date`.
    """

    result: Any = None
    error: ApiError | InvalidInput | NoAnswer | None = None
    never_sent: bool = False
    cannot_be_sent: bool = False
    is_queued: bool = False
    date: str | None = None


# Reads of a wait are tried once each, because the wait has a schedule of its own: attempts within
# attempts would multiply.
@frozen
class Once:
    """Make this call a single time, whatever comes of it: the flow has a patience of its own.

    Attributes:
        call: the call.
        longest: seconds that each step of the request may take at most.
        until, stopped: see `Send`.
    """

    call: Call[Any]
    longest: float
    until: float | None = None
    stopped: Callable[[], bool] | None = None


@frozen
class Pause:
    """Wait before going on.

    Attributes:
        seconds: how long.
        retry: the attempt that failed, if what follows is another one.
        assembly_id: the Assembly concerned, where it is known.
    """

    seconds: float
    retry: Attempt | None = field(default=None, kw_only=True)
    assembly_id: str | None = field(default=None, kw_only=True)


@frozen
class Event:
    """Something that a stream of events said: the kind of an event, and what it holds."""

    kind: str
    data: Any = None


# No event of the API is called so; its kinds begin with `assembly_`.
OPENED, CLOSED = "opened", "closed"
"""Kinds of events of our own, about the stream; all others are the API's."""


@frozen
class Listen(Pause):
    """A pause that ends as soon as the stream at this URL says an `Event`, which is the answer."""

    url: str


@frozen
class InThread:
    """Do something that may take its time, such as reading a file: never on an event loop's thread.

    Attributes:
        do: what to do; the flow is told what it gives.
        is_awaited: whether that has to be awaited first, on the event loop; in asynchronous code.
    """

    do: Callable[[], Any]
    is_awaited: bool = False


class HasIsSet(Protocol):
    """An event of `threading`, `asyncio` or `anyio`."""

    def is_set(self) -> bool: ...


Stop: TypeAlias = Callable[[], bool] | HasIsSet
"""What says that waiting is no longer wanted; it is asked every half second."""


def checked_stop(stop: Stop | None) -> Stop | None:
    """Checks what says when to stop.

    Raises:
        InvalidInput: it cannot be asked.
    """
    if stop is None or callable(stop) or hasattr(stop, "is_set"):
        return stop
    raise InvalidInput(
        f"stop is of type {type(stop).__name__}; it takes a function, or an event such as"
        " threading.Event()"
    )


Step: TypeAlias = Call[Any] | Once | Send | Pause | InThread
Flow: TypeAlias = Generator[Step, Any, T]


def advanced(
    flow: Flow[T], answer: Any = None, error: TransloaditError | None = None
) -> tuple[bool, Any]:
    """Lets a flow go on until its next step: `(False, step)`, or `(True, result)` at its end."""
    try:
        # Errors go in by `throw`, so that a flow uses `try` and `finally` like any code.
        return False, flow.send(answer) if error is None else flow.throw(error)
    except StopIteration as end:
        return True, end.value
