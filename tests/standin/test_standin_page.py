"""The page at `/_standin/`, in headless Chromium."""

import io
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from .browser import Page, browsing
from .caller import STEPS, Caller, calling
from .receiver import Receiver

SUNRISE = Path(__file__).parents[2] / "examples" / "sunrise.png"
EVIL = "<img src=x onerror=document.title='evil'>"
VIEWS = ("assemblies", "requests", "pingbacks", "faults")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@contextmanager
def quick() -> Iterator[Caller]:
    with calling(step_seconds=0.1, media=True, notification_retry_seconds=0) as caller:
        yield caller


@pytest.fixture
def caller() -> Iterator[Caller]:
    with quick() as caller:
        yield caller


@pytest.fixture(scope="module")
def much() -> Iterator[Caller]:
    """A stand-in with a little of everything, for tests that only look."""
    with quick() as caller:
        with Receiver() as receiver:
            busy(caller, receiver)
        yield caller


def shown(page: Page, caller: Caller, view: str = "assemblies", **options: object) -> None:
    page.open("about:blank")  # or the page before would still ask
    page.messages.clear()
    page.open(f"{caller.api.url}/_standin/#{view}", **options)  # type: ignore[arg-type]
    page.until("document.getElementById('where').textContent !== ''")
    page.until("document.getElementById('count-faults').textContent !== ''")


def opened(page: Page, view: str) -> str:
    """The text of a view with all its rows open."""
    page.run(f"document.querySelectorAll('#{view} details').forEach((row) => row.open = true)")
    page.until(f"!document.querySelector('#{view} details:not(:has(:nth-child(2)))')")
    text: str = page.run(f"document.getElementById('{view}').innerText")
    return text


def busy(caller: Caller, receiver: Receiver) -> None:
    """A little of everything."""
    picture = ("sunrise.png", SUNRISE.read_bytes(), "image/png")
    params = {"template_id": "resize-to-fit", "notify_url": receiver.url}
    caller.finished(params, files={"f": picture})
    caller.crashed(files={"f": ("a.txt", b"bytes")})
    caller.create(form={**caller.signed({"steps": STEPS}), "signature": "sha384:00"})
    caller.api.rate_limit_next(operation="getAssembly", times=3)


def test_nothing_that_a_name_or_a_field_holds_is_run(page: Page, caller: Caller) -> None:
    params = {"steps": STEPS, "fields": {EVIL: EVIL}, "notify_url": f"http://127.0.0.1:9/{EVIL}"}
    files = {EVIL: (EVIL, b"<script>alert(1)</script>", "image/png")}
    caller.finished(params, files=files, fields={"form": EVIL})
    caller.http.get(f"{caller.api.url}/{EVIL}?{EVIL}", headers={"X-Evil": EVIL})
    caller.api.crash_next(code=EVIL)

    shown(page, caller)
    for view in VIEWS:
        assert "onerror" in opened(page, view)
    assert page.run("document.querySelectorAll('[onerror]').length") == 0
    assert page.run("document.title") == "Stand-in"


def test_it_asks_no_other_host_and_makes_no_error(
    page: Page, caller: Caller, receiver: Receiver
) -> None:
    busy(caller, receiver)

    shown(page, caller)
    for view in VIEWS:
        opened(page, view)
    page.until("[...document.images].every((image) => image.complete)")
    assert page.errors() == []
    assert page.hosts() == {caller.api.url.removeprefix("http://")}


def test_looking_changes_nothing(page: Page, caller: Caller, receiver: Receiver) -> None:
    """Pictures on the page use up no faults, and are not in the ledger."""
    busy(caller, receiver)
    caller.api.rate_limit_next(times=5)
    before = len(caller.api.requests), [fault.times for fault in caller.api.faults]

    shown(page, caller)
    opened(page, "assemblies")
    page.until("[...document.images].length === 2")
    page.until("[...document.images].every((image) => image.complete && image.naturalWidth)")
    assert (len(caller.api.requests), [fault.times for fault in caller.api.faults]) == before


def test_an_assembly_has_its_steps_files_and_pictures(
    page: Page, caller: Caller, receiver: Receiver
) -> None:
    busy(caller, receiver)

    shown(page, caller)
    text = opened(page, "assemblies")
    assert "INTERNAL_COMMAND_ERROR" in text
    assert re.search(r"resized /image/resize done", text)
    assert re.search("120 . 80, 7,573 bytes", text)
    assert re.search("300 . 200, ", text)
    page.until("[...document.images].every((image) => image.complete)")
    assert page.run("[...document.images].map((image) => image.naturalWidth)") == [120, 300]


def test_states_are_shown_as_they_change(page: Page) -> None:
    with calling(step_seconds=1.5) as caller:
        shown(page, caller)
        assert "No Assembly yet." in page.text()
        caller.created()

        page.until("document.body.innerText.includes('ASSEMBLY_EXECUTING')")
        page.until("document.body.innerText.includes('ASSEMBLY_COMPLETED')")


def test_a_request_shows_its_params_and_why_its_signature_is_wrong(
    page: Page, caller: Caller
) -> None:
    form = caller.signed({"steps": STEPS}, secret=f"{caller.api.secret}\n")
    caller.create(form=form)

    shown(page, caller, "requests")
    assert "400 INVALID_SIGNATURE" in page.text()
    assert "signature wrong" in page.text()
    text = opened(page, "requests")
    assert "line break at the end of the Auth Secret" in text
    assert form["signature"] in text
    assert '"robot": "/image/resize"' in text
    check = caller.api.requests[0].signature
    assert check is not None
    assert check.right in text
    assert f"SHA-256 begins with {check.secret_fingerprint}" in text
    assert caller.api.secret not in page.run("document.documentElement.outerHTML")


def test_a_pingback_is_sent_again(page: Page, caller: Caller, receiver: Receiver) -> None:
    receiver.answers.extend([500] * 3)
    caller.finished({"steps": STEPS, "notify_url": receiver.url})
    shown(page, caller, "pingbacks")
    assert "failed" in opened(page, "pingbacks")

    page.run("document.querySelector('#pingbacks button').click()")
    page.until("document.querySelector('#pingbacks .state').innerText === 'successful'")
    assert len(receiver.received) == 4


def test_faults_are_asked_for_and_cleared_by_keyboard(page: Page, caller: Caller) -> None:
    shown(page, caller)
    page.run("document.body.focus()")

    def tab_to(label: str) -> None:
        for _ in range(40):
            page.press("Tab", code=9)
            if page.run("document.activeElement.innerText").startswith(label):
                return
        raise AssertionError(label)

    tab_to("Faults")
    page.press("Enter", code=13, text="\r")
    page.until("!document.getElementById('faults').hidden")
    tab_to("503 Service Unavailable")
    page.press("Enter", code=13, text="\r")
    page.until("document.getElementById('count-faults').textContent === '1'")
    assert [fault.status for fault in caller.api.faults] == [503]  # type: ignore[attr-defined]
    tab_to("Clear the faults")
    page.press("Enter", code=13, text="\r")
    page.until("document.getElementById('count-faults').textContent === '0'")
    assert caller.api.faults == []


def test_every_button_asks_for_a_fault(page: Page, caller: Caller) -> None:
    shown(page, caller, "faults")
    page.run("document.getElementById('times').value = 2")

    page.run("document.querySelectorAll('#fault-buttons button').forEach((one) => one.click())")
    page.until("document.getElementById('count-faults').textContent === '8'")
    assert {fault.times for fault in caller.api.faults} == {2}
    assert page.run("document.getElementById('problem').hidden")


def test_a_row_that_is_read_stays_as_it_is(page: Page, caller: Caller) -> None:
    """The page draws anew every second, and only what has changed."""
    caller.finished()
    shown(page, caller)
    opened(page, "assemblies")
    page.run("document.querySelector('#assemblies pre').scrollTop = 40")

    caller.finished()
    page.until("document.getElementById('count-assemblies').textContent === '2'")
    assert page.run("document.querySelector('#assemblies details[open] pre').scrollTop") == 40


def test_it_says_when_the_stand_in_is_gone(page: Page, caller: Caller) -> None:
    shown(page, caller)
    caller.api.stop()

    page.until("document.getElementById('problem').innerText.includes('does not answer')")


@pytest.mark.parametrize("look", [(400, False), (400, True), (1000, False), (1000, True)])
@pytest.mark.parametrize("view", VIEWS)
def test_it_is_readable_when_narrow_and_in_the_dark(
    page: Page, much: Caller, tmp_path: Path, view: str, look: tuple[int, bool]
) -> None:
    """Nothing is wider than the screen; text stands out from what is behind it."""
    width, dark = look
    shown(page, much, view, width=width, dark=dark)
    opened(page, view)

    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run(CONTRAST) == []
    page.screenshot(tmp_path / "page.png")
    picture = Image.open(io.BytesIO((tmp_path / "page.png").read_bytes())).convert("L")
    assert (ImageStat.Stat(picture).mean[0] < 80) is dark
    if folder := os.environ.get("SCREENSHOTS"):  # to look at
        picture_name = f"{view}-{width}-{'dark' if dark else 'light'}.png"
        (Path(folder) / picture_name).write_bytes((tmp_path / "page.png").read_bytes())


# Texts whose contrast is below 4.5, as WCAG counts it.
CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
    return "white";
  };
  const isText = (child) => child.nodeType === 3 && child.data.trim();
  return [...document.querySelectorAll("body *")]
    .filter((node) => node.checkVisibility() && [...node.childNodes].some(isText))
    .filter((node) => {
      const [one, other] = [getComputedStyle(node).color, behind(node)].map(luminance);
      return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) < 4.5;
    }).map((node) => node.outerHTML.slice(0, 100));
})()
"""


def test_it_takes_little_time_where_much_has_happened(page: Page, caller: Caller) -> None:
    for _ in range(150):
        caller.http.get(f"{caller.api.url}/nowhere")

    begun = time.monotonic()
    shown(page, caller, "requests")
    assert time.monotonic() - begun < 10
    assert page.run("document.querySelectorAll('#requests details').length") == 100
