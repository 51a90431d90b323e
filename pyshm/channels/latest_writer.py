"""The writer of a LatestChannel. It never waits for a reader (docs/channels.md, "Publish").

The comments W1 to W10 are the steps of that page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .geometry import PIN
from .loan import Loan
from .words import LOW_56
from .writer import Writer

if TYPE_CHECKING:
    from .opened import Opened

__all__ = ["LatestWriter"]


class LatestWriter(Writer):
    """Publishes values, of which readers get the newest."""

    def __init__(self, opened: Opened) -> None:
        geometry = opened.geometry
        viewers = range(geometry.viewers)
        self._pins = [(geometry.reader_at(entry) + PIN) // 8 for entry in viewers]
        super().__init__(opened)

    def publish(self, value: Any, *, tag: int = 0) -> int:
        """Publish a value. Return its number: 1 for the first, then one more each time.

        ``tag`` is a number of 32 bits of the program's own, which readers get with the value.
        Raises ArgumentError and FormatError for a value that the channel can't carry, and
        DoesNotFitError for one that is larger than a slot; then nothing was published.
        """
        if self._loan is not None or type(tag) is not int or tag:
            tag = self._check_publish(tag)
        slot, number = self._reserve()
        length = self._write(value, self._slots[slot], self._tails[slot])  # W5
        self._announce(slot, number, length, tag)
        return number

    def loan(self, shape: object = None, *, tag: int = 0) -> Loan:
        """Return the memory of a free slot, for a value that is made in place.

        Use it in a ``with`` block, whose end publishes the value. ``shape`` is that of an array, by
        default the channel's. Raises DoesNotFitError for one that is larger than a slot.
        """
        tag = self._check_publish(tag)
        return self._lend(shape, tag, self._reserve())

    def _reserve(self) -> tuple[int, int]:
        words, halves, count = self._words, self._halves, self._count
        word = words[self._latest]
        number = (word & LOW_56) + 1
        slot = newest = word >> 56
        while True:
            slot = slot + 1 if slot + 1 < count else 0  # W1
            if slot == newest or (halves[self._pinners] and self._is_pinned(slot)):
                continue
            stamp = self._stamps[slot]
            old = words[stamp]
            words[stamp] = 2 * number - 1  # W2
            self._fence()  # W3
            if not halves[self._pinners] or not self._is_pinned(slot):  # W4
                return slot, number
            words[stamp] = old

    def _is_pinned(self, slot: int) -> bool:
        words = self._words
        return any((pin := words[index]) and pin >> 56 == slot for index in self._pins)
