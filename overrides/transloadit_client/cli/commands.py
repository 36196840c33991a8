"""The commands, as click has them; the code that carries them out is imported when one runs.

A shell starts this program for each word that it completes, so nothing heavy is imported here.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module

import click
from click.core import ParameterSource
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from . import PROGRAM
from . import options as given

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


class _Formatter(click.HelpFormatter):
    """Help that can be read on a narrow terminal: there the text of an option stands below it."""

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        super().write_dl(rows, 4 if self.width < 60 else col_max, col_spacing)


class _Context(click.Context):
    formatter_class = _Formatter


def _write_examples(formatter: click.HelpFormatter, examples: Iterable[str]) -> None:
    with formatter.section("Examples"):
        for example in examples:  # not wrapped: they are there to be copied
            formatter.write(f"  {PROGRAM} {example}\n")


class _Group(click.Group):
    """A group whose own options may also stand behind the command."""

    context_class = _Context

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_examples(
            formatter,
            (
                "run -t resize photo.jpg -o small.jpg",
                "map -s steps.yaml photos --save-to results",
                "standin",
            ),
        )
        super().format_epilog(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's own name
        return list(self.commands)  # as below: what most people need comes first

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Notes the typed words as if every option stood behind the command."""
        typed: list[str] = ctx.obj or []
        ctx.obj = [args[0], *typed[: len(typed) - len(args)], *args[1:]]
        return super().resolve_command(ctx, args)


class _Command(click.Command):
    """A command with examples at the end of its help."""

    context_class = _Context
    examples: Sequence[str] = ()

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's own name
        formatter: click.HelpFormatter,
    ) -> None:
        _write_examples(formatter, self.examples)


@click.group(
    cls=_Group,
    name=PROGRAM,
    params=list(given.API),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`COMMAND --help` lists all options of a command. The options above may stand before or"
    " after the command.\n\n"
    "Exit codes: 0 done; 1 the Assembly failed; 2 a wrong argument; 3 refused by the API; 4 no"
    " answer; 5 outcome unknown; 6 still busy at the deadline; 7 incomplete; 70 a bug; 74 output"
    " lost; 130 Ctrl-C.\n\n"
    "Further variables: TRANSLOADIT_AUTH_TOKEN, a bearer token instead of key and secret;"
    " TRANSLOADIT_SIGNATURE_ALGORITHM, by default sha384.",
)
@click.version_option(package_name=PROGRAM, message="%(version)s")
@click.pass_context
def group(ctx: click.Context, /, **options: object) -> None:
    """Send files to Transloadit, and save the results.

    Results go to the standard output, everything else to the standard error.
    """
    typed = {
        name: value
        for name, value in options.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    ctx.default_map = dict.fromkeys(group.commands, typed)


def _command(
    module: str, *parameters: click.Parameter | Iterable[click.Parameter], examples: Sequence[str]
) -> Callable[[Callable[[], None]], None]:
    """A command with a function's name and help, carried out by the function of that name in
    `module`."""

    def add(declared: Callable[[], None]) -> None:
        def carry_out(**arguments: object) -> int:
            work = getattr(import_module(f".{module}", __package__), declared.__name__)
            typed = click.get_current_context().find_root().obj
            session = import_module(".session", __package__).opened(typed, arguments)
            return int(session.carry_out(partial(work, session, **arguments)))

        params: list[click.Parameter] = []
        for some in parameters:
            params.extend([some] if isinstance(some, click.Parameter) else some)
        name = declared.__name__.rstrip("_").replace("_", "-")
        about = declared.__doc__ or ""
        command = _Command(
            name, params=params, callback=carry_out, help=about, short_help=_first_line(about)
        )
        command.examples = examples
        group.add_command(command)

    return add


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].removesuffix(".")


@_command(
    "assemblies", given.FILES, given.CREATING, given.SAVING, given.WAITING, given.TUS_ABOVE,
    given.CHUNK_SIZE,
    given.RESUME, given.DRY_RUN, given.PROGRESS, given.ON_INTERRUPT, given.API,
    examples=(
        "run -t resize photo.jpg -o small.jpg",
        "run -s steps.yaml '*.jpg' --save-to results",
        "run -t resize - -o - < photo.jpg > small.jpg",
    ),
)  # fmt: skip
def run() -> None:
    """Send files, wait, and save the results.

    FILE is a path, a pattern such as '*.jpg', or - for the standard input. All files go to one
    Assembly, in the form field FIELD, by default `files`. Prints the paths of the saved results;
    without -o and --save-to the Step, the name and the URL of each result.
    """


@_command(
    "map_files", given.INPUTS, given.DESCRIBING, given.MAPPING, given.DRY_RUN, given.PROGRESS,
    given.API,
    examples=(
        "map -t resize photos --save-to results",
        "map -t resize 'photos/**/*.jpg' -o results/ --at-once 20",
        "map -s steps.yaml inbox -o results/ --watch --delete-source",
    ),
)  # fmt: skip
def map_() -> None:
    """Run one Assembly for each of many files.

    FILE is a path or a pattern such as '**/*.jpg'. A FOLDER stands for all files in it, at any
    depth, except hidden ones. The results of FOLDER/a/b.jpg are saved in a/b.jpg/STEP/NAME, once
    all of them are there. Files that are older than their results are skipped. After Ctrl-C the
    command that resumes is printed; after a crash type the same command with the same --journal.
    """


@_command(
    "assemblies", given.FILES, given.CREATING, given.EXPECT, given.DRY_RUN, given.ON_INTERRUPT,
    given.API,
    examples=("create -t resize photo.jpg", "create -t resize --expect 2"),
)  # fmt: skip
def create() -> None:
    """Create an Assembly, and print its URL.

    FILE is a path, a pattern such as '*.jpg', or - for the standard input. It goes into the form
    field FIELD, by default `files`.
    """


@_command(
    "assemblies", given.ASSEMBLIES, given.API,
    examples=(
        "status 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5",
        "status --json 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5 81d03f7a6b594e2f8c47d5a9e0b2c61f",
    ),
)  # fmt: skip
def status() -> None:
    """Print the state of Assemblies.

    ASSEMBLY is an id or a URL, here and in other commands. The exit code is 0 whatever the state
    is; for a code that tells, see `wait --deadline 0`.
    """


@_command(
    "assemblies", given.ASSEMBLIES, given.WAITING, given.PROGRESS, given.ON_INTERRUPT, given.API,
    examples=(
        "wait 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5",
        "wait --deadline 600 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5",
    ),
)  # fmt: skip
def wait() -> None:
    """Wait until Assemblies have ended, and print their state.

    The exit code is 0 if all completed, 1 if one ended otherwise, 6 if one is busy at the deadline.
    """


@_command(
    "assemblies", given.ASSEMBLY, given.FILES, given.STDIN_NAME, given.PARALLEL,
    given.CHUNK_SIZE,
    given.PROGRESS, given.ON_INTERRUPT, given.API,
    examples=("upload 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5 film.mp4 poster=poster.jpg",),
)  # fmt: skip
def upload() -> None:
    """Upload files to an Assembly that was created with --expect.

    Called again with the same files, it resumes where it stopped. FILE is as in `create`.
    """


@_command(
    "assemblies", given.ASSEMBLY, given.SAVING, given.PARALLEL, given.PROGRESS, given.API,
    examples=(
        "results 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5",
        "results 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5 --step resized -o small.jpg",
    ),
)  # fmt: skip
def results() -> None:
    """List the results of an Assembly, or save them.

    Prints a Step, a name and a URL for each; with -o or --save-to the paths of the saved files.
    """


@_command(
    "assemblies", given.ASSEMBLIES, given.DRY_RUN, given.API,
    examples=(
        "cancel 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5",
        "cancel 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5 81d03f7a6b594e2f8c47d5a9e0b2c61f",
    ),
)  # fmt: skip
def cancel() -> None:
    """Cancel Assemblies.

    An Assembly that has ended already keeps its outcome.
    """


@_command(
    "assemblies", given.ASSEMBLY, given.REPLAYING, given.DRY_RUN, given.API,
    examples=("replay --reparse-template 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5",),
)  # fmt: skip
def replay() -> None:
    """Run an Assembly once more, with the same files.

    Prints the URL of the new Assembly.
    """


@_command(
    "assemblies", given.ASSEMBLY, given.AGAIN, given.DRY_RUN, given.API,
    examples=("replay-notification 5f0c1d2b3a4e4c6d8e9fa0b1c2d3e4f5",),
)  # fmt: skip
def replay_notification() -> None:
    """Send the webhook of an Assembly again.

    Transloadit calls a webhook Notification or Pingback.
    """


@_command(
    "local", given.STEPS, given.AS_JSON,
    examples=("check steps.yaml", "check '{\"resized\": {\"robot\": \"/image/resize\"}}'"),
)  # fmt: skip
def check() -> None:
    """Find mistakes in Steps without sending anything.

    Each line of the output is a Step and a problem: a Robot that does not exist, a `use` that names
    no Step, Steps that use each other in a circle. The exit code is 1 if there are any.
    """


@_command(
    "local", given.PARAMS, given.EXPIRES_IN, given.AS_JSON, given.CREDENTIALS,
    examples=("sign '{\"template_id\": \"resize\"}'", "sign params.json --expires-in 600"),
)  # fmt: skip
def sign() -> None:
    """Sign params, and print both.

    The output is two lines: the params, and their signature. With them another program can send one
    request without knowing the secret.
    """


@_command(
    "local", given.BODY, given.CONTENT_TYPE, given.AS_JSON, given.CREDENTIALS,
    examples=(
        "verify body.txt",
        "verify - --content-type 'multipart/form-data; boundary=x' < body.txt",
    ),
)  # fmt: skip
def verify() -> None:
    """Verify a webhook, and print the status in it.

    The exit code is 1 if it is not signed with the Auth Secret. Transloadit calls a webhook
    Notification or Pingback.
    """


@_command(
    "local", given.CDN, given.EXPIRES_IN, given.AS_JSON, given.CREDENTIALS,
    examples=("smart-cdn acme thumbnail photos/cat.jpg -f w:=200",),
)  # fmt: skip
def smart_cdn() -> None:
    """Sign a Smart CDN URL, and print it.

    At the URL the Smart CDN of WORKSPACE serves what TEMPLATE makes of INPUT.
    """


class _PassedOn(click.Command):
    """A command whose arguments another parser reads: click would drop the `--` among them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take all of them as they are."""
        ctx.params["arguments"] = tuple(args)
        return []


@group.command(
    cls=_PassedOn,
    short_help="Run a local mock server of the API, the stand-in",
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def standin(arguments: tuple[str, ...]) -> int:
    """Run a local mock server of the API, the stand-in.

    It takes the options that `standin --help` lists, and serves until Ctrl-C; or it runs the
    command behind `--` with the variables set, and ends with that command's exit code.
    """
    return int(import_module(".serving", __package__).serve(arguments))


# compdef is a function of zsh's completion system, which few people start themselves.
_ZSH = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"


@group.command(cls=_Command, short_help="Print the code that makes a shell complete these commands")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(shell: str) -> None:
    """Print the code that makes a shell complete these commands.

    For bash, put `eval "$(transloadit-client completion bash)"` into ~/.bashrc; for zsh, the same
    with `zsh` into ~/.zshrc; for fish, `transloadit-client completion fish | source` into
    ~/.config/fish/config.fish.
    """
    source = _SHELLS[shell](group, {}, PROGRAM, "_TRANSLOADIT_CLIENT_COMPLETE").source()
    click.echo((_ZSH if shell == "zsh" else "") + source)


completion.examples = ["completion zsh"]  # type: ignore[attr-defined]  # a _Command
