"""What goes on at the server while this program waits, and how to go on with it."""

import shlex
from collections.abc import Mapping, Sequence

from attrs import define, field

from transloadit_client import Progress

from . import PROGRAM

_PHASES = ("uploading", "executing", "downloading")


@define
class UnderWay:
    """An Assembly that is being worked for.

    Args:
        assembly: its id, or its URL once that is known.
        stages: for each phase of the work, the command that does it: its verb and its further
            arguments.
        options: what all of these commands need, such as `--endpoint`.
        phase: how far it is; None while nobody knows whether the Assembly exists.
    """

    assembly: str
    stages: Mapping[str, tuple[str, Sequence[str]]] = field(factory=dict)
    options: Sequence[str] = ()
    phase: str | None = None

    def see(self, progress: Progress) -> None:
        """Takes note of how far it is."""
        self.phase = progress.phase
        url = progress.status.assembly_ssl_url if progress.status else None
        self.assembly = url if isinstance(url, str) and url else self.assembly

    def resume(self) -> str:
        """The command, or several in a row, that do what is left."""
        if self.phase not in _PHASES:
            return self._command("status", ())
        left = _PHASES[_PHASES.index(self.phase) :]
        commands = [self._command(*self.stages[phase]) for phase in left if phase in self.stages]
        return " && ".join(commands or [self._command("status", ())])

    def _command(self, verb: str, arguments: Sequence[str]) -> str:
        return shlex.join([PROGRAM, verb, *self.options, self.assembly, *arguments])
