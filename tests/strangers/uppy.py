"""Uppy, on the page of `examples/browser/`, whose backend signs with our client.

The page is used as people use it: files are chosen, buttons are pressed. What came of it is read
from the stand-in's admin API. All of it runs by the command of the example's README.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from tests.ports import free_port
from tests.standin.browser import Page, browsing

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "browser"


class Site(NamedTuple):
    """The example as it runs."""

    url: str
    service: str
    """The stand-in's base URL."""

    def asked(self, path: str) -> Any:
        """An answer of the stand-in's admin API."""
        return httpx.get(f"{self.service}/_standin/{path}", trust_env=False).json()

    def fault(self, **fault: Any) -> None:
        """Ask the stand-in for a fault."""
        answer = httpx.post(f"{self.service}/_standin/faults", json=fault, trust_env=False)
        assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    port = str(free_port())
    command = [sys.executable, "-m", "transloadit_standin", "--quiet", "--"]
    both = subprocess.Popen(
        [*command, sys.executable, "backend.py"],
        cwd=EXAMPLE,
        env={**os.environ, "PORT": port},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    transport = httpx.HTTPTransport(retries=8)  # until it listens
    try:
        with httpx.Client(transport=transport) as http:
            yield Site(url, http.get(f"{url}/service").json())
    finally:
        both.terminate()
        both.wait(20)


@pytest.fixture
def site(running: Site) -> Site:
    httpx.post(f"{running.service}/_standin/reset", trust_env=False)
    return running


def choose(page: Page, selector: str, *files: Path) -> None:
    """Choose files, as a person does in the dialog of a file input."""
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    found = page.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=found, files=[str(file) for file in files])


def press(page: Page, label: str) -> None:
    """Press the button with a label."""
    found = (
        "[...document.querySelectorAll('button')].find((one) => "
        f"`${{one.innerText}} ${{one.ariaLabel}}`.includes({label!r}))"
    )
    page.until(f"!!{found}")
    page.run(f"{found}.click()")


def told(page: Page, state: str) -> None:
    """Wait until the page says so; a form's answer loads it anew."""
    page.until(f"/{state}/.test(document.getElementById('state')?.textContent)")


@pytest.fixture
def opened(page: Page, site: Site) -> Page:
    page.messages.clear()
    page.open(site.url)
    page.until("!!window.uppy && !!document.querySelector('.uppy-Dashboard-input')")
    page.run("""
        window.heard = [];
        uppy.on("upload-progress", (file, { bytesUploaded }) => heard.push(bytesUploaded));
    """)
    return page


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    content = (ROOT / "examples" / "sunrise.png").read_bytes()
    files = [tmp_path / f"{name}.png" for name in ("one", "two", "grüße")]
    for file in files:
        file.write_bytes(content)
    return files


def test_three_files_arrive_with_progress_and_complete_is_told(
    opened: Page, site: Site, pictures: list[Path]
) -> None:
    choose(opened, ".uppy-Dashboard-input", *pictures)
    press(opened, "Upload 3 files")

    told(opened, "ASSEMBLY_COMPLETED")
    opened.until("[...document.images].filter((one) => one.naturalWidth).length >= 3")
    assert opened.run("document.querySelectorAll('#results img').length") == 3
    assert opened.run("heard.filter((bytes) => bytes > 0).length") >= 3
    (assembly,) = site.asked("assemblies")
    assert sorted(file["name"] for file in assembly["uploads"]) == [
        "grüße.png", "one.png", "two.png",
    ]  # fmt: skip
    assert opened.errors() == []


def test_params_that_our_client_signed_arrive_as_they_were(
    opened: Page, site: Site, pictures: list[Path]
) -> None:
    choose(opened, ".uppy-Dashboard-input", pictures[0])
    press(opened, "Upload 1 file")

    told(opened, "ASSEMBLY_COMPLETED")
    rows = [row for row in site.asked("requests") if row["operation"] == "createAssembly"]
    assert [row["signature"] for row in rows] == ["good"]


def test_progress_of_the_encoding_is_heard_from_the_event_stream(
    opened: Page, site: Site, pictures: list[Path]
) -> None:
    choose(opened, ".uppy-Dashboard-input", pictures[0])
    press(opened, "Upload 1 file")

    told(opened, "ASSEMBLY_COMPLETED")
    operations = [row["operation"] for row in site.asked("requests")]
    assert "events" in operations


def test_cancel_all_cancels_the_assembly(opened: Page, site: Site, pictures: list[Path]) -> None:
    choose(opened, ".uppy-Dashboard-input", *pictures)
    press(opened, "Upload 3 files")
    opened.until("heard.filter((bytes) => bytes > 0).length >= 3")

    press(opened, "Cancel")
    told(opened, "ASSEMBLY_CANCELED")
    (assembly,) = site.asked("assemblies")
    assert assembly["ok"] == "ASSEMBLY_CANCELED"
    assert opened.run("uppy.getFiles().length") == 0


def test_a_file_beyond_max_size_is_refused_and_the_page_says_so(
    opened: Page, site: Site, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(5_000_001))
    choose(opened, ".uppy-Dashboard-input", large)
    press(opened, "Upload 1 file")

    told(opened, "MAX_SIZE_EXCEEDED")
    (assembly,) = site.asked("assemblies")
    assert assembly["error"] == "MAX_SIZE_EXCEEDED"


def test_an_upload_goes_on_after_an_error_of_the_server(
    opened: Page, site: Site, pictures: list[Path]
) -> None:
    site.fault(kind="answer", status=503, operation="tusPatch")
    choose(opened, ".uppy-Dashboard-input", pictures[0])
    press(opened, "Upload 1 file")

    told(opened, "ASSEMBLY_COMPLETED")


def test_a_crash_is_told(opened: Page, site: Site, pictures: list[Path]) -> None:
    site.fault(kind="crash")
    choose(opened, ".uppy-Dashboard-input", pictures[0])
    press(opened, "Upload 1 file")

    told(opened, "INTERNAL_COMMAND_ERROR")


def test_a_plain_form_is_sent_back_with_its_assembly(
    opened: Page, site: Site, pictures: list[Path]
) -> None:
    choose(opened, "#form input[type=file]", pictures[0])
    press(opened, "Send")

    opened.until("location.search.includes('assembly_id')")
    told(opened, "ASSEMBLY_COMPLETED")
    address = opened.run("location.href")
    assert re.fullmatch(rf"{site.url}/\?assembly_id=[0-9a-f]{{32}}&.*", address)
    assert opened.run("document.querySelectorAll('#results img').length") == 1


def test_no_other_host_is_asked_for_anything(
    opened: Page, site: Site, pictures: list[Path]
) -> None:
    choose(opened, ".uppy-Dashboard-input", pictures[0])
    press(opened, "Upload 1 file")

    told(opened, "ASSEMBLY_COMPLETED")
    assert {host.partition(":")[0] for host in opened.hosts()} == {"127.0.0.1"}
