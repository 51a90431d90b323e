"""Arrange regions in rows, which the terminal, the HTML page and the picture draw."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .regions import Region, Regions, Role

__all__ = [
    "ROW",
    "SHOWN",
    "More",
    "Note",
    "Piece",
    "Row",
    "ascii_of",
    "colors",
    "rows",
    "shown_of",
    "spans",
]

ROW = 16  # bytes
SHOWN = 64  # the bytes of content, padding or stale memory that a dump shows by default
_RAW_SHOWN = 256  # the same for a dump without fields

_ELEMENT = re.compile(r"(.*)\[(\d+)\]")
_INDEX = re.compile(r"\[\d+\]")


class Piece(NamedTuple):
    """Neighboring bytes of one row, in one region (its number, role and color)."""

    data: bytes
    region: int
    role: Role
    color: int
    marked: bool


class Note(NamedTuple):
    """The text beside a row: a name, and values with the numbers of their regions."""

    name: str
    values: tuple[tuple[str, int], ...]
    region: int
    role: Role
    color: int


class Row(NamedTuple):
    """Up to ROW bytes from ``offset`` on, in pieces, with the notes of regions that begin here."""

    offset: int
    pieces: list[Piece]
    notes: list[Note]


class More(NamedTuple):
    """The place of ``size`` bytes that are not shown."""

    size: int


def shown_of(found: Regions) -> int:
    """Return how many bytes of content a dump of ``found`` shows by default."""
    return _RAW_SHOWN if found.kind in ("raw", "unknown") else SHOWN


def ascii_of(data: bytes) -> str:
    """Return the bytes as ASCII, with a dot for every byte that is not printable."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def colors(regions: Sequence[Region]) -> list[int]:
    """Return a color number for each region; the elements of an array share one.

    A region that is not a field has 0.
    """
    known: dict[str, int] = {}
    return [
        known.setdefault(_INDEX.sub("[]", region.name), len(known)) if region.role == "field" else 0
        for region in regions
    ]


def spans(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Return byte positions as sorted runs ``(start, end)`` that do not touch each other."""
    found: list[tuple[int, int]] = []
    for position in sorted(set(positions)):
        if found and found[-1][1] == position:
            found[-1] = (found[-1][0], position + 1)
        else:
            found.append((position, position + 1))
    return found


def rows(
    buffer: memoryview,
    regions: Sequence[Region],
    *,
    marked: Sequence[tuple[int, int]] = (),
    limit: int | None = SHOWN,
    width: int = ROW,
) -> Iterator[Row | More]:
    """Yield rows of up to ``width`` bytes that show ``regions`` of ``buffer``.

    Each field begins a new row; the elements of an array share rows. Of content, padding and stale
    bytes the first ``limit`` are shown (None: all). After these, rows with ``marked`` bytes (sorted
    runs) are shown, up to ``limit`` bytes again.
    """
    arrangement = _Arrangement(buffer, regions, colors(regions), marked, limit, width)
    number = 0
    while number < len(regions):
        length = arrangement.array_length(number)
        if length > 1:
            yield from arrangement.array_rows(number, length)
        else:
            yield from arrangement.region_rows(number)
        number += length


class _Arrangement(NamedTuple):
    """The arguments of :func:`rows`, and the color number of each region."""

    buffer: memoryview
    regions: Sequence[Region]
    colors: Sequence[int]
    marked: Sequence[tuple[int, int]]
    limit: int | None
    width: int

    def array_length(self, first: int) -> int:
        """Return how many regions from ``first`` on are neighboring elements of one array."""
        begin = self.regions[first]
        match = _ELEMENT.fullmatch(begin.name)
        if match is None or not 0 < begin.size <= self.width // 2 or begin.readings:
            return 1
        name, index = match[1], int(match[2])
        length = 1
        while first + length < len(self.regions):
            region = self.regions[first + length]
            if (
                region.name != f"{name}[{index + length}]"
                or (region.offset, region.size) != (begin.offset + length * begin.size, begin.size)
                or region.readings
            ):
                break
            length += 1
        return length

    def array_rows(self, first: int, length: int) -> Iterator[Row]:
        step = self.width // self.regions[first].size
        for start in range(first, first + length, step):
            numbers = range(start, min(start + step, first + length))
            elements = [self.regions[number] for number in numbers]
            pieces = [
                piece
                for number, region in zip(numbers, elements, strict=True)
                for piece in self._pieces(number, region.offset, region.end)
            ]
            name = elements[0].note.partition(" = ")[0]
            if len(numbers) > 1:
                last = _ELEMENT.fullmatch(elements[-1].name)
                assert last is not None
                name = f"{name[:-1]}…{last[2]}]"
            values = tuple(
                (region.note.partition(" = ")[2], number)
                for number, region in zip(numbers, elements, strict=True)
            )
            yield Row(
                elements[0].offset,
                pieces,
                [Note(name, values, start, "field", self.colors[first])],
            )

    def region_rows(self, number: int) -> Iterator[Row | More]:
        region = self.regions[number]
        notes = []
        for field in region.fields:
            name, equals, value = field.note.partition(" = ")
            values = ((value, number),) if equals and region.role == "field" else ()
            text = name if values else field.note
            notes.append(Note(text, values, number, region.role, self.colors[number]))
        whole = self.limit is None or region.role == "field"
        cut = region.offset + (region.size if whole else min(self.limit or 0, region.size))
        at = region.offset
        for start in self._starts(region, cut):
            end = min(start + self.width, region.end if start >= cut else cut)
            if start > at:
                yield More(start - at)
            yield Row(start, self._pieces(number, start, end), notes)
            notes = []
            at = end
        if notes and (region.size == 0 or cut == region.offset):
            yield Row(region.offset, [], notes)
        if region.end > at:
            yield More(region.end - at)

    def _starts(self, region: Region, cut: int) -> Iterator[int]:
        """Yield the offsets of the rows to show: all before ``cut``, then those with marks."""
        yield from range(region.offset, cut, self.width)
        hidden, left = cut, (cut - region.offset) // self.width
        place = self._first_mark(cut)
        while left > 0 and place < len(self.marked) and self.marked[place][0] < region.end:
            start, end = self.marked[place]
            start = max(start, hidden)
            if start < end:
                row = start - (start - cut) % self.width
                yield row
                left -= 1
                hidden = row + self.width
            if end <= hidden:
                place += 1

    def _pieces(self, number: int, start: int, end: int) -> list[Piece]:
        """Return the bytes from ``start`` to ``end``, cut where marks begin and end."""
        cuts = [start]
        flags = []
        place = self._first_mark(start)
        while place < len(self.marked) and self.marked[place][0] < end:
            first, last = max(self.marked[place][0], start), min(self.marked[place][1], end)
            place += 1
            if first < last:
                if first > cuts[-1]:
                    cuts.append(first)
                    flags.append(False)
                cuts.append(last)
                flags.append(True)
        if cuts[-1] < end:
            cuts.append(end)
            flags.append(False)
        role, color = self.regions[number].role, self.colors[number]
        return [
            Piece(bytes(self.buffer[a:b]), number, role, color, flag)
            for a, b, flag in zip(cuts, cuts[1:], flags, strict=False)
        ]

    def _first_mark(self, offset: int) -> int:
        return max(bisect_right(self.marked, (offset, offset)) - 1, 0)
