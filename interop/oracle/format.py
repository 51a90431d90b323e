"""docs/format.md once more, in as few lines as it takes: what a reader must make of a buffer.

The cases say by hand what is expected of exactly the bytes that they write. Where a world rounds
a view up to whole pages there is more behind those bytes, and the answer may be another one; it
is computed here, and the harness's own tests hold this to the cases' handwriting.
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
    """What ``read-struct`` must answer."""
    if len(data) < 48:
        return _error("truncated", "TestData", 0, len(data), 48)
    numbers = struct.unpack_from("<12i", data)
    return {"value": {"id": numbers[0], "age": numbers[1], "scores": list(numbers[2:])}}


def read_image(data: bytes, *, replace: bool = False) -> Outcome:
    """What ``read-image`` must answer."""
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
