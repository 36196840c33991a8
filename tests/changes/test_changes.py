"""The report names what went, on both sides, and says so when nothing did."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.changes.__main__ import ROOT, SPEC, python_changes, report, spec_changes

NOW = (ROOT / SPEC).read_text(encoding="utf-8")

needs_go = pytest.mark.skipif(
    shutil.which("go") is None and os.environ.get("CI") != "true", reason="go not found"
)


@needs_go
def test_a_property_that_went_is_named() -> None:
    then = NOW.replace(
        "        assembly_ssl_url:\n          type", "        was_here:\n          type"
    )

    assert then != NOW
    assert "removed the optional property 'was_here'" in spec_changes(then)


@needs_go
def test_the_same_spec_has_no_changes() -> None:
    assert spec_changes(NOW) == "None."


def test_a_name_that_went_from_the_python_package_is_named(tmp_path: Path) -> None:
    def git(*command: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *command],
                       cwd=tmp_path, check=True, capture_output=True)  # fmt: skip

    package = tmp_path / "overrides" / "made_up"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "def went(a: int) -> None: ...\ndef stays() -> None: ...\n"
    )
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=first")

    assert python_changes("made_up", "HEAD", tmp_path) == "None."
    (package / "__init__.py").write_text("def stays() -> None: ...\n")
    assert "`went`: *Public object was removed*" in python_changes("made_up", "HEAD", tmp_path)


def test_a_base_without_a_spec_is_told() -> None:
    with pytest.raises(SystemExit, match="at no-such-ref"):
        report("no-such-ref")


def test_a_package_that_is_not_there_is_no_package_without_changes() -> None:
    with pytest.raises(ImportError):
        python_changes("no_such_package", "HEAD")
