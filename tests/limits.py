"""A pytest plugin: a test that hangs fails, and says where; Ctrl-C reaches every child.

Each wait in the tests has a limit and a message of its own. This is for the waits that nobody
thought of. Windows has no SIGALRM, so no test fails there because of its time.
"""

from __future__ import annotations

import faulthandler
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--limit",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="the time after which a test fails; 0 means never (default: %(default)s)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "limit(seconds): the time after which the test fails, in place of --limit"
    )
    # A background job of a shell ignores SIGINT, and so do its children. The tests interrupt them.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _limited(item):
        yield


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _limited(item):
        yield


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _limited(item):
        yield


@contextmanager
def _limited(item: pytest.Item) -> Iterator[None]:
    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker is not None else item.config.getoption("--limit")
    if not seconds or not hasattr(signal, "SIGALRM"):
        yield
        return

    def fail(*_: object) -> None:
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file)
            file.seek(0)
            stacks = file.read().decode("utf-8", "replace")
        pytest.fail(f"the test did not end within {seconds:g} seconds\n{stacks}")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # None: code that is not Python has set the handler.
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)
