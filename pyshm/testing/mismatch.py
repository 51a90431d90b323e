"""Two manifests compared, field by field: what differs, in sentences, what explains most first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from ..errors import LayoutError, PyshmError
from ..layout.declarations import TypeDeclaration
from ..layout.forms import HOST, Target
from ..layout.layouts import native
from ..layout.table import bytes_text
from .manifest import Manifest, ManifestField, Place

__all__ = ["NET_AND_HERE", "LayoutMismatchError", "Sides", "layout_mismatches", "paired"]

_MOST_SENTENCES = 50


class Sides(NamedTuple):
    """How sentences call the two."""

    theirs: str = "in .NET"
    ours: str = "here"


NET_AND_HERE = Sides()


class LayoutMismatchError(PyshmError, AssertionError):
    """Two sides do not have a type alike. ``sentences`` are all the differences, none cut off."""

    def __init__(self, message: str, sentences: Sequence[str] = ()) -> None:
        self.sentences = tuple(sentences)
        shown = [*sentences[:_MOST_SENTENCES]]
        if len(sentences) > _MOST_SENTENCES:
            shown.append(f"… and {len(sentences) - _MOST_SENTENCES} more")
        super().__init__("\n  ".join([message, *shown]))


def layout_mismatches(
    theirs: Manifest,
    ours: Manifest,
    *,
    marshalled: bool = True,
    managed: bool = True,
    sides: Sides = NET_AND_HERE,
    target: Target = HOST,
) -> list[str]:
    """Everything in which two manifests differ; an empty list means the same bytes.

    First comes what explains the rest: Pack and the like where they matter, then the fields in
    the order in which they lie. Fields are matched by their .NET names, in which case and
    underscores do not count. ``marshalled`` and ``managed``: which layouts are compared.
    """
    comparison = _Comparison(sides, target, marshalled)
    if marshalled and (theirs.refused or ours.refused):
        return comparison.refusals(theirs, ours)
    found = comparison.marshalled(theirs, ours) if marshalled else []
    if managed and "class" not in (theirs.declaration.kind, ours.declaration.kind):
        found += comparison.managed(theirs, ours)
    return found


class _Comparison(NamedTuple):
    sides: Sides
    target: Target
    both: bool  # the marshalled layout is compared, too, and tells which fields are missing

    # --- the marshalled layout ---

    def refusals(self, theirs: Manifest, ours: Manifest) -> list[str]:
        return [
            f"{side} the type can't be marshalled: {manifest.refused.message} "
            f"({manifest.refused.type})"
            for side, manifest in zip(self.sides, (theirs, ours), strict=True)
            if manifest.refused is not None
        ]

    def marshalled(self, theirs: Manifest, ours: Manifest) -> list[str]:
        found = list(self._within(theirs, ours, ""))
        if theirs.native_size != ours.native_size:
            found.append(self._two("size", theirs.native_size, ours.native_size))
        return found

    def _within(self, theirs: Manifest, ours: Manifest, path: str) -> Iterator[str]:
        if path and None in (theirs.native_size, ours.native_size):
            return  # .NET places a generic struct within others, and does not tell how
        pairs = list(_fields_of(theirs, ours))
        fields = [sentence for pair in pairs for sentence in self._field(*pair, path)]
        if fields or theirs.native_size != ours.native_size:
            yield from self._causes(theirs.declaration, ours.declaration, path)
            yield from self._order(pairs, path)
        yield from fields

    def _causes(self, theirs: TypeDeclaration, ours: TypeDeclaration, path: str) -> Iterator[str]:
        """What StructLayout says differently, as far as the bytes would be others without it."""
        of = f" of {path.rstrip('.')}" if path else ""
        for name, attribute in (
            ("LayoutKind", "layout"),
            ("Pack", "pack"),
            ("CharSet", "charset"),
            ("Size", "size"),
        ):
            theirs_said, ours_said = getattr(theirs, attribute), getattr(ours, attribute)
            if theirs_said != ours_said and self._matters(ours, attribute, theirs_said):
                yield self._two(name + of, theirs_said or "not set", ours_said or "not set")

    def _matters(self, declaration: TypeDeclaration, attribute: str, value: Any) -> bool:
        def places(said: TypeDeclaration) -> object:
            layout = native(said, self.target, strict=False)
            return layout.size, [(field.offset, field.size) for field in layout.fields]

        try:
            # Not by keyword: mypy can't know that the name is a field's.
            changed: TypeDeclaration = replace(declaration, **{attribute: value})
            return places(declaration) != places(changed)
        except LayoutError:
            return True

    def _order(self, pairs: Sequence[_Pair], path: str) -> Iterator[str]:
        """The sentence for fields that have merely changed places."""
        both = [(mine, other) for mine, other in pairs if mine is not None and other is not None]
        orders = [
            [pair[0].name for pair in sorted(both, key=lambda pair: _offset(pair[side]))]
            for side in (0, 1)
        ]
        moved = [names for names in zip(*orders, strict=True) if names[0] != names[1]]
        if moved:
            of = f" of {path.rstrip('.')}" if path else ""
            lists = [", ".join(names[side] for names in moved) for side in (0, 1)]
            yield self._two(f"order of the fields{of}", *lists)

    def _field(
        self, theirs: ManifestField | None, ours: ManifestField | None, path: str
    ) -> Iterator[str]:
        if theirs is None or ours is None:
            yield self._missing(theirs, ours, path)
            return
        subject = f"field {path}{theirs.name}"
        if theirs.within is not None and ours.within is not None:
            inner = f"{path}{theirs.name}{'[0]' if theirs.is_array else ''}."
            yield from self._within(theirs.within, ours.within, inner)
        if theirs.native is None or ours.native is None:
            yield f"{subject}: it has no place {self.sides[theirs.native is not None]}"
            return
        if theirs.native.size != ours.native.size:
            yield f"{subject}: {self._sizes(theirs, ours)}"
        elif _differ(theirs.native_meaning, ours.native_meaning):
            yield f"{subject}: {self._meanings(theirs, ours)}"
        if theirs.native.offset != ours.native.offset:
            yield self._two(f"{subject}: at offset", theirs.native.offset, ours.native.offset, "")

    def _missing(self, theirs: ManifestField | None, ours: ManifestField | None, path: str) -> str:
        there = theirs or ours
        assert there is not None
        where, lacking = self.sides if theirs is not None else (self.sides.ours, self.sides.theirs)
        known = there.native or there.managed
        place = f", {bytes_text(known.size)} at offset {known.offset}" if known else ""
        return f"field {path}{there.name} is missing {lacking} ({where}: {there.type}{place})"

    def _sizes(self, theirs: ManifestField, ours: ManifestField) -> str:
        assert theirs.native is not None
        assert ours.native is not None
        size = bytes_text(theirs.native.size)
        if theirs.brief == ours.brief:
            here = f"{ours.native.size} {self.sides.ours}"
            return f"{theirs.brief} is {size} {self.sides.theirs}, {here}"
        return (
            f"{theirs.type} is {size} {self.sides.theirs}, "
            f"{ours.type} is {bytes_text(ours.native.size)} {self.sides.ours}"
        )

    def _meanings(self, theirs: ManifestField, ours: ManifestField) -> str:
        if theirs.type != ours.type:
            return f"{theirs.type} {self.sides.theirs}, {ours.type} {self.sides.ours}"
        return (
            f"{theirs.type} means {theirs.native_meaning} {self.sides.theirs}, "
            f"{ours.native_meaning} {self.sides.ours}"
        )

    # --- the managed layout ---

    def managed(self, theirs: Manifest, ours: Manifest) -> list[str]:
        if (theirs.managed_size is None) != (ours.managed_size is None):
            refusing, taking = self.sides if theirs.managed_size is None else self.sides[::-1]
            sentence = (
                f"{refusing} the type holds objects ({self._objects(theirs, ours)}), so that "
                f"accessor.Read<T> and Write<T> refuse it; not {taking}"
            )
            return [f"managed layout: {sentence}"]
        if theirs.managed_size is None:
            return []
        found = [f"managed layout: {sentence}" for sentence in self._in_memory(theirs, ours, "")]
        for what, mine, other in (
            ("size", theirs.managed_size, ours.managed_size),
            ("stride in arrays", theirs.stride, ours.stride),
        ):
            if mine != other:
                found.append(f"managed layout: {self._two(what, mine, other)}")
        return found

    def _objects(self, theirs: Manifest, ours: Manifest) -> str:
        """The fields that are of another size on the side that holds objects."""
        changed = [
            (mine if theirs.managed_size is None else other)
            for mine, other in _fields_of(theirs, ours)
            if mine is not None
            and other is not None
            and (mine.managed and mine.managed.size) != (other.managed and other.managed.size)
        ]
        return ", ".join(f"{field.name}: {field.type}" for field in changed) or "somewhere"

    def _in_memory(self, theirs: Manifest, ours: Manifest, path: str) -> Iterator[str]:
        for mine, other in _fields_of(theirs, ours):
            if mine is None or other is None:
                if not self.both:
                    yield self._missing(mine, other, path)
                continue
            subject = f"field {path}{mine.name}"
            if mine.within is not None and other.within is not None:
                inner = f"{path}{mine.name}{'[0]' if mine.is_array else ''}."
                yield from self._in_memory(mine.within, other.within, inner)
            if mine.managed is None or other.managed is None:
                continue
            if mine.managed.size != other.managed.size:
                size = bytes_text(mine.managed.size)
                yield (
                    f"{subject}: {mine.type} is {size} {self.sides.theirs}, "
                    f"{other.type} is {bytes_text(other.managed.size)} {self.sides.ours}"
                )
            elif not self.both and _differ(mine.managed_meaning, other.managed_meaning):
                yield f"{subject}: {self._meanings(mine, other)}"
            if mine.managed.offset != other.managed.offset:
                yield self._two(
                    f"{subject}: at offset", mine.managed.offset, other.managed.offset, ""
                )

    def _two(self, what: str, theirs: object, ours: object, colon: str = ":") -> str:
        return f"{what}{colon} {theirs} {self.sides.theirs}, {ours} {self.sides.ours}"


# --- which field is which -----------------------------------------------------------------

_Pair: TypeAlias = tuple[ManifestField | None, ManifestField | None]


def _fields_of(theirs: Manifest, ours: Manifest) -> Iterator[_Pair]:
    """The fields of both, each pair once, in the order in which they lie in ``theirs``."""
    mine = sorted(theirs.fields, key=_offset)
    found = paired([field.name for field in mine], [field.name for field in ours.fields])
    partners = {one: other for one, other in found if one is not None}
    for index, field in enumerate(mine):
        other = partners[index]
        yield field, None if other is None else ours.fields[other]
    for one, other in found:
        if one is None and other is not None:
            yield None, ours.fields[other]


def _differ(theirs: str | None, ours: str | None) -> bool:
    return theirs is not None and ours is not None and theirs != ours


def _offset(field: ManifestField | None) -> int:
    place: Place | None = None if field is None else field.native or field.managed
    return -1 if place is None else place.offset


def paired(theirs: Sequence[str], ours: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Match two lists of field names, by index: exactly, or else but for case and underscores.

    ``<Speed>k__BackingField``, which is what the compiler makes of a property, counts as Speed.
    """
    found: dict[int, int] = {}
    rules: tuple[Callable[[str], str], ...] = (str, _plain)
    for rule in rules:
        left = _numbered(theirs, rule, found.keys())
        right = _numbered(ours, rule, set(found.values()))
        found.update({left[key]: right[key] for key in left.keys() & right.keys()})
    pairs: list[tuple[int | None, int | None]] = [
        (index, found.get(index)) for index in range(len(theirs))
    ]
    matched = set(found.values())
    return pairs + [(None, index) for index in range(len(ours)) if index not in matched]


def _numbered(
    names: Sequence[str], rule: Callable[[str], str], done: Any
) -> dict[tuple[str, int], int]:
    """Where each name is, with its number among its likes: a base class may have the same one."""
    counts: Counter[str] = Counter()
    places = {}
    for index, name in enumerate(names):
        if index not in done:
            key = rule(name)
            places[key, counts[key]] = index
            counts[key] += 1
    return places


def _plain(name: str) -> str:
    property_name = re.sub(r"^<(\w+)>k__BackingField$", r"\1", name)
    return property_name.replace("_", "").casefold()
