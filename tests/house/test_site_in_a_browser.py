"""The site as `make docs` built it, each page in headless Chromium: on a phone and on a desktop."""

from __future__ import annotations

import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.standin.browser import Page, browsing

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = Path(__file__).parents[2] / "site"
VIEWS = {"phone": (400, False), "phone, dark": (400, True), "desktop, dark": (1280, True)}
# Code and tables scroll inside their own boxes; nothing else may be wider than the screen.
WIDER = """(() => {
  const width = document.documentElement.clientWidth;
  const inside = (element) => {
    for (let p = element.parentElement; p; p = p.parentElement)
      if (getComputedStyle(p).overflowX !== "visible") return true;
    return false;
  };
  return JSON.stringify([
    ...[...document.querySelectorAll("main *")]
      .filter((e) => e.getBoundingClientRect().right > width + 1 && !inside(e))
      .map((e) => `${e.tagName} is wider: ${e.textContent.slice(0, 60)}`),
    ...(document.documentElement.scrollWidth > width ? ["the page scrolls sideways"] : []),
    ...[...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src),
  ]);
})()"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the parent's name
        """Requests are no news."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the built site is served."""
    if not (SITE / "index.html").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("there is no site/: `make docs` comes first in CI")
        pytest.skip("there is no site/: `make docs` builds it")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("chromium")) as page:
        yield page


def addresses() -> list[str]:
    """Each page's address on the site; recipes of other languages are alike, so one stands in."""
    found = (path.parent.relative_to(SITE) for path in SITE.rglob("index.html"))
    return sorted(
        "" if folder == Path() else f"{folder.as_posix()}/"
        for folder in found
        if folder.parent.name != "languages" or folder.name == "go"
    )


def test_every_page_fits_its_screen_and_reports_no_error(browser: Page, url: str) -> None:
    """No line is cut off, nothing fails to load, and no other host is asked for anything."""
    problems = []
    for address in addresses():
        browser.messages.clear()
        browser.open(url + address, width=1280)
        problems += [f"/{address}, desktop: {told}" for told in json.loads(browser.run(WIDER))]
        for name, (width, dark) in VIEWS.items():
            browser.show(width=width, dark=dark)
            problems += [f"/{address}, {name}: {told}" for told in json.loads(browser.run(WIDER))]
        problems += [f"/{address}: {error}" for error in browser.errors()]
        assert {f"http://{host}/" for host in browser.hosts()} == {url}

    assert problems == []


def test_the_colours_follow_the_system(browser: Page, url: str) -> None:
    """A reader whose system is dark gets a dark page, without a click."""
    background = "getComputedStyle(document.body).backgroundColor"
    browser.open(url, dark=False)
    light = browser.run(background)

    browser.open(url, dark=True)

    assert browser.run(background) != light


def test_the_search_finds_an_error_code(browser: Page, url: str) -> None:
    """The index is the site's own, and is searched in the page."""
    browser.open(url, width=1280)
    browser.run("document.querySelector('[for=__search]').click()")
    browser.until("document.activeElement.shadowRoot !== null")
    for letter in "INVALID_SIGNATURE":
        browser.call("Input.dispatchKeyEvent", type="char", text=letter)

    cause = "The signature does not match the params"
    browser.until(f"document.activeElement.shadowRoot.textContent.includes('{cause}')")
