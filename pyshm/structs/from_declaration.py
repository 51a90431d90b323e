"""The Python class of a declared type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..layout.declarations import Array, Nullable, TypeDeclaration
from ..layout.forms import HOST, FieldLayout, Form, Inline, Layout, Sequence, Target
from ..layout.layouts import native
from .registry import PYTHON_TYPES
from .struct import Struct, StructType

__all__ = ["struct_from"]


def struct_from(declaration: TypeDeclaration, target: Target = HOST) -> type[Struct]:
    """The Python class of ``declaration``; made, with those it needs, where there is none yet.

    Fields have their .NET names, changed only where Python can't have them. Raises LayoutError.
    """
    found: Any = PYTHON_TYPES.get(declaration)
    if found is not None and found.__packing__.layout.target == target:
        return found  # type: ignore[no-any-return]
    return _class_of(native(declaration, target))


def _class_of(layout: Layout) -> type[Struct]:
    """The class of a type that was laid out, by itself or, as some only can be, in another."""
    declaration = layout.declaration
    # The class holds those that it is made of, which the table does not.
    parts = []
    for inner in _inner_layouts(layout.fields):
        found: Any = PYTHON_TYPES.get(inner.declaration)
        parts.append(found or _class_of(inner))
    base: Any = Struct
    if declaration.base is not None and declaration.kind == "class":
        base = struct_from(declaration.base, layout.target)
    namespace = {"__doc__": declaration.documentation or None, "__parts__": tuple(parts)}
    name = re.sub(r"\W", "_", re.split(r"[.+]", declaration.name)[-1]) or "Unnamed"
    return StructType(name, (base,), namespace, laid_out=layout)  # type: ignore[return-value]


def _inner_layouts(fields: Iterable[FieldLayout]) -> Iterator[Layout]:
    """The layouts of the types of ``fields`` that are classes in Python."""
    for field in fields:
        form: Form = field.form
        reference = field.declaration.type
        while isinstance(form, Sequence):
            form = form.element
            reference = reference.element if isinstance(reference, Array) else reference
        if not isinstance(form, Inline):
            continue
        declared = form.layout.declaration
        if isinstance(reference, Nullable) or declared.inline_array or declared.fixed_buffer:
            yield from _inner_layouts(form.layout.fields)
        else:
            yield form.layout
