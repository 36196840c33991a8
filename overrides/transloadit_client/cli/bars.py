"""Progress bars on a terminal: a module of its own, since nothing else needs rich."""

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import evolve
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Display
from rich.text import Text

from transloadit_client import Progress

from .progress import Show, details, measure, size


class Rate(ProgressColumn):
    """Bytes a second, where bytes are what is counted."""

    def render(self, task: Task) -> Text:
        moving = task.speed and task.fields["in_bytes"] and not task.finished
        return Text(f"{size(task.speed or 0)}/s" if moving else "")


@contextmanager
def bars() -> Iterator[Show]:
    """A bar for each phase, from when it begins."""
    columns = (
        TextColumn("{task.description:<11}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[details]}", markup=False),
        Rate(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Display(*columns, console=Console(stderr=True), redirect_stdout=False) as display:
        yield Stack(display)


class Stack:
    """The bars of the phases so far, one below the other."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}
        self._sent: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        phase = progress.phase
        for passed in self._tasks.keys() - {phase}:
            self._finish(passed, progress)
        if phase == "done":
            return
        if phase == "uploading":
            self._sent = progress
        done, total = measure(progress)
        if phase not in self._tasks:
            in_bytes = phase != "executing"
            self._tasks[phase] = self._display.add_task(
                phase, total=total, details="", in_bytes=in_bytes
            )
        self._display.update(
            self._tasks[phase], completed=done, total=total, details=details(progress)
        )

    def _finish(self, phase: str, progress: Progress) -> None:
        """A phase that has passed is full, though its last step was perhaps not told."""
        task = self._display.tasks[self._tasks[phase]]
        if not task.finished:
            total = max(1.0, task.total or 0.0)
            last = task.fields["details"]
            if phase == "downloading":  # of which the end tells, as it does not of what was sent
                last = details(evolve(progress, phase="downloading"))
            elif phase == "uploading" and self._sent is not None:
                last = details(_arrived(self._sent))
            self._display.update(task.id, total=total, completed=total, details=last)


def _arrived(sent: Progress) -> Progress:
    """An upload that has passed: all of it is there, as a form's files are once it is answered."""
    return evolve(
        sent,
        bytes_sent=max(sent.bytes_sent, sent.bytes_to_send or 0),
        files_sent=max(sent.files_sent, sent.files_to_send or 0),
    )
