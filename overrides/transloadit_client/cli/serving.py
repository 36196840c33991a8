"""The local stand-in of the API (a mock server), as a command."""

from collections.abc import Sequence

import click

import transloadit_standin
from transloadit_standin.__main__ import main


def serve(arguments: Sequence[str]) -> int:
    """Run the stand-in as `python -m transloadit_standin` does; gives the exit code.

    Raises:
        click.UsageError: the extra `standin` is not installed.
    """
    try:
        _ = transloadit_standin.StandIn
    except ModuleNotFoundError as error:
        raise click.UsageError(str(error)) from None
    return main(arguments, prog="transloadit-client standin")
