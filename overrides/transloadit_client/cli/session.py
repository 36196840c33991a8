"""One run of a command: its client, its outcome, and what is said when it does not come to one."""

import os
import shlex
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
from .dry_run import Shown, TakeDown, lines, listed
from .exit_codes import Exit
from .inputs import File
from .outcomes import Outcome, about_error, code_of, of_assembly
from .output import address, give, give_document, tell
from .progress import Mode, shown

_OPTIONS = {
    "attempts", "cancel_on_interrupt", "credentials", "dry_run", "endpoint", "json", "key",
    "progress", "secret", "timeout",
}  # fmt: skip
# After these there may be something to look at, and to go on with.
_DOUBTFUL = frozenset({Exit.OUTCOME_UNKNOWN, Exit.INTERRUPTED})
_RESUMABLE = _DOUBTFUL | {Exit.NO_ANSWER, Exit.STILL_BUSY, Exit.INCOMPLETE}


def opened(typed: Sequence[str], arguments: dict[str, Any]) -> "Session":
    """A session with the options that are its own; they are taken out of `arguments`."""
    own = {name: arguments.pop(name) for name in _OPTIONS & arguments.keys()}
    if own.get("secret") is not None:
        own["secret"] = Secret(own["secret"])
        tell("Warning: others can read the argument of --secret in the list of processes.")
    return Session(typed=tuple(without_secrets(typed)), **own)


def without_secrets(typed: Sequence[str]) -> Iterator[str]:
    """What was typed, but for the key and the secret: those must not be printed."""
    words = iter(typed)
    for word in words:
        if word in ("--key", "--secret"):
            next(words, None)
        elif not word.startswith(("--key=", "--secret=")):
            yield word


@define(kw_only=True)
class Session:
    """The options that all commands share, and what the command at work is at."""

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
    files: Sequence[File] = ()
    assembly: str | None = None
    _hint: str = ""
    _again: str = ""
    _after: frozenset[Exit] = frozenset()

    def settings(self) -> Settings:
        """The credentials and their kin, from wherever they are."""
        return find_settings(
            key=self.key, secret=self.secret, file=self.credentials, environ=os.environ
        )

    def client(self) -> Transloadit:
        """A client, which sends nothing when it is only to be shown what would be sent."""
        settings = self.settings()
        return Transloadit(
            settings.key,
            settings.secret,
            auth_token=settings.auth_token,
            signature_algorithm=settings.signature_algorithm,
            base_url=self.endpoint or settings.base_url,
            timeout=self.timeout,
            retry=RetryPolicy(attempts=self.attempts),
            httpx_args={"transport": TakeDown()} if self.dry_run else None,
        )

    def follow(self, assembly: str, *further: str) -> None:
        """Notes which Assembly is at work; what was typed and `further` options go on with it."""
        verb, *arguments = self.typed
        self.assembly, self._after = assembly, _RESUMABLE
        self._hint = "To go on where it stopped:"
        self._again = shlex.join([PROGRAM, verb, *further, *arguments])

    def doubt(self, assembly: str) -> None:
        """Notes that an Assembly may come to be of which nothing may be heard."""
        where = ["--endpoint", self.endpoint] if self.endpoint else []
        self.assembly, self._after = assembly, _DOUBTFUL
        self._hint = "To see whether there is an Assembly:"
        self._again = shlex.join([PROGRAM, "status", *where, assembly])

    @contextmanager
    def showing(self) -> Iterator[Callable[[Progress], None]]:
        """An `on_progress` that shows how far the work is, and takes note of the Assembly's URL."""
        with shown(self.progress) as show:

            def on_progress(progress: Progress) -> None:
                if progress.status is not None:
                    self.assembly = address(progress.status)
                show(progress)

            yield on_progress

    def carry_out(self, work: Callable[[], Outcome]) -> Exit:
        """Does the work of a command, writes what came of it, and gives the exit code."""
        try:
            outcome = work()
        except Shown as request:
            outcome = self._dry(request.request)
        except TransloaditError as error:
            outcome = self._failed(error)
        except KeyboardInterrupt:
            outcome = self._interrupted()
        if not self.json:
            give(outcome.rows)
        elif outcome.exit is not Exit.USAGE:
            give_document({"exit_code": int(outcome.exit), **outcome.document})
        return outcome.exit

    def _dry(self, request: Mapping[str, Any]) -> Outcome:
        document = {"dry_run": {**request, "files": listed(self.files)}}
        return Outcome(Exit.DONE, [[line] for line in lines(request, self.files)], document)

    def _failed(self, error: TransloaditError) -> Outcome:
        code = code_of(error)
        tell(f"Error: {error}")
        if isinstance(error, MissingCredentials):
            tell("They may also stand in ~/.transloadit/credentials, or in --credentials FILE.")
        for cause, times in Counter(attempt.cause for attempt in error.attempts[:-1]).items():
            tell(f"  {times} times before that: {cause}")
        rows: list[list[str]] = []
        if isinstance(error, DownloadIncomplete):
            rows = [[str(one.path)] for one in error.saved]
            for one in error.missing:
                tell(f"  {one.step}, {one.file.name or 'without a name'}: {one.why}")
        if isinstance(error, AssemblyFailed) and error.code == "REQUEST_ABORTED":
            tell("Its upload broke off, so nothing ran. Send it as a new one, without --resume.")
        status = getattr(error, "status", None)
        ended = isinstance(status, AssemblyStatus) and status.done
        go_on = {} if ended else self._how_to_go_on(code)
        return Outcome(code, rows, {**about_error(error), **go_on})

    def _interrupted(self) -> Outcome:
        tell("Interrupted.")
        if self.cancel_on_interrupt and self.assembly:
            try:
                with self.client() as client:
                    status = client.cancel_assembly(self.assembly)
            except TransloaditError as error:
                tell(f"Error: {error}")
            else:
                tell(f"Assembly {address(status)} is {status.ok}")
                return of_assembly(status, (), Exit.INTERRUPTED)
        return Outcome(Exit.INTERRUPTED, (), self._how_to_go_on(Exit.INTERRUPTED))

    def _how_to_go_on(self, code: Exit) -> dict[str, str]:
        if self.assembly is None or code not in self._after:
            return {}
        tell(f"{self._hint}\n  {self._again}")
        return {"assembly": self.assembly, "resume": self._again}
