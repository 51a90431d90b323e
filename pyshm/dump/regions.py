"""Bytes in, regions out: which byte belongs to which field. Pure; copies nothing large."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, Literal, NamedTuple

from ..errors import FormatError, PyshmError, TruncatedError
from ..formats import blob
from ..formats.recognize import UNFINISHED, is_unfinished, recognize
from ..formats.testdata import TestData
from ..structs.struct import Struct

__all__ = [
    "KINDS",
    "Reading",
    "Region",
    "Regions",
    "Role",
    "annotate",
    "annotate_anything",
    "recognize",
]

KINDS = ("blob", "TestData")
Role = Literal["field", "content", "padding", "stale"]

# What reading bytes that no value of a type has may raise.
_NO_VALUE = (PyshmError, ValueError, OverflowError)


class Reading(NamedTuple):
    """One of several fields that lie on the same bytes (a union)."""

    name: str
    offset: int
    size: int
    value: Any
    note: str


class Region(NamedTuple):
    """A run of bytes with one meaning.

    ``value`` is what a field holds, None for anything else; ``note`` is the text beside the
    bytes, for a field ``NAME = VALUE``. ``readings`` are the fields of a region that several of
    them share; it is empty where there is only one.
    """

    name: str
    offset: int
    size: int
    value: Any
    note: str
    role: Role = "field"
    readings: tuple[Reading, ...] = ()

    @property
    def end(self) -> int:
        """The offset behind the last byte."""
        return self.offset + self.size

    @property
    def fields(self) -> tuple[Reading, ...]:
        """The readings, or the region itself as the only one."""
        return self.readings or (Reading(*self[:5]),)


class Regions(NamedTuple):
    """What lies in a buffer: the kind it was taken for, its size in bytes, its regions.

    ``remark`` is what a person should know beside that: that nobody has written yet, that a
    write is under way, why no values can be shown; mostly it is empty.
    """

    kind: str
    size: int
    regions: list[Region]
    remark: str = ""

    @property
    def content(self) -> Region | None:
        """The region of a finished blob's picture."""
        for region in self.regions:
            if region.name == "content" and region.role == "content":
                return region
        return None


def annotate(
    buffer: memoryview, kind: str | type[Struct] | None = None, *, count: int = 1
) -> Regions:
    """Find the fields in ``buffer``, taken for ``kind`` or for what :func:`recognize` finds.

    ``kind`` is "blob", "TestData" or a Struct subclass, of which ``count`` may follow each
    other. Raises FormatError where the bytes are not what they are taken for.
    """
    size = len(buffer)
    taken = recognize(buffer) if kind is None else kind
    if taken == "empty":
        region = Region("empty", 0, size, None, f"empty ({size} bytes)", "stale")
        return Regions("empty", size, [region], "all bytes are zero")
    if taken == "blob":
        name, regions, remark = "blob", *_blob_regions(buffer)
        if remark and kind is None:
            remark += "; or a TestData whose Id is -1 (--as TestData)"
    else:
        struct = TestData if isinstance(taken, str) else taken
        name = struct.__name__ if count == 1 else f"{struct.__name__}[{count}]"
        regions, remark = _struct_regions(buffer, struct, count)
    end = regions[-1].end if regions else 0
    stale = size - end
    if stale:
        regions.append(Region("stale", end, stale, None, f"stale ({stale} bytes)", "stale"))
    return Regions(name, size, regions, remark)


def annotate_anything(
    buffer: memoryview, kind: str | type[Struct] | None = None, *, count: int = 1
) -> Regions:
    """As :func:`annotate`, but bytes that are not ``kind`` are shown as such, with the reason."""
    try:
        return annotate(buffer, kind, count=count)
    except FormatError as error:
        size = len(buffer)
        region = Region("bytes", 0, size, None, f"bytes ({size} bytes)", "content")
        return Regions("unknown", size, [region], str(error))


def note_of(name: str, value: object) -> str:
    """``NAME = VALUE`` as it stands beside a field's bytes; text in JSON's syntax."""
    if isinstance(value, Enum):
        shown = f"{value.name or '?'} ({value.value})"
    elif isinstance(value, str):
        shown = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        shown = bytes(value).hex(" ")
    else:
        shown = str(value)
    return f"{name} = {shown}"


def _blob_regions(buffer: memoryview) -> tuple[list[Region], str]:
    if is_unfinished(buffer):
        story = "a write is under way, or its writer died in it"
        rest = len(buffer) - 4
        regions = [Region("path_length", 0, 4, UNFINISHED, note_of("path_length", UNFINISHED))]
        if rest:
            note = f"unfinished ({rest} bytes)"
            regions.append(Region("unfinished", 4, rest, None, note, "content"))
        return regions, f"unfinished: {story}"
    found = blob.parse(buffer)
    path_length, content_length = len(found.path), len(found.content)
    path = bytes(found.path).decode("utf-8", "replace")
    after = 4 + path_length
    return [
        Region("path_length", 0, 4, path_length, note_of("path_length", path_length)),
        Region("path", 4, path_length, path, note_of("path", path)),
        Region(
            "content_length", after, 4, content_length, note_of("content_length", content_length)
        ),
        Region(
            "content",
            after + 4,
            content_length,
            None,
            f"content ({content_length} bytes)",
            "content",
        ),
    ], ""


def _struct_regions(
    buffer: memoryview, struct: type[Struct], count: int
) -> tuple[list[Region], str]:
    size, needed = struct.layout.size, struct.layout.size * count
    if len(buffer) < needed:
        what = struct.__name__ if count == 1 else f"{count} x {struct.__name__}"
        raise TruncatedError(
            f"{what} needs {needed} bytes; there are {len(buffer)}",
            field=struct.__name__,
            offset=0,
            value=len(buffer),
            limit=needed,
        )
    leaves = _Leaves()
    for index in range(count):
        leaves.add("" if count == 1 else f"[{index}].", index * size, struct, buffer)
    return list(_placed(leaves.found, needed)), leaves.remark


class _Leaves:
    """Collects the fields without parts: of nested structs and arrays their parts' parts.

    Bytes that are no value of their field have a place all the same; ``remark`` tells of the
    first.
    """

    def __init__(self) -> None:
        self.found: list[Reading] = []
        self.remark = ""

    def add(self, prefix: str, offset: int, struct: type[Struct], buffer: memoryview) -> None:
        """The fields of the struct in ``buffer`` at ``offset``."""
        try:
            value = struct.unpack_from(buffer, offset)
        except _NO_VALUE as error:
            for field in struct.layout.fields:
                self._without(prefix + field.dotnet_name, offset + field.offset, field.size, error)
        else:
            self._fields(prefix, offset, value)

    def _fields(self, prefix: str, offset: int, value: Struct) -> None:
        for field in value.layout.fields:
            place = prefix + field.dotnet_name, offset + field.offset, field.size
            try:
                part = getattr(value, field.name)
            except _NO_VALUE as error:
                self._without(*place, error)
            else:
                self._value(*place, part)

    def _value(self, name: str, offset: int, size: int, value: Any) -> None:
        if isinstance(value, Struct):
            self._fields(f"{name}.", offset, value)
        elif isinstance(value, (list, tuple)) and value and size % len(value) == 0:
            step = size // len(value)
            for index, item in enumerate(value):
                self._value(f"{name}[{index}]", offset + index * step, step, item)
        else:
            self.found.append(Reading(name, offset, size, value, note_of(name, value)))

    def _without(self, name: str, offset: int, size: int, error: Exception) -> None:
        self.remark = self.remark or f"no value of {name}: {error}"
        self.found.append(Reading(name, offset, size, None, f"{name} ({size} bytes)"))


def _placed(leaves: list[Reading], size: int) -> Iterator[Region]:
    """The regions of ``size`` bytes: each leaf, those that overlap as one, and what is between."""
    end = 0
    for group in _overlapping(sorted(leaves, key=lambda leaf: leaf.offset)):
        start = group[0].offset
        if start > end:
            yield _padding(end, start - end)
        end = max(leaf.offset + leaf.size for leaf in group)
        if len(group) == 1:
            yield Region(*group[0])
        else:
            name = " | ".join(leaf.name for leaf in group)
            note = " | ".join(leaf.note for leaf in group)
            yield Region(name, start, end - start, None, note, "field", tuple(group))
    if size > end:
        yield _padding(end, size - end)


def _overlapping(leaves: Iterable[Reading]) -> Iterator[list[Reading]]:
    group: list[Reading] = []
    end = 0
    for leaf in leaves:
        if group and leaf.offset >= end:
            yield group
            group = []
        group.append(leaf)
        end = max(end, leaf.offset + leaf.size)
    if group:
        yield group


def _padding(offset: int, size: int) -> Region:
    return Region("padding", offset, size, None, f"padding ({size} bytes)", "padding")
