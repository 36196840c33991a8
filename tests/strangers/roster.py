"""The strangers: what each is, the program that uses it, and what it does wrong."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BEHIND_THE_STANDIN = (sys.executable, "-m", "transloadit_standin", "--quiet", "--")


@dataclass(frozen=True)
class Stranger:
    """Software of others."""

    name: str
    """On the command line."""
    what: str
    package: str
    """As its registry calls it."""
    shelf: Path
    """The folder that it is installed in."""
    program: Path
    wrong: dict[str, str] = field(default_factory=dict)
    """Claims that fail by the stranger's own fault, each with the reason."""
    note: str = ""
    """What a reader of the table has to know."""

    def version(self) -> str | None:
        """The version that is installed, None if none is."""
        if self.shelf.name == "node_modules":
            try:
                text = (self.shelf / self.package / "package.json").read_text(encoding="utf-8")
            except FileNotFoundError:
                return None
            return str(json.loads(text)["version"])
        found = distributions(name=self.package, path=[str(self.shelf)])
        return next((one.version for one in found), None)

    def command(self, report: Path) -> list[str]:
        """Runs the program, which writes JUnit's XML to a file."""
        if self.program.suffix == ".py":
            pytest = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
            return [*pytest, f"--junitxml={report}", str(self.program)]
        node = ["node", "--test", "--test-reporter=junit", f"--test-reporter-destination={report}"]
        return [*BEHIND_THE_STANDIN, *node, str(self.program)]


def packages_of(environment: Path) -> Path:
    """The folder of Python's packages in an environment."""
    return next(environment.glob("lib/python3.*/site-packages"), environment)


PYTHON = packages_of(Path(sys.prefix))
CONSUMERS = packages_of(ROOT / "build" / "consumers")
NODE = HERE / "node" / "node_modules"
TOOLS = ROOT / "tests" / "node" / "node_modules"
EXAMPLE = ROOT / "examples" / "browser" / "node_modules"
SDK = HERE / "node" / "sdk.test.mjs"

STRANGERS = [
    Stranger(
        "uppy",
        "Uppy with its Transloadit plugin, in Chromium",
        "uppy",
        EXAMPLE,
        HERE / "uppy.py",
        note="It is used on the page of `examples/browser/`, with params that our client signed.",
    ),
    Stranger(
        "transloadit",
        "the vendor's Node SDK, as `transloadit`, with its command line",
        "transloadit",
        NODE,
        SDK,
        wrong={
            "leaves no promise behind that nobody handles": "An upload that is refused rejects "
            "further promises beside the one that the caller gets, so Node ends the program."
        },
    ),
    Stranger(
        "node",
        "the vendor's Node SDK, as `@transloadit/node`, with its command line",
        "@transloadit/node",
        NODE,
        SDK,
    ),
    Stranger(
        "tus-js-client",
        "resumable uploads in JavaScript",
        "tus-js-client",
        NODE,
        HERE / "node" / "tus.test.mjs",
        note="The stand-in takes no parts of a file at the same time (`parallelUploads`): it does "
        "not offer concatenation and refuses it with 400. What the service does is not known.",
    ),
    Stranger("tuspy", "resumable uploads in Python", "tuspy", PYTHON, HERE / "tuspy.py"),
    Stranger(
        "pytransloadit",
        "the vendor's Python SDK, blocking and asynchronous",
        "pytransloadit",
        PYTHON,
        HERE / "pytransloadit.py",
    ),
    Stranger(
        "prism",
        "a gateway between our client and the stand-in",
        "@stoplight/prism-cli",
        TOOLS,
        HERE / "prism.py",
    ),
    Stranger(
        "openapi-core",
        "a gateway that reads what our client sent and the stand-in answered",
        "openapi-core",
        CONSUMERS,
        HERE / "openapi_core.py",
    ),
]
