"""Fixtures for the tests of channels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from .handmade import HEADER, Handmade


@pytest.fixture(autouse=True)
def needs_linux(request: pytest.FixtureRequest) -> None:
    """Skip what uses a map: channels are on Linux so far."""
    if sys.platform != "linux" and "map_name" in request.fixturenames:
        pytest.skip("channels are on Linux so far")


@pytest.fixture
def handmade(map_name: str) -> Iterator[Callable[..., Handmade]]:
    """``handmade(header, length)`` makes the map whose name is the fixture ``map_name``."""
    made: list[Handmade] = []

    def make(header: bytes = HEADER, length: int = 65536) -> Handmade:
        made.append(Handmade(map_name, header, length))
        return made[-1]

    yield make
    for each in made:
        each.map.close()
