"""Where fields go, once their sizes and alignments are known: the arithmetic of every layout.

https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.structlayoutattribute.pack :
a field is aligned to the smaller of its own alignment and Pack, the type to its strictest field
so capped. A Size that is given is a minimum and is not rounded; an empty type takes one byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .forms import round_up

__all__ = ["DEFAULT_PACK", "Placed", "by_size", "explicit", "sequential"]

# What Pack = 0 means to the runtime. No field of C# asks for more; a SIMD vector may.
DEFAULT_PACK = 32


class Placed(NamedTuple):
    """The offsets in the order of the fields, then the end of the last one and the alignment."""

    offsets: list[int]
    end: int
    alignment: int

    def size(self, minimum: int, base: int = 0) -> int:
        """The type's size: ``minimum`` is its Size (0: none), ``base`` its base class's size."""
        if minimum:
            return max(base + minimum, self.end)
        return round_up(self.end, self.alignment) or 1


def sequential(
    fields: Iterable[tuple[int, int]], pack: int, base: int = 0, base_alignment: int = 1
) -> Placed:
    """Each field, (size, alignment), behind the one before."""
    limit = pack or DEFAULT_PACK
    end = base
    strictest = max(1, min(limit, base_alignment))
    offsets = []
    for size, alignment in fields:
        capped = min(alignment, limit)
        strictest = max(strictest, capped)
        offset = round_up(end, capped)
        offsets.append(offset)
        end = offset + size
    return Placed(offsets, end, strictest)


def explicit(
    fields: Iterable[tuple[int, int, int]], pack: int, base: int = 0, base_alignment: int = 1
) -> Placed:
    """Each field, (size, alignment, offset), where [FieldOffset] puts it."""
    limit = pack or DEFAULT_PACK
    end = base
    strictest = max(1, min(limit, base_alignment))
    offsets = []
    for size, alignment, wanted in fields:
        strictest = max(strictest, min(alignment, limit))
        offset = base + wanted
        offsets.append(offset)
        end = max(end, offset + size)
    return Placed(offsets, end, strictest)


def by_size(
    scalars: Sequence[tuple[int, int, bool]],
    structs: Sequence[tuple[int, int, int]],
    pointer_size: int,
    base: int = 0,
) -> Placed:
    """LayoutKind.Auto as the runtime does it: large scalars first, structs last.

    ``scalars`` are (index, size, is a reference), ``structs`` (index, size, alignment), and the
    indices, taken together, number the fields. References come before what else has a pointer's
    size.
    """
    offsets = [0] * (len(scalars) + len(structs))
    # By size, those that come first at the end.
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
        end = round_up(end, alignment)
        offsets[index] = end
        end += size
        strictest = max(strictest, alignment)
    if end > pointer_size:
        return Placed(offsets, end, max(strictest, pointer_size))
    # A small one takes the next power of two, so that it moves in one instruction.
    power = 1
    while power < end:
        power *= 2
    return Placed(offsets, end, power)


def _fillers(
    left: dict[int, list[tuple[int, bool]]], end: int, pointer_size: int
) -> Iterator[tuple[int, int]]:
    """Take out of ``left`` the small scalars that fill the gap behind a base class: index, size."""
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
