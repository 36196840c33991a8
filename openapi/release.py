"""What people get of this folder with a release: `python openapi/release.py FOLDER`."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from collection import collection
from twin import twin

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TWIN_HEAD = "# Derived from transloadit-3.0.3.yaml, which is the one to change.\n"


def release(target: Path) -> None:
    """Write the document and its twin in YAML and JSON, the vectors and the collection."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(HERE / "vectors", target / "vectors")
    document = yaml.safe_load((HERE / "transloadit.yaml").read_text(encoding="utf-8"))
    shutil.copy(HERE / "transloadit.yaml", target / "transloadit-3.0.3.yaml")
    _json(target / "transloadit-3.0.3.json", document)
    derived = json.loads(json.dumps(twin(document)))  # no two places share a value: no aliases
    text = yaml.safe_dump(derived, sort_keys=False, allow_unicode=True, width=100)
    (target / "transloadit-3.1.yaml").write_text(TWIN_HEAD + text, encoding="utf-8")
    _json(target / "transloadit-3.1.json", derived)
    _json(target / "transloadit.postman_collection.json", collection(document))


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


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    dist = Path(sys.argv[1])
    release(dist / "openapi")
    (dist / "SHA256SUMS").write_text(checksums(dist), encoding="utf-8")
