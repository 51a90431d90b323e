"""The C# library's own tests in SharedMemory.Tests, which ``dotnet test`` runs with xunit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from pyshm.testing import build, sdk

from .commands import dotnet, mono

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
        "--results-directory",
        str(work / "results"),
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


@pytest.mark.parametrize("asset", ["netstandard2.0", "net8.0"])
def test_with_an_asset_of_the_package(asset: str, tmp_path: Path) -> None:
    run_tests(tmp_path, "-p:PyshmPackage=true", f"-p:TestedAsset={asset}")


def test_for_net_framework_on_mono(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    mono(pytestconfig)
    found = sdk.find_dotnet()
    # The test platform refers to netstandard.dll and others, which Debian's Mono does not have.
    facades = "Microsoft/Microsoft.NET.Build.Extensions/net461/lib"
    run_tests(
        tmp_path,
        "-p:PyshmPackage=true",
        "-p:TestedAsset=net472",
        environment={"MONO_PATH": str(found.path.parent / "sdk" / found.sdk / facades)},
    )
