"""A second implementation of docs/format.md: what a reader must return for a buffer.

The cases say what is expected for exactly the bytes that they write. In a world that rounds views
up to whole pages, more bytes follow, and the outcome may differ. It is computed here. A test
compares this implementation with the cases.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

__all__ = ["read_image", "read_struct"]

Outcome = dict[str, Any]


def _error(kind: str, field: str, offset: int, value: int, limit: int | None) -> Outcome:
    found = {"kind": kind, "field": field, "offset": offset, "value": value}
    return {"error": found if limit is None else {**found, "limit": limit}}


def read_struct(data: bytes) -> Outcome:
    """Return the right outcome of ``read-struct``."""
    if len(data) < 48:
        return _error("truncated", "TestData", 0, len(data), 48)
    numbers = struct.unpack_from("<12i", data)
    return {"value": {"id": numbers[0], "age": numbers[1], "scores": list(numbers[2:])}}


def read_image(data: bytes, *, replace: bool = False) -> Outcome:
    """Return the right outcome of ``read-image``."""
    offset = 0
    parts: list[bytes] = []
    for field in ("path_length", "content_length"):
        if len(data) < offset + 4:
            return _error("truncated", field, offset, len(data), offset + 4)
        length = int.from_bytes(data[offset : offset + 4], "little", signed=True)
        room = len(data) - offset - 4
        if length < 0:
            return _error("negative-length", field, offset, length, 0)
        if length > room:
            return _error("length-exceeds-buffer", field, offset, length, room)
        parts.append(data[offset + 4 : offset + 4 + length])
        offset += 4 + length
    path, content = parts
    try:
        text = path.decode("utf-8", "replace" if replace else "strict")
    except UnicodeDecodeError as error:
        return _error("invalid-utf8", "path", 4 + error.start, path[error.start], None)
    digest = hashlib.sha256(content).hexdigest()
    return {"value": {"path": text, "length": len(content), "sha256": digest}}
