"""What the tests on the wire share: a server that keeps the bytes, and those who read them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from transloadit_client import AsyncTransloadit, Transloadit

from .parsers import Node, Parser, python_multipart, werkzeug
from .senders import CONTENT, SENDERS, Sender
from .tap import Tap

TESTS = Path(__file__).parent.parent


@pytest.fixture
def tap() -> Iterator[Tap]:
    with Tap() as tap:
        yield tap


@pytest.fixture(params=SENDERS)
def send(request: pytest.FixtureRequest) -> Sender:
    """Each of the four ways to create an Assembly."""
    return SENDERS[request.param]


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    program = shutil.which("node")
    if program is None or not (TESTS / "node" / "node_modules" / "formidable").is_dir():
        lacking = "node's form parsers are not here: install node, then run `make node`"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(lacking)
    with Node(program) as node:
        yield node


@pytest.fixture(params=["python-multipart", "werkzeug", "formidable", "busboy"])
def parse(request: pytest.FixtureRequest) -> Parser:
    """Each of the four form parsers; those of node skip where there is no node."""
    if request.param == "python-multipart":
        return python_multipart
    if request.param == "werkzeug":
        return werkzeug
    parser: Parser = getattr(request.getfixturevalue("node"), request.param)
    return parser


@pytest.fixture(params=[Transloadit, AsyncTransloadit])
def kind(request: pytest.FixtureRequest) -> type[Any]:
    """Each of our two clients."""
    kind: type[Any] = request.param
    return kind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that holds `CONTENT`."""
    path = tmp_path / "cat.jpg"
    path.write_bytes(CONTENT)
    return path
