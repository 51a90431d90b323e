"""Find the fields in bytes: bytes in, regions out. Nothing large is copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, Literal, NamedTuple

from .._support.names import written_name
from .._support.text import json_text
from ..errors import FormatError, PyshmError, TruncatedError
from ..formats import blob
from ..formats.recognize import UNFINISHED, is_unfinished, recognize
from ..formats.testdata import TestData
from ..structs.compound import ArrayValue, NestedStruct, NullableValue
from ..structs.leaves import check_can_be_shown
from ..structs.packed import Packed
from ..structs.struct import Struct
from ..structs.values.base import Conversion

__all__ = ["Reading", "Region", "Regions", "Role", "annotate", "annotate_anything", "text_of"]

Role = Literal["field", "content", "padding", "stale"]

# The errors of a read of bytes that are not a valid value of their type.
_INVALID = (PyshmError, ValueError, OverflowError)

_UNKNOWN = (
    "the bytes do not show what they are; --as reads them as blob, TestData, module:Class or "
    "My.dll:Full.Name"
)


class Reading(NamedTuple):
    """One of several fields that share the same bytes (a union)."""

    name: str
    offset: int
    size: int
    value: Any
    note: str


class Region(NamedTuple):
    """A run of bytes with one meaning.

    ``value`` is the value of a field, None for anything else. ``note`` is the text beside the
    bytes; for a field it is ``NAME = VALUE``. If several fields share the region, ``readings`` has
    them; otherwise it is empty.
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
        """The offset after the last byte."""
        return self.offset + self.size

    @property
    def fields(self) -> tuple[Reading, ...]:
        """The readings, or the region itself as the only one."""
        return self.readings or (Reading(*self[:5]),)


class Regions(NamedTuple):
    """The contents of a buffer: their kind, their size in bytes, their regions.

    ``remark`` is what a user should know in addition, for example that a write is in progress, or
    why a value can't be shown. Mostly it is empty.
    """

    kind: str
    size: int
    regions: list[Region]
    remark: str = ""

    @property
    def content(self) -> Region | None:
        """The region of the picture in a finished blob."""
        for region in self.regions:
            if region.name == "content" and region.role == "content":
                return region
        return None

    def heading(self, picture: object = "") -> str:
        """Return the kind and the size as text, and the picture if there is one."""
        return f"{self.kind}, {self.size} bytes" + (f"; {picture}" if picture else "")


def annotate(
    buffer: memoryview, kind: str | type[Struct] | None = None, *, count: int = 1
) -> Regions:
    """Return the fields in ``buffer``, read as ``kind`` or as what :func:`recognize` finds.

    ``kind`` is "blob", "TestData", "raw" (bytes without fields) or a Struct subclass. With
    ``count``, the buffer holds that many structs in a row. Raises FormatError if the bytes are not
    of that kind.
    """
    size = len(buffer)
    chosen = recognize(buffer) if kind is None else kind
    if chosen == "empty":
        return Regions("empty", size, [_run("empty", 0, size, "stale")], "all bytes are zero")
    if chosen == "raw":
        region = Region("bytes", 0, size, None, "", "content")
        return Regions("raw", size, [region], "" if kind else _UNKNOWN)
    if chosen == "blob":
        name, regions, remark = "blob", *_blob_regions(buffer)
    else:
        struct = TestData if isinstance(chosen, str) else chosen
        name = struct.__name__ if count == 1 else f"{struct.__name__}[{count}]"
        regions, remark = _struct_regions(buffer, struct, count)
    end = regions[-1].end if regions else 0
    if size > end:
        regions.append(_run("stale", end, size - end, "stale"))
    return Regions(name, size, regions, remark)


def annotate_anything(
    buffer: memoryview, kind: str | type[Struct] | None = None, *, count: int = 1
) -> Regions:
    """Return what :func:`annotate` returns; if that fails, one region and the error as remark."""
    try:
        return annotate(buffer, kind, count=count)
    except FormatError as error:
        size = len(buffer)
        return Regions("unknown", size, [_run("bytes", 0, size, "content")], str(error))


def _run(name: str, offset: int, size: int, role: Role) -> Region:
    """Return a region without a value."""
    return Region(name, offset, size, None, f"{name} ({size} bytes)", role)


def _field(name: str, offset: int, size: int, value: Any) -> Reading:
    return Reading(name, offset, size, value, f"{name} = {text_of(value)}")


def text_of(value: object) -> str:
    """Return the value of a field as a dump shows it, with text in the syntax of JSON."""
    if isinstance(value, Enum):
        number = int(value) if isinstance(value, int) else value.value
        return f"{value.name or '?'} ({number})"
    if isinstance(value, str):
        return json_text(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex(" ")
    return str(value)


def _blob_regions(buffer: memoryview) -> tuple[list[Region], str]:
    if is_unfinished(buffer):
        regions = [Region(*_field("path_length", 0, 4, UNFINISHED))]
        if len(buffer) > 4:
            regions.append(_run("unfinished", 4, len(buffer) - 4, "content"))
        return regions, f"unfinished: {blob.UNFINISHED_DETAIL}"
    found = blob.parse(buffer)
    path_length, content_length = len(found.path), len(found.content)
    path = bytes(found.path).decode("utf-8", "replace")
    after = 4 + path_length
    return [
        Region(*_field("path_length", 0, 4, path_length)),
        Region(*_field("path", 4, path_length, path)),
        Region(*_field("content_length", after, 4, content_length)),
        _run("content", after + 4, content_length, "content"),
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
    check_can_be_shown(struct.__packing__)
    leaves = _Leaves()
    for index in range(count):
        leaves.add("" if count == 1 else f"[{index}].", index * size, struct, buffer)
    return list(_with_padding(leaves.found, needed)), leaves.remark


class _Leaves:
    """Collects the fields that have no parts, also from nested structs and arrays.

    A field whose bytes are not a valid value is there without one; ``remark`` says why, for the
    first such field.
    """

    def __init__(self) -> None:
        self.found: list[Reading] = []
        self.remark = ""

    def add(self, prefix: str, offset: int, struct: type[Struct], buffer: memoryview) -> None:
        """Add the fields of the struct in ``buffer`` at ``offset``."""
        packed = struct.__packing__
        self._fields(prefix, offset, packed, bytes(buffer[offset : offset + packed.size]))

    def _fields(self, prefix: str, offset: int, packed: Packed, raw: bytes) -> None:
        for field, conversion, _ in packed.shapes:
            name = prefix + written_name(field.dotnet_name)
            part = raw[field.offset : field.offset + field.size]
            self._value(name, offset + field.offset, conversion, part)

    def _value(self, name: str, offset: int, conversion: Conversion, raw: bytes) -> None:
        if isinstance(conversion, NestedStruct):
            self._fields(f"{name}.", offset, conversion.packed, raw)
        elif isinstance(conversion, ArrayValue) and not conversion.whole:
            for index, piece in enumerate(conversion.pieces(raw)):
                at = offset + index * conversion.stride
                self._value(f"{name}[{index}]", at, conversion.element, piece)
        elif (
            isinstance(conversion, NullableValue) and conversion.mutable and conversion.is_set(raw)
        ):
            truth = raw[: conversion.truth.size]
            self._value(f"{name}.HasValue", offset, conversion.truth, truth)
            at = offset + conversion.offset
            self._value(name, at, conversion.value, conversion.part(raw))
        else:
            self._leaf(name, offset, conversion, raw)

    def _leaf(self, name: str, offset: int, conversion: Conversion, raw: bytes) -> None:
        try:
            value = conversion.decode(raw)
        except _INVALID as error:
            self._invalid(name, offset, len(raw), error)
            return
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            value = "".join(value).rstrip("\0")  # characters that are one text to .NET
        self.found.append(_field(name, offset, len(raw), value))

    def _invalid(self, name: str, offset: int, size: int, error: Exception) -> None:
        self.remark = self.remark or f"{name} has no valid value: {error}"
        self.found.append(Reading(name, offset, size, None, f"{name} ({size} bytes)"))


def _with_padding(leaves: list[Reading], size: int) -> Iterator[Region]:
    """Yield the regions of ``size`` bytes: each leaf, overlapping leaves as one, and padding."""
    end = 0
    for group in _overlapping(sorted(leaves, key=lambda leaf: leaf.offset)):
        start = group[0].offset
        if start > end:
            yield _run("padding", end, start - end, "padding")
        end = max(leaf.offset + leaf.size for leaf in group)
        if len(group) == 1:
            yield Region(*group[0])
        else:
            name = " | ".join(leaf.name for leaf in group)
            note = " | ".join(leaf.note for leaf in group)
            yield Region(name, start, end - start, None, note, "field", tuple(group))
    if size > end:
        yield _run("padding", end, size - end, "padding")


def _overlapping(leaves: Iterable[Reading]) -> Iterator[list[Reading]]:
    """Yield the groups of leaves that share bytes."""
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
