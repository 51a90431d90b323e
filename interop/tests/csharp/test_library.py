"""The checks of the C# library in library_checks.cs, which a C# program runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from interop.exchange.place import Place
from interop.oracle.memory import existing_maps
from interop.peers.compile import compile_program

pytestmark = [pytest.mark.dotnet, pytest.mark.posix]

SOURCE = (Path(__file__).parent / "library_checks.cs").read_text(encoding="utf-8")
CHECKS = re.findall(r'^    \["([a-z-]+)"\] =', SOURCE, re.MULTILINE)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return compile_program("Checks", SOURCE, tmp_path_factory.mktemp("checks"))


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
