"""The import arrows of CONTRIBUTING.md, read from the syntax tree, sizes, and the public names."""

import ast
import inspect
import sys
import tokenize
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import transloadit_client

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "overrides" / "transloadit_client"
STANDIN = ROOT / "standin" / "transloadit_standin"
GENERATED = ROOT / "generated" / "transloadit_api"

# The whole rule: an arrow points to a lower layer, or to a neighbour in the same one, never in a
# circle. Jobs and HTTP do not know each other. A room is a folder of the package, or a file in it.
LAYERS = {
    "words": {"_version", "_errors", "_status", "_progress", "_locks"},
    "rules": {"_signing", "_calls", "_retry", "_flow", "smart_cdn", "pingback"},
    "jobs": {"_uploads", "_waiting", "_results", "_runs"},
    "http": {"_http"},
    "clients": {"_client"},
    "faces": {"__init__", "__main__", "cli"},
}
BELOW = {
    "words": {"words"},
    "rules": {"words", "rules"},
    "jobs": {"words", "rules", "jobs"},
    "http": {"words", "rules", "http"},
    "clients": {"words", "rules", "jobs", "http", "clients"},
    "faces": set(LAYERS),
}
LAYER_OF = {room: layer for layer, rooms in LAYERS.items() for room in rooms}
MODULES = sorted(CLIENT.rglob("*.py"))
WRITTEN = [path for path in MODULES if path.parent.name != "blocking"]  # a script writes those
# Who may know the generated package, httpx, and the form parser: all are kept few on purpose.
KNOW = {
    "httpx": {"_http", "_client"},
    "httpcore": {"_http"},
    "certifi": {"_http"},
    "httpx_sse": {"_http"},
    "aiohttp": {"_http"},
    "yarl": {"_http"},  # aiohttp's URLs
    "python_multipart": {"pingback"},
    "pydantic_core": {"_status"},  # where pydantic asks for it
    "transloadit_api": {
        "_status",
        "_calls",
        "_client",
        "_runs",
        "_uploads",
    },
    "anyio": {"_http", "_client"},
    "sniffio": {"_http"},
    "attrs": set(LAYER_OF),
}


# What may be larger than 400 lines, and why.
LARGE = {
    "_client/async_transloadit.py": 640,  # the class that people call: mostly docstrings
    "_client/base.py": 425,  # what both clients share; the same
}
MOST_LINES = 400
MOST_ARROWS = 70
LEAST_COMMENTS = 0.04  # of all lines; half of them would tell a stranger too little

# The command line is a program like any user's: it stands on public names.
COMMAND_LINE = [CLIENT / "__main__.py", *sorted((CLIENT / "cli").glob("*.py"))]


def imports(path: Path) -> set[str]:
    """The modules a file imports, relative ones as ".name"."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found.update(f".{name}" for name in names)
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path) if not name.startswith(".")}


def room_of(path: Path) -> str:
    """The room a module stands in: `_http` for `_http/form.py`, `_errors` for `_errors.py`."""
    return path.relative_to(CLIENT).parts[0].removesuffix(".py")


def inside(path: Path) -> set[Path]:
    """The modules of the client that a module of the client imports."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1]
            base = base.joinpath(*(node.module or "").split(".")) if node.module else base
            for name in {alias.name for alias in node.names}:
                found.update(
                    one
                    for one in (base / f"{name}.py", base / name / "__init__.py")
                    if one.is_file()
                )
            found.update(
                one for one in (base.with_suffix(".py"), base / "__init__.py") if one.is_file()
            )
    # A package that only says what it is brings nothing along.
    return {one for one in found - {path} if one.stem != "__init__" or imports(one)}


def arrows() -> set[tuple[str, str]]:
    """From room to room."""
    pairs = {(room_of(path), room_of(other)) for path in MODULES for other in inside(path)}
    return {(here, there) for here, there in pairs if here != there}


def test_every_room_of_the_client_has_its_layer() -> None:
    assert {room_of(path) for path in MODULES} == set(LAYER_OF)


def test_arrows_between_rooms_point_down() -> None:
    wrong = {
        (here, there)
        for here, there in arrows()
        if LAYER_OF[there] not in BELOW[LAYER_OF[here]] and there != "__init__"
    }

    assert wrong == set()


def test_the_package_can_be_taken_in_at_a_glance() -> None:
    inside_it = [one for one in CLIENT.iterdir() if one.name != "__pycache__"]
    files = sorted(one.name for one in inside_it if one.is_file())
    folders = sorted(one.name for one in inside_it if one.is_dir())
    drawn = sorted(f"{here} -> {there}" for here, there in arrows())

    assert len(files) <= 12, files
    assert len(folders) <= 12, folders
    assert len(drawn) <= MOST_ARROWS, f"{len(drawn)} arrows between rooms: {drawn}"


def test_modules_can_be_read_in_one_sitting() -> None:
    lines = {
        path.relative_to(CLIENT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in WRITTEN
    }

    assert {name: n for name, n in lines.items() if n > LARGE.get(name, MOST_LINES)} == {}
    assert {name for name in LARGE if lines[name] <= MOST_LINES} == set()  # no longer needed


def test_comments_say_why() -> None:
    """Models of ours have one line of them in fifteen to twenty; here it is one in twenty-five."""
    lines, comments = 0, {}
    for path in WRITTEN:
        with path.open("rb") as file:
            tokens = [one.type for one in tokenize.tokenize(file.readline)]
        lines += len(path.read_text(encoding="utf-8").splitlines())
        comments[path.relative_to(CLIENT).as_posix()] = tokens.count(tokenize.COMMENT)
    share = sum(comments.values()) / lines

    assert share >= LEAST_COMMENTS, f"{share:.2%} of {lines} lines: {comments}"


def public_methods(client: type) -> list[str]:
    """Those that are written here; the generated client has none that people need to look up."""
    return [
        name
        for name, one in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_") and one.__module__.startswith("transloadit_client")
    ]


@pytest.mark.parametrize(
    "client", [transloadit_client.Transloadit, transloadit_client.AsyncTransloadit]
)
def test_every_public_method_shows_how_it_is_called(client: type) -> None:
    missing = [
        name
        for name in public_methods(client)
        if f"{name}(" not in (inspect.getdoc(getattr(client, name)) or "").partition("Example:")[2]
    ]

    assert len(public_methods(client)) > 15
    assert missing == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for here, there in arrows():
        graph.setdefault(here, set()).add(there)

    TopologicalSorter(graph).prepare()  # raises a CycleError


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter({path: inside(path) for path in MODULES}).prepare()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CLIENT)))
def test_few_rooms_know_the_generated_package_or_httpx(path: Path) -> None:
    room, known = room_of(path), packages(path)

    assert LAYER_OF[room] == "faces" or "transloadit_standin" not in known
    if LAYER_OF[room] != "faces":
        assert known <= sys.stdlib_module_names | set(KNOW)
        assert not {name for name in known if name in KNOW and room not in KNOW[name]}


@pytest.mark.parametrize("path", sorted(STANDIN.rglob("*.py")), ids=lambda path: path.stem)
def test_the_standin_imports_neither_package(path: Path) -> None:
    """It derives the signature itself, so that we cannot be wrong twice the same way."""
    assert not packages(path) & {"transloadit_api", "transloadit_client"}


@pytest.mark.parametrize("path", sorted(GENERATED.rglob("*.py")), ids=lambda path: path.stem)
def test_the_generated_package_knows_nothing_of_us(path: Path) -> None:
    assert packages(path) <= sys.stdlib_module_names | {"attrs", "httpx"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").rglob("*.py")), ids=lambda path: path.stem
)
def test_examples_use_public_names_only(path: Path) -> None:
    names = {part for name in imports(path) for part in name.split(".")}

    assert not {name for name in names if name.startswith("_") and name != "__future__"}


@pytest.mark.parametrize("path", COMMAND_LINE, ids=lambda path: path.stem)
def test_the_command_line_uses_public_names_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            if node.module == "transloadit_client":
                assert {alias.name for alias in node.names} <= set(transloadit_client.__all__)
            assert node.module != "transloadit_client.cli"
            assert not str(node.module).startswith(("transloadit_client._", "transloadit_api"))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1  # a neighbour

    ours = {"attrs", "click", "httpx", "python_multipart", "rich", "yaml"}
    own = {"transloadit_client", "transloadit_standin"}
    assert packages(path) <= sys.stdlib_module_names | ours | own


def test_every_public_name_is_there_and_nothing_else() -> None:
    for name in transloadit_client.__all__:
        assert getattr(transloadit_client, name) is not None
    assert set(transloadit_client.__all__) <= set(dir(transloadit_client))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = transloadit_client.no_such_name  # type: ignore[attr-defined]  # mypy notices as well
