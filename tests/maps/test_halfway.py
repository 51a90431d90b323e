"""A constructor that fails leaves no map open, on any system."""

from __future__ import annotations

import os

import pytest

from pyshm import MemoryMappedFile
from pyshm.errors import MapNotFoundError
from pyshm.maps import mapping


def refuse(*_, **__):
    raise MemoryError("no")


@pytest.mark.parametrize("where", ["map", "handle"])
def test_a_constructor_that_fails_releases_the_map(where, map_name, tmp_path, monkeypatch):
    path, opened = tmp_path / "path", tmp_path / "opened"
    for each in (path, opened):
        each.write_bytes(b"0123456789")
    with monkeypatch.context() as patch, opened.open("r+b") as file:
        if where == "map":
            patch.setattr(mapping.registry, "keep", refuse)
        else:
            patch.setattr(mapping._system.MapHandle, "__init__", refuse)
        for attempt in (
            lambda: MemoryMappedFile.create_new(map_name, 10),
            lambda: MemoryMappedFile.create_or_open(map_name, 10),
            lambda: MemoryMappedFile.create_from_file(path),
            lambda: MemoryMappedFile.create_from_file(file, leave_open=True),
        ):
            with pytest.raises(MemoryError):
                attempt()
        assert not file.closed
        assert os.fstat(file.fileno()).st_size == 10  # closed neither here nor by the kernel
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name)
    for each in (path, opened):
        each.write_bytes(b"0")  # Windows refuses that for as long as a map of the file is open
