"""What a listing consists of: maps, their holders, and what became of dead ones."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Holder", "ListedMap", "Removal", "State"]


State: TypeAlias = Literal["alive", "dead", "other"]
"""Somebody holds it; nobody does; it is no map of this user's programs."""


class Holder(NamedTuple):
    """A process that holds a map, or uses its memory."""

    pid: int
    command: str


class ListedMap(NamedTuple):
    """One file of the shared-memory directory.

    ``kind`` is what it seems to hold: "blob", "unfinished blob", "TestData", "empty" (all zeros)
    or "unknown"; None where it could not be read. ``detail`` says more about that. ``holders``
    hold the map, ``users`` have its file open or mapped without holding it; both lack processes
    that this user may not see, and are None where the system does not tell (only Linux does).
    ``reason`` says why a file is "other", or why a "dead" one is not removed unless it is named.
    """

    name: str
    path: str
    size: int
    state: State
    status: os.stat_result
    kind: str | None = None
    detail: str = ""
    holders: tuple[Holder, ...] | None = None
    users: tuple[Holder, ...] | None = None
    reason: str = ""


class Removal(NamedTuple):
    """What became of a file that no process holds: it was ``removed`` or not, and why not."""

    name: str
    path: str
    size: int
    removed: bool
    reason: str
