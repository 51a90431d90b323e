"""A headless Chromium, for the report's page: it opens, clicks, types, looks and takes pictures.

Spoken to over its debugging pipe, which needs no package and no port:
https://chromedevtools.github.io/devtools-protocol/ (messages are JSON, each ended by a zero byte,
on the program's descriptors 3 and 4).
"""

from __future__ import annotations

import base64
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

__all__ = ["Browser", "BrowserError", "missing", "take_picture"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 60.0  # seconds
_WIDTH, _HIGHEST = 1280, 2000  # pixels of a picture

# Run by a Python between this one and the browser: puts two inherited descriptors to 3 and 4.
_AT_3_AND_4 = """\
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
    os.close(end)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class BrowserError(Exception):
    """The browser ended, was silent, or refused what it was told."""


def _find() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str | None:
    """Why there is no browser to be had, and how to get it; None if there is one."""
    if sys.platform == "win32":
        return "the browser's debugging pipe has no numbers on Windows"
    if _find() is None:
        return f"no Chromium ({', '.join(NAMES)}): on Debian, apt-get install chromium"
    return None


class Browser:
    """One browser with one page. ``problems`` is what the page complained of on its console."""

    def __init__(self, width: int = 1280, height: int = 900, *, scripts: bool = True) -> None:
        """Start it, with a window of that many CSS pixels. Raises BrowserError."""
        program = _find()
        if program is None or sys.platform == "win32":
            raise BrowserError(missing())
        self.problems: list[str] = []
        self._number = 0
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._events: list[dict[str, Any]] = []
        self._session: str | None = None
        self._profile = tempfile.TemporaryDirectory(prefix="pyshm-browser-")
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-c", _AT_3_AND_4, str(theirs_in), str(theirs_out)),
                    *(program, "--headless", "--no-sandbox", "--remote-debugging-pipe"),
                    *("--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
                    *("--disable-background-networking", "--hide-scrollbars"),
                    *(f"--user-data-dir={self._profile.name}", "about:blank"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs_in, theirs_out),
                start_new_session=True,
            )
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log"):
                self.call(f"{domain}.enable")
            self.resize(width, height)
            if not scripts:
                self.call("Emulation.setScriptExecutionDisabled", value=True)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser, and everything that it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        os.close(self._to)
        self._reader.join()
        self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its result. Raises BrowserError."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        try:
            data = memoryview(json.dumps(message).encode("ascii") + b"\0")
            while data:
                data = data[os.write(self._to, data) :]
        except BrokenPipeError as error:
            raise BrowserError(f"{method}: the browser is gone") from error
        while True:
            answer = self._next(method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, path: Path) -> None:
        """Show a file; returns when the page is there."""
        self.go(path.resolve().as_uri())

    def go(self, url: str) -> None:
        """Show what is at ``url``, which may be a page with another fragment than the one shown."""
        self._events.clear()
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise BrowserError(f"{url}: {answer['errorText']}")
        if "loaderId" in answer:  # another document; not only another fragment
            while not any(event["method"] == "Page.loadEventFired" for event in self._events):
                self._next(url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression. Raises BrowserError if it throws."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Press the mouse's button in the middle of the first such element."""
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def key(self, key: str) -> None:
        """Press and release one key, named as in KeyboardEvent.key."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "/": 191}
        for kind in ("keyDown", "keyUp"):
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=codes[key], **({"text": text} if kind == "keyDown" else {}),
            )  # fmt: skip

    def dark(self, *, on: bool) -> None:
        """Say to the page whether its reader likes it dark."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def resize(self, width: int, height: int) -> None:
        """Give the page so many CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def picture(self) -> bytes:
        """What is seen now, as PNG."""
        answer = self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])

    def _next(self, doing: str) -> dict[str, Any]:
        try:
            message = self._messages.get(timeout=PATIENCE)
        except queue.Empty:
            raise BrowserError(f"{doing}: silent for {PATIENCE:g} s") from None
        if message is None:
            raise BrowserError(f"{doing}: the browser ended")
        if "method" in message:
            self._events.append(message)
            self._complain(message["method"], message["params"])
        return message

    def _complain(self, method: str, event: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.problems.append(str(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning"):
            self.problems.append(str(event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.problems.append(str(event["entry"]))

    def _read(self) -> None:
        rest = b""
        with os.fdopen(self._from, "rb", buffering=0) as source:
            while data := source.read(1 << 16):
                *messages, rest = (rest + data).split(b"\0")
                for message in messages:
                    self._messages.put(json.loads(message))
        self._messages.put(None)


def take_picture(page: Path, target: Path, case: str) -> None:
    """A picture of a report's page, its filter set to one case, and that case open.

    Raises BrowserError, also where the page has no such case or complains of something.
    """
    with Browser(_WIDTH) as browser:
        browser.go(f"{page.resolve().as_uri()}#filter={quote(case)}")
        if not browser.evaluate("!!document.querySelector('.case:not([hidden])')"):
            raise BrowserError(f"{page} has no case {case}")
        browser.evaluate("document.querySelector('.case:not([hidden])').open = true")
        height = browser.evaluate("document.documentElement.scrollHeight")
        browser.resize(_WIDTH, min(height, _HIGHEST))
        data = browser.picture()
        if browser.problems:
            raise BrowserError("\n".join(browser.problems))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
