"""The two layouts of a declared type, computed without asking whether .NET refuses the type.

:func:`native_layout` is the marshalled layout and :func:`managed_layout` the one in .NET's own
memory. layouts.py has the functions that refuse what .NET refuses.
"""

from __future__ import annotations

from functools import lru_cache

from . import placement
from .builtins import SCALARS, address, managed_scalar
from .declarations import (
    BuiltIn,
    FieldDeclaration,
    Nullable,
    TypeDeclaration,
    TypeReference,
    nullable_declaration,
)
from .forms import FieldLayout, Form, Inline, Layout, Scalar, Sequence, Target, round_up
from .marshalling import Refused, marshalled_form
from .traits import (
    has_layout,
    holds_objects,
    is_ansi,
    is_blittable,
    is_copied,
    is_explicit_class,
    is_object,
    is_struct,
    keeps_order,
)

__all__ = ["end_of", "managed_layout", "native_layout"]

# The runtime counts a field that it has no form for as one byte.
_WITHOUT_FORM = Scalar("address", 1, 1, "B")

# Types that the runtime aligns to their size, whatever their fields are.
_ALIGNED = {"System.Int128": 16, "System.UInt128": 16} | {
    f"System.Runtime.Intrinsics.Vector{8 * size}`1": size for size in (8, 16, 32, 64)
}

_DATE_TIME_OFFSET = TypeDeclaration(
    "System.DateTimeOffset",
    layout="auto",
    fields=(
        FieldDeclaration("_dateTime", BuiltIn("DateTime")),
        FieldDeclaration("_offsetMinutes", BuiltIn("short")),
    ),
)


# --- the marshalled layout ----------------------------------------------------------------


@lru_cache(maxsize=4096)
def native_layout(declaration: TypeDeclaration, target: Target) -> Layout:
    """Return the marshalled layout."""
    if is_copied(declaration, target):
        return managed_layout(declaration, target)._replace(marshalled=True)
    return _field_by_field(declaration, target)


@lru_cache(maxsize=4096)
def _field_by_field(declaration: TypeDeclaration, target: Target) -> Layout:
    """Return the marshalled layout of a type that is not copied as a whole.

    Its base classes are not copied as a whole then, either.
    """
    base = None
    if declaration.base is not None and has_layout(declaration.base):
        base = _field_by_field(declaration.base, target)
    ansi = is_ansi(declaration, target)
    forms = []
    for field in declaration.fields:
        try:
            forms.append(marshalled_form(field, ansi, target, native_layout))
        except Refused:
            forms.append(_WITHOUT_FORM)
    return _as_declared(declaration, target, forms, base, marshalled=True)


# --- the managed layout -------------------------------------------------------------------


@lru_cache(maxsize=4096)
def managed_layout(declaration: TypeDeclaration, target: Target) -> Layout:
    """Return the layout in .NET's own memory."""
    base = None
    if declaration.base is not None and has_layout(declaration.base):
        base = managed_layout(declaration.base, target)
    forms = [_managed_form(field.type, target) for field in declaration.fields]
    references = holds_objects(declaration)
    if declaration.layout == "explicit" or keeps_order(declaration):
        layout = _as_declared(declaration, target, forms, base, marshalled=False)
    else:
        layout = _by_size(declaration, target, forms, base, references)
    if references and (declaration.kind == "struct" or is_explicit_class(declaration)):
        # The garbage collector needs whole pointers, so no other alignment counts.
        pointer = target.pointer_size
        return layout._replace(size=round_up(layout.size, pointer), alignment=pointer)
    return layout


def _managed_form(reference: TypeReference, target: Target) -> Form:
    if isinstance(reference, TypeDeclaration) and reference.kind == "enum":
        reference = BuiltIn(reference.underlying)
    if isinstance(reference, Nullable):
        reference = nullable_declaration(reference.value)
    if isinstance(reference, BuiltIn):
        scalar = SCALARS.get(reference.name) or managed_scalar(reference.name, target)
        if scalar is not None:
            return scalar
        if reference.name == "DateTimeOffset":
            reference = _DATE_TIME_OFFSET
    if isinstance(reference, TypeDeclaration) and reference.kind == "struct":
        return Inline(managed_layout(reference, target))
    return address(target)


# --- from forms to layouts ----------------------------------------------------------------


def _as_declared(
    declaration: TypeDeclaration,
    target: Target,
    forms: list[Form],
    base: Layout | None,
    *,
    marshalled: bool,
) -> Layout:
    """Return the layout with the fields in their declared order, or at their [FieldOffset]."""
    explicit_class = not marshalled and is_explicit_class(declaration)
    base_size = end_of(base)
    base_alignment = base.alignment if base is not None else 1
    if explicit_class and base is not None:
        base_size = base_size + base.size if declaration.fields else base.size
    if declaration.layout == "explicit":
        placed = placement.explicit(
            [
                (form.size, form.alignment, field.offset or 0)
                for form, field in zip(forms, declaration.fields, strict=True)
            ],
            declaration.pack,
            base_size,
            base_alignment,
        )
    else:
        placed = placement.sequential(
            [(form.size, form.alignment) for form in forms],
            declaration.pack,
            base_size,
            base_alignment,
        )
    size = placed.end if explicit_class else placed.size(declaration.size, base_size)
    return _layout(declaration, target, placed, size, forms, base, marshalled=marshalled)


def _by_size(
    declaration: TypeDeclaration,
    target: Target,
    forms: list[Form],
    base: Layout | None,
    references: bool,
) -> Layout:
    """Return the layout of LayoutKind.Auto, which ignores Pack and Size.

    The runtime gives it to every type that does not keep its order.
    """
    scalars = []
    structs = []
    for index, (field, form) in enumerate(zip(declaration.fields, forms, strict=True)):
        if is_struct(field.type):
            structs.append((index, form.size, form.alignment))
        else:
            scalars.append((index, form.size, is_object(field.type)))
    placed = placement.by_size(scalars, structs, target.pointer_size, end_of(base))
    if declaration.kind == "class":
        # The runtime does not round its size, and a derived class is not aligned for its fields.
        placed = placed._replace(alignment=1)
    rounded = declaration.kind == "struct" and not references
    size = placed.size(0) if rounded else placed.end
    return _layout(declaration, target, placed, size, forms, base, marshalled=False)


def _layout(
    declaration: TypeDeclaration,
    target: Target,
    placed: placement.Placement,
    size: int,
    forms: list[Form],
    base: Layout | None,
    *,
    marshalled: bool,
) -> Layout:
    if declaration.inline_array and forms:
        # The runtime repeats the one field as often as [InlineArray] says.
        element = forms[0]
        if declaration.layout == "auto" and size == element.size <= target.pointer_size:
            alignment = min(declaration.inline_array * size, target.pointer_size)
            placed = placed._replace(alignment=alignment)
        # In memory, the padding at the end of a struct with that field counts each time, although
        # no element begins after it.
        in_memory = not marshalled or is_blittable(declaration, target)
        size = declaration.inline_array * (size if in_memory else element.size)
        forms = [Sequence(element, declaration.inline_array, element.size)]
    return Layout(
        declaration,
        target,
        marshalled,
        size,
        _ALIGNED.get(declaration.name.partition("[")[0], placed.alignment),
        declaration.pack,
        (base.fields if base is not None else ())
        + tuple(
            FieldLayout(field.name, field.name, offset, form.size, form, field)
            for field, offset, form in zip(declaration.fields, placed.offsets, forms, strict=True)
        ),
    )


def end_of(base: Layout | None) -> int:
    """Return where a derived class's fields begin.

    The one byte of an empty base class does not count.
    """
    if base is None or (not base.fields and base.size <= 1):
        return 0
    return base.size
