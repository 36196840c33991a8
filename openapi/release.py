"""What people get of this folder with a release: `python openapi/release.py FOLDER`."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from collection import collection
from overlay import overlaid
from page import page
from resolve import resolved, schema_alone
from twin import twin

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TWIN_HEAD = "# Derived from transloadit-3.0.3.yaml, which is the one to change.\n"
SCHEMAS = (
    "CreateAssemblyParams", "ReplayAssemblyParams", "ReplayAssemblyNotificationParams",
    "AssemblyStatus",
)  # fmt: skip
"""What stands in JSON texts, where no tool of OpenAPI looks."""


def release(target: Path) -> None:
    """Write the document and all that is derived of it; each is validated before it is written.

    `README.md` beside this file names them, with who needs which.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(HERE / "vectors", target / "vectors")
    document = _read("transloadit.yaml")
    newer = json.loads(json.dumps(twin(document)))  # no two places share a value: no aliases
    derived = {
        "transloadit-3.0.3": document,
        "transloadit-3.1": newer,
        "transloadit-resolved": resolved(document),
        "transloadit-urlencoded": overlaid(document, _read("overlays/urlencoded.yaml")),
        "transloadit-gateway": overlaid(document, _read("overlays/gateway.yaml")),
        "transloadit-unsigned-3.1": overlaid(newer, _read("overlays/unsigned.yaml")),
    }
    for name, value in derived.items():
        validate(value)
        _json(target / f"{name}.json", value)
    shutil.copy(HERE / "transloadit.yaml", target / "transloadit-3.0.3.yaml")
    text = yaml.safe_dump(newer, sort_keys=False, allow_unicode=True, width=100)
    (target / "transloadit-3.1.yaml").write_text(TWIN_HEAD + text, encoding="utf-8")
    for name in SCHEMAS:
        schema = schema_alone(newer, name)
        Draft202012Validator.check_schema(schema)
        _json(target / "schemas" / f"{name}.json", schema)
    shutil.copy(HERE / "transloadit.arazzo.yaml", target)
    _json(target / "transloadit.postman_collection.json", collection(document))
    guide = (HERE / "guide.md").read_text(encoding="utf-8")
    (target / "index.html").write_text(page(document, guide), encoding="utf-8")


def checksums(folder: Path) -> str:
    """A line for each file, as `sha256sum --check` reads it."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in _files(folder)
    )


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "SHA256SUMS":
            yield path


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    dist = Path(sys.argv[1])
    release(dist / "openapi")
    (dist / "SHA256SUMS").write_text(checksums(dist), encoding="utf-8")
