"""Runs of the harness for the harness's own tests: small, real, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from interop.checkout import CHECKOUT
from interop.tests.faulty_run import VARIABLE

__all__ = ["SELECTION", "run", "run_on_a_terminal"]

PATIENCE = 300  # seconds
# One pair that needs no .NET, and cases of four kinds.
_CASES = "struct-standard or struct-zero or blob-path-emoji or surrogate-low or struct-over-blob"
SELECTION = ("interop/tests/matrix/test_matrix.py", "-k", f"python-to-python and ({_CASES})")
# What would change how an inner pytest behaves, or looks.
_OUTER = ("CI", "BUILD_NUMBER", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS")


def run(
    *arguments: str, fault: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """pytest, with its output through a pipe, as a log's is."""
    return subprocess.run(
        _command(arguments, fault),
        cwd=CHECKOUT,
        env=_environment(fault, environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def run_on_a_terminal(
    *arguments: str, fault: str | None = None, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The exit status, and all that the terminal was sent (POSIX)."""
    import pty

    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            _command(arguments, fault),
            cwd=CHECKOUT,
            env=_environment(fault, {"TERM": "xterm", "COLUMNS": "100", **(environment or {})}),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
    finally:
        os.close(theirs)
    said = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            while data := terminal.read(1 << 16):
                said += data
        except OSError:
            pass  # how Linux tells that nobody has the other end any more
    return process.wait(PATIENCE), said.decode("utf-8")


def _command(arguments: Sequence[str], fault: str | None) -> list[str]:
    plugins = ["-p", "interop.tests.faulty_run"] if fault else []
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugins, *arguments]


def _environment(fault: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in _OUTER and not key.startswith("PYTEST_XDIST")
    }
    if fault:
        environment[VARIABLE] = fault
    return {**environment, **(more or {})}
