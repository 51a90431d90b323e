"""Run ``dotnet`` in tests."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from interop.worlds.mono import find_mono
from pyshm.testing import sdk


def dotnet(
    folder: Path,
    *arguments: str,
    seconds: float = 300.0,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run ``dotnet`` in ``folder``; it must end well and print no warning. Return its output."""
    command = [str(sdk.find_dotnet().path), *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**sdk.dotnet_environment(), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    assert "warning" not in done.stdout, done.stdout
    return done.stdout


def mono(config: pytest.Config) -> str:
    """Return the path of Mono. Without it, skip the test, or fail with ``--require-mono``."""
    try:
        return find_mono()
    except sdk.ToolchainError as error:
        if config.getoption("--require-mono"):
            raise
        pytest.skip(str(error))
