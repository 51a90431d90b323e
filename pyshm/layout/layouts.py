"""Declaration in, layout out: where .NET puts each field of a type, and what it refuses.

Pure functions of their arguments. :func:`native` is the marshalled layout - Marshal.SizeOf,
Marshal.OffsetOf, Marshal.StructureToPtr - and :func:`managed` the one in .NET's own memory -
Unsafe.SizeOf<T>, accessor.Read<T> and ReadArray<T>:
https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.structlayoutattribute
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from ..errors import LayoutError
from . import placement
from .builtins import FIXED_BUFFER_ELEMENTS, SCALARS, address, native_integer
from .declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
)
from .forms import (
    HOST,
    FieldLayout,
    Form,
    Inline,
    Layout,
    Scalar,
    Sequence,
    Target,
    Text,
    round_up,
)
from .marshalling import (
    Refused,
    has_layout,
    is_ansi,
    is_blittable,
    is_safe_handle,
    marshalled_form,
    nullable_declaration,
)

__all__ = [
    "HOST",
    "FieldLayout",
    "Form",
    "Inline",
    "Layout",
    "Refusal",
    "Scalar",
    "Sequence",
    "Target",
    "Text",
    "contains_references",
    "is_blittable",
    "is_reference",
    "managed",
    "native",
    "refusal",
]

PACKS = (0, 1, 2, 4, 8, 16, 32, 64, 128)
_LARGEST_OFFSET = (
    (1 << 27) - 1 - 6
)  # a field's offset has 27 bits, of which the runtime keeps six values
_LARGEST_NATIVE = 0x7FFFFFF0


class Refusal(NamedTuple):
    """Why .NET does not marshal a type.

    ``by`` is "load" if the runtime can't even load it, "size" if Marshal.SizeOf refuses it, and
    "marshal" if it has a size and Marshal.StructureToPtr refuses it. ``field`` is the one that
    it is about, or None.
    """

    by: Literal["load", "size", "marshal"]
    type: str
    field: str | None
    reason: str

    def __str__(self) -> str:
        where = f"{self.type}.{self.field}" if self.field else self.type
        return f"{where}: {self.reason}"

    def error(self) -> LayoutError:
        """The same as an error to raise."""
        return LayoutError(str(self), field=self.field)


def native(declaration: TypeDeclaration, target: Target = HOST, *, strict: bool = True) -> Layout:
    """The marshalled layout. Raises LayoutError with .NET's reason for a type that it refuses.

    With ``strict`` false, a type that has a size gets its layout although StructureToPtr
    refuses it; then a field that has no form is an address of one byte.
    """
    refused = refusal(declaration, target)
    if refused is not None and (strict or refused.by != "marshal"):
        raise refused.error()
    return _native(declaration, target)


def refusal(declaration: TypeDeclaration, target: Target = HOST) -> Refusal | None:
    """Why .NET does not marshal ``declaration``; None if it does."""
    return (
        _load_refusal(declaration, target)
        or _size_refusal(declaration, target)
        or _marshal_refusal(declaration, target)
    )


def managed(declaration: TypeDeclaration, target: Target = HOST) -> Layout:
    """The layout in .NET's own memory. Raises LayoutError for a type that can't be loaded."""
    refused = _load_refusal(declaration, target)
    if refused is not None:
        raise refused.error()
    return _managed(declaration, target)


# --- the marshalled layout ----------------------------------------------------------------

# What the runtime reckons a field to be that it has no form for.
_NOTHING = Scalar("address", 1, 1, "B")


@lru_cache(maxsize=4096)
def _native(declaration: TypeDeclaration, target: Target) -> Layout:
    if _is_explicit_class(declaration) and is_blittable(declaration, target):
        return _managed(declaration, target)._replace(marshalled=True)
    base = None
    if declaration.base is not None and has_layout(declaration.base):
        base = _native(declaration.base, target)
    ansi = is_ansi(declaration, target)
    forms = []
    for field in declaration.fields:
        try:
            forms.append(_form(field, ansi, target))
        except Refused:
            forms.append(_NOTHING)
    return _laid_out(declaration, target, forms, base, marshalled=True)


def _form(field: FieldDeclaration, ansi: bool, target: Target) -> Form:
    return marshalled_form(field, ansi, target, _native)


def _laid_out(
    declaration: TypeDeclaration,
    target: Target,
    forms: list[Form],
    base: Layout | None,
    *,
    marshalled: bool,
) -> Layout:
    fields = declaration.fields
    base_size = _end_of(base)
    base_alignment = base.alignment if base is not None else 1
    if not marshalled and base is not None and _is_explicit_class(declaration):
        base_size = base_size + base.size if fields else base.size
    if declaration.layout == "explicit":
        placed = placement.explicit(
            [
                (form.size, form.alignment, field.offset or 0)
                for form, field in zip(forms, fields, strict=True)
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
    size = placed.size(declaration.size, base_size)
    if not marshalled and _is_explicit_class(declaration):
        size = placed.end
    if declaration.inline_array and forms:
        # The one field, as often as the attribute says.
        count = declaration.inline_array
        size = count * forms[0].size
        forms = [Sequence(forms[0], count, forms[0].size)]
    return Layout(
        declaration,
        target,
        marshalled,
        size,
        _ALIGNED.get(declaration.name.partition("[")[0], placed.alignment),
        declaration.pack,
        (base.fields if base is not None else ()) + _fields(declaration, placed.offsets, forms),
    )


# Types that the runtime aligns to their size, whatever their fields are.
_ALIGNED = {"System.Int128": 16, "System.UInt128": 16} | {
    f"System.Runtime.Intrinsics.Vector{8 * size}`1": size for size in (8, 16, 32, 64)
}


def _end_of(base: Layout | None) -> int:
    """Where a derived class's fields begin; the one byte of an empty base class does not count."""
    if base is None or (not base.fields and base.size <= 1):
        return 0
    return base.size


def _is_explicit_class(declaration: TypeDeclaration) -> bool:
    """Whether the runtime lays it out in its own way.

    A class with explicit layout gets no rounding and no Size in managed memory, its base class
    counts twice, and all this shows in the marshalled layout too if the class is blittable.
    """
    return declaration.kind == "class" and declaration.layout == "explicit"


def _fields(
    declaration: TypeDeclaration, offsets: list[int], forms: list[Form]
) -> tuple[FieldLayout, ...]:
    return tuple(
        FieldLayout(field.name, field.name, offset, form.size, form, field)
        for field, offset, form in zip(declaration.fields, offsets, forms, strict=True)
    )


# --- the managed layout -------------------------------------------------------------------

_DATE_TIME_OFFSET = TypeDeclaration(
    "System.DateTimeOffset",
    layout="auto",
    fields=(
        FieldDeclaration("_dateTime", BuiltIn("DateTime")),
        FieldDeclaration("_offsetMinutes", BuiltIn("short")),
    ),
)
_STRUCTS = frozenset(SCALARS) - FIXED_BUFFER_ELEMENTS | {"DateTimeOffset"}


@lru_cache(maxsize=4096)
def _managed(declaration: TypeDeclaration, target: Target) -> Layout:
    base = None
    if declaration.base is not None and has_layout(declaration.base):
        base = _managed(declaration.base, target)
    forms = [_managed_form(field.type, target) for field in declaration.fields]
    references = _holds_references(declaration)
    if declaration.layout == "explicit" or (has_layout(declaration) and not references):
        layout = _laid_out(declaration, target, forms, base, marshalled=False)
    else:
        layout = _laid_out_by_size(declaration, target, forms, base, references)
    if references and (declaration.kind == "struct" or _is_explicit_class(declaration)):
        # The garbage collector wants whole pointers, and nothing else counts any more.
        pointer = target.pointer_size
        return layout._replace(size=round_up(layout.size, pointer), alignment=pointer)
    return layout


def _laid_out_by_size(
    declaration: TypeDeclaration,
    target: Target,
    forms: list[Form],
    base: Layout | None,
    references: bool,
) -> Layout:
    """LayoutKind.Auto, which every type with references has in truth; Pack and Size are ignored."""
    scalars = []
    structs = []
    for index, (field, form) in enumerate(zip(declaration.fields, forms, strict=True)):
        if _is_struct(field.type):
            structs.append((index, form.size, form.alignment))
        else:
            scalars.append((index, form.size, _is_object(field.type)))
    placed = placement.by_size(scalars, structs, target.pointer_size, _end_of(base))
    rounded = declaration.kind == "struct" and not references
    size = placed.size(0) if rounded else placed.end
    if declaration.inline_array and forms:
        size = declaration.inline_array * forms[0].size
        forms = [Sequence(forms[0], declaration.inline_array, forms[0].size)]
    return Layout(
        declaration,
        target,
        False,
        size,
        placed.alignment,
        declaration.pack,
        (base.fields if base is not None else ()) + _fields(declaration, placed.offsets, forms),
    )


def _managed_form(reference: TypeReference, target: Target) -> Form:
    if isinstance(reference, TypeDeclaration) and reference.kind == "enum":
        reference = BuiltIn(reference.underlying)
    if isinstance(reference, Nullable):
        reference = nullable_declaration(reference.value)
    if isinstance(reference, BuiltIn):
        if reference.name in SCALARS:
            return SCALARS[reference.name]
        if reference.name in ("nint", "nuint"):
            return native_integer(reference.name, target)
        if reference.name == "DateTimeOffset":
            reference = _DATE_TIME_OFFSET
    if isinstance(reference, TypeDeclaration) and reference.kind == "struct":
        return Inline(_managed(reference, target))
    return address(target)


def _is_struct(reference: TypeReference) -> bool:
    """Whether the runtime places it as a struct, not by the size of a scalar."""
    if isinstance(reference, BuiltIn):
        return reference.name in _STRUCTS
    if isinstance(reference, TypeDeclaration):
        return reference.kind == "struct"
    return isinstance(reference, Nullable)


def is_reference(reference: TypeReference) -> bool:
    """Whether a variable of that type is an object that lies elsewhere."""
    if isinstance(reference, BuiltIn):
        return reference.name in ("string", "object", "Delegate", "Array")
    if isinstance(reference, TypeDeclaration):
        return reference.kind in ("class", "delegate", "interface")
    return isinstance(reference, Array)


@lru_cache(maxsize=4096)
def _holds_references(declaration: TypeDeclaration) -> bool:
    """Whether it has fields, its base classes' among them, that hold objects."""
    if declaration.base is not None and _holds_references(declaration.base):
        return True
    return any(_holds_objects(field.type) for field in declaration.fields)


def _holds_objects(reference: TypeReference) -> bool:
    if isinstance(reference, Nullable):
        return _holds_objects(reference.value)
    if isinstance(reference, TypeDeclaration) and reference.kind == "struct":
        return _holds_references(reference)
    return _is_object(reference)


def _is_object(reference: TypeReference) -> bool:
    """Whether the garbage collector looks for it; a ``ref`` field is a plain pointer to it."""
    by_ref = isinstance(reference, TypeDeclaration) and reference.by_ref_like
    return is_reference(reference) and not by_ref


def contains_references(reference: TypeReference) -> bool:
    """Whether a value of it holds objects: accessor.Read<T> and Write<T> refuse such a struct.

    A ref struct counts as one that does.
    """
    by_ref = isinstance(reference, TypeDeclaration) and reference.by_ref_like
    return by_ref or _holds_objects(reference)


# --- what is refused ----------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _load_refusal(declaration: TypeDeclaration, target: Target) -> Refusal | None:
    """Why the runtime throws TypeLoadException for the type itself."""
    if declaration.kind not in ("struct", "class"):
        return None
    for part in _parts(declaration):
        refused = _load_refusal(part, target)
        if refused is not None:
            return refused

    def because(reason: str, field: str | None = None) -> Refusal:
        return Refusal("load", declaration.name, field, reason)

    if declaration.pack not in PACKS:
        return because(f"Pack must be one of {PACKS}, not {declaration.pack!r}")
    if declaration.size < 0:
        return because(f"Size must not be negative, but is {declaration.size}")
    if declaration.inline_array is not None:
        if declaration.inline_array < 1:
            return because(f"InlineArray's length must be above 0, not {declaration.inline_array}")
        if len(declaration.fields) != 1:
            return because("an InlineArray has exactly one field")
        if declaration.layout == "explicit" or declaration.size:
            return because("an InlineArray has no explicit layout and no Size")
        kind = declaration.fields[0].type
        if (
            isinstance(kind, TypeDeclaration)
            and kind.kind == "class"
            and not (kind.fields or kind.by_ref_like)
        ):
            return because("an InlineArray of an empty class: .NET dies of it")
    if declaration.base is not None and declaration.layout != "auto":
        if not has_layout(declaration.base):
            return because(f"its base class {declaration.base.name} has no layout")
        if (
            declaration.layout == "sequential"
            and _is_explicit_class(declaration.base)
            and is_blittable(declaration.base, target)
            and not _holds_references(declaration)
        ):
            return because(
                "sequential layout behind a blittable base class with explicit layout "
                f"({declaration.base.name}): .NET dies of it"
            )
    if declaration.layout == "explicit":
        if declaration.generic:
            return because("generic types can't have explicit layout")
        for field in declaration.fields:
            if field.offset is None:
                return because("a field of an explicit layout needs a FieldOffset", field.name)
            if field.offset < 0:
                return because(
                    f"FieldOffset must not be negative, but is {field.offset}", field.name
                )
    if not declaration.by_ref_like:
        for field in declaration.fields:
            if isinstance(field.type, TypeDeclaration) and field.type.by_ref_like:
                return because("a ref struct can be a field of ref structs only", field.name)
    layout = _managed(declaration, target)
    for field_layout in layout.fields:
        if field_layout.offset > _LARGEST_OFFSET:
            return because(f"offset {field_layout.offset} is too large", field_layout.name)
    if declaration.layout == "explicit":
        return _overlap(layout)
    return None


def _contained(declaration: TypeDeclaration) -> Iterator[TypeReference]:
    """Its base class and the types of its fields, of an array that of the elements."""
    if declaration.base is not None:
        yield declaration.base
    for field in declaration.fields:
        kind = field.type
        yield kind.element if isinstance(kind, Array) else kind


def _parts(declaration: TypeDeclaration) -> Iterator[TypeDeclaration]:
    """The types that have to be loaded before it can be marshalled."""
    for kind in _contained(declaration):
        part = kind.value if isinstance(kind, Nullable) else kind
        if isinstance(part, TypeDeclaration):
            yield part


def _overlap(layout: Layout) -> Refusal | None:
    """Refuse what the garbage collector can't: a misaligned object, or one under other bytes."""
    declaration = layout.declaration
    if not _holds_references(declaration):
        return None
    pointer = layout.target.pointer_size
    # Checked where they were meant to be, with the base class's bytes counted once.
    base = declaration.base
    begin = _end_of(_managed(base, layout.target)) if base is not None else 0
    # (offset, what begins or ends there, the field), in which an end comes before a beginning.
    edges: list[tuple[int, int, str]] = []
    for field in layout.fields[len(layout.fields) - len(declaration.fields) :]:
        start = begin + (field.declaration.offset or 0)
        at = start
        for offset, end in _objects(field.declaration.type, field.form):
            if (start + offset) % pointer:
                reason = f"an object at offset {start + offset} is not aligned"
                return Refusal("load", declaration.name, field.name, reason)
            edges += _edges(at, start + offset, _DATA, field.name)
            edges += _edges(start + offset, start + end, _OBJECT, field.name)
            at = start + end
        edges += _edges(at, start + field.size, _DATA, field.name)
    open_at_once = {_DATA: 0, _OBJECT: 0}
    for offset, change, name in sorted(edges):
        open_at_once[abs(change)] += 1 if change > 0 else -1
        if all(open_at_once.values()):
            reason = f"at offset {offset} an object overlaps other bytes"
            return Refusal("load", declaration.name, name, reason)
    return None


_DATA, _OBJECT = 1, 2


def _edges(start: int, end: int, what: int, name: str) -> list[tuple[int, int, str]]:
    return [(start, what, name), (end, -what, name)] if start < end else []


def _objects(reference: TypeReference, form: Form) -> tuple[tuple[int, int], ...]:
    """Where objects lie within a managed field: runs of bytes, offset and end, in order."""
    if isinstance(form, Inline):
        return _objects_in(form.layout.declaration, form.layout.target)
    if isinstance(form, Sequence):
        runs = _objects(reference, form.element)
        if runs == ((0, form.stride),):
            return ((0, form.size),)
        if len(runs) * form.count > _MOST_RUNS:
            raise LayoutError(f"{form.count} elements with objects in them are too many")
        return tuple(
            (start + index * form.stride, end + index * form.stride)
            for index in range(form.count if runs else 0)
            for start, end in runs
        )
    return ((0, form.size),) if is_reference(reference) else ()


# What nobody writes, and an assembly made to do harm could ask for.
_MOST_RUNS = 1 << 18


@lru_cache(maxsize=1024)
def _objects_in(declaration: TypeDeclaration, target: Target) -> tuple[tuple[int, int], ...]:
    found: set[tuple[int, int]] = set()
    if _holds_references(declaration):
        for field in _managed(declaration, target).fields:
            runs = _objects(field.declaration.type, field.form)
            found.update((field.offset + start, field.offset + end) for start, end in runs)
            if len(found) > _MOST_RUNS:
                raise LayoutError(f"{declaration.name} holds too many objects")
    return tuple(sorted(found))


@lru_cache(maxsize=4096)
def _size_refusal(declaration: TypeDeclaration, target: Target) -> Refusal | None:
    """Why Marshal.SizeOf refuses it: it looks at the type's own fields."""
    if declaration.kind not in ("struct", "class"):
        return Refusal("size", declaration.name, None, f"{declaration.kind} types have no layout")
    if declaration.generic:
        return Refusal("size", declaration.name, None, "generic types can't be marshalled")
    if not has_layout(declaration):
        return Refusal("size", declaration.name, None, "it has auto layout")
    refused = _field_refusal(declaration, target, "size")
    if refused is None and _native(declaration, target).size >= _LARGEST_NATIVE:
        return Refusal("size", declaration.name, None, "it is too large")
    return refused


def _field_refusal(
    declaration: TypeDeclaration, target: Target, by: Literal["size", "marshal"]
) -> Refusal | None:
    if declaration.base is not None:
        refused = _field_refusal(declaration.base, target, by)
        if refused is not None:
            return refused
    ansi = is_ansi(declaration, target)
    for field in declaration.fields:
        try:
            _form(field, ansi, target)
        except Refused as reason:
            return Refusal(by, declaration.name, field.name, str(reason))
    return None


@lru_cache(maxsize=4096)
def _marshal_refusal(declaration: TypeDeclaration, target: Target) -> Refusal | None:
    """Why Marshal.StructureToPtr refuses it: it needs every field of every type within."""
    if declaration.by_ref_like:
        return Refusal("marshal", declaration.name, None, "a ref struct can't leave the stack")
    for field in declaration.fields:
        if isinstance(field.type, TypeDeclaration) and is_safe_handle(field.type):
            reason = "structures with a SafeHandle are for calls only"
            return Refusal("marshal", declaration.name, field.name, reason)
    base = declaration.base
    if (
        base is not None
        and is_ansi(base, target) != is_ansi(declaration, target)
        and _has_text(base)
    ):
        reason = f"text of its base class {base.name}, of another CharSet: .NET writes past it"
        return Refusal("marshal", declaration.name, None, reason)
    for field in declaration.fields:
        kind = field.type
        if isinstance(kind, Array) and isinstance(kind.element, (Pointer, FunctionPointer)):
            reason = "an array of pointers: .NET gives each the size of what it leads to"
            return Refusal("marshal", declaration.name, field.name, reason)
    for part in _marshalled_parts(declaration):
        refused = _field_refusal(part, target, "marshal") or _marshal_refusal(part, target)
        if refused is not None:
            return refused
    return None


def _has_text(declaration: TypeDeclaration) -> bool:
    """Whether the CharSet decides the size of one of its fields."""
    if declaration.base is not None and _has_text(declaration.base):
        return True
    return any(kind in (BuiltIn("char"), BuiltIn("string")) for kind in _contained(declaration))


def _marshalled_parts(declaration: TypeDeclaration) -> Iterator[TypeDeclaration]:
    for kind in _contained(declaration):
        if isinstance(kind, Nullable):
            yield nullable_declaration(kind.value)
        elif isinstance(kind, TypeDeclaration) and has_layout(kind):
            yield kind
