"""A display for the tests of the desktop programs: an X server that only the tests use."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pyshm.apps import start

__all__ = ["missing", "virtual_display"]

_SIZE = "1800x1200x24"
_PATIENCE = 60  # seconds that the X server may take to start


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that makes a display necessary."""
    parser.getgroup("interop").addoption(
        "--require-display",
        action="store_true",
        help="fail, instead of skipping tests, if a display, Xvfb or Tk is missing",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; refuse a run that needs a display if there is none."""
    config.addinivalue_line("markers", "display: needs a display (Xvfb or a desktop), and Tk")
    reason = missing() if config.getoption("--require-display") else None
    if reason is not None:
        raise pytest.UsageError(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that need a display if there is none."""
    marked = [item for item in items if item.get_closest_marker("display")]
    reason = missing() if marked else None
    if reason is not None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """Return the name of the display for the windows; empty on systems that have only one."""
    if _needs_no_server():
        yield os.environ.get("DISPLAY", "")
    else:
        with virtual_display() as name:
            yield name


def missing() -> str | None:
    """Return why windows can't be shown and read here; None if they can."""
    reason = start.missing()
    if reason is not None:
        return reason
    if not _needs_no_server() and shutil.which("Xvfb") is None:
        return "there is no X server for tests: apt install xvfb"
    if sys.platform == "linux":
        features = importlib.import_module("PIL.features")
        if not features.check_feature("xcb"):
            return "this Pillow can't read an X screen: pip install --force-reinstall Pillow"
    return None


@contextmanager
def virtual_display(*options: str) -> Iterator[str]:
    """Start an X server without a window manager; return the name of its display, such as ``:7``.

    The server chooses a free number, and reports it when it is ready.
    """
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", _SIZE, "-nolisten", "tcp"]
    try:
        server = subprocess.Popen(
            # Without -noreset the server resets when its last window closes.
            [*command, "-noreset", *options],
            pass_fds=[write],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        os.close(write)
    try:
        yield f":{_line(read)}"
    finally:
        os.close(read)
        server.terminate()
        server.wait(_PATIENCE)


def _line(descriptor: int) -> str:
    """Return the number that the server writes; raise RuntimeError if it writes none in time."""
    import select

    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], _PATIENCE)
        piece = os.read(descriptor, 64) if ready else b""
        if not piece:
            raise RuntimeError(f"Xvfb did not start within {_PATIENCE} seconds")
        line += piece
    return line.decode("ascii").strip()


def _needs_no_server() -> bool:
    """Return whether windows of this system need no X server."""
    return sys.platform in ("win32", "darwin")
