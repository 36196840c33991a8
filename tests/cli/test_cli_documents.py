"""docs/command-line.md tells what is true."""

import re
from pathlib import Path

import click

from transloadit_client.cli.commands import group
from transloadit_client.cli.exit_codes import Exit

DOCUMENT = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")


def test_the_table_has_all_exit_codes_and_no_others() -> None:
    documented = re.findall(r"^\| (\d+) \|", DOCUMENT, re.MULTILINE)

    assert documented == [str(int(code)) for code in Exit]


def test_every_option_that_the_document_names_exists() -> None:
    options = {
        name
        for command in group.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    of_others = {"--silent", "--fail", "--help", "--form"}
    documented = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", DOCUMENT))

    assert documented <= options | of_others


def test_every_option_has_a_help_that_ends_as_a_sentence() -> None:
    for command in group.commands.values():
        assert command.help, command.name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, parameter.name
                assert parameter.help.endswith("."), parameter.name
