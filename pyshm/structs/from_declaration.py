"""The Python class of a type that was declared elsewhere: in an assembly, or as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from threading import RLock
from typing import Any

from .._support.names import identifier
from ..layout.declarations import Array, Nullable, TypeDeclaration
from ..layout.forms import HOST, FieldLayout, Form, Inline, Layout, Sequence, Target
from ..layout.layouts import native
from .registry import PYTHON_TYPES
from .struct import Struct, StructType

__all__ = ["struct_from"]

_making = RLock()  # two threads that ask for one type get one class


def struct_from(declaration: TypeDeclaration, target: Target = HOST) -> type[Struct]:
    """Return the Python class of ``declaration``, which is made if there is none yet.

    So are the classes of the types that it contains. The fields have their .NET names, which are
    changed only if Python can't have them. Raises LayoutError.
    """
    with _making:
        found: Any = PYTHON_TYPES.get(declaration)
        if found is not None and found.__packing__.layout.target == target:
            return found  # type: ignore[no-any-return]
        return _class_of(native(declaration, target))


def _class_of(layout: Layout) -> type[Struct]:
    """Return the class of a layout. Some types can only be laid out as a part of another one."""
    declaration = layout.declaration
    # The registry has only weak references; the class keeps the classes of its fields.
    parts = []
    for inner in _inner_layouts(layout.fields):
        found: Any = PYTHON_TYPES.get(inner.declaration)
        parts.append(found or _class_of(inner))
    base: Any = Struct
    if declaration.base is not None and declaration.kind == "class":
        base = struct_from(declaration.base, layout.target)
    namespace = {"__doc__": declaration.documentation or None, "__parts__": tuple(parts)}
    name = identifier(re.split(r"[.+]", declaration.name)[-1], "Unnamed")
    return StructType(name, (base,), namespace, laid_out=layout)  # type: ignore[return-value]


def _inner_layouts(fields: Iterable[FieldLayout]) -> Iterator[Layout]:
    """Yield the layouts of those types of ``fields`` that are classes in Python."""
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
