"""The C# library's own tests in SharedMemory.Tests, which ``dotnet test`` runs with xunit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from pyshm.testing import build

from .commands import dotnet

pytestmark = [pytest.mark.nuget, pytest.mark.dotnet, pytest.mark.posix]

PROJECT = Path(__file__).parent / "SharedMemory.Tests"

# Some of the tests write hundreds of maps, or millions of texts.
HANGS = "300s"


def run_tests(work: Path, *properties: str, environment: Mapping[str, str] | None = None) -> None:
    """Run all tests, with the outputs in ``work``; each must pass."""
    printed = dotnet(
        work,
        "test",
        str(PROJECT),
        "--artifacts-path",
        str(work),
        "--blame-hang-timeout",
        HANGS,
        *build.OPTIONS,
        *properties,
        seconds=540,
        environment=environment,
    )
    counts = re.search(r"Failed: +0, Passed: +(\d+), Skipped: +0, Total: +(\d+)", printed)
    assert counts, printed
    assert counts[1] == counts[2]
    assert int(counts[1]) > 80


def test_with_the_sdks_framework(tmp_path: Path) -> None:
    run_tests(tmp_path)
