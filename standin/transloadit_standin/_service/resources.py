"""Files of `openapi/` that the stand-in reads: the spec, and the names of Robots."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def shipped(name: str) -> bytes:
    """The bytes of a file that an installed package holds, also in a zipapp.

    In a checkout it is in `openapi/`.
    """
    package = files(__name__.partition(".")[0])
    installed = package / name
    if installed.is_file():
        return installed.read_bytes()
    return (Path(str(package)).parents[1] / "openapi" / name).read_bytes()
