"""The step ``stress``: many processes use one name at once (docs/protocol.md)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from pyshm.errors import MapExistsError, MapNotFoundError, PyshmError
from pyshm.maps.accessor import MemoryMappedViewAccessor
from pyshm.maps.mapping import MemoryMappedFile

__all__ = ["stress"]

_CAPACITY = 4096
_MOST_HANDLES = 3
_MOST_DESCRIPTIONS = 5
_LONGEST_PAUSE = 0.0005  # seconds


class _Handle(NamedTuple):
    """One handle of the map, with a view of all of it."""

    map: MemoryMappedFile
    view: MemoryMappedViewAccessor

    def close(self) -> None:
        self.view.close()
        self.map.close()


class _Stress:
    """Opens, creates and closes at random, and checks that it shares memory with the others.

    The token is in a slot of the map that only this peer writes. So the peers do not race for it,
    whichever of them created the map, and a peer that is killed before it writes stops no other.
    """

    def __init__(self, name: str, seed: int, slot: int) -> None:
        self.name = name
        self.position = 8 * slot
        self.random = random.Random(seed)
        self.held: list[_Handle] = []
        self.token = 0  # what this peer wrote last to its slot, in any map
        self.counts = dict.fromkeys(("created", "opened", "either", "missing", "existing"), 0)
        self.wrong: list[str] = []
        self.number = 0
        self.ways: dict[str, Callable[[], MemoryMappedFile]] = {
            "create-new": lambda: MemoryMappedFile.create_new(name, _CAPACITY),
            "create-or-open": lambda: MemoryMappedFile.create_or_open(name, _CAPACITY),
            "open-existing": lambda: MemoryMappedFile.open_existing(name),
        }

    def round(self, number: int) -> None:
        """Check the handles; then release one, or get one more."""
        self.number = number
        if self.held:
            self.check()
        if len(self.held) == _MOST_HANDLES or (self.held and self.random.random() < 0.7):
            self.held.pop(self.random.randrange(len(self.held))).close()
            return
        if not self.held and self.random.random() < 0.5:
            time.sleep(self.random.random() * _LONGEST_PAUSE)
        self.enter(self.random.choice(list(self.ways)))

    def check(self) -> None:
        """Check that the name and every handle lead to the same memory."""
        again = self.get("open-existing")
        if again is not None:
            self.compare("open-existing", again)
            again.close()
        for handle in self.held:
            self.compare("a handle that is held", handle)

    def enter(self, way: str) -> None:
        """Get one more handle and check what it shows."""
        handle = self.get(way)
        if handle is None:
            return
        if way == "create-new":
            self.counts["created"] += 1
            if self.held:
                self.report("create-new created a map whose name this process holds")
            elif found := self.read(handle):
                self.report(f"create-new returned a map that holds {found:016x}")
        else:
            self.counts["opened" if way == "open-existing" else "either"] += 1
            # The map is the one of before, which other peers kept alive, or a new one. A token
            # older than the last one would mean that two maps existed at the same time.
            if not self.held and self.read(handle) not in (0, self.token):
                self.report(
                    f"{way} returned a map that holds {self.read(handle):016x}, an older token"
                )
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
                self.report(f"{way}: {error.kind}: {error}")
        except MapNotFoundError as error:
            self.counts["missing"] += 1
            if self.held or way != "open-existing":
                self.report(f"{way}: {error.kind}: {error}")
        except PyshmError as error:
            self.report(f"{way}: {error.kind}: {error}")
        except Exception as error:  # noqa: BLE001 - every error is a result of the step
            self.report(f"{way}: unexpected: {type(error).__name__}: {error}")
        return None

    def read(self, handle: _Handle) -> int:
        return handle.view.read_uint64(self.position)

    def compare(self, what: str, handle: _Handle) -> None:
        if (found := self.read(handle)) != self.token:
            self.report(f"{what} shows {found:016x}, the map that is held has {self.token:016x}")

    def report(self, what: str) -> None:
        if len(self.wrong) < _MOST_DESCRIPTIONS:
            self.wrong.append(f"round {self.number}, {len(self.held)} held: {what}")

    def close(self) -> None:
        while self.held:
            self.held.pop().close()


def stress(name: str, rounds: int, seed: int, slot: int) -> dict[str, Any]:
    """Make ``rounds`` random rounds on the map ``name``; return the counts and what was wrong.

    All handles are released at the end.
    """
    peer = _Stress(name, seed, slot)
    try:
        for number in range(rounds):
            peer.round(number)
    finally:
        peer.close()
    return {"rounds": rounds, **peer.counts, "wrong": peer.wrong}
