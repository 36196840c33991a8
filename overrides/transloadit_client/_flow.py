"""Work made of several calls, as generators: they say what is next, and others carry it out.

A piece of work yields plans, pauses and what to do aside. It is told what came of each, or has its
error thrown in, and returns what it was for. So both clients, and a simulated clock, carry out the
same code.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from attrs import frozen

from ._errors import TransloaditError
from ._retry.rules import Plan

T = TypeVar("T")


@frozen
class Pause:
    """Wait before going on."""

    seconds: float


@frozen
class Aside:
    """Do something that may take its time, such as reading a file: never on a loop's own thread.

    Attributes:
        do: what to do; what it gives is told to the work.
        awaited: whether that has to be awaited first; only in asynchronous code.
    """

    do: Callable[[], Any]
    awaited: bool = False


@frozen
class Once:
    """Make this call a single time, whatever comes of it: the work has a patience of its own.

    Attributes:
        plan: the call.
        longest: seconds that each step of the request may take at most.
    """

    plan: Plan[Any]
    longest: float


class Sink(Protocol):
    """Where the body of an answer goes, piece by piece."""

    def begin(self, http_status: int, headers: Mapping[str, str], /) -> bool:
        """Whether the body of this answer belongs here."""
        ...

    def write(self, data: bytes, /) -> bool:
        """Takes a piece; whether more may follow."""
        ...


@frozen
class Fetch:
    """Make this call bare, with no header, cookie or secret of the client's: it may lead anywhere.

    Attributes:
        plan: the call.
        sink: takes the body.
    """

    plan: Plan[Any]
    sink: Sink


Step: TypeAlias = Plan[Any] | Once | Fetch | Pause | Aside
Work: TypeAlias = Generator[Step, Any, T]


class Doing(Generic[T]):
    """Iterating gives the steps of a piece of work, until there is a `result`.

    After each that has an outcome `done` or `failed` has to say what came of it. Work that does not
    deal with an error itself ends with it.
    """

    result: T

    def __init__(self, work: Work[T]) -> None:
        self._work = work
        self._given: object = None
        self._error: TransloaditError | None = None

    def __iter__(self) -> Iterator[Step]:
        try:
            step = next(self._work)
            while True:
                self._given, self._error = None, None
                yield step
                if self._error is None:
                    step = self._work.send(self._given)
                else:
                    step = self._work.throw(self._error)
        except StopIteration as end:
            self.result = end.value

    def done(self, given: object) -> None:
        """A step was carried out, with this result."""
        self._given = given

    def failed(self, error: TransloaditError) -> None:
        """A step ended with an error."""
        self._error = error
