"""The differences between pyshm's layouts and values of a type and .NET's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pyshm.errors import PyshmError
from pyshm.layout.compare import NET_AND_HERE, differences
from pyshm.layout.declarations import TypeDeclaration
from pyshm.layout.forms import Layout, Target
from pyshm.layout.layouts import managed, native, refusal
from pyshm.layout.schema import to_json
from pyshm.layout.traits import contains_references, is_copied
from pyshm.structs.from_declaration import struct_from
from pyshm.structs.struct import Struct
from pyshm.testing.questions import Bytes, Definition, DotNetTypes, Question, Value
from pyshm.testing.values import all_fields, from_python, normal, to_python

from ..worlds.world import WINDOWS, World

__all__ = [
    "Disagreement",
    "disagreements",
    "layout_disagreements",
    "target_of",
    "value_disagreements",
]


class Disagreement(NamedTuple):
    """One fact about a type on which the two sides disagree.

    ``is_refusal`` is true if one side refuses the type, at some point, and the other does not.
    """

    sentence: str
    is_refusal: bool = False

    def __str__(self) -> str:
        return self.sentence


def _disagree(what: str, python: object, dotnet: object) -> Disagreement:
    return Disagreement(NET_AND_HERE.two(what, dotnet, python))


def target_of(world: World) -> Target:
    """Return the target that the .NET peer of ``world`` lays types out for."""
    return Target(8, windows=world.name == WINDOWS)


# --- layouts ------------------------------------------------------------------------------


def disagreements(
    declarations: Sequence[TypeDeclaration], dotnet: DotNetTypes, target: Target
) -> list[list[Disagreement]]:
    """Let .NET build each of ``declarations`` and compare the layouts; return a list for each."""
    answers = dotnet.define([Question(to_json(declaration)) for declaration in declarations])
    return [
        layout_disagreements(declaration, answer, target)
        for declaration, answer in zip(declarations, answers, strict=True)
    ]


def layout_disagreements(
    declaration: TypeDeclaration, answer: Definition, target: Target
) -> list[Disagreement]:
    """Compare pyshm's layouts of ``declaration`` with the peer's ``answer``.

    If the two disagree on whether the type is refused, that is the only disagreement.
    """
    refused = refusal(declaration, target)
    ours = None if refused is None else refused.by
    theirs = _refused_by(answer)
    if ours != theirs:
        error = answer.managed_error or answer.native_error or answer.structure_to_ptr_error
        reason = f"{error.type}: {error.message}" if error is not None else ""
        views = (
            f"refused ({by}: {why})" if by else "accepted"
            for by, why in ((theirs, reason), (ours, refused))
        )
        return [Disagreement(NET_AND_HERE.two("type", *views), is_refusal=True)]
    if ours == "load":
        return []
    found: list[Disagreement] = []
    if ours != "size":
        found += _compared("native", native(declaration, target, strict=False), answer)
    in_memory = managed(declaration, target)
    # The runtime computes other offsets for such a class, in memory that no program can share.
    if declaration.base is None or declaration.layout != "explicit":
        found += _compared("managed", in_memory, answer)
    if declaration.kind == "struct" and not contains_references(declaration):
        found += _number("stride", in_memory.stride, answer.stride)
    return found


def _refused_by(answer: Definition) -> str | None:
    """Return the point at which .NET refuses the type, as in :attr:`Refusal.by`."""
    if answer.managed_error is not None:
        return "load"
    if answer.native_error is not None:
        return "size"
    return "marshal" if answer.structure_to_ptr_error is not None else None


def _compared(which: str, ours: Layout, answer: Definition) -> Iterator[Disagreement]:
    """Compare the "native" or "managed" layout with what .NET reports of it."""
    theirs = ours
    offsets = getattr(answer, f"{which}_offsets")
    if offsets is not None:
        if None in offsets or len(offsets) != len(ours.fields):
            yield _disagree(f"{which} offsets", [field.offset for field in ours.fields], offsets)
            return
        if ours.marshalled:
            offsets = _without_copied_bases(ours, offsets)
        pairs = zip(ours.fields, offsets, strict=True)
        theirs = ours._replace(fields=tuple(field._replace(offset=at) for field, at in pairs))
    if ours.marshalled or ours.declaration.kind == "struct":
        size = getattr(answer, f"{which}_size")
        theirs = theirs._replace(size=ours.size if size is None else size)
        alignment = getattr(answer, f"{which}_alignment")
        yield from _number(f"{which} alignment", ours.alignment, alignment)
    for each in differences(theirs, ours, NET_AND_HERE):
        yield Disagreement(f"{which} layout: {each}")


def _without_copied_bases(ours: Layout, offsets: Sequence[int]) -> list[int]:
    """Return ``offsets`` with ours for the fields of base classes that .NET would copy as a whole.

    Marshal.OffsetOf answers for the base class itself. .NET does not copy it within a class that is
    not copied, so that its fields are elsewhere. The comparison of values includes these.
    """
    found = list(offsets)
    copied = is_copied(ours.declaration, ours.target)
    base = ours.declaration.base
    while base is not None and not copied:
        if is_copied(base, ours.target):
            count = len(all_fields(base))
            found[:count] = [field.offset for field in ours.fields[:count]]
            break
        base = base.base
    return found


def _number(what: str, ours: int, theirs: int | None) -> Iterator[Disagreement]:
    if theirs is not None and theirs != ours:
        yield _disagree(what, ours, theirs)


# --- values -------------------------------------------------------------------------------


def value_disagreements(
    examples: Sequence[tuple[TypeDeclaration, Sequence[Any], Sequence[bytes]]],
    dotnet: DotNetTypes,
    target: Target,
) -> list[list[Disagreement]]:
    """Marshal values of each type to bytes, and bytes to values, on both sides.

    ``examples`` holds a type, values as JSON, and bytes of its marshalled size.
    """
    answers = dotnet.define(
        [
            Question(to_json(declaration), values=values, data=data)
            for declaration, values, data in examples
        ]
    )
    found = []
    for (declaration, values, data), answer in zip(examples, answers, strict=True):
        struct = struct_from(declaration, target)
        results = [
            *(_written(struct, *pair) for pair in zip(values, answer.to_bytes, strict=True)),
            *(_read(struct, *pair) for pair in zip(data, answer.from_bytes, strict=True)),
        ]
        found.append([result for result in results if result is not None])
    return found


def _written(struct: type[Struct], value: Any, theirs: Bytes) -> Disagreement | None:
    what = f"bytes of {value}"
    try:
        instance = to_python(struct.layout.declaration, value, struct.layout.target)
        ours = instance.to_bytes(strict=False).hex(" ")
    except PyshmError as error:
        if theirs.data is None:
            return None
        ours = f"refused: {error}"
    if theirs.data is None:
        return _disagree(what, ours, f"refused: {theirs.error}")
    if theirs.overrun:
        return _disagree(what, ours, "more than the struct has")
    its = theirs.data.hex(" ")
    return None if ours == its else _disagree(what, ours, its)


def _read(struct: type[Struct], data: bytes, theirs: Value) -> Disagreement | None:
    what = f"value of {data.hex(' ')}"
    declaration = struct.layout.declaration
    try:
        ours = from_python(declaration, struct.from_bytes(data, strict=False))
    except PyshmError as error:
        if theirs.error is not None:
            return None
        ours = f"refused: {error}"
    if theirs.error is not None:
        return _disagree(what, ours, f"refused: {theirs.error}")
    its = normal(declaration, theirs.value)
    return None if ours == its else _disagree(what, ours, its)
