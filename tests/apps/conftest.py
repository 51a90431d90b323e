"""Sessions of the two desktop programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pyshm.apps.reading import Reading
from pyshm.apps.writing import Target, Writing


@pytest.fixture
def writer(map_name: str) -> Iterator[Writing]:
    with Writing() as session:
        yield session


@pytest.fixture
def reader(map_name: str) -> Iterator[Reading]:
    with Reading() as session:
        yield session


@pytest.fixture
def target(map_name: str) -> Target:
    return Target(map_name, "1000000")


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo é.png"
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(path)
    return str(path)
