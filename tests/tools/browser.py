"""A headless Chromium, driven through a pipe by its DevTools protocol."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 60.0
#: Above the numbers that the child's own two get.
_HIGH = 64


def find_browser() -> str | None:
    """Return the path of a Chromium, None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """One open page; `complaints` are what the browser logged, threw or refused while it was open."""

    browser: Browser
    session: str
    complaints: list[str] = field(default_factory=list)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, run by the protocol and not by the page."""
        words = {"expression": expression, "returnByValue": True}
        found = self.browser.call("Runtime.evaluate", words, self.session)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """Return the text of every element that the selector means."""
        found = self.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent.trim())"
        )
        assert isinstance(found, list)
        return found

    def rows(self, selector: str) -> list[list[str]]:
        """Return the cells of every row of the tables that the selector means, heads left out."""
        found = self.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})].flatMap(t =>"
            " [...t.querySelectorAll(':scope > tbody > tr')].map(r =>"
            " [...r.cells].map(c => c.textContent.trim())))"
        )
        assert isinstance(found, list)
        return found


class Browser:
    """A running Chromium with an empty profile of its own."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.mkdtemp(prefix="chromium-")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        high = [fcntl.fcntl(handle, fcntl.F_DUPFD, _HIGH) for handle in (theirs_in, theirs_out)]
        self._pid = os.posix_spawn(
            program,
            [program, *FLAGS, f"--user-data-dir={self._profile}"],
            {**os.environ, "HOME": self._profile},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, high[0], 3),
                (os.POSIX_SPAWN_DUP2, high[1], 4),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        for handle in (theirs_in, theirs_out, *high):
            os.close(handle)
        self._last = 0
        self._rest = b""
        self._pages: dict[str, Page] = {}

    def close(self) -> None:
        """End the browser and remove its profile."""
        with contextlib.suppress(OSError, AssertionError):
            self.call("Browser.close", {})
        deadline = time.monotonic() + 5
        while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
            time.sleep(0.02)
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """Open a file and return its page when it is loaded."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        words = {"targetId": target, "flatten": True}
        session = self.call("Target.attachToTarget", words)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Log", "Runtime", "Page", "Network"):
            self.call(f"{domain}.enable", {}, session)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", size, session)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", {"features": scheme}, session)
        self.call("Page.navigate", {"url": path.as_uri()}, session)
        deadline = time.monotonic() + PATIENCE
        while page.evaluate("document.URL + document.readyState") != path.as_uri() + "complete":
            assert time.monotonic() < deadline, "the page does not load"
            time.sleep(0.02)
        return page

    def call(self, method: str, words: dict[str, Any], session: str | None = None) -> Any:
        """Call a method of the protocol and return its result; events that come before it are noted."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": words}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select.select([self._in], [], [], PATIENCE)[0], "the browser does not answer"
            part = os.read(self._in, 1 << 16)
            assert part, "the browser has gone"
            self._rest += part
        line, self._rest = self._rest.split(b"\0", 1)
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        page, words = self._pages.get(event.get("sessionId", "")), event.get("params", {})
        if page is None:
            return
        if event["method"] == "Log.entryAdded":
            page.complaints.append(words["entry"]["text"])
        elif event["method"] == "Runtime.exceptionThrown":
            page.complaints.append(str(words["exceptionDetails"]))
        elif event["method"] == "Runtime.consoleAPICalled":
            page.complaints.append(str(words["args"]))
        elif event["method"] == "Network.requestWillBeSent" and words["type"] != "Document":
            page.complaints.append(f"asked for {words['request']['url']}")
        elif event["method"] == "Page.javascriptDialogOpening":
            page.complaints.append(f"dialog {words['message']}")


def require_browser() -> str:
    """Return the path of a Chromium; skip the test if there is none, fail it if CI=true."""
    found = find_browser()
    if found is None:
        why = f"no browser is installed: none of {', '.join(NAMES)} is on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


@contextlib.contextmanager
def browse(program: str) -> Iterator[Browser]:
    """Yield a running browser."""
    browser = Browser(program)
    try:
        yield browser
    finally:
        browser.close()
