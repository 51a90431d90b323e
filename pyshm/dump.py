"""An annotated hex dump: which byte belongs to which field (docs/protocol.md, "dump")."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import blob
from .errors import FormatError, TruncatedError
from .models import TestData

__all__ = ["KINDS", "Region", "Regions", "annotate", "as_json", "as_text"]

KINDS = ("blob", "TestData")
_SHOWN = 64  # bytes of a picture or of stale memory that are shown
_ROW = 16


class Region(NamedTuple):
    """A run of bytes with one meaning. ``value`` is None for content and stale bytes."""

    name: str
    offset: int
    size: int
    value: Any
    note: str


class Regions(NamedTuple):
    """What lies in a buffer: the kind it was taken for, its size in bytes, its regions."""

    kind: str
    size: int
    regions: list[Region]


def annotate(buffer: memoryview, kind: str | None = None) -> Regions:
    """Find the fields in ``buffer``, taken for ``kind`` ("blob", "TestData") or for what fits.

    Raises FormatError where the bytes are not what they are taken for.
    """
    if kind is None:
        try:
            kind = "blob" if blob.parse(buffer).content else "TestData"
        except FormatError:
            kind = "TestData"
    regions = _blob_regions(buffer) if kind == "blob" else _test_data_regions(buffer)
    end = regions[-1].offset + regions[-1].size
    stale = len(buffer) - end
    if stale:
        regions.append(Region("stale", end, stale, None, f"stale ({stale} bytes)"))
    return Regions(kind, len(buffer), regions)


def as_text(buffer: memoryview, found: Regions, title: str) -> Iterator[str]:
    """The dump's lines, the first one with ``title``."""
    yield f"{title}: {found.kind}, {found.size} bytes"
    for region in found.regions:
        size = min(region.size, _SHOWN) if region.value is None else region.size
        note = region.note
        for start in range(region.offset, region.offset + max(size, 1), _ROW):
            row = bytes(buffer[start : min(start + _ROW, region.offset + size)])
            if not row and not note:
                break
            ascii_ = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            yield f"{start:08x}  {row.hex(' '):47}  {ascii_:16}  {note}".rstrip()
            note = ""
        if region.size > size:
            yield f"          … {region.size - size} more bytes"


def as_json(found: Regions, title: str) -> dict[str, Any]:
    """The same, for programs."""
    fields = [
        {"name": r.name, "offset": r.offset, "size": r.size, "value": r.value}
        for r in found.regions
    ]
    return {"map": title, "kind": found.kind, "size": found.size, "fields": fields}


def _blob_regions(buffer: memoryview) -> list[Region]:
    found = blob.parse(buffer)
    path_length, content_length = len(found.path), len(found.content)
    path = bytes(found.path).decode("utf-8", "replace")
    return [
        Region("path_length", 0, 4, path_length, f"path_length = {path_length}"),
        Region("path", 4, path_length, path, f"path = {json.dumps(path, ensure_ascii=False)}"),
        Region(
            "content_length",
            4 + path_length,
            4,
            content_length,
            f"content_length = {content_length}",
        ),
        Region(
            "content", 8 + path_length, content_length, None, f"content ({content_length} bytes)"
        ),
    ]


def _test_data_regions(buffer: memoryview) -> list[Region]:
    size = TestData.layout.size
    if len(buffer) < size:
        raise TruncatedError(
            f"TestData needs {size} bytes; there are {len(buffer)}",
            field="TestData",
            offset=0,
            value=len(buffer),
            limit=size,
        )
    value = TestData.unpack_from(buffer)
    numbers = [("Id", value.id), ("Age", value.age)]
    numbers += [(f"Scores[{index}]", score) for index, score in enumerate(value.scores)]
    return [
        Region(name, 4 * index, 4, number, f"{name} = {number}")
        for index, (name, number) in enumerate(numbers)
    ]
