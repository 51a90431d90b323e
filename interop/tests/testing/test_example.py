"""examples/telemetry, built and run in a copy as its README says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pyshm
from interop.checkout import CHECKOUT
from pyshm.testing.sdk import find_dotnet

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]

EXAMPLE = CHECKOUT / "examples" / "telemetry"
PLUGIN = "pyshm.testing.plugin"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # The same pyshm that this test imports, installed or not.
    home = Path(pyshm.__file__).parent.parent
    path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": "", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def build(folder: Path) -> None:
    done = run(folder, str(find_dotnet().path), "build", "--nologo", "-v", "q", "-nodeReuse:false")
    assert done.returncode == 0, done.stdout


def run_tests(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "pytest", "-p", PLUGIN, "--pyshm-require-dotnet")
    return run(folder, *command, "-p", "no:cacheprovider", *options)


def bind(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assembly = os.path.join("bin", "Telemetry.dll")
    return run(
        folder, sys.executable, "-m", "pyshm", "bind", assembly, "-o", "structs.py", *options
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example") / "telemetry"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("bin", "obj", "__pycache__"))
    build(folder)
    return folder


def test_the_example_passes(example: Path) -> None:
    done = run_tests(example)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b4 passed\b", done.stdout), done.stdout


def test_its_structs_are_the_output_of_bind(example: Path) -> None:
    pytest.importorskip("dnfile")
    done = bind(example, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            "[MarshalAs(UnmanagedType.U1)]",
            "",
            "field Wet: bool is 4 bytes at offset 20 in .NET, bool (U1) is 1 byte at offset 17",
        ),
        (
            "public bool Airborne;",
            "public byte Airborne;",
            "field Wheels[0].Airborne at offset 4: byte is 1 byte in .NET, bool is 4 bytes here",
        ),
        (
            "public fixed uint LapTimes[3];",
            "public fixed uint LapTimes[4];",
            "field LapTimes at offset 4: fixed uint[4] is 16 bytes in .NET, fixed uint[3] is 12",
        ),
    ],
    ids=["marshal-as", "nested", "fixed-buffer"],
)
def test_after_a_change_of_the_csharp_its_tests_fail_and_name_the_field(
    example: Path, tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    folder = tmp_path / "telemetry"
    # With the results of the first build, so that only the compiler runs again.
    shutil.copytree(example, folder)
    source = folder / "Telemetry.cs"
    text = source.read_text(encoding="utf-8")
    assert before in text
    source.write_text(text.replace(before, after), encoding="utf-8")
    build(folder)
    done = run_tests(folder)
    assert done.returncode == 1, done.stdout
    first = re.findall(r"LayoutMismatchError: .*\nE +(.*)", done.stdout)
    assert any(found.startswith(sentence) for found in first), done.stdout
