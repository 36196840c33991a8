"""Reads arguments: files, patterns, folders, variables and Steps."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from glob import glob
from pathlib import Path
from typing import IO, Any, TypeAlias

import yaml
from attrs import define, frozen

from transloadit_client import InvalidInput

Content: TypeAlias = Path | tuple[str, IO[bytes]]

_SETTLED = 2_000_000_000  # nanoseconds after which a watched file counts as written
_KINDS: dict[type, str] = {list: "list", str: "text", bool: "boolean"}
_FIELD = re.compile(r"(?P<field>[\w.:-]+)=(?P<path>.+)", re.DOTALL)


@frozen
class File:
    """A file to send: its form field, and its path; `-` is the standard input."""

    field: str
    path: str

    @property
    def size(self) -> int | None:
        """Bytes; None if unknown, as with a pipe."""
        path = Path(self.path)
        return path.stat().st_size if self.path != "-" and path.is_file() else None

    def content(self, stdin_name: str) -> Content:
        return (stdin_name, _stdin()) if self.path == "-" else Path(self.path)


@frozen
class Input:
    """A file to process.

    Attributes:
        field: its form field.
        path: where it is.
        name: its path below the folder that was named; its results go into a folder of that name.
        size: its bytes.
        changed: its modification time, in nanoseconds.
    """

    field: str
    path: Path
    name: Path
    size: int
    changed: int

    @property
    def key(self) -> str:
        """Its name in the journal. A file that was changed is another input."""
        return f"{self.path.absolute()}#{self.size}-{self.changed}"

    @property
    def settled(self) -> bool:
        """Whether its last change is old enough to assume that it has been written completely."""
        return abs(time.time_ns() - self.changed) > _SETTLED


@define
class Search:
    """Finds the files that the arguments name, and those whose results are missing or older.

    Attributes:
        arguments: files, folders and patterns; each may begin with `FIELD=`.
        out: the folder of the results; None if none are saved.
        none_is_fine: whether an argument may name no file: with --watch it may come later.
        up_to_date: how many files the last look passed over.
    """

    arguments: Sequence[str]
    out: Path | None
    none_is_fine: bool = False
    up_to_date: int = 0

    def stale(self) -> list[Input]:
        """The files to process.

        Raises:
            InvalidInput: an argument names nothing, or the results of two files collide.
        """
        inputs = self.all()
        self._refuse_collisions(inputs)
        stale = [one for one in inputs if not self._is_up_to_date(one)]
        self.up_to_date = len(inputs) - len(stale)
        return stale

    def all(self) -> list[Input]:
        """All files that the arguments name, each once."""
        found: dict[Path, Input] = {}
        for argument in self.arguments:
            form_field, given = field_and_path(argument)
            for path, name in self._files(Path(given).expanduser(), argument):
                with suppress(FileNotFoundError):  # deleted since it was listed
                    stat = path.stat()
                    one = Input(form_field, path, name, stat.st_size, stat.st_mtime_ns)
                    found.setdefault(path.absolute(), one)
        return list(found.values())

    def _files(self, given: Path, argument: str) -> Iterator[tuple[Path, Path]]:
        """Paths, and the names of their results."""
        if given.is_dir():
            yield from ((path, path.relative_to(given)) for path in self._walk(given))
        elif given.exists():
            yield given, _name(given)
        else:
            # With --delete-source or --watch there may be nothing left, or nothing yet.
            with suppress(InvalidInput) if self.none_is_fine else nullcontext():
                found = matches(str(given), argument)
                yield from ((path, _name(path)) for path in found if not self._is_result(path))

    def _walk(self, folder: Path) -> Iterator[Path]:
        """The files below a folder. As with patterns, hidden ones do not count."""
        for at, folders, files in os.walk(folder):  # Python 3.11 has no Path.walk
            root = Path(at)
            folders[:] = sorted(
                name for name in folders if name[0] != "." and not self._is_out(root / name)
            )
            yield from (root / name for name in sorted(files) if name[0] != ".")

    def _is_out(self, folder: Path) -> bool:
        return self.out is not None and folder.absolute() == self.out.absolute()

    def _is_result(self, path: Path) -> bool:
        """Whether a pattern such as `**/*.jpg` matched a result of an earlier run."""
        return any(self._is_out(parent) for parent in path.parents if parent != Path())

    def _is_up_to_date(self, one: Input) -> bool:
        """Whether the folder of its results bears its time, or a later one, as `make` compares."""
        if self.out is None:
            return False
        place = self.out / one.name
        return place.is_dir() and place.stat().st_mtime_ns >= one.changed

    def _refuse_collisions(self, inputs: Sequence[Input]) -> None:
        if self.out is None:
            return
        taken: dict[Path, Input] = {}
        for one in inputs:
            if (self.out / one.name).is_file():
                raise InvalidInput(
                    f"the results of {str(one.path)!r} go into {str(self.out / one.name)!r}, which"
                    " is a file: choose another folder for the results"
                )
            other = taken.setdefault(one.name, one)
            if other is not one:
                raise InvalidInput(
                    f"the results of {str(other.path)!r} and {str(one.path)!r} would go into the"
                    " same folder: name the folder that holds both instead"
                )


def files_of(arguments: Sequence[str]) -> list[File]:
    """The files that arguments such as `a.jpg`, `photo=b.jpg`, `*.png` and `-` stand for.

    Raises:
        InvalidInput: there is no such file, it is a folder, or a pattern matches nothing.
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
    """The values of `NAME=TEXT` and `NAME:=JSON`, a notation known from HTTPie.

    Raises:
        InvalidInput: an argument is neither, or a name is given twice.
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
    """Steps from JSON text that begins with `{`, or from a JSON or YAML file; `-` reads stdin.

    The content of a Template, which has `steps` inside, is accepted too.

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


def check_steps(wanted: Sequence[str], there: set[str]) -> None:
    """Refuses names of Steps that do not exist, which would select nothing without a word.

    Raises:
        InvalidInput: one does not exist; it names those that do.
    """
    for name in wanted:
        if name not in there:
            known = ", ".join(sorted(there)) or "none"
            raise InvalidInput(f"--step {name}: there is no such Step; there are: {known}")


def check_new(
    given: Mapping[str, Any], wanted_steps: Sequence[str] = (), *, resume: bool = False
) -> None:
    """Checks the keywords of a new Assembly before its id is printed and its files are read.

    Raises:
        InvalidInput: the client or the API would refuse them, or there is no such Step.
    """
    if not re.fullmatch("[0-9a-f]{32}", given.get("assembly_id", "0" * 32)):
        raise InvalidInput(f"--assembly-id takes 32 hex digits, not {given['assembly_id']!r}")
    steps: Mapping[str, Any] | None = given.get("steps")
    if "template_id" in given or (steps is None and resume):  # which know of Steps
        return
    if not steps:
        raise InvalidInput("say what to do: --steps FILE, or --template ID")
    for name, step in steps.items():
        if not (isinstance(step, Mapping) and step.get("robot")):
            raise InvalidInput(f"--steps: {name!r} names no Robot, such as robot: /image/resize")
    # A Template would have further Steps.
    check_steps(wanted_steps, {":original", *map(str, steps)})


def params_of(text: str) -> Mapping[str, Any]:
    """`params` to sign, from the same places as Steps."""
    return _object(text, "PARAMS")


def bytes_of(path: str) -> bytes:
    """All of a file, or of the standard input for `-`.

    Raises:
        InvalidInput: it cannot be read.
    """
    if path == "-":
        return _stdin().read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path!r}: {error.strerror}") from None


def field_and_path(argument: str) -> tuple[str, str]:
    """The two parts of `FIELD=FILE`; the field is `files` where none is named."""
    named = _FIELD.fullmatch(argument)
    return (named["field"], named["path"]) if named else ("files", argument)


def matches(pattern: str, argument: str) -> list[Path]:
    """The files that a pattern matches, sorted.

    Raises:
        InvalidInput: there are none; `argument` is what was typed.
    """
    found = [path for path in map(Path, glob(pattern, recursive=True)) if path.is_file()]  # noqa: PTH207  # a Path's own takes no absolute pattern
    if not found:
        named = field_and_path(argument)[1] != argument
        hint = f" (as a path, write ./{argument})" if named and Path(argument).exists() else ""
        raise InvalidInput(f"there is no file {field_and_path(argument)[1]!r}{hint}")
    return sorted(found)


def _stdin() -> IO[bytes]:
    if sys.stdin is None:  # `<&-`
        raise InvalidInput("the standard input (-) is closed")
    return sys.stdin.buffer


def _files(argument: str) -> Iterator[File]:
    field, given = field_and_path(argument)
    if given == "-":
        yield File(field, given)
        return
    path = Path(given).expanduser()  # no shell expands the tilde of `photo=~/a.jpg`
    if path.is_dir():
        raise InvalidInput(f"{given!r} is a folder; name its files, as in {given}/*")
    if path.exists():  # a name that looks like a pattern may be a file's
        yield File(field, str(path))
    else:
        yield from (File(field, str(one)) for one in matches(str(path), argument))


def _object(text: str, what: str) -> Mapping[str, Any]:
    inline = text.lstrip().startswith(("{", "["))  # no list is taken, but one may be typed
    content = text if inline else bytes_of(text)
    value = _json(content, what) if inline or text.endswith(".json") else _yaml(content, what)
    if not isinstance(value, Mapping):
        found = "nothing" if value is None else f"a {_KINDS.get(type(value), 'number')}"
        raise InvalidInput(f"{what} holds {found}, not a JSON object")
    return value


def _json(text: str | bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is not JSON: {error}") from None


def _yaml(text: str | bytes, what: str) -> Any:
    """Reads JSON as well: nearly all JSON is YAML."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # The parser's message has several lines, and quotes the text.
        said = " ".join(str(error).split())
        raise InvalidInput(f"{what} is neither JSON nor YAML: {said}") from None


def _name(path: Path) -> Path:
    """The name of the results of a file that was named: its path if it is below this folder."""
    return Path(path.name) if path.is_absolute() or ".." in path.parts else path
