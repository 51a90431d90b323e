"""What differs between what lay in a buffer and what lies there now."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .regions import Reading, Region, Regions

__all__ = ["Change", "Snapshot", "Touched", "touched"]

_BLOCK = 1 << 16
_APART = 16  # equal bytes that part two changes; fewer of them are noise inside one
_MOST = 256  # changes that are told apart in one look
# Of bytes XORed: runs that differ, with the short runs between them that do not.
_DIFFERENT = re.compile(rb"[^\0]+(?:\0{1,%d}[^\0]+)*" % (_APART - 1))


class Change(NamedTuple):
    """The bytes from ``offset`` on: what they were and, as many, what they are."""

    offset: int
    old: bytes
    new: bytes

    @property
    def end(self) -> int:
        """The offset behind the last byte."""
        return self.offset + len(self.new)

    def runs(self) -> Iterator[tuple[int, int]]:
        """The runs of bytes in it that really differ."""
        difference = _xor(self.old, self.new)
        for match in re.finditer(rb"[^\0]+", difference):
            yield self.offset + match.start(), self.offset + match.end()


class Touched(NamedTuple):
    """A field that a change lies in: what it was, if it was there, and what it is."""

    old: Reading | None
    new: Reading
    role: str


class Snapshot:
    """A copy of a buffer, to compare later contents with.

    ``data`` is the copy. Equal contents cost one memcmp, 0.1 ms or so for each MB.
    """

    def __init__(self, buffer: memoryview) -> None:
        self.data = bytearray(buffer)

    def differing(self, buffer: memoryview) -> list[tuple[int, bytes]]:
        """Copies of the blocks of ``buffer``, as long as ``data``, that differ from it."""
        # A bytearray on the left compares with memcmp; two memoryviews would go byte by byte.
        if self.data == buffer:
            return []
        found = []
        for start in range(0, len(self.data), _BLOCK):
            new = buffer[start : start + _BLOCK]
            if self.data[start : start + _BLOCK] != new:
                found.append((start, bytes(new)))
        return found

    def take(self, blocks: Sequence[tuple[int, bytes]]) -> list[Change]:
        """Take over what :meth:`differing` found; returns what has changed by that."""
        spans: list[tuple[int, int]] = []
        for start, new in blocks:
            difference = _xor(self.data[start : start + len(new)], new)
            for match in _DIFFERENT.finditer(difference):
                spans.append((start + match.start(), start + match.end()))
        apart = _APART
        spans = _joined(spans, apart)
        while len(spans) > _MOST:
            apart *= 2
            spans = _joined(spans, apart)
        before = [bytes(self.data[start:end]) for start, end in spans]
        for start, new in blocks:
            self.data[start : start + len(new)] = new
        return [
            Change(start, old, bytes(self.data[start:end]))
            for (start, end), old in zip(spans, before, strict=True)
        ]


def touched(before: Regions, after: Regions, change: Change) -> list[Touched]:
    """The fields of ``after`` that ``change`` lies in, with what ``before`` says of them."""
    old = {field.name: field for region in before.regions for field in region.fields}
    regions = after.regions
    first = bisect_right(regions, change.offset, key=_begin) - 1
    found = []
    for region in regions[max(first, 0) :]:
        if region.offset >= change.end:
            break
        for field in region.fields:
            if field.offset < change.end and change.offset < field.offset + field.size:
                found.append(Touched(old.get(field.name), field, region.role))
    return found


def _begin(region: Region) -> int:
    return region.offset


def _xor(old: bytes | bytearray, new: bytes) -> bytes:
    both = int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    return both.to_bytes(len(new), "little")


def _joined(spans: Sequence[tuple[int, int]], apart: int) -> list[tuple[int, int]]:
    """The sorted ``spans``, those made one that fewer than ``apart`` bytes part."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start - found[-1][1] < apart:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
