"""The differences between two layouts, as sentences.

This is the only comparison of layouts. ``pyshm layout --diff``, pyshm.testing and the random tests
against .NET all use it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeAlias

from .._support.names import written_name
from .._support.text import visible
from ..errors import LayoutError
from .declarations import TypeDeclaration
from .forms import Layout
from .layouts import managed, native
from .table import MOST_ROWS, STRUCTS, Row, bytes_text, own_rows

__all__ = ["NET_AND_HERE", "Difference", "Sides", "differences", "paired"]

# What can change a layout besides the fields: the name in C#, and in a declaration.
_ATTRIBUTES = {"LayoutKind": "layout", "Pack": "pack", "CharSet": "charset", "Size": "size"}


class Sides(NamedTuple):
    """How a sentence names the two layouts."""

    left: str
    right: str

    def two(self, what: str, left: object, right: object, separator: str = ", ") -> str:
        """Return a sentence such as "Pack: 4 in A, 8 in B"."""
        return f"{what}: {left} {self.left}{separator}{right} {self.right}"


A_AND_B = Sides("in A", "in B")
NET_AND_HERE = Sides("in .NET", "here")


class Difference(NamedTuple):
    """One difference between two layouts, as a sentence.

    A "cause" explains other differences, such as another Pack. A "field" has its dotted ``name``
    and its row on each side; a row is None if that side has no such field.
    """

    kind: Literal["cause", "field", "size"]
    sentence: str
    name: str = ""
    left: Row | None = None
    right: Row | None = None

    def __str__(self) -> str:
        return self.sentence


def differences(left: Layout, right: Layout, sides: Sides = A_AND_B) -> list[Difference]:
    """Return what differs between two layouts; an empty list means the same bytes.

    A field differs if its offset within its struct, its size or the meaning of its bytes differs,
    or if only one side has it. The names of types do not count. Fields are matched by their .NET
    names, as :func:`paired` does. A cause comes before what it explains, the size of the whole
    type comes last.

    Raises LayoutError for a type with more than :data:`.table.MOST_ROWS` fields, including those
    of structs within.
    """
    found = list(_Comparison(sides).structs(left, right))
    if left.size != right.size:
        sizes = bytes_text(left.size), bytes_text(right.size)
        found.append(Difference("size", sides.two("size", *sizes)))
    return found


_Field: TypeAlias = tuple[Row, Layout | None]
_Pair: TypeAlias = tuple[_Field | None, _Field | None]


class _Comparison:
    """Compares two layouts and the structs within them."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._count = 0

    def structs(
        self, left: Layout, right: Layout, path: str = "", starts: tuple[int, int] = (0, 0)
    ) -> Iterator[Difference]:
        """Yield the differences of two structs; ``path`` leads to them, ``starts`` are offsets."""
        if left is right:
            return
        mine = list(own_rows(left, starts[0], path))
        others = list(own_rows(right, starts[1], path))
        names = [[row.label for row, _ in rows] for rows in (mine, others)]
        if left.declaration.inline_array and right.declaration.inline_array:
            names = [[""], [""]]  # no program uses the name of the one field
        pairs: list[_Pair] = [
            (None if one is None else mine[one], None if other is None else others[other])
            for one, other in paired(*names)
        ]
        self._count += len(pairs)
        if self._count > MOST_ROWS:
            raise LayoutError(f"there are more than {MOST_ROWS} fields", limit=MOST_ROWS)
        fields = [found for pair in pairs for found in self._field(*pair)]
        if fields or left.size != right.size:
            of = f" of {visible(path.rstrip('.'))}" if path else ""
            yield from self._attributes(left, right, of)
            yield from self._order(pairs, of)
        yield from fields

    def _attributes(self, left: Layout, right: Layout, of: str) -> Iterator[Difference]:
        """Yield each attribute of StructLayout because of which the layouts differ."""
        for name, attribute in _ATTRIBUTES.items():
            given = [getattr(side.declaration, attribute) for side in (left, right)]
            if given[0] != given[1] and _matters(right, attribute, given[0]):
                values = (value or "not set" for value in given)
                yield Difference("cause", self._sides.two(name + of, *values))

    def _order(self, pairs: Sequence[_Pair], of: str) -> Iterator[Difference]:
        """Yield one sentence for the fields that have only changed places."""
        both = [(mine[0], other[0]) for mine, other in pairs if mine and other]
        orders = [
            [pair[0].label for pair in sorted(both, key=lambda pair: pair[side].local_offset)]
            for side in (0, 1)
        ]
        moved = [names for names in zip(*orders, strict=True) if names[0] != names[1]]
        if moved:
            mine, others = (visible(", ".join(names)) for names in zip(*moved, strict=True))
            sentence = self._sides.two(f"order of the fields{of}", mine, others, "; ")
            yield Difference("cause", sentence)

    def _field(self, left: _Field | None, right: _Field | None) -> Iterator[Difference]:
        if left is None or right is None:
            yield self._missing(left and left[0], right and right[0])
            return
        (mine, mine_within), (other, other_within) = left, right
        if mine_within is not None and other_within is not None and mine.meaning == other.meaning:
            inner = "[0]." if mine.meaning == STRUCTS else "."
            starts = mine.offset, other.offset
            yield from self.structs(mine_within, other_within, mine.name + inner, starts)
        moved = mine.local_offset != other.local_offset
        phrases = _phrase(mine, other, moved, first=True), _phrase(other, mine, moved, first=False)
        if any(phrases):
            place = "" if moved else f" at offset {mine.local_offset}"
            sentence = self._sides.two(f"field {visible(mine.name)}{place}", *phrases)
            yield Difference("field", sentence, mine.name, mine, other)

    def _missing(self, left: Row | None, right: Row | None) -> Difference:
        row = left or right
        assert row is not None
        where, lacking = self._sides if left is not None else self._sides[::-1]
        place = f"{bytes_text(row.size)} at offset {row.local_offset}"
        given = f"{where}: {visible(row.type)}, {place}"
        sentence = f"field {visible(row.name)} is missing {lacking} ({given})"
        return Difference("field", sentence, row.name, left, right)


def _phrase(row: Row, other: Row, moved: bool, *, first: bool) -> str:
    """Return what the sentence says about one side; "" if the two sides are equal.

    The second side does not repeat words of the first.
    """
    same_type = row.type == other.type
    words = [visible(row.type)] if first or not same_type else []
    if row.size != other.size:
        words += [*(["is"] if words else []), bytes_text(row.size)]
    elif (row.meaning, row.elements) != (other.meaning, other.elements):
        if same_type:
            words += [*(["means"] if words else []), row.meaning]
    else:
        return (
            "" if not moved else f"at offset {row.local_offset}" if first else str(row.local_offset)
        )
    return " ".join([*words, *([f"at offset {row.local_offset}"] if moved else [])])


def _matters(layout: Layout, attribute: str, value: Any) -> bool:
    """Return whether the bytes would change if the attribute had that value."""

    def places(declaration: TypeDeclaration) -> object:
        if layout.marshalled:
            found = native(declaration, layout.target, strict=False)
        else:
            found = managed(declaration, layout.target)
        return found.size, [(field.offset, field.size) for field in found.fields]

    try:
        # Not by keyword: mypy can't know that the name is that of a field.
        changed: TypeDeclaration = replace(layout.declaration, **{attribute: value})
        return places(layout.declaration) != places(changed)
    except LayoutError:
        return True


# --- which field is which -----------------------------------------------------------------


def paired(left: Sequence[str], right: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Match two lists of field names and return the pairs of their indices.

    A name matches the same name, or else one that differs only in case and underscores. A
    field that has its name from the compiler (``<Speed>k__BackingField``) counts as what the
    programmer named.
    """
    found: dict[int, int] = {}
    rules: tuple[Callable[[str], str], ...] = (str, _plain)
    for rule in rules:
        mine = _numbered(left, rule, found.keys())
        others = _numbered(right, rule, found.values())
        found |= {mine[key]: others[key] for key in mine.keys() & others.keys()}
    pairs: list[tuple[int | None, int | None]] = [(one, found.get(one)) for one in range(len(left))]
    matched = set(found.values())
    return pairs + [(None, other) for other in range(len(right)) if other not in matched]


def _numbered(
    names: Sequence[str], rule: Callable[[str], str], done: Collection[int]
) -> dict[tuple[str, int], int]:
    """Return the index of each name not in ``done``, by name and number.

    A base class may have a field with the same name, so equal names are numbered.
    """
    counts: Counter[str] = Counter()
    places = {}
    matched = set(done)
    for index, name in enumerate(names):
        if index not in matched:
            key = rule(name)
            places[key, counts[key]] = index
            counts[key] += 1
    return places


def _plain(name: str) -> str:
    written = unicodedata.normalize("NFKC", written_name(name))
    return written.replace("_", "").casefold()
