"""The entries of a listing: maps, their holders, and removed maps."""

from __future__ import annotations

import os
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Holder", "ListedMap", "Removal", "State"]


State: TypeAlias = Literal["alive", "dead", "other"]
"""A process holds the map; no process holds it; the file is not a map of this user's programs."""


class Holder(NamedTuple):
    """A process that holds a map or uses its memory."""

    pid: int
    command: str


class ListedMap(NamedTuple):
    """One file of the shared-memory directory.

    ``size`` is in bytes. ``kind`` is what the file holds as far as its bytes prove it: "blob" (with
    a picture), "channel", "empty" (all bytes are 0) or "unknown"; None if it can't be read.
    ``detail`` says more about that. ``holders`` are the processes that hold the map; ``users`` have
    its file open or mapped without holding it. Processes that this user can't see are missing in
    both. They are None on systems other than Linux. ``reason`` says why a file is "other", or why
    :func:`~pyshm.listing.clean` removes a "dead" one only if it is named.
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
    """A file that no process holds: whether it was ``removed``, or the ``reason`` why not."""

    name: str
    path: str
    size: int
    removed: bool
    reason: str
