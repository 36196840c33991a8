"""The commands, as click has them; what they do is in modules that are read when it is done.

This one is read each time that a shell completes a word, so nothing heavy is imported here.
"""

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from . import PROGRAM
from . import options as given

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.group(
    name=PROGRAM,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes, credentials and examples are in docs/command-line.md of the project.",
)
@click.version_option(package_name=PROGRAM, message="%(version)s")
def group() -> None:
    """Files in, results out: Transloadit's Assembly API on the command line.

    Results go to the standard output, everything else to the standard error.
    """


def _command(
    module: str, *parameters: click.Parameter | Iterable[click.Parameter]
) -> Callable[[Callable[[], None]], None]:
    """A command with a function's name and help; its work is what `module` has of that name."""

    def add(declared: Callable[[], None]) -> None:
        def carry_out(**arguments: object) -> int:
            work = getattr(import_module(f".{module}", __package__), declared.__name__)
            typed = click.get_current_context().obj
            session = import_module(".session", __package__).opened(typed, arguments)
            return int(session.carry_out(partial(work, session, **arguments)))

        params: list[click.Parameter] = []
        for some in parameters:
            params.extend([some] if isinstance(some, click.Parameter) else some)
        name = declared.__name__.replace("_", "-")
        group.add_command(
            click.Command(name, params=params, callback=carry_out, help=declared.__doc__)
        )

    return add


@_command(
    "transfers", given.FILES, given.CREATING, given.SAVE_TO, given.STEP, given.WAITING,
    given.RUNNING, given.DRY_RUN, given.PROGRESS, given.ON_INTERRUPT, given.API,
)  # fmt: skip
def run() -> None:
    """Send files, wait, and save the results.

    FILE is a path, a pattern such as '*.jpg', or - for the standard input. It goes into the form
    field FIELD, else into `files`. The paths of what was saved are printed, or without --save-to
    the Step, the name and the URL of each result.
    """


@_command(
    "assemblies",
    given.FILES,
    given.CREATING,
    given.EXPECT,
    given.DRY_RUN,
    given.ON_INTERRUPT,
    given.API,
)
def create() -> None:
    """Create an Assembly, and print its URL.

    FILE is a path, a pattern such as '*.jpg', or - for the standard input. It goes into the form
    field FIELD, else into `files`.
    """


@_command("assemblies", given.ASSEMBLY, given.API)
def status() -> None:
    """Print how an Assembly is.

    ASSEMBLY is its id or its URL, here and elsewhere. The exit code is 0 whatever its state is; for
    a code that tells, see `wait --deadline 0`.
    """


@_command("transfers", given.ASSEMBLY, given.WAITING, given.PROGRESS, given.ON_INTERRUPT, given.API)
def wait() -> None:
    """Wait until an Assembly has ended, and print how.

    The exit code is 0 if it completed, 1 if it ended otherwise, 6 if it is busy at the deadline.
    """


@_command(
    "transfers", given.ASSEMBLY, given.FILES, given.STDIN_NAME, given.PARALLEL,
    given.PROGRESS, given.ON_INTERRUPT, given.API,
)  # fmt: skip
def upload() -> None:
    """Upload files to an Assembly that awaits them.

    It was created with --expect. Called again with the same files, it goes on where it stopped.
    FILE is what it is in `create`.
    """


@_command(
    "transfers",
    given.ASSEMBLY,
    given.SAVE_TO,
    given.STEP,
    given.PARALLEL,
    given.PROGRESS,
    given.API,
)
def results() -> None:
    """List the results of an Assembly, or save them.

    Each line is a Step, a name and a URL, or with --save-to the path of a file.
    """


@_command("assemblies", given.ASSEMBLY, given.DRY_RUN, given.API)
def cancel() -> None:
    """Cancel an Assembly.

    One that has finished keeps its outcome.
    """


@_command("assemblies", given.ASSEMBLY, given.REPLAYING, given.DRY_RUN, given.API)
def replay() -> None:
    """Run a crashed Assembly once more.

    The new Assembly's URL is printed.
    """


@_command("assemblies", given.ASSEMBLY, given.AGAIN, given.DRY_RUN, given.API)
def replay_notification() -> None:
    """Send an Assembly's Notification again."""


@_command("local", given.PARAMS, given.EXPIRES_IN, given.AS_JSON, given.CREDENTIALS)
def sign() -> None:
    """Sign params, and print both.

    It takes two lines: the params and their signature. Whoever sends them as they are needs no
    secret; they are good for one request.
    """


@_command("local", given.BODY, given.CONTENT_TYPE, given.AS_JSON, given.CREDENTIALS)
def verify() -> None:
    """Check a Pingback, and print the status in it.

    The exit code is 1 if it is not signed with the Auth Secret.
    """


class _PassedOn(click.Command):
    """A command whose arguments another parser reads: click would drop the `--` among them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take all of them as they are."""
        ctx.params["arguments"] = tuple(args)
        return []


@group.command(cls=_PassedOn, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def standin(arguments: tuple[str, ...]) -> int:
    """Serve a local stand-in of the API (a mock server).

    It takes the options that `standin --help` lists, and serves until Ctrl-C; or it runs the
    command behind `--` with the variables set, and ends with that command's exit code.
    """
    return int(import_module(".serving", __package__).serve(arguments))


@group.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(shell: str) -> None:
    """Print what makes a shell complete these commands.

    For bash, put this into ~/.bashrc: eval "$(transloadit-client completion bash)"
    """
    kind = _SHELLS[shell]
    click.echo(kind(group, {}, PROGRAM, "_TRANSLOADIT_CLIENT_COMPLETE").source())
