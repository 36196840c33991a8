"""One run of a command: its client, its outcome, and the messages when it does not succeed."""

import json
import logging
import os
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define

from transloadit_client import (
    AssemblyFailed,
    AssemblyStatus,
    DownloadIncomplete,
    MissingCredentials,
    Progress,
    RetryPolicy,
    Secret,
    Transloadit,
    TransloaditError,
)

from . import PROGRAM
from .credentials import Settings, find_settings
from .dry_run import Recorder, Shown, lines, listed
from .exit_codes import Exit
from .inputs import File
from .outcomes import Outcome, about_error, address, code_of, message, of_assembly, together
from .output import give, give_document, number_of, tell
from .progress import Lines, Mode, Show, as_json, silent

_OPTIONS = {
    "attempts", "cancel_on_interrupt", "credentials", "dry_run", "endpoint", "json", "key",
    "progress", "secret", "timeout", "verbose",
}  # fmt: skip
# After these there may be an Assembly to look at, and to go on with.
_DOUBTFUL = frozenset({Exit.OUTCOME_UNKNOWN, Exit.INTERRUPTED, Exit.TERMINATED, Exit.HUNG_UP})
_RESUMABLE = _DOUBTFUL | {Exit.NO_ANSWER, Exit.STILL_BUSY, Exit.INCOMPLETE}


def opened(typed: Sequence[str], arguments: dict[str, Any]) -> "Session":
    """A session with the options that are its own; they are taken out of `arguments`."""
    own = {name: arguments.pop(name) for name in _OPTIONS & arguments.keys()}
    if own.get("secret") is not None:
        own["secret"] = Secret(own["secret"])
        tell("Warning: others can read the argument of --secret in the list of processes.")
    return Session(typed=tuple(without_secrets(typed)), **own)


def without_secrets(typed: Sequence[str]) -> Iterator[str]:
    """The typed words without the key and the secret, which must not be printed."""
    words = iter(typed)
    for word in words:
        if word in ("--key", "--secret"):
            next(words, None)
        elif not word.startswith(("--key=", "--secret=")):
            yield word


class _ToStderr(logging.Handler):
    """Log records as lines on the standard error, above the bars if there are any."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(f"{record.name.partition('.')[0]}: {record.getMessage()}")


@define(kw_only=True)
class Session:
    """The options that all commands share, and the Assembly that the running command works on."""

    typed: Sequence[str] = ()
    json: bool = False
    dry_run: bool = False
    cancel_on_interrupt: bool = False
    progress: Mode = "auto"
    credentials: Path | None = None
    key: str | None = None
    secret: Secret | None = None
    endpoint: str | None = None
    timeout: float | None = None
    attempts: int = 1
    verbose: int = 0
    files: Sequence[File] = ()
    assembly: str | None = None
    _hint: str = ""
    _again: str = ""
    _after: frozenset[Exit] = frozenset()
    _told: bool = False
    _new: str | None = None

    def settings(self) -> Settings:
        """The credentials, the endpoint and the algorithm, from wherever they are."""
        return find_settings(
            key=self.key, secret=self.secret, file=self.credentials, environ=os.environ
        )

    def client(self) -> Transloadit:
        """A client; with `--dry-run` one that sends nothing."""
        settings = self.settings()
        return Transloadit(
            settings.key,
            settings.secret,
            auth_token=settings.auth_token,
            signature_algorithm=settings.signature_algorithm,
            base_url=self.endpoint or settings.base_url,
            timeout=self.timeout,
            retry=RetryPolicy(attempts=self.attempts),
            httpx_args={"transport": Recorder()} if self.dry_run else self._hooks(),
        )

    def _hooks(self) -> dict[str, Any]:
        return {"event_hooks": {"request": [lambda _: self._announce()]}}

    # -- how to go on --

    def creates(self, assembly_id: str) -> None:
        """Has the id of an Assembly printed right before it is created, once all input was checked.

        So it is known even if this process is killed before the answer arrives.
        """
        self._new = None if self.dry_run else assembly_id

    def _announce(self) -> None:
        new, self._new = self._new, None
        if new is None:
            return
        if self.mode == "json":
            tell(json.dumps({"phase": "creating", "assembly_id": new}))
        elif self.mode != "none":
            tell(f"Assembly {new}")

    def follow(self, assembly: str | None, *further: str) -> None:
        """Notes the Assembly at work; the typed words and `further` options resume the work."""
        verb, *arguments = self.typed
        self.assembly, self._after = assembly, _RESUMABLE
        self._hint = "To resume where it stopped:"
        self._again = shlex.join([PROGRAM, verb, *further, *arguments])

    def doubt(self, assembly: str) -> None:
        """Notes that an Assembly is about to be created, whose answer may be lost."""
        self.assembly, self._after = assembly, _DOUBTFUL
        self._hint = "To see whether there is an Assembly:"
        self._again = self.command("status", assembly)

    def command(self, verb: str, *arguments: str) -> str:
        """Another command to type, for the same API."""
        where = ["--endpoint", self.endpoint] if self.endpoint else []
        return shlex.join([PROGRAM, verb, *where, *arguments])

    # -- progress --

    @property
    def mode(self) -> Mode:
        """How progress is shown, with `auto` resolved."""
        if self.progress != "auto":
            return self.progress
        on_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        return "bars" if on_terminal else "lines"

    @contextmanager
    def showing(self) -> Iterator[Callable[[Progress], None]]:
        """An `on_progress` that shows the progress, and notes the URL of the Assembly."""
        with self._shown() as show:

            def on_progress(progress: Progress) -> None:
                self._announce()
                if progress.status is not None:
                    self.assembly = address(progress.status)
                show(progress)

            yield on_progress

    @contextmanager
    def _shown(self) -> Iterator[Show]:
        if self.mode == "bars":
            from .bars import bars  # noqa: PLC0415  # rich takes longer to import than all else here

            with bars() as show:
                yield show
        else:
            others: dict[Mode, Show] = {"lines": Lines(), "json": as_json, "none": silent}
            yield others[self.mode]

    # -- carrying out --

    def carry_out(self, work: Callable[[], Outcome]) -> Exit:
        """Does the work of a command, writes its outcome, and gives the exit code."""
        with self._logged():
            try:
                outcome = self.tried(work)
            except KeyboardInterrupt as error:
                outcome = self._interrupted(Exit(128 + getattr(error, "number", signal.SIGINT)))
        tell(*outcome.notes)
        if not self.json:
            give(outcome.rows)
        elif outcome.exit is not Exit.USAGE:
            give_document({"exit_code": int(outcome.exit), **outcome.document})
        return outcome.exit

    def tried(self, work: Callable[[], Outcome]) -> Outcome:
        """The outcome of a piece of work, or of its error, which is printed."""
        try:
            return work()
        except Shown as request:
            return self._dry(request.request)
        except TransloaditError as error:
            return self._failed(error)

    def each(self, names: Sequence[str], work: Callable[[str], Outcome]) -> Outcome:
        """The outcome of the same work for each of several Assemblies; an error stops no other."""
        if len(names) == 1:
            return work(names[0])
        return together([self.tried(lambda name=name: work(name)) for name in names])  # type: ignore[misc]  # mypy has no types for defaults of a lambda

    @contextmanager
    def _logged(self) -> Iterator[None]:
        """Prints the package's log with `-v`, and httpx's line for each request with `-vv`."""
        handler = _ToStderr()
        loggers = [logging.getLogger(name) for name in ("transloadit_client", "httpx")]
        before = [logger.level for logger in loggers]
        for logger in loggers[: self.verbose]:
            logger.setLevel(logging.INFO)
            logger.addHandler(handler)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)
                logger.removeHandler(handler)

    def _dry(self, request: Mapping[str, Any]) -> Outcome:
        document = {"dry_run": {**request, "files": listed(self.files)}}
        return Outcome(Exit.DONE, [[line] for line in lines(request, self.files)], document)

    def _failed(self, error: TransloaditError) -> Outcome:
        code = code_of(error)
        tell(f"Error: {message(error)}")
        if isinstance(error, MissingCredentials):
            tell("They may also stand in ~/.transloadit/credentials, or in --credentials FILE.")
        for cause, times in Counter(attempt.cause for attempt in error.attempts[:-1]).items():
            tell(f"  {number_of(times, 'attempt')} before that: {cause}")
        rows: list[list[str]] = []
        if isinstance(error, DownloadIncomplete):
            rows = [[str(one.path)] for one in error.saved]
            tell(
                *(f"  {one.step}, {one.file.name or 'no name'}: {one.why}" for one in error.missing)
            )
        if isinstance(error, AssemblyFailed) and error.code == "REQUEST_ABORTED":
            tell("Its upload broke off, so nothing ran. Send the files again, without --resume.")
        status = getattr(error, "status", None)
        ended = isinstance(status, AssemblyStatus) and status.done
        ended = ended and not isinstance(error, DownloadIncomplete)  # whose results are still there
        go_on = {} if ended else self.how_to_go_on(code)
        return Outcome(code, rows, {**about_error(error), **go_on})

    def _interrupted(self, code: Exit) -> Outcome:
        tell("Interrupted." if code is Exit.INTERRUPTED else "Terminated.")
        if self.cancel_on_interrupt and self.assembly:
            try:
                with self.client() as client:
                    status = client.cancel_assembly(self.assembly)
            except TransloaditError as error:
                tell(f"Error: {message(error)}")
            else:
                tell(f"Assembly {address(status)} is {status.ok}")
                return of_assembly(status, (), code)
        return Outcome(code, (), self.how_to_go_on(code))

    def how_to_go_on(self, code: Exit) -> dict[str, str]:
        """Prints the command that resumes after this exit code, and returns it for the document."""
        if not self._again or code not in self._after:
            return {}
        if not self._told:  # of several Assemblies, all with the same command
            tell(self._hint, f"  {self._again}")
        self._told = True
        known = {"assembly": self.assembly} if self.assembly else {}
        return {**known, "resume": self._again}
