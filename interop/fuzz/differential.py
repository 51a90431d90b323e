"""pyshm's layouts against .NET's, type by type: what each says of one declaration, compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pyshm.errors import PyshmError
from pyshm.layout.declarations import TypeDeclaration
from pyshm.layout.forms import Target
from pyshm.layout.layouts import managed, native, refusal
from pyshm.layout.schema import to_json
from pyshm.layout.traits import contains_references
from pyshm.structs.from_declaration import struct_from
from pyshm.structs.struct import Struct
from pyshm.testing.questions import Bytes, Definition, DotNetTypes, Question, Value
from pyshm.testing.values import from_python, normal, to_python

from ..worlds.world import WINDOWS, World

__all__ = [
    "Difference",
    "differences_of",
    "layout_differences",
    "python_view",
    "target_of",
    "value_differences",
]


class Difference(NamedTuple):
    """One thing that the two sides say differently of a type."""

    what: str
    python: Any
    dotnet: Any

    def __str__(self) -> str:
        return f"{self.what}: {self.dotnet} in .NET, {self.python} here"


def target_of(world: World) -> Target:
    """What the .NET peer of ``world`` lays out for."""
    return Target(8, windows=world.name == WINDOWS)


def differences_of(
    declarations: Sequence[TypeDeclaration], dotnet: DotNetTypes, target: Target
) -> list[list[Difference]]:
    """Have .NET build each of ``declarations``, and compare: a list for each, empty if alike."""
    answers = dotnet.define([Question(to_json(declaration)) for declaration in declarations])
    return [
        layout_differences(declaration, answer, target)
        for declaration, answer in zip(declarations, answers, strict=True)
    ]


def python_view(declaration: TypeDeclaration, target: Target) -> dict[str, Any]:
    """What pyshm says of ``declaration``, under the names of the peer's Definition.

    What it has no opinion on, because a type is refused or holds objects, is left out.
    """
    refused = refusal(declaration, target)
    view: dict[str, Any] = {
        "loads": refused is None or refused.by != "load",
        "has_size": refused is None or refused.by == "marshal",
        "marshals": refused is None,
        "reason": str(refused),
    }
    if not view["loads"]:
        return view
    if view["has_size"]:
        layout = native(declaration, target, strict=False)
        view["native_size"] = layout.size
        view["native_offsets"] = [field.offset for field in layout.fields]
        view["native_alignment"] = layout.alignment
    in_memory = managed(declaration, target)
    if declaration.base is None or declaration.layout != "explicit":
        # Elsewhere the runtime's own arithmetic goes astray, in memory that nobody can share.
        view["managed_offsets"] = [field.offset for field in in_memory.fields]
    if declaration.kind == "struct":
        view["managed_size"] = in_memory.size
        view["managed_alignment"] = in_memory.alignment
        if not contains_references(declaration):
            view["stride"] = in_memory.stride
    return view


def layout_differences(
    declaration: TypeDeclaration, answer: Definition, target: Target
) -> list[Difference]:
    """Everything in which pyshm's view of ``declaration`` and the peer's ``answer`` disagree."""
    ours = python_view(declaration, target)
    error = answer.managed_error or answer.native_error or answer.structure_to_ptr_error
    theirs: dict[str, Any] = {
        "loads": answer.managed_error is None,
        "has_size": answer.native_error is None,
        "marshals": answer.native_error is None and answer.structure_to_ptr_error is None,
        "reason": error and f"{error.type}: {error.message}",
    }
    found = []
    for what in ("loads", "has_size", "marshals"):
        if ours[what] != theirs[what]:
            said = ("yes" if side[what] else f"no ({side['reason']})" for side in (ours, theirs))
            return [Difference(what, *said)]
    for what in _COMPARED:
        mine, its = ours.get(what), getattr(answer, what)
        if mine is not None and its is not None and mine != its:
            found.append(Difference(what, mine, its))
    return found


# --- values -------------------------------------------------------------------------------


def value_differences(
    asked: Sequence[tuple[TypeDeclaration, Sequence[Any], Sequence[bytes]]],
    dotnet: DotNetTypes,
    target: Target,
) -> list[list[Difference]]:
    """Marshal values of each type to bytes, and bytes to values, on both sides.

    ``asked`` holds a type, values as JSON, and bytes of its marshalled size.
    """
    answers = dotnet.define(
        [
            Question(to_json(declaration), values=values, data=data)
            for declaration, values, data in asked
        ]
    )
    found = []
    for (declaration, values, data), answer in zip(asked, answers, strict=True):
        made = struct_from(declaration, target)
        differences = [
            *(_written(made, *pair) for pair in zip(values, answer.to_bytes, strict=True)),
            *(_read(made, *pair) for pair in zip(data, answer.from_bytes, strict=True)),
        ]
        found.append([difference for difference in differences if difference is not None])
    return found


def _written(made: type[Struct], value: Any, theirs: Bytes) -> Difference | None:
    try:
        layout = made.layout
        struct = to_python(layout.declaration, value, layout.target)
        ours = struct.to_bytes(strict=False).hex(" ")
    except PyshmError as error:
        ours = f"refused: {error}"
    if theirs.data is None:
        its = f"refused: {theirs.error}"
        return None if ours.startswith("refused") else Difference(f"bytes of {value}", ours, its)
    if theirs.overrun:
        return Difference(f"bytes of {value}", ours, "more than the struct has")
    its = theirs.data.hex(" ")
    return None if ours == its else Difference(f"bytes of {value}", ours, its)


def _read(made: type[Struct], data: bytes, theirs: Value) -> Difference | None:
    declaration = made.layout.declaration
    try:
        ours = from_python(declaration, made.from_bytes(data, strict=False))
    except PyshmError as error:
        ours = f"refused: {error}"
    if theirs.error is not None:
        its = f"refused: {theirs.error}"
        refused = isinstance(ours, str)
        return None if refused else Difference(f"value of {data.hex(' ')}", ours, its)
    its = normal(declaration, theirs.value)
    return None if ours == its else Difference(f"value of {data.hex(' ')}", ours, its)


_COMPARED = (
    "native_size",
    "native_offsets",
    "native_alignment",
    "managed_size",
    "managed_offsets",
    "managed_alignment",
    "stride",
)
