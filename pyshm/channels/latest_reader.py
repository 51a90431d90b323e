"""Readers of a LatestChannel: they get the newest value, as a copy (docs/channels.md, "Reader").

The comments R1 to R5 are the steps of that page.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import ChannelFormatError, ChannelTimeoutError
from .geometry import LENGTH
from .reader import Reader, description
from .words import LOW_56

if TYPE_CHECKING:
    from .opened import Opened

__all__ = ["LatestReader"]

_PATIENCE = 1.0  # seconds
_TRIES = 8  # copies that the writer overwrites before a viewer pins the slot


class LatestReader(Reader):
    """Reads the newest value of a channel, as a copy."""

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        self._read = opened.content.read
        self._copy = opened.content.copied
        self._weak = opened.weak
        self._memory = opened.memory
        self._count = opened.geometry.slots

    def latest(self) -> Any:
        """Return the newest value; None if nothing was published yet. The value is a copy.

        Raises ChannelTimeoutError if the writer overwrote each copy before it was complete, for a
        second; a viewer is not overwritten. Raises ChannelFormatError for a damaged channel.
        """
        # One function, and local names: a program calls it a thousand times a second.
        words, latest, slots, stamps = self._words, self._latest, self._slots, self._stamps
        tries = 0
        deadline = 0.0
        while True:
            word = words[latest]  # R1
            number = word & LOW_56
            slot = word >> 56
            if not number:
                return None
            if slot < self._count and words[stamps[slot]] == 2 * number:  # R2
                described = description(self._memory, stamps[slot] * 8 + LENGTH)  # R3
                data = self._copy(slots[slot][: described[0]])
                tail = bytes(self._tails[slot]) if self._has_tail else b""
                if self._weak:
                    self._fence()  # R4
                if words[stamps[slot]] == 2 * number:  # R5
                    if len(data) != described[0]:
                        self._check_length(slot, number, described[0])
                    self._note(number, described)
                    return self._read(data, tail)
            self.retries += 1
            tries += 1
            if tries == _TRIES:
                deadline = monotonic() + _PATIENCE
            if tries >= _TRIES:
                value = self._pinned_copy()
                if value is not None:
                    return value
                if monotonic() > deadline:
                    self._give_up(word)

    def _pinned_copy(self) -> Any:
        """Return a copy that the writer can't overwrite; None from a reader that can't pin."""
        return None

    def _take(self) -> Any:
        return self.latest()

    def _give_up(self, word: int) -> NoReturn:
        name = self._opened.name
        if self._words[self._latest] != word:
            raise ChannelTimeoutError(
                f"the writer of the channel {name!r} overwrote every copy for {_PATIENCE:.0f} s "
                f"before it was complete ({self.retries} retries); use a viewer, or more slots",
                value=self.retries,
            )
        slot = word >> 56
        raise ChannelFormatError(
            f"the channel {name!r} is damaged: latest at offset {self._latest * 8} names the value "
            f"{word & LOW_56} in slot {slot}, which does not have it",
            field="latest", offset=self._latest * 8, value=slot, limit=len(self._slots) - 1,
        )  # fmt: skip
