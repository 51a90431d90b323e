"""Opens a report's page in headless Chromium: what its script did to it, and a picture of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageChops

__all__ = ["BrowserError", "dump", "missing", "take_picture"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_TIMEOUT = 60.0  # seconds
_WIDTH, _HEIGHT = 1280, 2000  # pixels of a picture, before its empty end is cut off
_MARGIN = 40
_CONSOLE = re.compile(r":CONSOLE\S*\] (.*)")


class BrowserError(Exception):
    """Chromium failed, or the page wrote to its console."""


def _find() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str | None:
    """Return why there is no browser and how to install it, or None if there is one."""
    if sys.platform == "win32":
        return "Chromium is run on POSIX systems only"
    if _find() is None:
        return f"no Chromium ({', '.join(NAMES)}): on Debian, apt-get install chromium"
    return None


def _run(url: str, *options: str) -> str:
    """Run Chromium with ``url``; return its output. Raises BrowserError."""
    program = _find()
    if program is None:
        raise BrowserError(missing())
    with tempfile.TemporaryDirectory(prefix="pyshm-browser-") as profile:
        command = [
            *(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--hide-scrollbars", "--enable-logging=stderr", f"--user-data-dir={profile}"),
            *(*options, url),
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BrowserError(f"{url}: Chromium did not end within {_TIMEOUT:g} s") from error
    if done.returncode != 0:
        raise BrowserError(f"{url}: Chromium ended with {done.returncode}:\n{done.stderr}")
    messages = _CONSOLE.findall(done.stderr)
    if messages:
        raise BrowserError("\n".join([f"{url}: the page wrote to its console:", *messages]))
    return done.stdout


def dump(url: str, *options: str) -> str:
    """Return the document at ``url`` as HTML, after its script ran. Raises BrowserError."""
    return _run(url, "--dump-dom", *options)


def take_picture(page: Path, target: Path, case: str) -> None:
    """Write a picture of a report's page, with ``case`` alone and open, as PNG to ``target``.

    Raises BrowserError, also if not exactly one case of the page fits ``case``.
    """
    url = f"{page.resolve().as_uri()}#filter={quote(case)}"
    if not re.search(r'<details class="case"[^>]* open=', dump(url)):
        raise BrowserError(f"{page}: not exactly one case has the words of {case!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    _run(url, f"--screenshot={target.resolve()}", f"--window-size={_WIDTH},{_HEIGHT}")
    _cut_empty_end(target)


def _cut_empty_end(picture: Path) -> None:
    """Cut the rows at the end off that have only the color of the last pixel."""
    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    ground = Image.new("RGB", image.size, image.getpixel((image.width - 1, image.height - 1)))
    found = ImageChops.difference(image, ground).getbbox()
    if found is not None:
        height = min(image.height, found[3] + _MARGIN)
        image.crop((0, 0, image.width, height)).save(picture, optimize=True)
