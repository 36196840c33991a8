"""Many Assemblies, one for each input: which is which, how many at once, how fast. Pure.

`mapping` is a generator: it says what to take, start and await, and others do it. So threads, tasks
and a simulated clock carry out the same code.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias

from attrs import field, frozen

from ._errors import InvalidInput, TransloaditError
from ._files import Files
from ._hosts import new_assembly_id
from ._journal import Entry, Journal
from ._progress import SavedFile
from ._status import AssemblyStatus

_MINUTE = 60.0

Key: TypeAlias = Callable[[Files], str | None]


@frozen
class Mapped:
    """What became of one input of a `map`.

    Attributes:
        files: the input.
        key: its name in the journal.
        assembly_id: the Assembly it was given, whether or not that came to be.
        status: the last status, where there is one.
        saved: the results that were saved.
        error: why it failed; None if the Assembly completed and all results were saved.
    """

    files: Files = field(repr=False)
    key: str
    assembly_id: str
    status: AssemblyStatus | None = field(default=None, repr=False)
    saved: tuple[SavedFile, ...] = ()
    error: TransloaditError | None = None

    @property
    def failed(self) -> bool:
        return self.error is not None


@frozen
class Task:
    """An input, and the Assembly that the journal has for it."""

    files: Files = field(repr=False)
    key: str
    entry: Entry


class Tasks:
    """Makes tasks of inputs, and tells the journal how they end."""

    def __init__(self, journal: Journal | None, key: Key | None) -> None:
        self._journal = journal
        self._key = key or name_of

    def task(self, files: Files) -> Task | None:
        """The task for an input; None if the journal has it as done.

        Raises:
            InvalidInput: there is a journal, and the input has no name to stand under in it.
        """
        key = self._key(files)
        if self._journal is None:
            return Task(files, key or "", Entry(new_assembly_id()))
        if not isinstance(key, str):
            raise InvalidInput(
                f"an input of type {type(files).__name__} has no name to stand under in a journal;"
                " give key=…, a function from an input to a text that is its own"
            )
        entry = self._journal.entry(key)
        return None if entry.outcome else Task(files, key, entry)

    def renewed(self, task: Task) -> Task:
        """The task with another id, since its first one is spent and made no Assembly."""
        if self._journal is None:
            return Task(task.files, task.key, Entry(new_assembly_id()))
        return Task(task.files, task.key, self._journal.renew(task.key))

    def delivered(self, mapped: Mapped) -> None:
        """The caller has this one, and has come back for the next."""
        if self._journal is not None and mapped.status is not None and not mapped.failed:
            self._journal.ended(mapped.key, str(mapped.status.ok))


def name_of(files: Files) -> str | None:
    """The path of an input, or the name of a `(name, content)`; None for what has neither."""
    if isinstance(files, tuple) and files and isinstance(files[0], str):
        return files[0]
    return os.fsdecode(files) if isinstance(files, str | os.PathLike) else None


class Quota:
    """No more than so many starts within any minute.

    Args:
        a_minute: how many; None for any number.

    Raises:
        InvalidInput: less than one.
    """

    def __init__(self, a_minute: int | None) -> None:
        if a_minute is not None and a_minute < 1:
            raise InvalidInput(f"{a_minute} Assemblies a minute are none; give 1 or more, or None")
        self._most = a_minute
        self._starts: deque[float] = deque(maxlen=a_minute or 0)

    def wait(self, now: float) -> float:
        """Seconds until another may start."""
        if self._most is None or len(self._starts) < self._most:
            return 0.0
        return max(0.0, self._starts[0] + _MINUTE - now)

    def started(self, now: float) -> None:
        self._starts.append(now)


@frozen
class Take:
    """Give the next task, or None when there are no more."""


@frozen
class Start:
    """Begin with this task."""

    task: Task


@frozen
class Await:
    """Give what has ended: at least one, or none if that takes longer than so many seconds."""

    seconds: float | None


@frozen
class Deliver:
    """Give this to the caller."""

    mapped: Mapped


Move: TypeAlias = Take | Start | Await | Deliver


def mapping(at_once: int, quota: Quota, now: Callable[[], float]) -> Generator[Move, Any, None]:
    """What to do, move by move; each is answered as its docstring says.

    Args:
        at_once: how many Assemblies may be in the works.
        quota: how many may be created in a minute.
        now: a clock in seconds that only goes forward.

    Raises:
        InvalidInput: `at_once` is less than one.
    """
    if at_once < 1:
        raise InvalidInput(f"{at_once} Assemblies at once are none; give 1 or more")
    running, more = 0, True
    while more or running:
        seconds = None
        if more and running < at_once:
            seconds = quota.wait(now())
            if seconds == 0:
                task: Task | None = yield Take()
                if task is None:
                    more = False
                else:
                    quota.started(now())
                    running += 1
                    yield Start(task)
                continue
        ended: Sequence[Mapped] = yield Await(seconds)
        for mapped in ended:
            running -= 1
            yield Deliver(mapped)
