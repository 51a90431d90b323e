"""What .NET refuses, and why: types that can't be loaded, sized or marshalled.

There is one function for each reason. The lists :data:`_LOAD_RULES` and :data:`_MARSHAL_RULES`
have them in the order in which they are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from .._support.shown import shown
from ..errors import LayoutError
from .compute import end_of, managed_layout, native_layout
from .declarations import (
    Array,
    FunctionPointer,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
    nullable_declaration,
)
from .forms import Form, Inline, Sequence, Target
from .marshalling import Refused, marshalled_form
from .traits import (
    has_layout,
    has_text,
    holds_objects,
    is_ansi,
    is_reference,
    is_safe_handle,
    keeps_order,
    recursive_class,
)

__all__ = ["Refusal", "load_refusal", "marshal_refusal", "size_refusal"]

_PACKS = (0, 1, 2, 4, 8, 16, 32, 64, 128)
# The runtime stores a field's offset in 27 bits and reserves the seven largest values. The same
# number is the limit for the bytes of an [InlineArray].
_LARGEST_OFFSET = (1 << 27) - 1 - 7
_LARGEST_NATIVE = 0x7FFFFFF0
_VECTOR = "System.Numerics.Vector`1"
_VECTOR_REASON = (
    "the size of Vector<T> depends on the processor (16, 32 or 64 bytes); use Vector128<T>, "
    "Vector256<T> or Vector512<T> in C#"
)
# More objects than a real type has; an assembly made to do harm could ask for more.
_MOST_RUNS = 1 << 18


class Refusal(NamedTuple):
    """Why .NET does not marshal a type.

    ``by`` is "load" if the runtime can't load the type, or decides its size itself, "size" if
    Marshal.SizeOf refuses it, and "marshal" if it has a size and Marshal.StructureToPtr refuses it.
    ``field`` is the field that causes this; None if no single field does.
    """

    by: Literal["load", "size", "marshal"]
    type: str
    field: str | None
    reason: str

    def __str__(self) -> str:
        where = f"{self.type}.{self.field}" if self.field else self.type
        return f"{where}: {self.reason}"

    def error(self) -> LayoutError:
        """Return the refusal as an error to raise."""
        return LayoutError(str(self), field=self.field)


_Reasons: TypeAlias = Iterator[tuple[str, str | None]]
"""The reasons that one rule finds, each with the name of the field that it is about."""

_Rule: TypeAlias = Callable[[TypeDeclaration, Target], _Reasons]


def _first(
    rules: tuple[_Rule, ...],
    by: Literal["load", "marshal"],
    declaration: TypeDeclaration,
    target: Target,
) -> Refusal | None:
    for rule in rules:
        for reason, field in rule(declaration, target):
            return Refusal(by, declaration.name, field, reason)
    return None


# --- load ---------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def load_refusal(declaration: TypeDeclaration, target: Target) -> Refusal | None:
    """Return why the runtime throws TypeLoadException for the type; None if it loads."""
    if declaration.kind not in ("struct", "class"):
        return None
    for part in _loaded_parts(declaration):
        refused = load_refusal(part, target)
        if refused is not None:
            return refused
    return _first(_LOAD_RULES, "load", declaration, target)


def _loaded_parts(declaration: TypeDeclaration) -> Iterator[TypeDeclaration]:
    """Yield the types that the runtime loads before this one."""
    for kind in _contained(declaration):
        part = kind.value if isinstance(kind, Nullable) else kind
        # The type that contains a Vector<T> is refused, with the name of the field.
        if isinstance(part, TypeDeclaration) and not _is_vector(part):
            yield part


def _contained(declaration: TypeDeclaration) -> Iterator[TypeReference]:
    """Yield the base class and the types of the fields; of an array, the type of its elements."""
    if declaration.base is not None:
        yield declaration.base
    for field in declaration.fields:
        kind = field.type
        yield kind.element if isinstance(kind, Array) else kind


def _unknown_attributes(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    if declaration.pack not in _PACKS:
        yield f"Pack must be one of {_PACKS}, not {shown(declaration.pack)}", None
    if declaration.size < 0:
        yield f"Size must not be negative, but is {declaration.size}", None


def _inline_array(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    length = declaration.inline_array
    if length is None:
        return
    if length < 1:
        yield f"the length of an InlineArray must be at least 1, but is {length}", None
    if len(declaration.fields) != 1:
        yield f"an InlineArray must have one field, but has {len(declaration.fields)}", None
    if declaration.layout == "explicit" or declaration.size:
        yield "an InlineArray can't have explicit layout or a Size", None
    kind = declaration.fields[0].type
    if (
        isinstance(kind, TypeDeclaration)
        and kind.kind == "class"
        and not (kind.fields or kind.by_ref_like)
    ):
        yield "an InlineArray of an empty class crashes the .NET runtime", None


def _sized_by_the_processor(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    if _is_vector(declaration):
        yield _VECTOR_REASON, None
    for field in declaration.fields:
        kind = field.type.element if isinstance(field.type, Array) else field.type
        if _is_vector(kind.value if isinstance(kind, Nullable) else kind):
            yield _VECTOR_REASON, field.name


def _is_vector(reference: TypeReference) -> bool:
    return isinstance(reference, TypeDeclaration) and reference.name.startswith(_VECTOR)


def _base_class(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    base = declaration.base
    if base is None or declaration.layout == "auto":
        return
    if not has_layout(base):
        yield f"its base class {base.name} has no layout", None


def _field_offsets(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    if declaration.layout != "explicit":
        return
    if declaration.generic:
        yield "generic types can't have explicit layout", None
    for field in declaration.fields:
        if field.offset is None:
            yield "a field of a type with explicit layout needs a FieldOffset", field.name
        elif field.offset < 0:
            yield f"FieldOffset must not be negative, but is {field.offset}", field.name


def _ref_structs(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    if declaration.by_ref_like:
        return
    for field in declaration.fields:
        if isinstance(field.type, TypeDeclaration) and field.type.by_ref_like:
            yield "only a ref struct can have a field that is a ref struct", field.name


def _odd_alignments(declaration: TypeDeclaration, target: Target) -> _Reasons:
    """Structs that the runtime can't place: short inline arrays with auto layout."""
    if declaration.layout != "explicit" and not keeps_order(declaration):
        return
    for field in declaration.fields:
        kind = field.type.value if isinstance(field.type, Nullable) else field.type
        if not isinstance(kind, TypeDeclaration) or not kind.inline_array or kind.layout != "auto":
            continue
        alignment = managed_layout(kind, target).alignment
        if alignment & (alignment - 1):
            reason = f"an InlineArray with auto layout can't have {alignment} bytes in a field"
            yield f"{reason} (.NET throws InvalidProgramException)", field.name


def _large_offsets(declaration: TypeDeclaration, target: Target) -> _Reasons:
    size = managed_layout(declaration, target).size
    if declaration.inline_array and size > _LARGEST_OFFSET:
        yield f"an InlineArray can't have {size} bytes; the limit is {_LARGEST_OFFSET}", None
    for field in managed_layout(declaration, target).fields:
        if field.offset > _LARGEST_OFFSET:
            yield f"offset {field.offset} is beyond the limit of {_LARGEST_OFFSET}", field.name


def _objects_in_the_way(declaration: TypeDeclaration, target: Target) -> _Reasons:
    """Objects that the garbage collector can't track: misaligned, or sharing bytes with others."""
    if declaration.layout != "explicit" or not holds_objects(declaration):
        return
    layout = managed_layout(declaration, target)
    # The runtime checks the declared places, in which the base class's bytes count once.
    base = declaration.base
    begin = end_of(managed_layout(base, target)) if base is not None else 0
    # Where runs of bytes begin and end. At one offset, an end is sorted before a beginning.
    edges: list[_Edge] = []
    for field in layout.fields[len(layout.fields) - len(declaration.fields) :]:
        start = begin + (field.declaration.offset or 0)
        at = start
        for offset, end in _objects(field.declaration.type, field.form):
            if (start + offset) % target.pointer_size:
                yield f"an object at offset {start + offset} is not aligned", field.name
            edges += _edges(at, start + offset, _DATA, field.name)
            edges += _edges(start + offset, start + end, _OBJECT, field.name)
            at = start + end
        edges += _edges(at, start + field.size, _DATA, field.name)
    open_at_once = {_DATA: 0, _OBJECT: 0}
    for offset, change, name in sorted(edges):
        open_at_once[abs(change)] += 1 if change > 0 else -1
        if all(open_at_once.values()):
            yield f"an object shares the bytes at offset {offset} with other data", name


_LOAD_RULES: tuple[_Rule, ...] = (
    _unknown_attributes,
    _inline_array,
    _sized_by_the_processor,
    _base_class,
    _field_offsets,
    _ref_structs,
    _odd_alignments,
    _large_offsets,
    _objects_in_the_way,
)

_Edge: TypeAlias = tuple[int, int, str]
"""An offset, what begins (positive) or ends (negative) there, and the name of the field."""

_DATA, _OBJECT = 1, 2


def _edges(start: int, end: int, what: int, name: str) -> list[_Edge]:
    return [(start, what, name), (end, -what, name)] if start < end else []


def _objects(reference: TypeReference, form: Form) -> tuple[tuple[int, int], ...]:
    """Return the runs of bytes of a managed field that are objects: (offset, end), in order."""
    if isinstance(form, Inline):
        return _objects_in(form.layout.declaration, form.layout.target)
    if isinstance(form, Sequence):
        runs = _objects(reference, form.element)
        if runs == ((0, form.stride),):
            return ((0, form.size),)
        if len(runs) * form.count > _MOST_RUNS:
            raise LayoutError(f"{form.count} elements that contain objects are too many")
        return tuple(
            (start + index * form.stride, end + index * form.stride)
            for index in range(form.count if runs else 0)
            for start, end in runs
        )
    return ((0, form.size),) if is_reference(reference) else ()


@lru_cache(maxsize=1024)
def _objects_in(declaration: TypeDeclaration, target: Target) -> tuple[tuple[int, int], ...]:
    found: set[tuple[int, int]] = set()
    if holds_objects(declaration):
        for field in managed_layout(declaration, target).fields:
            runs = _objects(field.declaration.type, field.form)
            found.update((field.offset + start, field.offset + end) for start, end in runs)
            if len(found) > _MOST_RUNS:
                raise LayoutError(f"{declaration.name} contains more than {_MOST_RUNS} objects")
    return tuple(sorted(found))


# --- size ---------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def size_refusal(declaration: TypeDeclaration, target: Target) -> Refusal | None:
    """Return why Marshal.SizeOf refuses the type, for which it looks at the type's own fields."""
    reason = None
    if declaration.kind not in ("struct", "class"):
        reason = f"{declaration.kind} types have no layout"
    elif declaration.generic:
        reason = "generic types can't be marshalled"
    elif not has_layout(declaration):
        reason = "it has auto layout"
    elif (name := recursive_class(declaration)) is not None:
        reason = f"the class {name} contains itself"
    else:
        refused = _field_refusal(declaration, target, "size")
        if refused is not None:
            return refused
        size = native_layout(declaration, target).size
        if size >= _LARGEST_NATIVE:
            reason = f"its size is {size} bytes, not below {_LARGEST_NATIVE}"
    return Refusal("size", declaration.name, None, reason) if reason is not None else None


def _field_refusal(
    declaration: TypeDeclaration, target: Target, by: Literal["size", "marshal"]
) -> Refusal | None:
    """Return why the marshaller has no form for a field, of its base classes' too."""
    if declaration.base is not None:
        refused = _field_refusal(declaration.base, target, by)
        if refused is not None:
            return refused
    ansi = is_ansi(declaration, target)
    for field in declaration.fields:
        try:
            marshalled_form(field, ansi, target, native_layout)
        except Refused as reason:
            return Refusal(by, declaration.name, field.name, str(reason))
    return None


# --- marshal ------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def marshal_refusal(declaration: TypeDeclaration, target: Target) -> Refusal | None:
    """Return why Marshal.StructureToPtr refuses it, for which it needs every field within."""
    refused = _first(_MARSHAL_RULES, "marshal", declaration, target)
    if refused is not None:
        return refused
    for part in _marshalled_parts(declaration):
        refused = _field_refusal(part, target, "marshal") or marshal_refusal(part, target)
        if refused is not None:
            return refused
    return None


def _marshalled_parts(declaration: TypeDeclaration) -> Iterator[TypeDeclaration]:
    for kind in _contained(declaration):
        if isinstance(kind, Nullable):
            yield nullable_declaration(kind.value)
        elif isinstance(kind, TypeDeclaration) and has_layout(kind):
            yield kind


def _ref_struct(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    if declaration.by_ref_like:
        yield "a ref struct can't leave the stack", None


def _safe_handles(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    for field in declaration.fields:
        if isinstance(field.type, TypeDeclaration) and is_safe_handle(field.type):
            yield ".NET marshals a struct with a SafeHandle only as a parameter", field.name


def _text_of_another_charset(declaration: TypeDeclaration, target: Target) -> _Reasons:
    base = declaration.base
    if base is None or is_ansi(base, target) == is_ansi(declaration, target):
        return
    if has_text(base):
        reason = f"its base class {base.name} has text in another CharSet"
        yield f"{reason}, and .NET would write beyond the end of it", None


def _pointer_arrays(declaration: TypeDeclaration, _target: Target) -> _Reasons:
    for field in declaration.fields:
        kind = field.type
        if isinstance(kind, Array) and isinstance(kind.element, (Pointer, FunctionPointer)):
            yield "in an array, .NET gives a pointer the size of its target", field.name


_MARSHAL_RULES: tuple[_Rule, ...] = (
    _ref_struct,
    _safe_handles,
    _text_of_another_charset,
    _pointer_arrays,
)
