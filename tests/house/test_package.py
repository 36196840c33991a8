"""The distribution: built, installed alone into an empty environment, used from outside."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from transloadit_standin import StandIn

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
from transloadit_client import Transloadit, __version__
import transloadit_client, transloadit_api

with Transloadit() as client:
    assembly = client.create_assembly(template_id="tpl", files=[("a.txt", b"hello")])
    print(json.dumps([__version__, transloadit_client.__file__, client.get_assembly(assembly).ok]))
"""


@pytest.fixture(scope="session")
def alone() -> Path:
    """The Python of an environment that holds the wheel and its dependencies, and nothing else."""
    subprocess.run(["make", "--silent", "alone"], cwd=ROOT, check=True)
    return ROOT / "build" / "alone" / "bin" / "python"


def test_the_wheel_works_alone_from_outside_the_checkout(alone: Path, tmp_path: Path) -> None:
    with StandIn() as api:
        api.add_template("tpl", steps={"a": {"robot": "/upload/handle"}})
        done = subprocess.run(
            [alone, "-I", "-c", SCRIPT],
            cwd=tmp_path, env=api.environ, capture_output=True, text=True, check=True,
        )  # fmt: skip

    version, place, ok = json.loads(done.stdout)
    assert version == "0.1.0"
    assert str(ROOT / "build" / "alone") in place
    assert ok.startswith("ASSEMBLY_")


def test_without_its_extra_the_standin_says_what_to_install(alone: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [alone, "-I", "-m", "transloadit_standin"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "transloadit-client[standin]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "start", [["python", "-I", "-m", "transloadit_client"], ["transloadit-client"]]
)
def test_without_its_extra_the_command_line_says_what_to_install(
    alone: Path, tmp_path: Path, start: list[str]
) -> None:
    program, *arguments = start
    done = subprocess.run(
        [alone.with_name(program), *arguments, "--help"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "transloadit-client[cli]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_wheel_holds_the_three_packages_and_what_they_need(alone: Path) -> None:
    (wheel,) = (ROOT / "dist").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    for package in ("transloadit_api", "transloadit_client", "transloadit_standin"):
        assert f"{package}/py.typed" in names
    assert "transloadit_standin/transloadit.yaml" in names
    assert "transloadit_standin/vectors/codes.json" in names
    assert "transloadit_standin/robots.json" in names
    assert "transloadit_standin/_api/admin.yaml" in names
    assert {
        f"transloadit_standin/_page/{name}" for name in ("index.html", "page.js", "page.css")
    } <= names
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"transloadit_api", "transloadit_client", "transloadit_standin"}
