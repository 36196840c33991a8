"""What people type, as what the client takes: files, globs, variables and Steps."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import IO, Any, TypeAlias

import yaml
from attrs import frozen

from transloadit_client import InvalidInput

Content: TypeAlias = Path | tuple[str, IO[bytes]]

_FIELD = re.compile(r"(?P<field>[\w.:-]+)=(?P<path>.+)", re.DOTALL)


@frozen
class File:
    """A file to send: its form field, and its path; `-` is the standard input."""

    field: str
    path: str

    @property
    def size(self) -> int | None:
        """Bytes; None where nobody can know before they are read."""
        path = Path(self.path)
        return path.stat().st_size if self.path != "-" and path.is_file() else None

    def content(self, stdin_name: str) -> Content:
        return (stdin_name, sys.stdin.buffer) if self.path == "-" else Path(self.path)


def files_of(arguments: Sequence[str]) -> list[File]:
    """The files that arguments such as `a.jpg`, `photo=b.jpg`, `*.png` and `-` stand for.

    Raises:
        InvalidInput: one is not there, is a folder, or is a pattern that nothing fits.
    """
    files = [file for argument in arguments for file in _files(argument)]
    if sum(file.path == "-" for file in files) > 1:
        raise InvalidInput("the standard input (-) can be read once only")
    return files


def contents(files: Sequence[File], stdin_name: str) -> dict[str, list[Content]]:
    """The files by form field, as the client takes them."""
    by_field: dict[str, list[Content]] = {}
    for file in files:
        by_field.setdefault(file.field, []).append(file.content(stdin_name))
    return by_field


def values_of(arguments: Sequence[str], what: str) -> dict[str, Any]:
    """`NAME=TEXT` and `NAME:=JSON`, as HTTPie has made them known.

    Raises:
        InvalidInput: it is neither, or a name is there twice.
    """
    values: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        as_json, name = name.endswith(":"), name.removesuffix(":")
        if not equals or not name:
            raise InvalidInput(f"{what} takes NAME=TEXT or NAME:=JSON, not {argument!r}")
        if name in values:
            raise InvalidInput(f"{what} {name!r} is given twice")
        values[name] = _json(text, f"{what} {name}") if as_json else text
    return values


def steps_of(text: str) -> Mapping[str, Any]:
    """Steps from JSON text that begins with `{`, or from a JSON or YAML file (`-` is one too).

    A whole Template's content, with its `steps` inside, will do as well.

    Raises:
        InvalidInput: there is no such file, or it holds something else.
    """
    steps = _object(text, "--steps")
    inner = steps.get("steps")
    if not isinstance(inner, Mapping) or "robot" in inner:
        return steps
    if len(steps) > 1:
        others = ", ".join(str(name) for name in steps if name != "steps")
        raise InvalidInput(f"--steps holds more than Steps: {others}; they have their own options")
    return inner


def params_of(text: str) -> Mapping[str, Any]:
    """`params` to sign, from the same places as Steps."""
    return _object(text, "PARAMS")


def bytes_of(path: str) -> bytes:
    """All of a file, or of the standard input for `-`.

    Raises:
        InvalidInput: it cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path!r}: {error.strerror}") from None


def _files(argument: str) -> Iterator[File]:
    named = _FIELD.fullmatch(argument)
    field, given = (named["field"], named["path"]) if named else ("files", argument)
    if given == "-":
        yield File(field, given)
        return
    path = Path(given).expanduser()  # of `photo=~/a.jpg` the shell expands nothing
    if path.is_dir():
        raise InvalidInput(f"{given!r} is a folder; name its files, as in {given}/*")
    if path.exists():  # also where its name looks like a pattern
        yield File(field, str(path))
        return
    found = [one for one in glob(str(path), recursive=True) if Path(one).is_file()]  # noqa: PTH207  # a Path's own takes no absolute pattern
    if not found:
        hint = f" (as a path, write ./{argument})" if named and Path(argument).exists() else ""
        raise InvalidInput(f"there is no file {given!r}{hint}")
    yield from (File(field, one) for one in sorted(found))


def _object(text: str, what: str) -> Mapping[str, Any]:
    inline = text.lstrip().startswith("{")
    content = text if inline else bytes_of(text)
    value = _json(content, what) if inline or text.endswith(".json") else _yaml(content, what)
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{what} is a {type(value).__name__}, not an object")
    return value


def _json(text: str | bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is not JSON: {error}") from None


def _yaml(text: str | bytes, what: str) -> Any:
    """Reads JSON as well, which is YAML, all but."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is neither JSON nor YAML: {error}") from None
