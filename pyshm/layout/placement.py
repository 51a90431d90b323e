"""The arithmetic of every layout: offsets from the sizes and alignments of fields.

A field is aligned to the smaller of its own alignment and Pack. The alignment of the type is the
largest of these. A Size that is set is a minimum and is not rounded. An empty type takes one byte.
https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.structlayoutattribute.pack
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .forms import round_up

__all__ = ["Placement", "by_size", "explicit", "sequential"]

# The meaning of Pack = 0 in .NET 10: the alignment of Vector512<T>. In .NET 8 and 9 it is 32; the
# difference matters only to a type that contains a Vector512<T>.
_DEFAULT_PACK = 64


class Placement(NamedTuple):
    """The offsets of the fields in their order, the end of the last one, and the alignment."""

    offsets: list[int]
    end: int
    alignment: int

    def size(self, minimum: int, base: int = 0) -> int:
        """Return the type's size, at least ``base + minimum`` if its Size ``minimum`` is not 0."""
        if minimum:
            return max(base + minimum, self.end)
        return round_up(self.end, self.alignment) or 1


def sequential(
    fields: Iterable[tuple[int, int]], pack: int, base: int = 0, base_alignment: int = 1
) -> Placement:
    """Place each field, (size, alignment), after the one before."""
    limit = pack or _DEFAULT_PACK
    end = base
    strictest = max(1, min(limit, base_alignment))
    offsets = []
    for size, alignment in fields:
        capped = min(alignment, limit)
        strictest = max(strictest, capped)
        offset = round_up(end, capped)
        offsets.append(offset)
        end = offset + size
    return Placement(offsets, end, strictest)


def explicit(
    fields: Iterable[tuple[int, int, int]], pack: int, base: int = 0, base_alignment: int = 1
) -> Placement:
    """Place each field, (size, alignment, offset), where its [FieldOffset] says."""
    limit = pack or _DEFAULT_PACK
    end = base
    strictest = max(1, min(limit, base_alignment))
    offsets = []
    for size, alignment, given in fields:
        strictest = max(strictest, min(alignment, limit))
        offset = base + given
        offsets.append(offset)
        end = max(end, offset + size)
    return Placement(offsets, end, strictest)


def by_size(
    scalars: Sequence[tuple[int, int, bool]],
    structs: Sequence[tuple[int, int, int]],
    pointer_size: int,
    base: int = 0,
) -> Placement:
    """Place fields as the runtime does for LayoutKind.Auto: large scalars first, structs last.

    ``scalars`` are (index, size, is a reference) and ``structs`` (index, size, alignment); every
    field has its index in one of the two. References come before other scalars of a pointer's
    size.
    """
    offsets = [0] * (len(scalars) + len(structs))
    # By size; the scalar to be placed first is the last of its list.
    left: dict[int, list[tuple[int, bool]]] = {size: [] for size in (8, 4, 2, 1)}
    for index, size, is_reference in reversed(scalars):
        left[size].append((index, is_reference))
    left[pointer_size].sort(key=lambda scalar: scalar[1])
    end = base
    for index, size in _fillers(left, base, pointer_size):
        offsets[index] = end
        end += size
    strictest = 1
    for size, same in left.items():
        for index, _ in reversed(same):
            end = round_up(end, size)
            offsets[index] = end
            end += size
            strictest = max(strictest, size)
    for index, size, alignment in structs:
        # An [InlineArray] with auto layout has an alignment that is not always a power of two.
        end = (end + alignment - 1) & ~(alignment - 1)
        offsets[index] = end
        end += size
        strictest = max(strictest, alignment)
    if end > pointer_size:
        # A type that has only structs has the alignment of the strictest one.
        return Placement(offsets, end, max(strictest, pointer_size) if scalars else strictest)
    # A small type is aligned to the next power of two: one instruction copies it.
    power = 1
    while power < end:
        power *= 2
    return Placement(offsets, end, power)


def _fillers(
    left: dict[int, list[tuple[int, bool]]], end: int, pointer_size: int
) -> Iterator[tuple[int, int]]:
    """Remove from ``left`` the small scalars that fill the gap after a base class: index, size."""
    if end % pointer_size == 0:
        return
    size = 1
    while size < 8:
        if end % (2 * size):
            if not any(same for larger, same in left.items() if larger > size):
                return
            fitting = [smaller for smaller in (8, 4, 2, 1) if smaller <= size and left[smaller]]
            if not fitting or left[fitting[0]][-1][1]:
                return
            size = fitting[0]
            yield left[size].pop()[0], size
            end += size
        size *= 2
