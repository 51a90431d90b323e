"""A map's bytes as a report keeps them: every field, and of much only what a reader looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyshm.dump import Region, annotate_anything

from ..oracle.memory import describe_difference

__all__ = ["Chunk", "Memory", "shortened"]

_LONGEST_FIELD = 256  # bytes; a longer one is kept like content
_KEPT = 64  # bytes of content, padding and what is stale
_ROW = 16
_MOST_ROWS = 8  # of those that differ
_LONGEST_TEXT = 240  # characters of which no more is left out
_HEAD, _TAIL = 160, 40

Chunk = tuple[int, bytes]  # an offset and the bytes there


def shortened(text: str) -> str:
    """The text, or the beginning and end of a long one."""
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_HEAD]} … {text[-_TAIL:]} ({len(text)} characters)"


@dataclass(frozen=True)
class Memory:
    """What lay in a map, and where that is something else, what should have lain there."""

    size: int
    kind: str
    remark: str
    regions: list[Region]
    chunks: list[Chunk]
    wanted_size: int | None = None  # None: the bytes are the wanted ones, or nobody said
    wanted_chunks: list[Chunk] | None = None
    difference: str = ""  # field by field, as difference tells it

    @classmethod
    def of(cls, found: bytes, kind: str | None, wanted: bytes | None = None) -> Memory:
        """Take ``found`` for ``kind`` ("blob", "TestData", None: bytes without a meaning)."""
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
        # What is missing lies behind all regions.
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
        """The bytes, up to the last that is kept; zeros where bytes are left out."""
        return _filled(self.chunks, self.size)

    @property
    def wanted(self) -> bytes | None:
        """The bytes that should lie there, in the same way; None where they do."""
        if self.wanted_size is None:
            return None
        return _filled(self.wanted_chunks or [], self.wanted_size)

    def as_json(self) -> dict[str, Any]:
        """As a line of the report has it (docs/report.md)."""
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
        """The opposite. Raises KeyError, TypeError and ValueError for what is none."""
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
    # Drawn like content, which is cut, where a field would be shown whole.
    role = "content" if region.size > _LONGEST_FIELD and region.role == "field" else region.role
    return region._replace(value=value, note=shortened(region.note), role=role)


def _kept(region: Region) -> int:
    return region.size if region.role == "field" else min(region.size, _KEPT)


def _differing_rows(found: bytes, wanted: bytes) -> Iterator[int]:
    """Where the first rows begin that differ."""
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
