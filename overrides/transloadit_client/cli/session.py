"""One run of a command: its client, its outcome, and what is said when it does not come to one."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define

from transloadit_client import (
    AssemblyStatus,
    MissingCredentials,
    Progress,
    RetryPolicy,
    Secret,
    Transloadit,
    TransloaditError,
)

from .credentials import Settings, find_settings
from .dry import Shown, TakeDown, lines, listed
from .exits import Exit
from .inputs import File
from .outcomes import Outcome, about_error, code_of, of_assembly
from .output import address, give, give_document, tell
from .progress import Mode, shown
from .under_way import UnderWay

# After these somebody has to go on with what is under way.
_RESUMABLE = {
    Exit.NO_ANSWER, Exit.OUTCOME_UNKNOWN, Exit.STILL_BUSY, Exit.INCOMPLETE, Exit.INTERRUPTED,
}  # fmt: skip

_OPTIONS = {
    "attempts", "cancel_on_interrupt", "credentials", "dry_run", "endpoint", "json", "key",
    "progress", "secret", "timeout",
}  # fmt: skip


def opened(arguments: dict[str, Any]) -> "Session":
    """A session with the options that are its own; they are taken out of `arguments`."""
    own = {name: arguments.pop(name) for name in _OPTIONS & arguments.keys()}
    if own.get("secret") is not None:
        own["secret"] = Secret(own["secret"])
        tell("Warning: others can read the argument of --secret in the list of processes.")
    return Session(**own)


@define(kw_only=True)
class Session:
    """The options that all commands share, and what the command at work is at."""

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
    under_way: UnderWay | None = None

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

    def follow(
        self, assembly: str, phase: str | None = None, **stages: tuple[str, Sequence[str]]
    ) -> None:
        """Notes what is under way, so that people can be told how to go on with it."""
        options = ("--endpoint", self.endpoint) if self.endpoint else ()
        self.under_way = UnderWay(assembly, stages, options, phase)

    @contextmanager
    def showing(self) -> Iterator[Callable[[Progress], None]]:
        """An `on_progress` that shows how far the work is, and takes note of it."""
        with shown(self.progress) as show:

            def on_progress(progress: Progress) -> None:
                if self.under_way:
                    self.under_way.see(progress)
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
        status = getattr(error, "status", None)
        if isinstance(status, AssemblyStatus) and status.done:
            self.under_way = None
        return Outcome(code, (), {**about_error(error), **self._how_to_go_on(code)})

    def _interrupted(self) -> Outcome:
        tell("Interrupted.")
        if self.cancel_on_interrupt and self.under_way:
            try:
                with self.client() as client:
                    status = client.cancel_assembly(self.under_way.assembly)
            except TransloaditError as error:
                tell(f"Error: {error}")
            else:
                tell(f"Assembly {address(status)} is {status.ok}")
                return of_assembly(status, (), Exit.INTERRUPTED)
        return Outcome(Exit.INTERRUPTED, (), self._how_to_go_on(Exit.INTERRUPTED))

    def _how_to_go_on(self, code: Exit) -> dict[str, str]:
        work = self.under_way
        if work is None or code not in _RESUMABLE:
            return {}
        if work.phase is not None:
            tell("The Assembly goes on. To go on as well:")
        elif code is not Exit.NO_ANSWER:
            tell("Whether there is an Assembly is not known here. To see:")
        else:
            return {}  # an answer that was certainly not the beginning of anything
        tell(f"  {work.resume()}")
        return {"assembly": work.assembly, "resume": work.resume()}
