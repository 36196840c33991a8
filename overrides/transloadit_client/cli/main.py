"""Runs the command line: its streams, its exit code, and the signals that end it."""

import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from . import PROGRAM
from .commands import group
from .exit_codes import Exit
from .output import open_streams, tell


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived. It ends a command as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the arguments name, by default `sys.argv`, and returns its exit code.

    Raises:
        KeyboardInterrupt: after Ctrl-C. Python then ends by SIGINT itself, which also ends a shell
            loop around this program; a program that exits with 130 would let the loop continue.
    """
    with open_streams() as streams, _signals() as arrived:
        code = _code(sys.argv[1:] if arguments is None else list(arguments))
        if code == Exit.INTERRUPTED and arrived:
            code = 128 + arrived[0]
        if streams.lost is not None and code == Exit.DONE:
            tell(f"Error: cannot write to the standard output: {streams.lost.strerror}")
            code = Exit.OUTPUT_LOST
    if code == Exit.INTERRUPTED:
        sys.excepthook = lambda *_: None  # everything was said
        raise KeyboardInterrupt
    if code in (Exit.HUNG_UP, Exit.TERMINATED):
        # A parent such as systemd or a shell sees the signal, not merely a number.
        signal.signal(code - 128, signal.SIG_DFL)
        os.kill(os.getpid(), code - 128)
    return code


def _code(arguments: list[str]) -> int:
    width = min(shutil.get_terminal_size().columns, 100)  # click itself stops at 50 columns
    try:
        # `obj` carries the typed words, for messages that tell how to resume.
        code = group.main(
            arguments, prog_name=PROGRAM, standalone_mode=False, obj=arguments, terminal_width=width
        )
        return int(code or Exit.DONE)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        tell(f"Error: {error.format_message()}{_help_of(error)}")
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except Exception:  # noqa: BLE001  # Python would exit with 1, which means a failed Assembly here
        traceback.print_exc()
        return Exit.DEFECT


def _help_of(error: click.ClickException) -> str:
    """What to type for the arguments of a command that were typed wrongly."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f" See '{context.command_path} --help'." if context else ""


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Turns SIGTERM and SIGHUP into `Terminated`, unless they are ignored, as under nohup.

    Gives a list to which the number of one that arrives is added.
    """
    arrived: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        arrived.append(number)
        signal.signal(number, signal.SIG_DFL)  # a second one ends the program at once
        raise Terminated(number)

    numbers = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]  # Windows has one
    taken: list[int] = []
    if threading.current_thread() is threading.main_thread():
        for number in filter(None, numbers):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, end)
                taken.append(number)
    try:
        yield arrived
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
