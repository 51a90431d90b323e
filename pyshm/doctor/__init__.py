"""What works on this machine, and the command that installs or repairs the rest."""

from __future__ import annotations

from collections.abc import Iterator

from . import maps, modules, programs
from .finding import Finding

__all__ = ["Finding", "examine", "examine_library"]


def examine() -> Iterator[Finding]:
    """Yield a finding for everything that pyshm, and the tests against .NET, need or can use."""
    yield from examine_library()
    yield programs.dotnet()
    yield programs.wine()


def examine_library() -> Iterator[Finding]:
    """Yield a finding for everything that the library needs or can use."""
    yield modules.python()
    yield from modules.modules()
    yield maps.directory()
    yield from maps.round_trips()
