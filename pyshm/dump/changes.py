"""Find what changed in a buffer since the last copy of it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .regions import Reading, Region, Regions

__all__ = ["Change", "FieldChange", "Snapshot", "field_changes"]

_BLOCK = 1 << 16  # bytes
_GAP = 16  # this many equal bytes separate two changes; fewer are part of one change
_MOST = 256  # changes that one comparison reports
# In XORed bytes: a run of changed bytes, with the short runs of equal bytes in it.
_DIFFERENT = re.compile(rb"[^\0]+(?:\0{1,%d}[^\0]+)*" % (_GAP - 1))


class Change(NamedTuple):
    """A changed run of bytes: its offset, its old bytes, and as many new ones."""

    offset: int
    old: bytes
    new: bytes

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.offset + len(self.new)

    def runs(self) -> Iterator[tuple[int, int]]:
        """Yield the runs in it in which every byte changed, as ``(start, end)``."""
        difference = _xor(self.old, self.new)
        for match in re.finditer(rb"[^\0]+", difference):
            yield self.offset + match.start(), self.offset + match.end()


class FieldChange(NamedTuple):
    """A field with changed bytes: its old reading (None if it is new), its new one, its role."""

    old: Reading | None
    new: Reading
    role: str


class Snapshot:
    """A copy of a buffer (``data``), to compare with its later contents.

    A comparison of equal contents is one memcmp, about 0.1 ms per MB.
    """

    def __init__(self, buffer: memoryview) -> None:
        self.data = bytearray(buffer)

    def differing(self, buffer: memoryview) -> list[tuple[int, bytes]]:
        """Return copies of the blocks of ``buffer`` that differ, with their offsets.

        ``buffer`` has the size of ``data``.
        """
        # A bytearray on the left compares with memcmp; two memoryviews compare byte by byte.
        if self.data == buffer:
            return []
        found = []
        for start in range(0, len(self.data), _BLOCK):
            new = buffer[start : start + _BLOCK]
            if self.data[start : start + _BLOCK] != new:
                found.append((start, bytes(new)))
        return found

    def update(self, blocks: Sequence[tuple[int, bytes]]) -> list[Change]:
        """Copy the blocks that :meth:`differing` found into ``data``, and return the changes."""
        spans: list[tuple[int, int]] = []
        for start, new in blocks:
            difference = _xor(self.data[start : start + len(new)], new)
            for match in _DIFFERENT.finditer(difference):
                spans.append((start + match.start(), start + match.end()))
        gap = _GAP
        spans = _joined(spans, gap)
        while len(spans) > _MOST:
            gap *= 2
            spans = _joined(spans, gap)
        before = [bytes(self.data[start:end]) for start, end in spans]
        for start, new in blocks:
            self.data[start : start + len(new)] = new
        return [
            Change(start, old, bytes(self.data[start:end]))
            for (start, end), old in zip(spans, before, strict=True)
        ]


def field_changes(before: Regions, after: Regions, change: Change) -> list[FieldChange]:
    """Return the fields of ``after`` with bytes in ``change``, and their readings in ``before``."""
    old = {field.name: field for region in before.regions for field in region.fields}
    regions = after.regions
    first = bisect_right(regions, change.offset, key=_begin) - 1
    found = []
    for region in regions[max(first, 0) :]:
        if region.offset >= change.end:
            break
        for field in region.fields:
            if field.offset < change.end and change.offset < field.offset + field.size:
                found.append(FieldChange(old.get(field.name), field, region.role))
    return found


def _begin(region: Region) -> int:
    return region.offset


def _xor(old: bytes | bytearray, new: bytes) -> bytes:
    both = int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    return both.to_bytes(len(new), "little")


def _joined(spans: Sequence[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Return the sorted ``spans``, joined where fewer than ``gap`` bytes are between two."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start - found[-1][1] < gap:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
