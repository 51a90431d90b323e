"""What works on this machine, and the line that mends what does not."""

from __future__ import annotations

from collections.abc import Iterator

from . import maps, modules, programs
from .finding import Finding

__all__ = ["Finding", "examine", "examine_library"]


def examine() -> Iterator[Finding]:
    """Look at everything that pyshm needs or can use, and at what its proof uses."""
    yield from examine_library()
    yield programs.dotnet()
    yield programs.wine()


def examine_library() -> Iterator[Finding]:
    """Look at what pyshm itself needs or can use."""
    yield modules.python()
    yield from modules.modules()
    yield maps.directory()
    yield from maps.round_trips()
