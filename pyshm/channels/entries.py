"""Reader entries: where a viewer or a consumer shows the writer what it uses."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import ChannelFullError
from .geometry import ENTRY_MODE, ENTRY_PID, PIN, VIEWER

if TYPE_CHECKING:
    from collections.abc import Callable

    from .linux import Locks
    from .opened import Opened

__all__ = ["claim_entry"]


def claim_entry(
    locks: Locks, opened: Opened, mode: int, prepare: Callable[[int], object] | None = None
) -> int:
    """Take the lock of a free reader entry, and set its mode. Return the entry's number.

    Viewers have the first entries of a channel, consumers the others. ``prepare`` is called with
    the offset of the entry before the writer can see it. Raises ChannelFullError.
    """
    geometry = opened.geometry
    viewers = geometry.viewers
    entries = range(viewers) if mode == VIEWER else range(viewers, geometry.readers)
    for entry in entries:
        if locks.try_entry(entry):
            at = geometry.reader_at(entry)
            opened.words[(at + PIN) // 8] = 0  # the pin of an owner that was killed
            opened.halves[(at + ENTRY_PID) // 4] = os.getpid()
            if prepare is not None:
                prepare(at)
            opened.halves[(at + ENTRY_MODE) // 4] = mode
            return entry
    kind, option = ("viewers", "pins") if mode == VIEWER else ("readers", "readers")
    raise ChannelFullError(
        f"the channel {opened.name!r} has {len(entries)} {kind} already, which is its limit; "
        f"create it with more {option}=, or close one",
        field=option, value=len(entries), limit=len(entries),
    )  # fmt: skip
