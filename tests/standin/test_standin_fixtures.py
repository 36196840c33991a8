"""The pytest fixtures, as users' own suites meet them."""

import json

import pytest

from transloadit_client import Transloadit
from transloadit_standin import StandIn

pytest_plugins = ["pytester"]

HASHED = {"steps": {"hashed": {"robot": "/file/hash", "use": ":original"}}}
NEEDED = "import pytest, os\nfrom transloadit_client import Transloadit\n"


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Pytester unloads modules that a run was the first to import: each would import them anew."""
    with StandIn() as api, Transloadit(api.key, api.secret, base_url=api.url) as client:
        client.create_assembly(steps=HASHED["steps"])


def ran(pytester: pytest.Pytester, test: str, **files: str) -> pytest.RunResult:
    """Run a test file in a folder of its own, with a pytest that finds the plugin by itself."""
    (pytester.path / "test_it.py").write_text(NEEDED + test, encoding="utf-8")
    for name, text in files.items():
        path = pytester.path / name.replace("__", ".")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
    return pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider")


def test_code_that_calls_transloadit_meets_the_stand_in(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an account of the developer's nor a token gets in the way, and both come back."""
    monkeypatch.setenv("TRANSLOADIT_AUTH_TOKEN", "a real one")
    test = """
def test_it(transloadit_standin_env):
    assert "TRANSLOADIT_AUTH_TOKEN" not in os.environ
    with Transloadit() as client:
        status = client.create_assembly(template_id="resize-to-fit")
    assert transloadit_standin_env.requests[-1].assembly_id == status.assembly_id
"""
    conftest = """
import os
def pytest_sessionfinish():
    assert os.environ["TRANSLOADIT_AUTH_TOKEN"] == "a real one"
    assert "TRANSLOADIT_KEY" not in os.environ
"""

    run = ran(pytester, test, conftest__py=conftest)
    assert run.ret == 0, run.stdout.str()


def test_one_stand_in_serves_the_whole_session(pytester: pytest.Pytester) -> None:
    test = """
URLS = set()

@pytest.mark.parametrize("turn", [1, 2])
def test_it(transloadit_standin, transloadit_standin_env, turn):
    URLS.add(transloadit_standin.url)
    assert transloadit_standin is transloadit_standin_env
    assert len(URLS) == 1
"""

    assert ran(pytester, test).ret == 0


def test_templates_come_from_a_mark_for_one_test_alone(pytester: pytest.Pytester) -> None:
    test = f"""
HASHED = {HASHED!r}
pytestmark = pytest.mark.transloadit_template("both", {{"steps": {{}}}})

@pytest.fixture
def created(transloadit_standin_env):
    with Transloadit() as client:
        return client.create_assembly(template_id="mine")

@pytest.mark.transloadit_template("mine", HASHED)
@pytest.mark.transloadit_template("resize-to-fit", HASHED)
@pytest.mark.transloadit_template("both", HASHED)
def test_first(created, transloadit_standin):
    assert transloadit_standin.templates["resize-to-fit"].steps == HASHED["steps"]
    assert transloadit_standin.templates["both"].steps == HASHED["steps"]

def test_second(transloadit_standin):
    assert "mine" not in transloadit_standin.templates
    assert "resized" in transloadit_standin.templates["resize-to-fit"].steps
    assert transloadit_standin.templates["both"].steps == {{}}
"""

    run = ran(pytester, test)
    assert run.ret == 0, run.stdout.str()


def test_templates_come_from_an_ini_option(pytester: pytest.Pytester) -> None:
    ini = "[pytest]\ntransloadit_templates =\n  kept = one.json\n  folder\n"
    test = """
def test_it(transloadit_standin):
    assert {"kept", "more"} <= transloadit_standin.templates.keys()
"""
    content = json.dumps(HASHED)

    files = {"pytest__ini": ini, "one__json": content, "folder/more__json": content}
    run = ran(pytester, test, **files)
    assert run.ret == 0, run.stdout.str()


@pytest.mark.parametrize(
    ("ini", "sentence"),
    [
        ("kept = nothing.json", "nothing.json"),
        ("kept = bad.json", "steps has to be an object"),
        ("empty", "no .json file in empty"),
        ("../x/.. = bad.json", "no name of a Template"),
    ],
)
def test_an_ini_option_that_makes_no_sense_is_an_error(
    pytester: pytest.Pytester, ini: str, sentence: str
) -> None:
    files = {"pytest__ini": f"[pytest]\ntransloadit_templates = {ini}\n", "bad__json": "{}"}

    run = ran(pytester, "def test_it(transloadit_standin): pass", **files)
    assert run.ret == 1
    assert sentence in run.stdout.str()


@pytest.mark.parametrize("arguments", ["", "7", "'name'", "'name', {'steps': []}"])
def test_a_mark_that_makes_no_sense_is_an_error(pytester: pytest.Pytester, arguments: str) -> None:
    test = f"""
@pytest.mark.transloadit_template({arguments})
def test_it(transloadit_standin): pass
"""

    run = ran(pytester, test)
    assert run.ret == 1
    assert "transloadit_template" in run.stdout.str()
    assert "INTERNALERROR" not in run.stdout.str()


def test_a_fault_that_was_left_behind_befalls_no_other_test(pytester: pytest.Pytester) -> None:
    test = """
def test_first(transloadit_standin):
    transloadit_standin.rate_limit_next(times=9)

def test_second(transloadit_standin):
    assert transloadit_standin.faults == []
"""

    assert ran(pytester, test).ret == 0
