"""Progress bars on a terminal. Its own module, since rich takes longer to import than all else."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from attrs import evolve
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Display
from rich.table import Column, Table
from rich.text import Text

from transloadit_client import Progress

from .output import size, tell
from .progress import Show, details, measure, sentence


class Rate(ProgressColumn):
    """Bytes a second, where bytes are counted."""

    def render(self, task: Task) -> Text:
        moving = task.speed and task.fields["in_bytes"] and not task.finished
        return Text(f"{size(task.speed or 0)}/s" if moving else "", no_wrap=True)


class Percent(ProgressColumn):
    """How much is done, where there is no room for more."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.percentage:3.0f}%" if task.total else "", no_wrap=True)


class Bars(Display):
    """A display that drops columns until its lines fit the terminal, which may be resized.

    A line that wraps cannot be drawn over again: the terminal would fill with pieces of bars.
    """

    def __init__(self, console: Console) -> None:
        self._terminal = console  # before rich draws the first, empty table
        super().__init__(console=console, redirect_stdout=False, redirect_stderr=False)

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        self.columns = _columns(self._terminal.width)
        return super().make_tasks_table(tasks)


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    def text(content: str) -> TextColumn:
        return TextColumn(content, markup=False, table_column=Column(no_wrap=True))

    name = text("{task.description}")
    left = TimeRemainingColumn(
        compact=True, elapsed_when_finished=True, table_column=Column(no_wrap=True)
    )
    # The numbers are the room that the other columns take, and some cells for the `^C` that a
    # terminal writes behind the last bar.
    if width < 60:
        return (name, BarColumn(max(4, min(40, width - 22))), Percent())
    if width < 80:
        return (name, BarColumn(width - 50), text("{task.fields[brief]}"), left)
    if width < 100:
        return (name, BarColumn(width - 64), text("{task.fields[details]}"), left)
    bar = BarColumn(min(40, width - 76))
    return (name, bar, text("{task.fields[details]}"), Rate(), left)


class Above:
    """A stream whose lines appear above the bars, unbroken: a wrapped command cannot be copied."""

    def __init__(self, console: Console, stream: TextIO) -> None:
        self._console = console
        self.rich_proxied_file = stream  # by this name rich finds the stream that it shall write to

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)

    def write(self, text: str) -> int:
        self._console.print(Text(text), end="", soft_wrap=True)
        return len(text)


@contextmanager
def _shown() -> Iterator[Display]:
    """A display that stays on the terminal when the work is done, and vanishes on Ctrl-C."""
    console, before = Console(stderr=True), (sys.stdout, sys.stderr)
    with Bars(console) as display:
        sys.stderr = cast("TextIO", Above(console, before[1]))
        if before[0].isatty():  # results go to the same terminal
            sys.stdout = cast("TextIO", Above(console, before[0]))
        try:
            yield display
        except KeyboardInterrupt:
            display.live.transient = True
            raise
        finally:
            sys.stdout, sys.stderr = before


@contextmanager
def bars() -> Iterator[Show]:
    """A bar for each phase, from when it begins."""
    with _shown() as display:
        yield Stack(display)


class Stack:
    """The bars of the phases so far, one below the other."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}
        self._sent: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        phase = progress.phase
        if phase == "retrying":
            tell(sentence(progress))  # above the bars, which go on
            return
        for passed in self._tasks.keys() - {phase}:
            self._finish(passed, progress)
        if phase == "done":
            return
        if phase == "uploading":
            self._sent = progress
        done, total = measure(progress)
        if phase not in self._tasks:
            self._tasks[phase] = self._display.add_task(
                f"{phase:<11}", total=total, in_bytes=phase != "executing", **_texts(progress)
            )
        self._display.update(self._tasks[phase], completed=done, total=total, **_texts(progress))

    def _finish(self, phase: str, progress: Progress) -> None:
        """Fills the bar of a phase that is over: its last step may not have been reported."""
        task = self._display.tasks[self._tasks[phase]]
        if not task.finished:
            total = max(1.0, task.total or 0.0)
            last = {name: task.fields[name] for name in ("brief", "details")}
            if phase == "downloading":  # the end reports downloads, but not uploads
                last = _texts(evolve(progress, phase="downloading"))
            elif phase == "uploading" and self._sent is not None:
                last = _texts(_arrived(self._sent))
            self._display.update(task.id, total=total, completed=total, **last)


class Counter:
    """One bar for many files, with a line above it for each that is through."""

    def __init__(self, display: Display, total: int) -> None:
        self._display = display
        self._task = display.add_task("files", total=total, in_bytes=False, brief="", details="")

    def __call__(self, done: int, failed: int, total: int) -> None:
        text = f"{done + failed} of {total}" + (f", {failed} failed" if failed else "")
        self._display.update(
            self._task, completed=done + failed, total=total, brief=text, details=text
        )


@contextmanager
def counter(total: int) -> Iterator[Counter]:
    """A bar for all files of a `map`."""
    with _shown() as display:
        yield Counter(display, total)


def _texts(progress: Progress) -> dict[str, Any]:
    """The numbers of a phase, in two lengths."""
    text = details(progress)
    return {"details": text, "brief": text.rpartition("files, ")[2]}


def _arrived(sent: Progress) -> Progress:
    """An upload that is over: files that went in the create request are there once it answered."""
    return evolve(
        sent,
        bytes_sent=max(sent.bytes_sent, sent.bytes_to_send or 0),
        files_sent=max(sent.files_sent, sent.files_to_send or 0),
    )
