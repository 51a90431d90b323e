"""The Python peer's half of a storm: many processes on one name (docs/protocol.md, "storm")."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from pyshm.errors import MapExistsError, MapNotFoundError, PyshmError
from pyshm.maps.accessor import MemoryMappedViewAccessor
from pyshm.maps.mapping import MemoryMappedFile

__all__ = ["storm"]

_CAPACITY = 4096
_MOST_HANDLES = 3
_MOST_DESCRIPTIONS = 5
_LONGEST_PAUSE = 0.0005  # seconds


class _Handle(NamedTuple):
    """One hold on the name, with a view of the whole map."""

    map: MemoryMappedFile
    view: MemoryMappedViewAccessor

    def close(self) -> None:
        self.view.close()
        self.map.close()


class _Storm:
    """Opens, creates and closes at random, and proves what it believes to share.

    The token stands in a slot of the map that nobody else writes to. So no two peers race for
    it, whichever of them made the map, and none waits for one that died before it wrote.
    """

    def __init__(self, name: str, seed: int, slot: int) -> None:
        self.name = name
        self.position = 8 * slot
        self.random = random.Random(seed)
        self.held: list[_Handle] = []
        self.token = 0  # what this peer wrote last into its slot, in whichever map
        self.counts = dict.fromkeys(("created", "opened", "either", "missing", "existing"), 0)
        self.wrong: list[str] = []
        self.number = 0
        self.ways: dict[str, Callable[[], MemoryMappedFile]] = {
            "create-new": lambda: MemoryMappedFile.create_new(name, _CAPACITY),
            "create-or-open": lambda: MemoryMappedFile.create_or_open(name, _CAPACITY),
            "open-existing": lambda: MemoryMappedFile.open_existing(name),
        }

    def round(self, number: int) -> None:
        """Prove what is held; then let go of something, or get one more."""
        self.number = number
        if self.held:
            self.prove()
        if len(self.held) == _MOST_HANDLES or (self.held and self.random.random() < 0.7):
            self.held.pop(self.random.randrange(len(self.held))).close()
            return
        if not self.held and self.random.random() < 0.5:
            time.sleep(self.random.random() * _LONGEST_PAUSE)
        self.enter(self.random.choice(list(self.ways)))

    def prove(self) -> None:
        """The name has to lead to the memory that is held."""
        again = self.get("open-existing")
        if again is not None:
            self.compare("open-existing", again)
            again.close()
        for handle in self.held:
            self.compare("a handle held", handle)

    def enter(self, way: str) -> None:
        """Get one more handle and see whether it is what it has to be."""
        handle = self.get(way)
        if handle is None:
            return
        if way == "create-new":
            self.counts["created"] += 1
            if self.held:
                self.complain("create-new made a map whose name this process holds")
            elif found := self.read(handle):
                self.complain(f"create-new gave a map with {found:016x} in it")
        else:
            self.counts["opened" if way == "open-existing" else "either"] += 1
            # A map that others kept alive since, or one made since. An older token than the last
            # one would tell of two maps at the same time.
            if not self.held and self.read(handle) not in (0, self.token):
                self.complain(f"{way} gave a map with {self.read(handle):016x}, long replaced")
        if self.held:
            self.compare(way, handle)
        else:
            self.token = self.random.getrandbits(64) or 1
            handle.view.write_uint64(self.position, self.token)
        self.held.append(handle)

    def get(self, way: str) -> _Handle | None:
        try:
            opened = self.ways[way]()
            return _Handle(opened, opened.create_view_accessor())
        except MapExistsError as error:
            self.counts["existing"] += 1
            if way != "create-new":
                self.complain(f"{way}: {error.kind}: {error}")
        except MapNotFoundError as error:
            self.counts["missing"] += 1
            if self.held or way != "open-existing":
                self.complain(f"{way}: {error.kind}: {error}")
        except PyshmError as error:
            self.complain(f"{way}: {error.kind}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it has to be told
            self.complain(f"{way}: unexpected: {type(error).__name__}: {error}")
        return None

    def read(self, handle: _Handle) -> int:
        return handle.view.read_uint64(self.position)

    def compare(self, what: str, handle: _Handle) -> None:
        if (found := self.read(handle)) != self.token:
            self.complain(f"{what} shows {found:016x}, the map held has {self.token:016x}")

    def complain(self, what: str) -> None:
        if len(self.wrong) < _MOST_DESCRIPTIONS:
            self.wrong.append(f"round {self.number}, {len(self.held)} held: {what}")

    def close(self) -> None:
        while self.held:
            self.held.pop().close()


def storm(name: str, rounds: int, seed: int, slot: int) -> dict[str, Any]:
    """Make ``rounds`` random rounds on the map ``name``; hold nothing of it afterwards."""
    peer = _Storm(name, seed, slot)
    try:
        for number in range(rounds):
            peer.round(number)
    finally:
        peer.close()
    return {"rounds": rounds, **peer.counts, "wrong": peer.wrong}
