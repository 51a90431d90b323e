"""A manifest: how one side lays out a type, with every field of it and of its nested types.

Each side reports its own layout in the same form. .NET does so in the peer's step ``manifest``
(docs/protocol.md), with the numbers of the runtime and its marshaller; pyshm does so in
:func:`manifest_json`. :mod:`.mismatch` compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..errors import LayoutError
from ..layout.compute import managed_layout, native_layout
from ..layout.declarations import TypeDeclaration, needed_types
from ..layout.forms import HOST, FieldLayout, Form, Inline, Layout, Target
from ..layout.forms import Sequence as Elements
from ..layout.layouts import managed, native
from ..layout.schema import from_json, to_json
from ..layout.traits import contains_references, has_layout
from .questions import DotNetError, error_from_json

__all__ = ["Manifest", "manifest_from_json", "manifest_json"]


class Manifest(NamedTuple):
    """A type: its declaration, its two layouts, and the stride of its array elements in bytes.

    ``native`` is None for a type without a marshalled size, and ``refused`` is the reason. A type
    can have a size and be refused. ``stride`` is None for types that accessor.Read<T> refuses:
    classes, and structs that hold objects.
    """

    declaration: TypeDeclaration
    refused: DotNetError | None
    native: Layout | None
    managed: Layout | None
    stride: int | None


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
    items = {item["name"]: item for item in types}
    item = items[root.name]
    error = error_from_json(item, "native_error")
    return Manifest(
        root,
        error or error_from_json(item, "structure_to_ptr_error"),
        _layout("native", native_layout(root, target), items),
        _layout("managed", managed_layout(root, target), items),
        item.get("stride"),
    )


def _layout(which: str, computed: Layout, items: Mapping[str, Mapping[str, Any]]) -> Layout | None:
    """Return the "native" or "managed" layout that ``items`` report; None if they don't.

    Offsets and sizes are those of ``items``; the layout that pyshm has ``computed`` shows what the
    bytes mean. A field without a place is left out.
    """
    done: dict[TypeDeclaration, Layout] = {}

    def reported(layout: Layout) -> Layout:
        declaration = layout.declaration
        size = items.get(declaration.name, {}).get(f"{which}_size")
        if size is None:
            return layout  # a generic type has no size of its own
        if declaration not in done:
            pairs = zip(layout.fields, _field_items(declaration, items), strict=True)
            fields = (reported_field(field, item) for field, item in pairs)
            done[declaration] = layout._replace(size=size, fields=tuple(filter(None, fields)))
        return done[declaration]

    def reported_field(field: FieldLayout, item: Mapping[str, Any]) -> FieldLayout | None:
        offset, size = item.get(f"{which}_offset"), item.get(f"{which}_size")
        if offset is None or size is None:
            return None
        return field._replace(offset=offset, size=size, form=reported_form(field.form))

    def reported_form(form: Form) -> Form:
        if isinstance(form, Inline):
            return Inline(reported(form.layout))
        if isinstance(form, Elements):
            return replace(form, element=reported_form(form.element))
        return form

    given = items[computed.declaration.name].get(f"{which}_size") is not None
    return reported(computed) if given else None


def _field_items(
    declaration: TypeDeclaration, items: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the items of all fields, those of the base class first."""
    base = declaration.base
    inherited = _field_items(base, items) if base is not None and has_layout(base) else []
    return [*inherited, *items[declaration.name].get("fields", ())]
