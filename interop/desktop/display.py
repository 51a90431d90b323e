"""A display for the tests of the desktop programs: an X server of their own where there is one."""

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
    """How a run says that it is for the desktop programs, too."""
    parser.getgroup("interop").addoption(
        "--require-display",
        action="store_true",
        help="fail, instead of skipping tests, when there is no display, Xvfb or Tk",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; refuse a run that can't do what it was asked for."""
    config.addinivalue_line("markers", "display: needs a display (Xvfb or a desktop), and Tk")
    reason = missing() if config.getoption("--require-display") else None
    if reason is not None:
        raise pytest.UsageError(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a display where there is none."""
    marked = [item for item in items if item.get_closest_marker("display")]
    reason = missing() if marked else None
    if reason is not None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """The name of the display that the tests' windows open on; empty for the desktop's only one."""
    if _needs_no_server():
        yield os.environ.get("DISPLAY", "")
    else:
        with virtual_display() as name:
            yield name


def missing() -> str | None:
    """Why no window can be shown and looked at here; None if one can."""
    reason = start.missing()
    if reason is not None:
        return reason
    if not _needs_no_server() and shutil.which("Xvfb") is None:
        return "there is no X server for tests: apt install xvfb"
    if sys.platform == "linux":
        features = importlib.import_module("PIL.features")
        if not features.check_feature("xcb"):
            return "this Pillow can't look at an X screen: pip install --force-reinstall Pillow"
    return None


@contextmanager
def virtual_display(*options: str) -> Iterator[str]:
    """The name of an X display of one's own, with no window manager, such as ``:7``.

    It says itself which number it found free, once it listens.
    """
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", _SIZE, "-nolisten", "tcp"]
    try:
        server = subprocess.Popen(
            # Without -noreset it would forget everything when its last window closes.
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
    """The number that the server writes; an error if it ends, or is silent for too long."""
    import select

    said = b""
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], _PATIENCE)
        piece = os.read(descriptor, 64) if ready else b""
        if not piece:
            raise RuntimeError("Xvfb did not start")
        said += piece
    return said.decode("ascii").strip()


def _needs_no_server() -> bool:
    """Whether this system's windows are not X's."""
    return sys.platform in ("win32", "darwin")
