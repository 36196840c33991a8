"""What the tests of the spec ask for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Find a program, or skip: a user's machine may lack it. With `CI=true` that is a failure."""

    def find(name: str) -> str:
        installed_here = ROOT / "tests" / "node" / "node_modules" / ".bin"
        path = shutil.which(name) or (
            shutil.which("node") and shutil.which(name, path=installed_here)
        )
        if path is not None:
            return path
        lacking = f"{name} not found: install node and java, then run `make node`"
        if os.environ.get("CI") == "true":
            pytest.fail(lacking)
        pytest.skip(lacking)

    return find


@pytest.fixture(scope="session")
def load() -> Callable[[Path], Any]:
    """Read a YAML file."""
    return lambda path: yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def spec(load: Callable[[Path], Any]) -> Any:
    """The OpenAPI document."""
    return load(ROOT / "openapi" / "transloadit.yaml")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefacts, as `make dist` writes them."""
    target = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, ROOT / "openapi" / "release.py", target], check=True)
    return target


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    members = value.items() if isinstance(value, dict) else []
    for key, member in members:
        yield key, member
        yield from walk(member)
    for member in value if isinstance(value, list) else []:
        yield from walk(member)


def schema_name(reference: str) -> str:
    return reference.removeprefix("#/components/schemas/")


@pytest.fixture(scope="session")
def params_schemas(spec: Any) -> set[str]:
    """The schemas of what `params` holds, as JSON text: only `x-content-schema` names them."""
    linked = {schema_name(v["$ref"]) for key, v in walk(spec) if key == "x-content-schema"}
    return linked - {"AssemblyStatus"}  # the text of a Notification, and the body of most answers


@pytest.fixture(scope="session")
def reach(spec: Any) -> Callable[[set[str]], set[str]]:
    """Follow references from some schemas to all that they are made of."""

    def follow(names: set[str]) -> set[str]:
        schemas = spec["components"]["schemas"]
        found = {schema_name(v) for n in names for key, v in walk(schemas[n]) if key == "$ref"}
        return names if found <= names else follow(names | found)

    return follow
