"""A manifest: how one side lays out a type, with every field of it and of its nested types.

Each side reports its own layout in the same form. .NET does so in the peer's step ``manifest``
(docs/protocol.md), with the numbers of the runtime and its marshaller; pyshm does so in
:func:`manifest_json`. :mod:`.mismatch` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import LayoutError
from ..layout.declarations import Array, TypeDeclaration, TypeReference, needed_types
from ..layout.forms import HOST, Layout, Target
from ..layout.layouts import managed, native
from ..layout.schema import from_json, to_json
from ..layout.table import rows, type_text
from ..layout.traits import contains_references, has_layout
from .questions import DotNetError, error_from_json

__all__ = ["Manifest", "ManifestField", "Place", "manifest_from_json", "manifest_json"]


class Place(NamedTuple):
    """The place of a field: its offset in the type and its size, in bytes."""

    offset: int
    size: int


class ManifestField(NamedTuple):
    """A field: its name in .NET, its C# type, its place in the marshalled and managed layouts.

    ``brief`` is the type without its MarshalAs. Two fields whose bytes mean the same in a layout
    have equal meanings; a meaning is None if pyshm does not know the layout. ``within`` is the type
    of the field, or of its elements, if that is a struct. A place is None if there is none.
    """

    name: str
    type: str
    brief: str
    native: Place | None
    native_meaning: str | None
    managed: Place | None
    managed_meaning: str | None
    within: Manifest | None
    is_array: bool


class Manifest(NamedTuple):
    """A type: its declaration, its sizes and stride in bytes, its fields in declaration order.

    ``managed_size`` and ``stride`` are None for types that accessor.Read<T> refuses: classes, and
    structs that hold objects.
    """

    declaration: TypeDeclaration
    native_size: int | None
    refused: DotNetError | None
    managed_size: int | None
    stride: int | None
    fields: list[ManifestField]


# --- pyshm's own view ---------------------------------------------------------------------


def manifest_json(declaration: TypeDeclaration, target: Target = HOST) -> list[dict[str, Any]]:
    """Return the manifest of ``declaration`` by pyshm, in the form of the peer's answer."""
    types = to_json(declaration)
    for item, described in zip(types, needed_types(declaration), strict=True):
        if described.kind in ("struct", "class") and has_layout(described):
            _add_numbers(item, described, target)
    return types


def _add_numbers(item: dict[str, Any], declaration: TypeDeclaration, target: Target) -> None:
    own = len(declaration.fields)
    laid_out = _native(declaration, target)
    if laid_out is not None:
        item["native_size"] = laid_out.size
        for field, place in zip(item["fields"], laid_out.fields[-own:] if own else (), strict=True):
            field.update(native_offset=place.offset, native_size=place.size)
    if declaration.kind == "struct":
        in_memory = managed(declaration, target)
        item["managed_size"] = in_memory.size
        item["stride"] = None if contains_references(declaration) else in_memory.stride
        for field, place in zip(item["fields"], in_memory.fields, strict=True):
            field.update(managed_offset=place.offset, managed_size=place.size)


def _native(declaration: TypeDeclaration, target: Target) -> Layout | None:
    try:
        return native(declaration, target, strict=False)
    except LayoutError:
        return None


# --- either side's view -------------------------------------------------------------------


def manifest_from_json(types: Sequence[Mapping[str, Any]], target: Target = HOST) -> Manifest:
    """Return the manifest in a peer's answer. Raises LayoutError if the answer is not valid."""
    root = from_json([dict(item) for item in types])
    numbers = {item["name"]: item for item in types}
    return _manifest(root, numbers, target)


def _manifest(
    declaration: TypeDeclaration, numbers: Mapping[str, Mapping[str, Any]], target: Target
) -> Manifest:
    item = numbers[declaration.name]
    error = error_from_json(item, "native_error")
    shareable = item.get("stride") is not None
    return Manifest(
        declaration,
        item.get("native_size"),
        error or error_from_json(item, "structure_to_ptr_error"),
        item.get("managed_size") if shareable else None,
        item.get("stride"),
        _fields(declaration, numbers, target),
    )


def _fields(
    declaration: TypeDeclaration, numbers: Mapping[str, Mapping[str, Any]], target: Target
) -> list[ManifestField]:
    base = declaration.base
    found = _fields(base, numbers, target) if base is not None and has_layout(base) else []
    meanings = _meanings(lambda: native(declaration, target, strict=False))
    managed_meanings = _meanings(lambda: managed(declaration, target))
    items = numbers[declaration.name].get("fields", ())
    for field, item in zip(declaration.fields, items, strict=True):
        element, is_array = _element(field.type)
        text = type_text(field, declaration)
        found.append(
            ManifestField(
                field.name,
                text,
                text.partition(" (")[0],
                _place(item, "native"),
                meanings.get(field.name),
                _place(item, "managed"),
                managed_meanings.get(field.name),
                None if element is None else _manifest(element, numbers, target),
                is_array,
            )
        )
    return found


def _place(item: Mapping[str, Any], layout: str) -> Place | None:
    offset, size = item.get(f"{layout}_offset"), item.get(f"{layout}_size")
    return None if offset is None or size is None else Place(offset, size)


def _meanings(lay_out: Callable[[], Layout]) -> dict[str, str]:
    """Return what the bytes of each field mean, as `pyshm layout --diff` compares them."""
    try:
        found = rows(lay_out())
    except LayoutError:
        return {}
    return {row.label: row.meaning for row in found if row.depth == 0 and row.meaning}


def _element(reference: TypeReference) -> tuple[TypeDeclaration | None, bool]:
    """Return the struct or layout class of a field, and whether the field is an array of them."""
    if isinstance(reference, Array):
        return _element(reference.element)[0], True
    if not isinstance(reference, TypeDeclaration) or reference.fixed_buffer:
        return None, False
    if reference.kind not in ("struct", "class") or not has_layout(reference):
        return None, False
    if reference.inline_array:
        return _element(reference.fields[0].type)[0], True
    return reference, False
