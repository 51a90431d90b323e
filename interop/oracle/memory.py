"""Named maps and their bytes, read and written without pyshm.

So an error that both peers have in common is found.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = [
    "blob_bytes",
    "describe_difference",
    "existing_maps",
    "map_directory",
    "path_of",
    "read_file",
    "read_map",
    "struct_bytes",
]


def map_directory() -> str:
    """Return the directory in which named maps are files (docs/named-maps.md)."""
    return os.environ.get("PYSHM_DIRECTORY") or "/dev/shm"


def path_of(name: str) -> Path:
    """Return the path of the file of a named map."""
    return Path(map_directory(), name)


def read_map(name: str, size: int) -> bytes:
    """Return the first ``size`` bytes of a named map."""
    if sys.platform == "win32":
        import mmap

        with mmap.mmap(-1, size, name, access=mmap.ACCESS_READ) as memory:
            return memory[:size]
    return read_file(path_of(name), size)


def read_file(path: str | Path, size: int) -> bytes:
    """Return the first ``size`` bytes of a mapped file."""
    with open(path, "rb") as file:
        return file.read(size)


def existing_maps(prefix: str) -> list[str]:
    """Return the named maps whose names begin with ``prefix``; none on Windows."""
    if sys.platform == "win32":
        return []
    return sorted(name for name in os.listdir(map_directory()) if name.startswith(prefix))


def blob_bytes(path: str | bytes, content: bytes) -> bytes:
    """Return an image blob (docs/format.md)."""
    text = path if isinstance(path, bytes) else path.encode("utf-8")
    return struct.pack("<i", len(text)) + text + struct.pack("<i", len(content)) + content


def struct_bytes(id: int, age: int, scores: Sequence[int]) -> bytes:  # noqa: A002 - the field's name
    """Return a TestData (docs/format.md)."""
    return struct.pack("<12i", id, age, *scores)


def describe_difference(expected: bytes, found: bytes) -> str | None:
    """Return None for equal bytes, else the first fields that differ, each with both values."""
    if expected == found:
        return None
    lines = []
    if len(expected) != len(found):
        lines.append(f"expected {len(expected)} bytes, found {len(found)}")
    fields = _fields(expected)
    shown = 0
    for name, offset, size in fields:
        wanted, got = expected[offset : offset + size], found[offset : offset + size]
        if wanted == got:
            continue
        if shown == 8:
            lines.append("… and more fields")
            break
        shown += 1
        lines.append(_field_difference(name, offset, wanted, got))
    return "\n".join(lines)


def _field_difference(name: str, offset: int, wanted: bytes, got: bytes) -> str:
    pairs = zip(wanted, got, strict=False)
    first = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(got)))
    start = max(0, first - 4) if len(wanted) > 16 else 0
    line = (
        f"{name} at {offset}, byte {offset + first}: "
        f"expected {wanted[start : start + 16].hex(' ')}, "
        f"found {got[start : start + 16].hex(' ') or 'nothing'}"
    )
    if len(wanted) == 4 and len(got) == 4:
        line += (
            f" (int32 {int.from_bytes(wanted, 'little', signed=True)}, "
            f"found {int.from_bytes(got, 'little', signed=True)})"
        )
    elif start:
        line += f" (from byte {offset + start} on)"
    return line


def _fields(expected: bytes) -> list[tuple[str, int, int]]:
    """Return the fields of a well-formed blob or of a TestData, else all bytes as one field."""
    size = len(expected)
    if size >= 8:
        n = int.from_bytes(expected[:4], "little", signed=True)
        if 0 <= n <= size - 8:
            m = int.from_bytes(expected[4 + n : 8 + n], "little", signed=True)
            if 0 <= m == size - 8 - n:
                return [
                    ("path_length", 0, 4),
                    ("path", 4, n),
                    ("content_length", 4 + n, 4),
                    ("content", 8 + n, m),
                ]
    if size == 48:
        names = ["Id", "Age", *(f"Scores[{i}]" for i in range(10))]
        return [(name, 4 * i, 4) for i, name in enumerate(names)]
    return [("bytes", 0, size)]
