"""The bill of materials of a release, in CycloneDX 1.6: `python requirements/bom.py LOCK WHEEL`.

It lists the packages that the wheel needs, without its extras, in the versions that were tested.
Like the locks it names no registry: a package URL (`pkg:pypi/…`) is a name and no address.
"""

import hashlib
import json
import re
import sys
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

_PINNED = re.compile(r"^([a-z0-9._-]+)==([^ \\;]+)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def bill(lock: str, wheel: Path) -> dict[str, Any]:
    """The wheel as a component, and each package of the lock as another."""
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    product = {
        **_component(metadata["Name"], metadata["Version"]),
        "description": metadata["Summary"],
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}],
        "licenses": [{"license": {"id": metadata["License-Expression"]}}],
    }
    parts = {name: _component(name, version) for name, version in _PINNED.findall(lock)}
    needed = sorted(
        parts[found[0].lower()]["bom-ref"]
        for text in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in text and (found := _NAME.match(text))
    )
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": product},
        "components": list(parts.values()),
        "dependencies": [{"ref": product["bom-ref"], "dependsOn": needed}],
    }


def _component(name: str, version: str) -> dict[str, Any]:
    reference = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "purl": reference,
    }


if __name__ == "__main__":
    lock, wheel = (Path(argument) for argument in sys.argv[1:])
    sys.stdout.write(json.dumps(bill(lock.read_text(encoding="utf-8"), wheel), indent=2) + "\n")
