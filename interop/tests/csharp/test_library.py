"""The checks of the C# library in the files *_checks.cs, which a C# program runs.

``tox -e nuget`` runs them with xunit too. This program needs no package.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from interop.exchange.place import Place
from interop.oracle.memory import existing_maps
from interop.peers.compile import compile_program

pytestmark = [pytest.mark.dotnet, pytest.mark.posix]

HERE = Path(__file__).parent
LIBRARY_CHECKS = HERE / "library_checks.cs"
SOURCES = [LIBRARY_CHECKS, HERE / "api_checks.cs", HERE / "channel_checks.cs"]
CHECKS = re.findall(
    r'^ {8}\["([a-z-]+)"\] =', LIBRARY_CHECKS.read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    source = (HERE / "checks_program.cs").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("checks")
    return compile_program("Checks", source, folder, SOURCES)


def run(program: list[str], *arguments: str) -> str:
    done = subprocess.run(
        [*program, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_check_is_run(program: list[str]) -> None:
    assert run(program).splitlines() == CHECKS


@pytest.mark.parametrize("check", CHECKS)
def test_the_library(program: list[str], place: Place, check: str) -> None:
    name = place.name()
    assert run(program, check, name) == "ok"
    assert existing_maps(name) == []
