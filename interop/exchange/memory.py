"""The bytes of a map as the report keeps them: fields completely, long content shortened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyshm.dump import Region, annotate_anything

from ..oracle.memory import describe_difference

__all__ = ["Chunk", "Memory", "shortened"]

_LONGEST_FIELD = 256  # bytes; a longer one is kept like content
_KEPT = 64  # bytes of content, of padding and of stale bytes
_ROW = 16
_MOST_ROWS = 8  # with bytes that differ
_LONGEST_TEXT = 240  # characters; a longer text is shortened
_HEAD, _TAIL = 160, 40

Chunk = tuple[int, bytes]  # an offset and the bytes there


def shortened(text: str) -> str:
    """Return the text; of a long one, the beginning and the end."""
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_HEAD]} … {text[-_TAIL:]} ({len(text)} characters)"


@dataclass(frozen=True)
class Memory:
    """The bytes found in a map, and the wanted ones if they differ.

    Attributes:
        size: the number of bytes found.
        kind: "blob", "TestData", "unknown" or "bytes".
        remark: why no fields were found, or what is wrong with them; empty if nothing is.
        regions: the fields and other parts, without gaps.
        chunks: the bytes that are kept.
        wanted_size: the number of wanted bytes; None if they were found, or are not known.
        wanted_chunks: the wanted bytes that are kept.
        difference: the fields that differ, a line for each (interop/oracle/memory.py).
    """

    size: int
    kind: str
    remark: str
    regions: list[Region]
    chunks: list[Chunk]
    wanted_size: int | None = None
    wanted_chunks: list[Chunk] | None = None
    difference: str = ""

    @classmethod
    def of(cls, found: bytes, kind: str | None, wanted: bytes | None = None) -> Memory:
        """Return the bytes ``found`` with their fields.

        Args:
            found: the bytes.
            kind: what they are read as: "blob", "TestData", or None for bytes without fields.
            wanted: the bytes that should be there, if they are known.
        """
        if kind is None:
            name, remark = "bytes", ""
            regions = [Region("bytes", 0, len(found), None, f"bytes ({len(found)})", "content")]
        else:
            name, _, regions, remark = annotate_anything(memoryview(found), kind)
        regions = [_bounded(region) for region in regions if region.size or region.note]
        places = {region.offset: region.offset + _kept(region) for region in regions}
        if wanted is None or wanted == found:
            return cls(len(found), name, remark, regions, _cut(found, places))
        for row in _differing_rows(found, wanted):
            places[row] = max(places.get(row, 0), row + _ROW)
        # Missing bytes are after all regions.
        if len(wanted) > len(found):
            places.setdefault(len(found), len(found) + _KEPT)
        return cls(
            len(found),
            name,
            remark,
            regions,
            _cut(found, places),
            len(wanted),
            _cut(wanted, places),
            describe_difference(wanted, found) or "",
        )

    @property
    def found(self) -> bytes:
        """The bytes up to the last one that is kept; bytes that are not kept are zero."""
        return _filled(self.chunks, self.size)

    @property
    def wanted(self) -> bytes | None:
        """The wanted bytes in the same way; None if they were found."""
        if self.wanted_size is None:
            return None
        return _filled(self.wanted_chunks or [], self.wanted_size)

    def as_json(self) -> dict[str, Any]:
        """Return the form that a line of the report has (docs/report.md)."""
        item: dict[str, Any] = {
            "size": self.size,
            "kind": self.kind,
            "remark": self.remark,
            "regions": [
                {"name": r.name, "offset": r.offset, "size": r.size, "value": r.value,
                 "note": r.note, "role": r.role}
                for r in self.regions
            ],
            "chunks": [[offset, data.hex()] for offset, data in self.chunks],
        }  # fmt: skip
        if self.wanted_size is not None:
            item["wanted"] = {
                "size": self.wanted_size,
                "chunks": [[offset, data.hex()] for offset, data in self.wanted_chunks or []],
                "difference": self.difference,
            }
        return item

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Memory:
        """Return the opposite. Raises KeyError, TypeError or ValueError for a malformed item."""
        wanted = item.get("wanted")
        return cls(
            item["size"],
            item["kind"],
            item["remark"],
            [
                Region(r["name"], r["offset"], r["size"], r["value"], r["note"], r["role"])
                for r in item["regions"]
            ],
            _chunks(item["chunks"]),
            wanted["size"] if wanted else None,
            _chunks(wanted["chunks"]) if wanted else None,
            wanted["difference"] if wanted else "",
        )


def _bounded(region: Region) -> Region:
    value = shortened(region.value) if isinstance(region.value, str) else region.value
    # Long fields are shown like content, which is shortened; a field is shown completely.
    role = "content" if region.size > _LONGEST_FIELD and region.role == "field" else region.role
    return region._replace(value=value, note=shortened(region.note), role=role)


def _kept(region: Region) -> int:
    return region.size if region.role == "field" else min(region.size, _KEPT)


def _differing_rows(found: bytes, wanted: bytes) -> Iterator[int]:
    """Yield the offsets of the first rows that differ."""
    count = 0
    for row in range(0, len(found), _ROW):
        if found[row : row + _ROW] != wanted[row : row + _ROW]:
            yield row
            count += 1
            if count == _MOST_ROWS:
                return


def _cut(data: bytes, places: Mapping[int, int]) -> list[Chunk]:
    return [(start, data[start:end]) for start, end in sorted(places.items()) if data[start:end]]


def _chunks(items: list[list[Any]]) -> list[Chunk]:
    return [(int(offset), bytes.fromhex(data)) for offset, data in items]


def _filled(chunks: list[Chunk], size: int) -> bytes:
    data = bytearray(min(size, max((offset + len(part) for offset, part in chunks), default=0)))
    for offset, part in chunks:
        data[offset : offset + len(part)] = part
    return bytes(data)
