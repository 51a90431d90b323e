"""Which part of the matrix a run is for: its worlds, its pairs, and whether all cases are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..checkout import CHECKOUT
from ..worlds.world import LANGUAGES, NATIVE, WINDOWS, Seat

__all__ = ["crossings", "pairs_of", "selected", "worlds_of"]


def worlds_of(config: pytest.Config) -> list[str]:
    """The names of the worlds that this run is for."""
    asked = config.getoption("--world")
    if asked == "native" or NATIVE == WINDOWS:
        return [NATIVE]
    return [WINDOWS] if asked == WINDOWS else [NATIVE, WINDOWS]


def pairs_of(world: str) -> list[tuple[Seat, ...]]:
    """Each language of a world with each."""
    return [(Seat(world, one), Seat(world, two)) for one in LANGUAGES for two in LANGUAGES]


def crossings(config: pytest.Config) -> list[tuple[Seat, ...]]:
    """Every pair of seats of two worlds, unless the run is for the native one alone."""
    if config.getoption("--world") == "native" or NATIVE == WINDOWS:
        return []
    seats = [Seat(world, language) for world in (NATIVE, WINDOWS) for language in LANGUAGES]
    return [(one, two) for one in seats for two in seats if one.world != two.world]


def selected(config: pytest.Config) -> bool:
    """Whether the person asked for a part of the cases only."""
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
