"""Small real runs of the harness, each in a process of its own, for tests of the report."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from interop.checkout import CHECKOUT
from interop.tests.faulty_run import VARIABLE

__all__ = ["SELECTION", "run"]

PATIENCE = 300  # seconds
# One pair that needs no .NET, and cases of four kinds.
_CASES = "struct-standard or struct-zero or blob-path-emoji or surrogate-low or struct-over-blob"
SELECTION = ("interop/tests/matrix/test_matrix.py", "-k", f"python-to-python and ({_CASES})")
# Variables that would change what the inner pytest does or prints.
_OUTER = ("CI", "BUILD_NUMBER", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS")


def run(
    *arguments: str, fault: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest with its output in a pipe, and the producer's ``fault`` if one is given."""
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
