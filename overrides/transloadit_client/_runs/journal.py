"""The journal of a `map`: a file with the Assembly of each input, and with the outcomes.

An id is written down before its Assembly is created. After a crash the next run uses the same ids,
so nothing is created twice; inputs that are done are skipped.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Self

from attrs import frozen

from .._calls.addresses import drawn_assembly_id
from .._errors import InvalidInput

if TYPE_CHECKING:
    import sqlite3

_APPLICATION = 0x54724A6E
"""Tells a journal from other programs' databases: `TrJn`, in the header that SQLite has for it."""
_VERSION = 1
_TABLES = f"""
    BEGIN EXCLUSIVE;
    CREATE TABLE work (instructions TEXT PRIMARY KEY);
    CREATE TABLE assemblies (
        key PRIMARY KEY, assembly_id TEXT NOT NULL, version TEXT, outcome TEXT
    ) WITHOUT ROWID;
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""


@frozen
class Entry:
    """One input in the journal.

    Attributes:
        assembly_id: the id of its Assembly.
        known: whether an earlier run chose that id, so that the Assembly may be there already.
        version: the input's version when the id was chosen, or None; see `version_of`.
        outcome: how it ended, such as `ASSEMBLY_COMPLETED`; None while it has not.
    """

    assembly_id: str
    known: bool = False
    version: str | None = None
    outcome: str | None = None


class Journal:
    """An SQLite file, which one process at a time may use, and only its owner may read.

    Args:
        path: where it is; made if it is not there.
        instructions: a fingerprint of the Instructions. A journal goes with one kind of work: old
            results must not pass for new ones.

    Raises:
        InvalidInput: it is no journal, another process's, or that of other Instructions; later, if
            it cannot be written to.
    """

    def __init__(self, path: str | os.PathLike[str], instructions: str) -> None:
        try:
            import sqlite3  # noqa: PLC0415  # a Python may come without it, and `map` works without
        except ImportError as error:
            raise InvalidInput("a journal needs sqlite3, which this Python lacks") from error
        if not isinstance(path, str | os.PathLike) or os.fspath(path) in ("", ":memory:"):
            raise InvalidInput(f"journal is {path!r}; it takes the path of a file")
        self._error = sqlite3.Error
        self._lock = Lock()  # a connection serves any thread, but one after the other
        self._path = Path(path).absolute()
        with ExitStack() as undo, self._errors():
            self._make()
            # Takes no locks and leaves no trace, as it may be another program's database.
            uri = f"{self._path.as_uri()}?mode=ro&immutable=1"
            with closing(sqlite3.connect(uri, uri=True)) as untouched:
                self._is_new(untouched)
            with suppress(OSError):  # a file system without permissions
                self._path.chmod(0o600)
            self._open = sqlite3.connect(self._path, timeout=0.0, check_same_thread=False)
            undo.callback(self._open.close)
            self._prepare(instructions)
            undo.pop_all()

    def entry(self, key: str, version: Callable[[], str | None] = lambda: None) -> Entry:
        """The entry of an input. A new one gets an id, which is on the disk then.

        Args:
            key: the input's key.
            version: gives the version of a new input.
        """
        with self._lock, self._errors(), self._open:
            found = self._open.execute(
                "SELECT assembly_id, version, outcome FROM assemblies WHERE key = ?", [_stored(key)]
            ).fetchone()
            if found is not None:
                return Entry(found[0], known=True, version=found[1], outcome=found[2])
            return self._draw(key, version())

    def renew(self, key: str, version: Callable[[], str | None] = lambda: None) -> Entry:
        """Another id for an input, whose first one can never be an Assembly's."""
        with self._lock, self._errors(), self._open:
            return self._draw(key, version())

    def ended(self, key: str, outcome: str) -> None:
        """Notes how an Assembly ended; on the disk at the latest when the journal is closed.

        That this cannot be written is no error: the next run reads the Assembly's status once more.
        """
        with self._lock, suppress(self._error):
            self._open.execute(
                "UPDATE assemblies SET outcome = ? WHERE key = ?", [outcome, _stored(key)]
            )

    def close(self) -> None:
        with self._lock, self._errors():
            self._open.commit()
            self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except InvalidInput:
            raise
        except OSError as error:
            raise InvalidInput(
                f"cannot use {str(self._path)!r} as a journal: {error.strerror}"
            ) from error
        except (self._error, ValueError) as error:  # the last: no path, or no text
            raise InvalidInput(
                f"cannot use {str(self._path)!r} as a journal: {error}; is it another program's"
                " file, is its disk full, or is another process using it?"
            ) from error

    def _make(self) -> None:
        """Makes the file if need be. Anyone who knows an Assembly's id can cancel it."""
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if not self._path.is_file():
            raise InvalidInput(f"cannot use {str(self._path)!r} as a journal: it is not a file")

    def _is_new(self, database: "sqlite3.Connection") -> bool:
        """Whether nothing is in it yet.

        Raises:
            InvalidInput: it is another program's, or of a later version of this one.
        """
        pragmas = ("application_id", "user_version", "page_count")
        found = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
        if found[:2] == [_APPLICATION, _VERSION] or found == [0, 0, 0]:
            return bool(found[2] == 0)
        whose = "of a later version" if found[0] == _APPLICATION else "another program's database"
        raise InvalidInput(f"cannot use {str(self._path)!r} as a journal: it is {whose}")

    def _prepare(self, instructions: str) -> None:
        self._open.execute("PRAGMA locking_mode=EXCLUSIVE")
        # Before the write-ahead log begins, so that the application's id is in the file itself,
        # where the check above looks for it, also after a crash.
        if self._is_new(self._open):
            self._open.executescript(_TABLES)
        self._open.execute("PRAGMA journal_mode=WAL")
        # An id has to be on the disk before its Assembly is created, even if the power fails.
        self._open.execute("PRAGMA synchronous=FULL")
        self._open.execute("INSERT OR IGNORE INTO work VALUES (?)", [instructions])
        [works] = self._open.execute("SELECT count(*) FROM work").fetchone()
        if works > 1:
            raise InvalidInput("the journal belongs to other Instructions: use another file")
        self._open.commit()

    def _draw(self, key: str, version: str | None) -> Entry:
        drawn = drawn_assembly_id()
        self._open.execute(
            "INSERT OR REPLACE INTO assemblies VALUES (?, ?, ?, NULL)",
            [_stored(key), drawn, version],
        )
        return Entry(drawn, version=version)


def _stored(key: str) -> str | bytes:
    """A key as the journal holds it: as bytes where it is no text, such as an old file name."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return key.encode(errors="surrogatepass")
    return key
