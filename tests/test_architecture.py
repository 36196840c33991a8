"""The import arrows of CONTRIBUTING.md, read from the syntax tree, and the public names."""

import ast
import sys
from pathlib import Path

import pytest

import transloadit_client

ROOT = Path(__file__).parent.parent
CLIENT = ROOT / "overrides" / "transloadit_client"
STANDIN = ROOT / "standin" / "transloadit_standin"
GENERATED = ROOT / "generated" / "transloadit_api"

# Which modules of the client a module may import: its own layer's neighbours never reach upwards.
LAYERS = {
    "_version": set(),
    "_errors": {"_progress", "_status"},  # for types alone
    "_signing": {"_errors"},
    "_hosts": {"_errors"},
    "_clock": set(),
    "_locks": set(),
    "_logs": set(),
    "_patience": {"_errors", "_locks"},
    "_retry": {"_errors", "_patience"},
    "_streams": set(),
    "_files": {"_errors", "_streams"},
    "_reading": set(),
    "_status": {"_reading"},
    "_progress": {"_status"},
    "_form": {"_logs"},
    "pingback": {"_errors", "_form", "_signing", "_status"},
    "smart_cdn": {"_errors", "_signing"},
    "_answers": {"_errors", "_status"},
    "_wire": {"_errors", "_files", "_streams"},
    "_senders": {"_logs"},
    "_connection": set(),
    "_lanes": {"_connection", "_logs", "_senders"},
    "_connections": {"_errors", "_lanes", "_locks", "_senders"},
    "_http": {"_connections", "_errors", "_logs", "_version", "_wire"},
    "_pairing": set(),
    "_operations": {
        "_answers", "_errors", "_files", "_hosts", "_retry", "_signing", "_status", "_streams",
    },
    "_attempts": {
        "_answers", "_clock", "_errors", "_http", "_operations", "_pairing", "_retry",
    },
    "_base": {
        "_clock", "_connections", "_errors", "_hosts", "_http", "_operations", "_pace", "_patience",
        "_retry", "_signing", "smart_cdn",
    },
    "_work": {"_errors", "_retry"},
    "_pace": {"_errors", "_patience", "_retry", "_status"},
    "_waiting": {
        "_errors", "_hosts", "_operations", "_pace", "_progress", "_retry", "_status", "_work",
    },
    "_events": {"_logs", "_waiting", "_work"},
    "_async_events": {"_events", "_logs", "_waiting", "_work"},
    "_side_by_side": {"_errors", "_work"},
    "_names": set(),
    "_part": {"_answers", "_errors", "_status"},
    "_results": {
        "_answers", "_errors", "_hosts", "_names", "_operations", "_part", "_progress", "_retry",
        "_status", "_work",
    },
    "_fetching": {"_errors", "_http", "_version", "_work"},
    "_calls": {
        "_attempts", "_base", "_errors", "_fetching", "_files", "_hosts", "_http", "_operations",
        "_patience", "_retry", "_side_by_side", "_signing", "_status", "_work",
    },
    "_async_calls": {
        "_attempts", "_base", "_errors", "_fetching", "_files", "_hosts", "_http", "_lanes",
        "_operations", "_patience", "_retry", "_side_by_side", "_signing", "_status", "_work",
    },
    "_sources": {"_errors", "_files", "_streams", "_work"},
    "_tus": {
        "_answers", "_errors", "_hosts", "_operations", "_retry", "_sources", "_streams", "_work",
    },
    "_resuming": {"_errors", "_sources", "_status"},
    "_uploads": {
        "_answers", "_errors", "_hosts", "_operations", "_progress", "_resuming", "_retry",
        "_sources", "_status", "_tus", "_work",
    },
    "_defaults": set(),
    "_transfers": {
        "_calls", "_defaults", "_events", "_files", "_operations", "_progress", "_results",
        "_sources", "_status", "_uploads", "_waiting",
    },
    "_async_transfers": {
        "_async_calls", "_async_events", "_defaults", "_files", "_operations", "_progress",
        "_results", "_side_by_side", "_sources", "_status", "_uploads", "_waiting", "_work",
    },
    "_running": {"_errors", "_files", "_progress", "_signing", "_sources", "_status"},
    "_journal": {"_errors", "_hosts"},
    "_tasks": {
        "_errors", "_files", "_hosts", "_journal", "_names", "_operations", "_progress",
        "_running", "_signing", "_status",
    },
    "_mapping": {"_errors", "_tasks"},
    "_workers": {"_mapping", "_tasks"},
    "_async_workers": {"_files", "_mapping", "_tasks"},
    "_client": {
        "_calls", "_defaults", "_errors", "_files", "_hosts", "_mapping", "_progress", "_running",
        "_sources", "_status", "_tasks", "_transfers", "_waiting", "_workers",
    },
    "_async_client": {
        "_async_calls", "_async_transfers", "_async_workers", "_defaults", "_errors", "_files",
        "_hosts", "_mapping", "_progress", "_running", "_side_by_side", "_sources", "_status",
        "_tasks", "_waiting", "_work",
    },
}  # fmt: skip
# Who may know the generated package, httpx, and the form parser: all are kept few on purpose.
KNOW_GENERATED = {
    "_reading", "_status", "_answers", "_operations", "_base", "_calls", "_async_calls", "_running",
    "_resuming",
}  # fmt: skip
KNOW_HTTPX = {
    "_wire", "_http", "_connections", "_logs", "_senders", "_lanes", "_connection", "_pairing",
    "_attempts", "_base", "_calls", "_async_calls", "_events", "_async_events", "_fetching",
}  # fmt: skip
KNOW_HTTPCORE = {"_pairing"}
KNOW_H11 = {"_connection"}
KNOW_FORMS = {"_form"}


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


@pytest.mark.parametrize("module", LAYERS)
def test_arrows_inside_the_client_point_down(module: str) -> None:
    inside = {name[1:] for name in imports(CLIENT / f"{module}.py") if name.startswith(".")}

    assert inside <= LAYERS[module]


def test_every_module_of_the_client_has_its_place() -> None:
    assert {path.stem for path in CLIENT.glob("*.py")} == {*LAYERS, "__init__", "__main__"}


@pytest.mark.parametrize("module", LAYERS)
def test_few_modules_know_the_generated_package_or_httpx(module: str) -> None:
    known = packages(CLIENT / f"{module}.py")

    assert "transloadit_standin" not in known
    assert module in KNOW_GENERATED or "transloadit_api" not in known
    assert module in KNOW_HTTPX or "httpx" not in known
    assert module in KNOW_HTTPCORE or "httpcore" not in known
    assert module in KNOW_H11 or "h11" not in known
    assert module in KNOW_FORMS or "python_multipart" not in known
    ours = {
        "anyio", "attrs", "h11", "httpcore", "httpx", "httpx_sse", "python_multipart", "sniffio",
        "transloadit_api",
    }  # fmt: skip
    assert known <= sys.stdlib_module_names | ours


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
