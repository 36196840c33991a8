"""Where the command line meets the system: its streams, its exit code, and Ctrl-C."""

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from . import PROGRAM
from .commands import group
from .exit_codes import Exit


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the arguments name, by default the program's, and gives its exit code.

    Raises:
        KeyboardInterrupt: after Ctrl-C. Python then ends as Ctrl-C ends programs, so that a shell's
            loop around this one ends as well; the shell knows that as 130.
    """
    stdout: Any = sys.stdout
    stdout.reconfigure(errors="backslashreplace")  # a name may have what a terminal cannot show
    code = _code(sys.argv[1:] if arguments is None else list(arguments))
    if code == Exit.INTERRUPTED:
        sys.excepthook = lambda *_: None  # all was said
        raise KeyboardInterrupt
    return code


def _code(arguments: list[str]) -> int:
    try:
        # What was typed goes along as `obj`, to be told to whoever has to type it again.
        code = group.main(arguments, prog_name=PROGRAM, standalone_mode=False, obj=arguments)
        return int(code or Exit.DONE)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except Exception:  # noqa: BLE001  # Python would end with 1, which says that an Assembly failed
        traceback.print_exc()
        return Exit.DEFECT
