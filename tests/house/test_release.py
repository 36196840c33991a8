"""What a package index and an auditor see of a release."""

import json
import re
import subprocess
import sys
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatch_build import long_description, urls

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://git.example.org/acme/transloadit-client"
README = """\
# Title

![A picture](docs/assets/a.svg)

A [page](docs/a.md#part), [another](https://example.org/) and [this one](#title).

```shell server
transloadit-client standin
```
"""


def test_links_of_the_long_description_lead_into_the_repository() -> None:
    text = long_description(README, REPOSITORY)

    assert f"]({REPOSITORY}/blob/main/docs/a.md#part)" in text
    assert f"![A picture]({REPOSITORY}/raw/main/docs/assets/a.svg)" in text
    assert "(https://example.org/)" in text
    assert "(#title)" in text
    assert "```shell\n" in text


def test_without_a_repository_nothing_leads_to_nowhere() -> None:
    text = long_description(README, "")

    assert "A page, [another](https://example.org/) and [this one](#title)." in text
    assert "![" not in text
    assert set(urls("")) == {"Transloadit's API"}


@pytest.mark.parametrize("repository", ["", REPOSITORY])
def test_no_link_of_the_real_long_description_is_relative(repository: str) -> None:
    text = long_description((ROOT / "README.md").read_text(encoding="utf-8"), repository)

    assert not re.findall(r"\]\((?!https?:|#)[^)]+\)", text)


def test_a_wheel_names_its_repository_and_a_bill_of_its_materials(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run(
        [*build, tmp_path],
        cwd=ROOT,
        env={"REPOSITORY": REPOSITORY},
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())

    addresses = dict(entry.split(", ", 1) for entry in metadata.get_all("Project-URL", []))
    assert addresses["Source"] == REPOSITORY
    assert {"Changelog", "Documentation", "Issues", "Security"} < addresses.keys()
    pythons = {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)}
    assert pythons < {*metadata.get_all("Classifier", [])}

    written = subprocess.run(
        [sys.executable, "requirements/bom.py", "requirements/runtime.txt", wheel],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    bill = json.loads(written.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    product = bill["metadata"]["component"]
    assert product["purl"] == f"pkg:pypi/transloadit-client@{metadata['Version']}"
    parts = {component["bom-ref"] for component in bill["components"]}
    (edges,) = bill["dependencies"]
    assert {*edges["dependsOn"]} <= parts
    assert any(part.startswith("pkg:pypi/httpx@") for part in edges["dependsOn"])
