"""Regions as plain text and as JSON, in the form of docs/protocol.md."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from typing import Any

from .._support.text import visible
from .regions import Regions
from .rows import ROW, SHOWN, ascii_of

__all__ = ["as_json", "as_text", "json_value"]


def as_text(
    buffer: memoryview, found: Regions, title: str, *, limit: int | None = SHOWN
) -> Iterator[str]:
    """Yield the lines of the dump; the first one begins with ``title``.

    Of content, padding and stale bytes the first ``limit`` are shown (None: all).
    """
    remark = f"; {visible(found.remark)}" if found.remark else ""
    yield f"{visible(title)}: {visible(found.heading())}{remark}"
    for region in found.regions:
        whole = limit is None or region.role == "field"
        size = region.size if whole else min(region.size, limit or 0)
        note = visible(region.note)
        for start in range(region.offset, region.offset + max(size, 1), ROW):
            row = bytes(buffer[start : min(start + ROW, region.offset + size)])
            if not row and not note:
                break
            yield f"{start:08x}  {row.hex(' '):47}  {ascii_of(row):16}  {note}".rstrip()
            note = ""
        if region.size > size:
            yield f"          … {region.size - size} more bytes"


def as_json(found: Regions, title: str) -> dict[str, Any]:
    """Return the dump as an object for JSON. Fields that share bytes have an entry each."""
    fields = [
        {"name": field.name, "offset": field.offset, "size": field.size,
         "value": json_value(field.value)}
        for region in found.regions
        for field in region.readings or (region,)
    ]  # fmt: skip
    return {"map": title, "kind": found.kind, "size": found.size, "fields": fields}


def json_value(value: Any) -> Any:
    """Return a field's value for JSON: a number, text, a list of them, or bytes as hex text.

    A value that JSON can't represent (NaN, a decimal, a time) becomes text.
    """
    if isinstance(value, Enum):
        return int(value) if isinstance(value, int) else json_value(value.value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    return str(value)
