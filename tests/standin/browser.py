"""Headless Chromium, spoken to over a pipe in its own protocol: no driver and no dependency."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CI_SCRIPT = Path(__file__).parents[2] / ".ci" / "run"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
TIMEOUT = 20.0
"""Seconds that one answer of the browser, or one change on a page, may take."""


class Page:
    """One page of the browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._session: str | None = None
        self.messages: list[dict[str, Any]] = []
        """What the browser told unasked, such as errors on the page."""

    def attach(self) -> None:
        """Take the first page there is, and hear of its errors and requests."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = session["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the whole browser."""
        self._session = None
        self.call("Browser.close")

    def call(self, method: str, **params: Any) -> Any:
        """Call a method of the DevTools protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + TIMEOUT
        while True:
            answer = self._read(until)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.messages.append(answer)

    def _read(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            self._buffer += os.read(self._answers, 1 << 20)
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def open(self, url: str, *, width: int = 1000, height: int = 900, dark: bool = False) -> None:
        """Show a page."""
        self.show(width=width, height=height, dark=dark)
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def show(self, *, width: int = 1000, height: int = 900, dark: bool = False) -> None:
        """Change the size of the screen, and the colours that its system prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def run(self, script: str) -> Any:
        """The value of an expression on the page."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until an expression on the page is true."""
        until = time.monotonic() + TIMEOUT
        while not self.run(script):
            assert time.monotonic() < until, f"this never became true: {script}\n{self.text()}"
            time.sleep(0.01)

    def text(self) -> str:
        """What a reader sees."""
        text: str = self.run("document.body.innerText")
        return text

    def press(self, key: str, *, code: int = 0, text: str = "") -> None:
        """Press and release a key."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def screenshot(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def errors(self) -> list[str]:
        """What went wrong on the page: exceptions, and what its policy kept from running."""
        self.run("0")
        return [
            json.dumps(message["params"])
            for message in self.messages
            if message.get("method") == "Runtime.exceptionThrown"
            or (
                message.get("method") == "Log.entryAdded"
                and message["params"]["entry"]["level"] == "error"
            )
        ]

    def hosts(self) -> set[str]:
        """The hosts that were asked for something."""
        sent = [m for m in self.messages if m.get("method") == "Network.requestWillBeSent"]
        urls = [message["params"]["request"]["url"] for message in sent]
        return {url.split("/")[2] for url in urls if url.startswith("http")}


@contextmanager
def browsing(folder: Path) -> Iterator[Page]:
    """A page of a browser of its own; the test skips where there is none."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        installs = CI_SCRIPT.exists() and "chromium" in CI_SCRIPT.read_text(encoding="utf-8")
        if installs and os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, though CI is to install it")
        pytest.skip("Chromium is not installed: nobody has looked at the page")
    (theirs, commands), (answers, ours) = os.pipe(), os.pipe()
    arguments = [
        "--headless=new",
        "--no-sandbox",  # root may not have one, and only our own pages are shown
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        f"--user-data-dir={folder}",
        "--remote-debugging-pipe",
        "about:blank",
    ]
    # It reads commands from descriptor 3 and writes to 4.
    shell = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", shell, "bash", str(theirs), str(ours), program, *arguments],
        pass_fds=(theirs, ours),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    os.close(theirs)
    os.close(ours)
    page = Page(commands, answers)
    try:
        page.attach()
        yield page
    finally:
        with suppress(OSError, AssertionError):
            page.close()
        os.close(commands)
        os.close(answers)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
