"""A pytest plugin: write the outcome of each test to the file that a variable names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # some commands of interop run where pytest is not installed
    import pytest

__all__ = ["VARIABLE", "pytest_runtest_logreport", "pytest_sessionfinish"]

VARIABLE = "PYSHM_MUTANTS_OUTCOMES"

_WORST = ("passed", "skipped", "failed")
_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the worst outcome of a test's setup, call and teardown."""
    before = _outcomes.get(report.nodeid, "passed")
    _outcomes[report.nodeid] = max(before, report.outcome, key=_WORST.index)


def pytest_sessionfinish() -> None:
    """Write all outcomes as JSON."""
    Path(os.environ[VARIABLE]).write_text(json.dumps(_outcomes), encoding="utf-8")
