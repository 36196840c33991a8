"""The journal of a `map`: a file that says which Assembly belongs to which input, and what is done.

An id is written down before its Assembly is asked for. Whoever goes on after a crash asks for the
same ids again, so nothing is created twice; what is done is passed over.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Self

from attrs import frozen

from .._calls.addresses import drawn_assembly_id
from .._errors import InvalidInput

_TABLES = """
    CREATE TABLE IF NOT EXISTS work (instructions TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS assemblies (
        key TEXT PRIMARY KEY, assembly_id TEXT NOT NULL, outcome TEXT
    ) WITHOUT ROWID;
"""


@frozen
class Entry:
    """What the journal knows of one input.

    Attributes:
        assembly_id: the id of its Assembly.
        known: whether an earlier run chose that id, so that the Assembly may be there already.
        outcome: how it ended, such as `ASSEMBLY_COMPLETED`; None while it has not.
    """

    assembly_id: str
    known: bool = False
    outcome: str | None = None


class Journal:
    """An SQLite file, which one process at a time may use.

    Args:
        path: where it is; made if it is not there.
        instructions: what tells these Instructions from others: a journal goes with one kind of
            work, lest old results pass for new ones.

    Raises:
        InvalidInput: it is no journal, another process's, or that of other Instructions; later, if
            it cannot be written to.
    """

    def __init__(self, path: str | os.PathLike[str], instructions: str) -> None:
        self._lock = Lock()  # one thread after the other, for it serves whichever thread asks
        self._path = os.fspath(path)
        with ExitStack() as undo, self._readable():
            self._open = sqlite3.connect(path, timeout=0.0, check_same_thread=False)
            undo.callback(self._open.close)
            self._prepare(instructions)
            undo.pop_all()

    def entry(self, key: str) -> Entry:
        """What is known of an input; an id is drawn, and on the disk, if nothing was."""
        with self._lock, self._readable(), self._open:
            found = self._open.execute(
                "SELECT assembly_id, outcome FROM assemblies WHERE key = ?", [key]
            ).fetchone()
            if found is not None:
                return Entry(found[0], known=True, outcome=found[1])
            return self._draw(key)

    def renew(self, key: str) -> Entry:
        """Another id for an input, whose first one can never be an Assembly's."""
        with self._lock, self._readable(), self._open:
            return self._draw(key)

    def ended(self, key: str, outcome: str) -> None:
        """Notes how an Assembly ended; on the disk at the latest when the journal is closed."""
        with self._lock, self._readable():
            self._open.execute("UPDATE assemblies SET outcome = ? WHERE key = ?", [outcome, key])

    def close(self) -> None:
        with self._lock, self._readable():
            self._open.commit()
            self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InvalidInput(
                f"cannot use {self._path!r} as a journal: {error}; is it one, is its disk full, or"
                " is another process using it?"
            ) from error

    def _prepare(self, instructions: str) -> None:
        # An id has to be on the disk before its Assembly is asked for, even if the power fails.
        self._open.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._open.execute("PRAGMA journal_mode=WAL")
        self._open.execute("PRAGMA synchronous=FULL")
        self._open.executescript(_TABLES)
        self._open.execute("INSERT OR IGNORE INTO work VALUES (?)", [instructions])
        [works] = self._open.execute("SELECT count(*) FROM work").fetchone()
        if works > 1:
            raise InvalidInput("the journal is that of other Instructions; name another file")
        self._open.commit()

    def _draw(self, key: str) -> Entry:
        drawn = drawn_assembly_id()
        self._open.execute("INSERT OR REPLACE INTO assemblies VALUES (?, ?, NULL)", [key, drawn])
        return Entry(drawn)
