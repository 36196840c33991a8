"""The local stand-in of the API, as a command."""

import runpy
import sys
from collections.abc import Sequence

import click

import transloadit_standin


def serve(arguments: Sequence[str]) -> None:
    """Does what `python -m transloadit_standin` does with these arguments.

    Raises:
        click.UsageError: the extra `standin` is not installed.
    """
    try:
        _ = transloadit_standin.StandIn
    except ModuleNotFoundError as error:
        raise click.UsageError(str(error)) from None
    sys.argv = ["transloadit_standin", *arguments]
    runpy.run_module("transloadit_standin", run_name="__main__")
