"""What a field becomes when .NET marshals it: from its C# type and [MarshalAs] to its form.

The rules are those of the runtime, measured field by field on Linux and on Windows (interop/):
https://learn.microsoft.com/dotnet/standard/native-interop/customize-struct-marshalling
https://learn.microsoft.com/dotnet/standard/native-interop/type-marshalling
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from .builtins import BUILT_IN_TYPES, FIXED_BUFFER_ELEMENTS, SCALARS, address
from .declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
    nullable_declaration,
)
from .forms import Form, Inline, Layout, Scalar, Sequence, Target, Text
from .traits import has_layout, is_blittable, is_copied, is_handle, is_reordered

__all__ = ["Refused", "marshalled_form"]

_STRINGS = ("LPStr", "LPWStr", "LPTStr", "LPUTF8Str", "BStr", "AnsiBStr", "TBStr")
_STRING_ELEMENTS = ("LPStr", "LPWStr", "LPTStr", "BStr")
# Value types that the marshaller takes as parameters, but not as fields.
_PARAMETERS_ONLY = frozenset(
    {
        "System.ArgIterator",
        "System.RuntimeArgumentHandle",
        "System.RuntimeFieldHandle",
        "System.RuntimeMethodHandle",
        "System.RuntimeTypeHandle",
        "System.Runtime.InteropServices.ArrayWithOffset",
        "System.Runtime.InteropServices.HandleRef",
    }
)
# On Windows it is marshalled as an OLE_COLOR, and that only as a parameter.
_COLOR = "System.Drawing.Color"
# A [MarshalAs] of a built-in type that .NET refuses elsewhere.
_WINDOWS = frozenset({"VariantBool"})
_NEEDS_COM = "needs COM, which .NET has on Windows only"

LayOut: TypeAlias = Callable[[TypeDeclaration, Target], Layout]
"""Returns the marshalled layout of a type within another one."""


class Refused(Exception):
    """The marshaller has no form for a field; the argument is the reason."""


def marshalled_form(field: FieldDeclaration, ansi: bool, target: Target, lay_out: LayOut) -> Form:
    """Return the form of ``field`` in a type whose CharSet is Ansi if ``ansi``.

    Raises Refused for a field that the marshaller refuses.
    """
    kind = field.type
    unmanaged = field.marshal_as.unmanaged_type if field.marshal_as else None
    if unmanaged == "CustomMarshaler":
        raise Refused("custom marshalers are not allowed on fields of structures")
    if isinstance(kind, TypeDeclaration) and kind.kind == "enum":
        kind = BuiltIn(kind.underlying)
    if isinstance(kind, Nullable):
        kind = nullable_declaration(kind.value)
    if isinstance(kind, BuiltIn):
        return _built_in(kind.name, unmanaged, field.marshal_as, ansi, target)
    if isinstance(kind, Pointer):
        if unmanaged:
            raise Refused(f"a pointer can't have [MarshalAs(UnmanagedType.{unmanaged})]")
        return address(target)
    if isinstance(kind, FunctionPointer):
        return _only(unmanaged, "function pointers", ("FunctionPtr",), address(target))
    if isinstance(kind, Array):
        return _array(kind, field.marshal_as, ansi, target, lay_out)
    if kind.kind == "struct":
        return _struct(kind, unmanaged, target, lay_out)
    return _reference(kind, unmanaged, target, lay_out)


def _only(unmanaged: str | None, what: str, allowed: Iterable[str], form: Form) -> Form:
    """Return ``form`` if [MarshalAs] is absent or names one of ``allowed``."""
    if unmanaged and unmanaged not in allowed:
        raise _not_allowed(what, allowed, unmanaged)
    return form


def _not_allowed(what: str, allowed: Iterable[str], unmanaged: str | None) -> Refused:
    *others, last = allowed
    names = f"{', '.join(others)} or {last}" if others else last
    return Refused(f"[MarshalAs] of {what} must be {names}, not {unmanaged}")


# --- built-in types -----------------------------------------------------------------------


def _built_in(
    name: str, unmanaged: str | None, marshal_as: MarshalAs | None, ansi: bool, target: Target
) -> Form:
    row = BUILT_IN_TYPES[name]
    if row.marshalled:
        if unmanaged is None and ansi and name == "char":
            unmanaged = "U1"
        form = row.marshalled.get(unmanaged)
        if unmanaged in _WINDOWS and not target.windows:
            raise Refused(f"[MarshalAs] of {name} can be {unmanaged} on Windows only")
        if form is None:
            allowed = (each for each in row.marshalled if each)
            raise _not_allowed(name, allowed, unmanaged)
        return row.on(target, form)
    if name == "string":
        return _string(unmanaged, marshal_as, ansi, target)
    if name == "object":
        return _object(unmanaged, target)
    if name == "Delegate":
        return _delegate(unmanaged, target)
    if name == "Array":
        return _com_pointer(unmanaged, ("Interface", "SafeArray"), target)
    raise Refused(f"{name} has auto layout")


def _string(
    unmanaged: str | None, marshal_as: MarshalAs | None, ansi: bool, target: Target
) -> Form:
    if unmanaged is None or unmanaged in _STRINGS:
        return address(target)
    if unmanaged == "ByValTStr":
        assert marshal_as is not None
        count = marshal_as.size_const or 0
        if count < 1:
            raise Refused(f"the SizeConst of a ByValTStr must be at least 1, but is {count}")
        return Text(1 if ansi else 2, count)
    return _only(unmanaged, "string", (*_STRINGS, "ByValTStr"), address(target))


def _object(unmanaged: str | None, target: Target) -> Scalar:
    if not target.windows:
        raise Refused(f"object {_NEEDS_COM}")
    if unmanaged == "Struct":
        return Scalar("variant", 8 + 2 * target.pointer_size, 8)
    if unmanaged in (None, "Interface", "IUnknown", "IDispatch"):
        return address(target)
    raise Refused(f"a field of type object can't have [MarshalAs(UnmanagedType.{unmanaged})]")


def _com_pointer(unmanaged: str | None, allowed: tuple[str, ...], target: Target) -> Form:
    if not target.windows:
        raise Refused(f"an interface pointer {_NEEDS_COM}")
    return _only(unmanaged, "a class without layout", allowed, address(target))


def _delegate(unmanaged: str | None, target: Target) -> Form:
    if unmanaged == "IDispatch" and target.windows:
        return address(target)
    return _only(unmanaged, "delegates", ("FunctionPtr",), address(target))


# --- declared types -----------------------------------------------------------------------


def _struct(kind: TypeDeclaration, unmanaged: str | None, target: Target, lay_out: LayOut) -> Form:
    if kind.name in _PARAMETERS_ONLY or (target.windows and kind.name == _COLOR):
        raise Refused(f"{kind.name} can't be marshalled as a field")
    if not has_layout(kind):
        raise Refused(f"{kind.name} has auto layout")
    return _only(unmanaged, "structs", ("Struct",), Inline(lay_out(kind, target)))


def _reference(
    kind: TypeDeclaration, unmanaged: str | None, target: Target, lay_out: LayOut
) -> Form:
    if kind.generic and kind.kind != "struct":
        raise Refused("generic types can't be marshalled")
    if unmanaged == "Interface" and target.windows:
        if kind.kind == "delegate":
            raise Refused("a delegate can't have [MarshalAs(UnmanagedType.Interface)]")
        return address(target)
    if kind.kind == "delegate":
        return _delegate(unmanaged, target)
    if is_handle(kind):
        if unmanaged:
            raise Refused(f"a handle can't have [MarshalAs(UnmanagedType.{unmanaged})]")
        return address(target)
    if kind.name == "System.Text.StringBuilder":
        raise Refused("StringBuilder can't be marshalled as a field")
    if kind.kind == "class" and has_layout(kind):
        if is_copied(kind, target) and is_reordered(kind):
            raise Refused(
                f"a field of the class {kind.name}, which has sequential layout after a base class "
                "with explicit layout, crashes the .NET runtime"
            )
        return _only(unmanaged, "classes with layout", ("Struct",), Inline(lay_out(kind, target)))
    return _com_pointer(unmanaged, ("Interface",), target)


# --- arrays -------------------------------------------------------------------------------


def _array(
    array: Array, marshal_as: MarshalAs | None, ansi: bool, target: Target, lay_out: LayOut
) -> Form:
    unmanaged = marshal_as.unmanaged_type if marshal_as else None
    element = array.element
    if isinstance(element, (Nullable, TypeDeclaration)) and _is_refused_generic(element, target):
        raise Refused("generic types can't be marshalled")
    if unmanaged in (None, "SafeArray") and target.windows:
        _element(array, None, ansi, target, lay_out)
        return address(target)
    if unmanaged != "ByValArray":
        given = unmanaged or "no MarshalAs"
        raise Refused(
            f"an array in a field must be a ByValArray (or, on Windows, a SafeArray), not {given}"
        )
    assert marshal_as is not None
    form = _element(array, marshal_as.array_sub_type, ansi, target, lay_out)
    count = marshal_as.size_const or 0
    if count < 1:
        raise Refused(f"the SizeConst of a ByValArray must be at least 1, but is {count}")
    return Sequence(form, count, form.size)


def _is_refused_generic(element: Nullable | TypeDeclaration, target: Target) -> bool:
    """Return whether an array of it is refused: it is generic, and not blittable."""
    if isinstance(element, Nullable):
        return True
    return element.generic and not is_blittable(element, target)


def _element(
    array: Array, sub_type: str | None, ansi: bool, target: Target, lay_out: LayOut
) -> Form:
    element = array.element
    if isinstance(element, TypeDeclaration) and element.kind == "enum":
        element = BuiltIn(element.underlying)
    if isinstance(element, Array):
        raise Refused("arrays of arrays can't be marshalled")
    if isinstance(element, BuiltIn):
        return _built_in_element(element.name, sub_type, ansi, target)
    if isinstance(element, (Pointer, FunctionPointer)):
        return _pointer_element(element)
    if isinstance(element, TypeDeclaration) and element.kind == "struct":
        if not has_layout(element):
            raise Refused(
                f"{element.name} has auto layout: an array of it crashes the .NET runtime"
            )
        return Inline(lay_out(element, target))
    if isinstance(element, TypeDeclaration) and is_handle(element):
        raise Refused("arrays of handles can't be marshalled")
    if not target.windows:
        raise Refused(f"an array of {element} {_NEEDS_COM}")
    return address(target)


def _pointer_element(element: Pointer | FunctionPointer) -> Form:
    """Return the form of a pointer in an array: .NET uses that of its target, a byte for void."""
    target = element.target if isinstance(element, Pointer) else None
    if target is None:
        return SCALARS["byte"]
    if isinstance(target, BuiltIn) and target.name in FIXED_BUFFER_ELEMENTS - {"bool", "char"}:
        return SCALARS[target.name]
    raise Refused(f"an array of {element} can't be marshalled")


def _built_in_element(name: str, sub_type: str | None, ansi: bool, target: Target) -> Form:
    if name == "string":
        return _only(sub_type, "string elements", _STRING_ELEMENTS, address(target))
    if name == "object":
        if not target.windows and sub_type == "IUnknown":
            return address(target)
        return _object(sub_type, target)
    if name == "Delegate" and not target.windows:
        raise Refused(f"an array of delegates {_NEEDS_COM}")
    if name == "decimal" and sub_type == "Currency" and not target.windows:
        raise Refused(f"an array of Currency {_NEEDS_COM}")
    if name not in ("decimal", "DateTime") and (
        sub_type not in BUILT_IN_TYPES[name].marshalled
        or (sub_type in _WINDOWS and not target.windows)
    ):
        sub_type = None  # of a bool, a char or a number, .NET ignores what does not fit
    return _built_in(name, sub_type, None, ansi, target)
