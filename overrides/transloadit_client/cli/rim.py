"""Where the command line meets the system: its streams, its exit code, and Ctrl-C."""

import io
import sys
import traceback
from collections.abc import Sequence

import click

from . import PROGRAM
from .commands import group
from .exits import Exit


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the arguments name, by default the program's, and gives its exit code.

    Raises:
        KeyboardInterrupt: after Ctrl-C. Python then ends as Ctrl-C ends programs, so that a shell's
            loop around this one ends as well; the shell knows that as 130.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name may have what a terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    code = _code(arguments)
    if code == Exit.INTERRUPTED:
        sys.excepthook = lambda *_: None  # all was said
        raise KeyboardInterrupt
    return code


def _code(arguments: Sequence[str] | None) -> int:
    try:
        return int(group.main(arguments, prog_name=PROGRAM, standalone_mode=False) or Exit.DONE)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except Exception:  # noqa: BLE001  # Python would end with 1, which says that an Assembly failed
        traceback.print_exc()
        return Exit.DEFECT
