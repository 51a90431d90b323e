"""Fields in, layout out: where .NET's marshaller puts each field of a sequential struct.

A pure function of its arguments. The rule is that of
https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.structlayoutattribute.pack :
a field is aligned to the smaller of its own alignment and Pack, the struct to its strictest
field so capped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .errors import LayoutError
from .types import FieldType

__all__ = ["FieldLayout", "Layout", "sequential"]

_PACKS = (0, 1, 2, 4, 8, 16, 32, 64, 128)


class FieldLayout(NamedTuple):
    """One field: its Python and its .NET name, offset and size in bytes, its type."""

    name: str
    dotnet_name: str
    offset: int
    size: int
    type: FieldType


class Layout(NamedTuple):
    """A struct: size and alignment in bytes, its Pack, its fields in order."""

    size: int
    alignment: int
    pack: int
    fields: tuple[FieldLayout, ...]


def sequential(fields: Iterable[tuple[str, FieldType]], *, pack: int = 0, size: int = 0) -> Layout:
    """Lay out ``fields`` (Python name and type) as LayoutKind.Sequential.

    ``pack`` is the attribute's Pack (0: no cap) and ``size`` its Size in bytes, a minimum.
    Raises LayoutError for a Pack that .NET does not know and a negative Size.
    """
    if pack not in _PACKS:
        raise LayoutError(f"pack must be one of {_PACKS}, not {pack!r}", field="pack", value=pack)
    if size < 0:
        raise LayoutError(f"size must not be negative, but is {size}", field="size", value=size)
    end = 0
    strictest = 1
    placed = []
    for name, kind in fields:
        alignment = min(kind.alignment, pack or kind.alignment)
        offset = _round_up(end, alignment)
        placed.append(FieldLayout(name, dotnet_name(name), offset, kind.size, kind))
        end = offset + kind.size
        strictest = max(strictest, alignment)
    # A Size that is given is not rounded; an empty struct still takes one byte.
    total = max(size, end) if size else _round_up(end, strictest)
    return Layout(total or 1, strictest, pack, tuple(placed))


def dotnet_name(name: str) -> str:
    """``top_speed`` as .NET spells it: ``TopSpeed``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
