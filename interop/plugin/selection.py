"""Which part of the matrix a run covers: its worlds, its pairs, and whether it has all cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..checkout import CHECKOUT
from ..worlds.world import LANGUAGES, NATIVE, WINDOWS, Endpoint

__all__ = ["crossings", "pairs_of", "selected", "worlds_of"]


def worlds_of(config: pytest.Config) -> list[str]:
    """Return the names of the worlds of this run."""
    asked = config.getoption("--world")
    if asked == "native" or NATIVE == WINDOWS:
        return [NATIVE]
    return [WINDOWS] if asked == WINDOWS else [NATIVE, WINDOWS]


def pairs_of(world: str) -> list[tuple[Endpoint, ...]]:
    """Return every pair of languages in a world."""
    return [(Endpoint(world, one), Endpoint(world, two)) for one in LANGUAGES for two in LANGUAGES]


def crossings(config: pytest.Config) -> list[tuple[Endpoint, ...]]:
    """Return every pair of endpoints in different worlds; none if the run is native only."""
    if config.getoption("--world") == "native" or NATIVE == WINDOWS:
        return []
    endpoints = [Endpoint(world, language) for world in (NATIVE, WINDOWS) for language in LANGUAGES]
    return [(one, two) for one in endpoints for two in endpoints if one.world != two.world]


def selected(config: pytest.Config) -> bool:
    """Return whether the command line selects only a part of the cases."""
    option = config.option
    chosen = option.keyword or option.markexpr or getattr(option, "lf", False)
    parts = any("::" in argument or ".py" in argument for argument in config.args)
    folder = CHECKOUT / "interop"
    here = any(Path(argument).resolve() in (folder, *folder.parents) for argument in config.args)
    return bool(
        chosen
        or parts
        or not here
        or option.collectonly
        or option.maxfail
        or getattr(option, "deselect", None)
        or getattr(option, "ignore", None)
    )
