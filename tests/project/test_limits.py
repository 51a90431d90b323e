"""A test that hangs fails, and a run in the background of a shell interrupts its children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGALRM")

HANGING = """
import signal, threading
import pytest

@pytest.fixture
def slow_fixture():
    yield
    threading.Event().wait()

def test_call():
    threading.Event().wait()

def test_teardown(slow_fixture):
    pass

@pytest.mark.limit(0.5)
def test_swallowing():
    while True:
        try:
            threading.Event().wait()
        except Exception:
            pass

@pytest.mark.limit(60)
def test_marked():
    threading.Event().wait(1.5)

def test_interrupt():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def test_a_test_that_hangs_fails_and_the_next_one_runs(tmp_path):
    file = tmp_path / "test_hanging.py"
    file.write_text(HANGING)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.limits", "--limit", "1", "-q", str(file),
         "-p", "no:cacheprovider", "--rootdir", str(tmp_path)],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    assert "2 failed, 3 passed, 1 error in" in done.stdout, done.stdout
    assert "did not end within 1 seconds" in done.stdout
    assert 'test_hanging.py", line' in done.stdout
