"""The stand-in's rooms and the arrows between them, read from the syntax tree."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "standin" / "transloadit_standin"
MODULES = sorted(ROOT.rglob("*.py"))

# A room is a folder, or a file at the root; its row says which others it may import. Imports for
# type checkers count as well: whoever reads a room has to read those too.
ROOMS: dict[str, set[str]] = {
    "_codes": set(),
    "_storage": set(),
    "_ledger": {"_storage"},
    "_network": {"_ledger"},
    "_faults": {"_codes", "_ledger", "_network"},
    "_service": {"_codes", "_storage", "_ledger", "_network", "_faults"},
    "_page": set(),
    "_api": {"_page", "_codes", "_storage", "_ledger", "_network", "_faults", "_service"},
    "_account": {"_ledger", "_faults", "_service"},
    "_standin": {"_account", "_ledger", "_network", "_service", "_api"},
    "pytest_plugin": {"__init__", "_options", "_service"},
    "_options": {"_faults", "_service"},
    "__main__": {"__init__", "_options"},
    "__init__": {"_codes", "_storage", "_ledger", "_faults", "_service", "_standin"},
}
# Who may know a library that the extra brings.
KNOW = {
    "starlette": {"_api", "_faults", "_ledger", "_network"},
    "uvicorn": {"_network"},
    "httpx": {"_service"},
    "yaml": {"_api"},
    "PIL": {"_service"},
    "python_multipart": {"_api"},
    "pytest": {"pytest_plugin"},
}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def ours(path: Path) -> set[Path]:
    """The modules of the stand-in that one of them imports, for type checkers too."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[tuple[Path, str]] = []
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            names = [(base, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            parts = [alias.name.split(".") for alias in node.names]
            names = [(ROOT, "") for first, *_ in parts if first == ROOT.name]
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(ROOT.name):
            base = ROOT.joinpath(*str(node.module).split(".")[1:])
            names = [(base, alias.name) for alias in node.names]
        for base, name in names:
            places = (base / f"{name}.py", base.with_suffix(".py"), base / "__init__.py")
            found.update([place for place in places if place.is_file()][:1])
    return found - {path}


def packages(path: Path) -> set[str]:
    """The packages that a module imports by their whole name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
    return found


def test_every_room_has_its_row() -> None:
    assert {room_of(path) for path in MODULES} == set(ROOMS)


def test_the_root_holds_at_most_ten_files() -> None:
    assert len([path for path in ROOT.iterdir() if path.is_file()]) <= 10


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_the_rooms_of_its_row(room: str) -> None:
    arrows = {
        room_of(other) for path in MODULES if room_of(path) == room for other in ours(path)
    } - {room}

    assert arrows <= ROOMS[room]


def test_no_rooms_import_each_other_in_a_circle() -> None:
    # The public names are read lazily, so `__init__` is above all rooms and below none.
    TopologicalSorter(
        {room: below - {"__init__"} for room, below in ROOMS.items()}
    ).prepare()  # raises a CycleError


def test_no_modules_import_each_other_in_a_circle() -> None:
    inner = {path: ours(path) for path in MODULES if path.stem not in ("__init__", "__main__")}
    TopologicalSorter(inner).prepare()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_imports_neither_of_our_packages_and_few_libraries(path: Path) -> None:
    """It derives the signature itself, so that we cannot be wrong twice the same way."""
    known = packages(path) - sys.stdlib_module_names - {ROOT.name}

    assert known <= set(KNOW)
    assert not {name for name in known if room_of(path) not in KNOW[name]}
