"""Comparison of two manifests: a sentence for each difference, causes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._support.text import visible
from ..errors import PyshmError
from ..layout.compare import NET_AND_HERE, Difference, Sides, differences
from .manifest import Manifest

__all__ = ["LayoutMismatchError", "layout_mismatches"]

_MOST_SENTENCES = 50


class LayoutMismatchError(PyshmError, AssertionError):
    """Two layouts of a type differ.

    ``sentences`` are all differences; the message shows the first 50.
    """

    def __init__(self, message: str, sentences: Sequence[str] = ()) -> None:
        self.sentences = tuple(sentences)
        shown = [*sentences[:_MOST_SENTENCES]]
        if len(sentences) > _MOST_SENTENCES:
            shown.append(f"… and {len(sentences) - _MOST_SENTENCES} more")
        # Names and values come from an assembly, and a terminal shows them.
        lines = (visible(line, keep="\n") for line in (message, *shown))
        super().__init__("\n  ".join(lines))


def layout_mismatches(
    theirs: Manifest,
    ours: Manifest,
    *,
    marshalled: bool = True,
    managed: bool = True,
    sides: Sides = NET_AND_HERE,
) -> list[str]:
    """Return every difference between two manifests; an empty list means the same bytes.

    ``marshalled`` and ``managed`` select the layouts that are compared. The managed layouts of
    classes are not: programs can't share them.
    """
    if marshalled:
        refusals = [
            f"{side} the type can't be marshalled: {manifest.refused.message} "
            f"({manifest.refused.type})"
            for side, manifest in zip(sides, (theirs, ours), strict=True)
            if manifest.refused is not None
        ]
        if refusals:
            return refusals
    found = []
    if marshalled and theirs.native is not None and ours.native is not None:
        found += [str(each) for each in differences(theirs.native, ours.native, sides)]
    if managed and "class" not in (theirs.declaration.kind, ours.declaration.kind):
        found += [f"managed layout: {each}" for each in _managed(theirs, ours, sides, marshalled)]
    return found


def _managed(theirs: Manifest, ours: Manifest, sides: Sides, both: bool) -> Iterator[object]:
    """Yield the differences of the managed layouts.

    If ``both`` layouts are compared, this omits what the marshalled layout shows as well.
    """
    if theirs.managed is None or ours.managed is None:
        return
    found = differences(theirs.managed, ours.managed, sides)
    if (theirs.stride is None) != (ours.stride is None):
        refused = theirs.stride is None
        refusing, taking = sides if refused else sides[::-1]
        pairs = [(each.left, each.right) for each in found if each.left and each.right]
        resized = [pair[not refused] for pair in pairs if pair[0].size != pair[1].size]
        objects = ", ".join(f"{row.name}: {row.type}" for row in resized)
        yield (
            f"{refusing} the type holds objects ({objects or 'in an unknown field'}), so that "
            f"accessor.Read<T> and Write<T> refuse it; {taking} it holds none"
        )
    elif theirs.stride is not None:
        yield from (each for each in found if not both or _has_other_place(each))
        if theirs.stride != ours.stride:
            yield sides.two("stride in arrays", theirs.stride, ours.stride)


def _has_other_place(found: Difference) -> bool:
    """Return whether a size or a place differs, and not only the meaning or the presence."""
    left, right = found.left, found.right
    if left is None or right is None:
        return found.kind == "size"
    return (left.local_offset, left.size) != (right.local_offset, right.size)
