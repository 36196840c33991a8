"""pytest fixtures, there wherever the package is installed; it imports nothing heavy until then.

`transloadit_standin` is one stand-in for the whole session. Its Templates come from the ini option
`transloadit_templates` and, for one test, from the mark `transloadit_template`. Faults that a test
left behind are cleared, so that they befall no other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transloadit_standin import StandIn, Template

INI = "transloadit_templates"
MARK = "transloadit_template"

_RUNNING = pytest.StashKey["StandIn"]()
_ITEM = pytest.StashKey[pytest.Item]()
_REPLACED = pytest.StashKey["dict[str, Template | None]"]()
"""The Templates that the marks of a test took the place of."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option."""
    parser.addini(
        INI,
        "Templates of the fixture transloadit_standin: lines of NAME=FILE.json, or folders of them",
        type="linelist",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(name, content): a Template that transloadit_standin has in this test, by its JSON",
    )


@pytest.fixture(name="transloadit_standin", scope="session")
def transloadit_standin_fixture(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """One stand-in for all tests; see `transloadit_standin.StandIn`."""
    try:
        from transloadit_standin import StandIn  # noqa: PLC0415 - heavy, and may be missing

        with StandIn() as api:
            _seed(api, request.config)
            _mark(api, request.config.stash[_ITEM])
            request.config.stash[_RUNNING] = api
            yield api
            del request.config.stash[_RUNNING]
    except ModuleNotFoundError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def transloadit_standin_env(transloadit_standin: StandIn) -> Iterator[StandIn]:
    """The same, and `Transloadit()` meets it: the environment names it and nothing else."""
    before = {
        name: os.environ.pop(name) for name in list(os.environ) if name.startswith("TRANSLOADIT_")
    }
    os.environ.update(transloadit_standin.environ)
    try:
        yield transloadit_standin
    finally:
        for name in transloadit_standin.environ:
            del os.environ[name]
        os.environ.update(before)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have the Templates of a test's marks, before any fixture of its needs them."""
    item.config.stash[_ITEM] = item
    if api := item.config.stash.get(_RUNNING, None):
        _mark(api, item)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Leave neither such Templates nor faults behind."""
    if api := item.config.stash.get(_RUNNING, None):
        for name, template in item.stash.get(_REPLACED, {}).items():
            api.templates.pop(name, None)
            if template is not None:
                api.templates[name] = template
        api.faults.clear()


def _mark(api: StandIn, item: pytest.Item) -> None:
    item.stash[_REPLACED] = replaced = {}
    for mark in item.iter_markers(MARK):  # the nearest mark first, and it wins
        template = _template(*mark.args, **mark.kwargs)
        if template.id not in replaced:
            replaced[template.id] = api.templates.get(template.id)
            api.templates[template.id] = template


def _seed(api: StandIn, config: pytest.Config) -> None:
    from transloadit_standin._options import templates_of  # noqa: PLC0415 - heavy as well

    folder = config.inipath.parent if config.inipath else config.rootpath
    try:
        for template in templates_of([line for line in config.getini(INI) if line.strip()], folder):
            api.templates[template.id] = template
    except ValueError as error:
        pytest.fail(f"{INI}: {error}", pytrace=False)


def _template(name: Any = None, content: Any = None) -> Template:
    from transloadit_standin._service.templates import read_template  # noqa: PLC0415 - likewise

    if not isinstance(name, str):
        pytest.fail(f"@pytest.mark.{MARK} takes a Template's name and its content", pytrace=False)
    try:
        return read_template(name, content)
    except ValueError as error:
        pytest.fail(f"@pytest.mark.{MARK}: {name}: {error}", pytrace=False)
