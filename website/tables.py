"""Markdown for pages of `docs/` from the spec, the changelog, the commands and the codes.

A page asks for it in an HTML comment on a line of its own, which GitHub does not show:

    <!-- fields AssemblyStatus -->
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import cleandoc
from pathlib import Path
from textwrap import indent
from typing import Any

import click
import yaml

ROOT = Path(__file__).parents[1]
CODES = ROOT / "openapi" / "vectors" / "codes.json"
_DIRECTIVE = re.compile(r"<!-- ([a-z-]+)(?: (\w+))? -->")


@cache
def _spec() -> dict[str, Any]:
    text = (ROOT / "openapi" / "transloadit.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return document


def _resolved(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """`part`, or the part that its `$ref` names."""
    while "$ref" in part:
        found: Any = _spec()
        for key in part["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        part = found
    return part


def _cell(text: str) -> str:
    """`text` on one line of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if len(parts := schema.get("allOf", [])) == 1:
        return _type(parts[0])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return f"`{schema['type']}`" if "type" in schema else "any"


def fields(schema: str) -> str:
    """The table of the keys of a schema of the spec."""
    found = _spec()["components"]["schemas"][schema]
    rows = [
        f"| `{name}` | {_type(part)} | {_cell(_resolved(part).get('description', ''))} |"
        for name, part in found.get("properties", {}).items()
    ]
    return "\n".join(["| key | type | what it holds |", "| --- | --- | --- |", *rows])


def guide() -> str:
    """What every client of the API has to know, its headings below those of the page."""
    return _guest((ROOT / "openapi" / "guide.md").read_text(encoding="utf-8"))


def conformance() -> str:
    """How a client in any language proves itself."""
    return _guest((ROOT / "openapi" / "conformance.md").read_text(encoding="utf-8"))


def _guest(text: str) -> str:
    """A document of another folder as part of a page: without its title, and links of its own."""
    text = text.partition("\n")[2]
    return re.sub(r"\[([^]]+)\]\((?!https?:|#)[^)]+\)", r"\1", text)


def operations() -> str:
    """Each operation of the spec, with its request and its answers."""
    return "\n\n".join(
        _operation(verb, path, operation)
        for path, verbs in _spec()["paths"].items()
        for verb, operation in verbs.items()
        if verb in ("get", "post", "put", "patch", "delete")
    )


def _operation(verb: str, path: str, operation: Mapping[str, Any]) -> str:
    def lines() -> Iterator[str]:
        yield f"### {operation['summary']} {{ #{operation['operationId']} }}"
        yield f"`{verb.upper()} {path}` · operation `{operation['operationId']}`"
        yield operation.get("description", "")
        if "requestBody" in operation:
            body = _resolved(operation["requestBody"])
            for media_type, content in body["content"].items():
                yield f"**Sent** as `{media_type}`: {_type(content['schema'])}"
        rows = [
            f"| {status} | {_cell(_resolved(answer).get('description', ''))} |"
            for status, answer in operation["responses"].items()
        ]
        yield "\n".join(["| HTTP | answer |", "| --- | --- |", *rows])

    return "\n\n".join(lines())


def schemas() -> str:
    """Each schema of the spec that has keys, as a table."""
    return "\n\n".join(
        f"### {name} {{ #{name} }}\n\n{schema.get('description', '')}\n\n{fields(name)}"
        for name, schema in _spec()["components"]["schemas"].items()
        if schema.get("properties")
    )


def changelog() -> str:
    """CHANGELOG.md without its title."""
    return _guest((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))


def commands() -> str:
    """Each command of `transloadit-client`, from the declarations that its `--help` shows."""
    from transloadit_client.cli.commands import group  # noqa: PLC0415  # click's, and many modules

    names = group.list_commands(click.Context(group))
    return "\n\n".join(_command(group.commands[name]) for name in names)


def _command(command: click.Command) -> str:
    context = click.Context(command, info_name=f"transloadit-client {command.name}")
    usage = " ".join([context.info_name or "", *command.collect_usage_pieces(context)])
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    # Arguments have a record without a text: the help above says what they are.
    rows = [f"| `{record[0]}` | {_cell(record[1])} |" for record in records if record and record[1]]
    table = ["| option | meaning |", "| --- | --- |", *rows]
    parts = [f"## {command.name}", f"    {usage}", _help(command), _examples(command, context)]
    return "\n\n".join([*filter(None, parts), "\n".join(table)])


def _examples(command: click.Command, context: click.Context) -> str:
    """The commands at the end of the help, as a block that can be copied."""
    formatter = click.HelpFormatter()
    command.format_epilog(context, formatter)
    lines = [line.strip() for line in formatter.getvalue().splitlines()]
    return indent("\n".join(line for line in lines if line.startswith("transloadit")), "    ")


def _help(command: click.Command) -> str:
    """The help of a command; click keeps the lines of paragraphs behind a backspace."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(
        indent(text.removeprefix("\b\n"), "    ") if text.startswith("\b") else text
        for text in paragraphs
    )


def error_codes() -> str:
    """Every error code that the repository knows: its cause, the cure, and its HTTP status."""
    rows = json.loads(CODES.read_text(encoding="utf-8"))["rows"]
    return "\n\n".join(_code(row) for row in rows if row["says"] != "state")


def _code(row: Mapping[str, Any]) -> str:
    chosen = ", chosen by the mock server" if row["weight"] == "chosen" else ""
    heading = f"### {row['code']} {{ #{row['code']} }}"
    cause = f"{row['cause']} (HTTP {row['http_status']}{chosen})"
    return f"{heading}\n\n{cause}\n\n**What to do:** {row['cure']}"


FILLERS: dict[str, Callable[..., str]] = {
    "changelog": changelog,
    "commands": commands,
    "conformance": conformance,
    "error-codes": error_codes,
    "fields": fields,
    "guide": guide,
    "operations": operations,
    "schemas": schemas,
}


def filled(line: str) -> str:
    """What a page shows for this line of its source; a comment that asks for nothing stays."""
    directive = _DIRECTIVE.fullmatch(line.strip())
    if directive is None or directive[1] not in FILLERS:
        return line
    return FILLERS[directive[1]](*filter(None, [directive[2]]))
