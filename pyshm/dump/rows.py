"""Regions in, rows out: the one view that the terminal, the page and the picture all draw."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .regions import Region, Role

__all__ = [
    "ROW",
    "SHOWN",
    "More",
    "Note",
    "Piece",
    "Row",
    "ascii_of",
    "colours",
    "rows",
    "spans",
]

ROW = 16  # bytes
SHOWN = 64  # bytes of content, padding or stale memory that are shown

_ELEMENT = re.compile(r"(.*)\[(\d+)\]")
_INDEX = re.compile(r"\[\d+\]")


class Piece(NamedTuple):
    """Neighbouring bytes of one row that belong to one region (its number, role and colour)."""

    data: bytes
    region: int
    role: Role
    colour: int
    marked: bool


class Note(NamedTuple):
    """What stands beside a row: a name, and the values with the numbers of their regions."""

    name: str
    values: tuple[tuple[str, int], ...]
    region: int
    role: Role
    colour: int


class Row(NamedTuple):
    """Up to ROW bytes from ``offset`` on, in pieces, and the notes of what begins in it."""

    offset: int
    pieces: list[Piece]
    notes: list[Note]


class More(NamedTuple):
    """So many bytes are not shown."""

    size: int


def ascii_of(data: bytes) -> str:
    """Printable ASCII as itself, everything else as a dot."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def colours(regions: Sequence[Region]) -> list[int]:
    """A colour's number for each field's region, the elements of an array alike; else 0."""
    known: dict[str, int] = {}
    return [
        known.setdefault(_INDEX.sub("[]", region.name), len(known)) if region.role == "field" else 0
        for region in regions
    ]


def spans(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Byte positions as sorted runs ``(start, end)`` that do not touch each other."""
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
    """The rows of up to ``width`` bytes that show ``regions`` of ``buffer``.

    Each field begins a row of its own; the elements of an array follow each other. Of content,
    padding and stale bytes the first ``limit`` are shown (None: all), and of those behind them
    the rows with bytes that are ``marked`` (sorted runs), as many again.
    """
    colour = colours(regions)
    index = 0
    while index < len(regions):
        region = regions[index]
        length = _array(regions, index, width)
        if length > 1:
            yield from _array_rows(buffer, regions, index, length, colour[index], marked, width)
        else:
            yield from _region_rows(buffer, region, index, colour[index], marked, limit, width)
        index += length


def _array(regions: Sequence[Region], first: int, width: int) -> int:
    """How many regions from ``first`` on are neighbouring elements of one array."""
    begin = regions[first]
    match = _ELEMENT.fullmatch(begin.name)
    if match is None or not 0 < begin.size <= width // 2 or begin.readings:
        return 1
    name, index = match[1], int(match[2])
    length = 1
    while first + length < len(regions):
        region = regions[first + length]
        if (
            region.name != f"{name}[{index + length}]"
            or (region.offset, region.size) != (begin.offset + length * begin.size, begin.size)
            or region.readings
        ):
            break
        length += 1
    return length


def _array_rows(
    buffer: memoryview,
    regions: Sequence[Region],
    first: int,
    length: int,
    colour: int,
    marked: Sequence[tuple[int, int]],
    width: int,
) -> Iterator[Row]:
    step = width // regions[first].size
    for start in range(first, first + length, step):
        numbers = range(start, min(start + step, first + length))
        pieces: list[Piece] = []
        for number in numbers:
            region = regions[number]
            pieces += _pieces(
                buffer, region.offset, region.end, number, region.role, colour, marked
            )
        name, _, _ = regions[start].note.partition(" = ")
        if len(numbers) > 1:
            last = _ELEMENT.fullmatch(regions[numbers[-1]].name)
            assert last is not None
            name = f"{name[:-1]}…{last[2]}]"
        values = tuple((regions[number].note.partition(" = ")[2], number) for number in numbers)
        note = Note(name, values, start, "field", colour)
        yield Row(regions[start].offset, pieces, [note])


def _region_rows(
    buffer: memoryview,
    region: Region,
    number: int,
    colour: int,
    marked: Sequence[tuple[int, int]],
    limit: int | None,
    width: int,
) -> Iterator[Row | More]:
    notes = []
    for field in region.fields:
        name, equals, value = field.note.partition(" = ")
        values = ((value, number),) if equals and region.role == "field" else ()
        text = name if values else field.note
        notes.append(Note(text, values, number, region.role, colour))
    cut = region.size if limit is None or region.role == "field" else min(limit, region.size)
    at = region.offset
    for start in _shown(region, cut, marked, width):
        end = min(
            start + width, region.end if start >= region.offset + cut else region.offset + cut
        )
        if start > at:
            yield More(start - at)
        pieces = _pieces(buffer, start, end, number, region.role, colour, marked)
        yield Row(start, pieces, notes)
        notes = []
        at = end
    if notes and (region.size == 0 or cut == 0):
        yield Row(region.offset, [], notes)
    if region.end > at:
        yield More(region.end - at)


def _shown(
    region: Region, cut: int, marked: Sequence[tuple[int, int]], width: int
) -> Iterator[int]:
    """Where the rows of a region begin that are shown."""
    yield from range(region.offset, region.offset + cut, width)
    hidden = region.offset + cut
    left = cut // width
    place = max(bisect_right(marked, (hidden, hidden)) - 1, 0)
    while left > 0 and place < len(marked) and marked[place][0] < region.end:
        start, end = marked[place]
        start = max(start, hidden)
        if start < end:
            row = start - (start - region.offset - cut) % width
            yield row
            left -= 1
            hidden = row + width
        if end <= hidden:
            place += 1


def _pieces(
    buffer: memoryview,
    start: int,
    end: int,
    number: int,
    role: Role,
    colour: int,
    marked: Sequence[tuple[int, int]],
) -> list[Piece]:
    """The bytes from ``start`` to ``end``, cut where marks begin and end."""
    cuts = [start]
    flags = []
    place = max(bisect_right(marked, (start, start)) - 1, 0)
    while place < len(marked) and marked[place][0] < end:
        first, last = max(marked[place][0], start), min(marked[place][1], end)
        if first < last:
            if first > cuts[-1]:
                cuts.append(first)
                flags.append(False)
            cuts.append(last)
            flags.append(True)
        place += 1
    if cuts[-1] < end:
        cuts.append(end)
        flags.append(False)
    return [
        Piece(bytes(buffer[a:b]), number, role, colour, flag)
        for a, b, flag in zip(cuts, cuts[1:], flags, strict=False)
    ]
