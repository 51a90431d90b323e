"""What a field becomes when .NET marshals it: C# type and [MarshalAs] in, form out.

The rules are the runtime's own (measured field by field in interop/, on Linux and on Windows):
https://learn.microsoft.com/dotnet/standard/native-interop/customize-struct-marshalling
https://learn.microsoft.com/dotnet/standard/native-interop/type-marshalling
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from .builtins import NUMBERS, SCALARS, address, native_integer
from .declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
)
from .forms import Form, Inline, Scalar, Sequence, Target, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .forms import Layout

__all__ = [
    "Refused",
    "has_layout",
    "is_ansi",
    "is_blittable",
    "is_handle",
    "is_safe_handle",
    "marshalled_form",
    "nullable_declaration",
]


class Refused(Exception):
    """The marshaller has no form for this field; the argument is the reason."""


# What a number's [MarshalAs] may say; it changes nothing.
_ALLOWED = {
    "sbyte": ("I1", "U1"),
    "byte": ("I1", "U1"),
    "short": ("I2", "U2"),
    "ushort": ("I2", "U2"),
    "int": ("I4", "U4", "Error"),
    "uint": ("I4", "U4", "Error"),
    "long": ("I8", "U8"),
    "ulong": ("I8", "U8"),
    "float": ("R4",),
    "double": ("R8",),
    # System structs, which are marshalled as they lie in memory.
    **dict.fromkeys(
        ("Guid", "Half", "Int128", "UInt128", "TimeSpan", "DateOnly", "TimeOnly"), ("Struct",)
    ),
}
_POINTER_WIDE = ("SysInt", "SysUInt")
_BOOL = Scalar("bool", 4, 4, "i")
_VARIANT_BOOL = Scalar("bool", 2, 2, "h")
_ANSI_CHAR = Scalar("char8", 1, 1, "B")
_CURRENCY = Scalar("currency", 8, 8, "q")
_DATE = Scalar("date", 8, 8, "d")

_STRINGS = ("LPStr", "LPWStr", "LPTStr", "LPUTF8Str", "BStr", "AnsiBStr", "TBStr")
_STRING_ELEMENTS = ("LPStr", "LPWStr", "LPTStr", "BStr")
_HANDLES = frozenset(
    f"{namespace}.{name}"
    for namespace, names in {
        "System.Runtime.InteropServices": ("SafeHandle", "CriticalHandle"),
        "Microsoft.Win32.SafeHandles": (
            "SafeHandleZeroOrMinusOneIsInvalid",
            "SafeHandleMinusOneIsInvalid",
            "CriticalHandleZeroOrMinusOneIsInvalid",
            "CriticalHandleMinusOneIsInvalid",
        ),
    }.items()
    for name in names
)
_SAFE_HANDLES = frozenset(name for name in _HANDLES if "Critical" not in name)
# Value types that the marshaller takes as parameters only.
_NO_FIELDS = frozenset(
    [
        "System.ArgIterator",
        "System.RuntimeArgumentHandle",
        "System.RuntimeFieldHandle",
        "System.RuntimeMethodHandle",
        "System.RuntimeTypeHandle",
        "System.Runtime.InteropServices.ArrayWithOffset",
        "System.Runtime.InteropServices.HandleRef",
    ]
)
# On Windows it is an OLE_COLOR, and that a parameter only.
_COLOR = "System.Drawing.Color"


def marshalled_form(
    field: FieldDeclaration,
    ansi: bool,
    target: Target,
    native: Callable[[TypeDeclaration, Target], Layout],
) -> Form:
    """The form of ``field`` in a type whose CharSet is ``ansi`` or not.

    ``native`` lays out the types that it is made of. Raises Refused.
    """
    kind = field.type
    asked = field.marshal_as.unmanaged_type if field.marshal_as else None
    if asked == "CustomMarshaler":
        raise Refused("custom marshalers are not allowed on fields of structures")
    if isinstance(kind, TypeDeclaration) and kind.kind == "enum":
        kind = BuiltIn(kind.underlying)
    if isinstance(kind, Nullable):
        kind = nullable_declaration(kind.value)
    if isinstance(kind, BuiltIn):
        return _built_in(kind.name, asked, field.marshal_as, ansi, target)
    if isinstance(kind, Pointer):
        if asked:
            raise Refused(f"a pointer can't be paired with {asked}")
        return address(target)
    if isinstance(kind, FunctionPointer):
        return _only(asked, "function pointers", ("FunctionPtr",), address(target))
    if isinstance(kind, Array):
        return _array(kind, field.marshal_as, ansi, target, native)
    if kind.kind == "struct":
        return _struct(kind, asked, target, native)
    return _reference(kind, asked, target, native)


def is_ansi(declaration: TypeDeclaration, target: Target) -> bool:
    """Whether its characters take one byte: CharSet.Auto is Unicode on Windows alone."""
    if declaration.charset == "auto":
        return not target.windows
    return declaration.charset == "ansi"


def has_layout(declaration: TypeDeclaration) -> bool:
    """Whether .NET keeps the layout that a struct or class asks for.

    A class that derives from one without layout has none either.
    """
    if declaration.kind not in ("struct", "class") or declaration.layout == "auto":
        return False
    return declaration.base is None or has_layout(declaration.base)


def is_handle(declaration: TypeDeclaration) -> bool:
    """Whether it is or derives from SafeHandle or CriticalHandle."""
    return _derives_from(declaration, _HANDLES)


def is_safe_handle(declaration: TypeDeclaration) -> bool:
    """Whether it is or derives from SafeHandle, which StructureToPtr refuses in a field."""
    return _derives_from(declaration, _SAFE_HANDLES)


def _derives_from(declaration: TypeDeclaration, names: frozenset[str]) -> bool:
    at: TypeDeclaration | None = declaration
    while at is not None:
        if at.name in names:
            return True
        at = at.base
    return False


@lru_cache(maxsize=512)
def nullable_declaration(value: TypeReference) -> TypeDeclaration:
    """``Nullable<value>`` as the struct that it is: a bool, then the value."""
    return TypeDeclaration(
        f"System.Nullable`1[[{value}]]",
        fields=(
            FieldDeclaration("hasValue", BuiltIn("bool")),
            FieldDeclaration("value", value),
        ),
        generic=True,
    )


def _only(asked: str | None, what: str, allowed: tuple[str, ...], form: Form) -> Form:
    if asked and asked not in allowed:
        raise Refused(f"{what} can be paired with {', '.join(allowed)} only, not {asked}")
    return form


def _built_in(
    name: str, asked: str | None, marshal_as: MarshalAs | None, ansi: bool, target: Target
) -> Form:
    if name in _ALLOWED:
        return _only(asked, name, _ALLOWED[name], SCALARS[name])
    if name in ("nint", "nuint"):
        return _only(asked, name, _POINTER_WIDE, native_integer(name, target))
    if name == "bool":
        return _bool(asked, target)
    if name == "char":
        if asked in ("I1", "U1"):
            return _ANSI_CHAR
        if asked is None:
            return _ANSI_CHAR if ansi else SCALARS[name]
        return _only(asked, "char", ("I1", "U1", "I2", "U2"), SCALARS[name])
    if name == "string":
        return _string(asked, marshal_as, ansi, target)
    if name == "object":
        return _object(asked, target)
    if name == "decimal":
        if asked == "Currency":
            return _CURRENCY
        return _only(asked, "decimal", ("Struct", "Currency"), SCALARS[name])
    if name == "DateTime":
        return _only(asked, "DateTime", ("Struct",), _DATE)
    if name == "DateTimeOffset":
        raise Refused("DateTimeOffset has auto layout")
    if name == "Delegate":
        return _delegate(asked, target)
    if name == "Array":
        return _com_pointer(asked, ("Interface", "SafeArray"), target)
    raise Refused(f"{name} can't be marshalled as a field")


def _bool(asked: str | None, target: Target) -> Scalar:
    if asked in (None, "Bool"):
        return _BOOL
    if asked in ("I1", "U1"):
        return SCALARS["bool"]
    if asked == "VariantBool" and target.windows:
        return _VARIANT_BOOL
    where = "" if target.windows or asked != "VariantBool" else " (VariantBool: on Windows only)"
    raise Refused(f"bool can be paired with Bool, I1 or U1 only, not {asked}{where}")


def _string(asked: str | None, marshal_as: MarshalAs | None, ansi: bool, target: Target) -> Form:
    if asked is None or asked in _STRINGS:
        return address(target)
    if asked == "ByValTStr":
        assert marshal_as is not None
        count = marshal_as.size_const or 0
        if count < 1:
            raise Refused("a ByValTStr needs a SizeConst of at least 1")
        return Text(1 if ansi else 2, count)
    raise Refused(f"string can be paired with {', '.join(_STRINGS)} or ByValTStr only, not {asked}")


def _object(asked: str | None, target: Target) -> Scalar:
    if not target.windows:
        raise Refused("object needs COM, which .NET has on Windows only")
    if asked == "Struct":
        return Scalar("variant", 8 + 2 * target.pointer_size, 8)
    if asked in (None, "Interface", "IUnknown", "IDispatch"):
        return address(target)
    raise Refused(f"object can't be paired with {asked} in a field")


def _com_pointer(asked: str | None, allowed: tuple[str, ...], target: Target) -> Form:
    if not target.windows:
        raise Refused("an interface pointer needs COM, which .NET has on Windows only")
    return _only(asked, "a class without layout", allowed, address(target))


def _delegate(asked: str | None, target: Target) -> Form:
    if asked == "IDispatch" and target.windows:
        return address(target)
    return _only(asked, "delegates", ("FunctionPtr",), address(target))


def _struct(
    kind: TypeDeclaration,
    asked: str | None,
    target: Target,
    native: Callable[[TypeDeclaration, Target], Layout],
) -> Form:
    if kind.name in _NO_FIELDS or (target.windows and kind.name == _COLOR):
        raise Refused(f"{kind.name} can't be marshalled as a field")
    if not has_layout(kind):
        raise Refused(f"{kind.name} has auto layout")
    return _only(asked, "structs", ("Struct",), Inline(native(kind, target)))


def _reference(
    kind: TypeDeclaration,
    asked: str | None,
    target: Target,
    native: Callable[[TypeDeclaration, Target], Layout],
) -> Form:
    if kind.generic and kind.kind != "struct":
        raise Refused("generic types can't be marshalled")
    if asked == "Interface" and target.windows:
        if kind.kind == "delegate":
            raise Refused("a delegate can't be paired with Interface")
        return address(target)
    if kind.kind == "delegate":
        return _delegate(asked, target)
    if is_handle(kind):
        if asked:
            raise Refused(f"a handle can't be paired with {asked}")
        return address(target)
    if kind.name == "System.Text.StringBuilder":
        raise Refused("StringBuilder can't be marshalled as a field")
    if kind.kind == "class" and has_layout(kind):
        return _only(asked, "classes with layout", ("Struct",), Inline(native(kind, target)))
    return _com_pointer(asked, ("Interface",), target)


def _array(
    array: Array,
    marshal_as: MarshalAs | None,
    ansi: bool,
    target: Target,
    native: Callable[[TypeDeclaration, Target], Layout],
) -> Form:
    asked = marshal_as.unmanaged_type if marshal_as else None
    element = array.element
    if isinstance(element, (Nullable, TypeDeclaration)) and _is_odd_generic(element, target):
        raise Refused("generic types can't be marshalled")
    if asked in (None, "SafeArray") and target.windows:
        _element(array, None, ansi, target, native)
        return address(target)
    if asked != "ByValArray":
        given = asked or "no MarshalAs"
        raise Refused(
            f"an array in a field must be a ByValArray (or, on Windows, a SafeArray), not {given}"
        )
    assert marshal_as is not None
    form = _element(array, marshal_as.array_sub_type, ansi, target, native)
    count = marshal_as.size_const or 0
    if count < 1:
        raise Refused("a ByValArray needs a SizeConst of at least 1")
    return Sequence(form, count, form.size)


def _is_odd_generic(element: Nullable | TypeDeclaration, target: Target) -> bool:
    """Whether an array of it is refused: generic, and not the same bytes in both worlds."""
    if isinstance(element, Nullable):
        return True
    return element.generic and not is_blittable(element, target)


def _element(
    array: Array,
    sub_type: str | None,
    ansi: bool,
    target: Target,
    native: Callable[[TypeDeclaration, Target], Layout],
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
            raise Refused(f"{element.name} has auto layout: .NET dies of an array of it")
        return Inline(native(element, target))
    if isinstance(element, TypeDeclaration) and is_handle(element):
        raise Refused("arrays of handles can't be marshalled")
    if not target.windows:
        raise Refused(f"an array of {element} needs COM, which .NET has on Windows only")
    return address(target)


def _pointer_element(element: Pointer | FunctionPointer) -> Form:
    """What .NET makes of a pointer in an array: the size of what it leads to, one byte for void."""
    target = element.target if isinstance(element, Pointer) else None
    if target is None:
        return NUMBERS["byte"]
    if isinstance(target, BuiltIn) and target.name in NUMBERS:
        return NUMBERS[target.name]
    raise Refused(f"an array of {element} can't be marshalled")


def _built_in_element(name: str, sub_type: str | None, ansi: bool, target: Target) -> Form:
    # A subtype that makes no sense for a bool, a char or a number is ignored.
    if name == "bool":
        known = sub_type in ("Bool", "I1", "U1") or (sub_type == "VariantBool" and target.windows)
        return _bool(sub_type if known else None, target)
    if name == "char":
        known = sub_type in ("I1", "U1", "I2", "U2")
        return _built_in(name, sub_type if known else None, None, ansi, target)
    if name == "string":
        if sub_type and sub_type not in _STRING_ELEMENTS:
            raise Refused(f"string elements can't be paired with {sub_type}")
        return address(target)
    if name == "object":
        if not target.windows and sub_type == "IUnknown":
            return address(target)
        return _object(sub_type, target)
    if name == "decimal":
        if sub_type == "Currency" and not target.windows:
            raise Refused("an array of Currency needs COM, which .NET has on Windows only")
        return _built_in(name, sub_type, None, ansi, target)
    if name == "DateTime":
        return _built_in(name, sub_type, None, ansi, target)
    return _built_in(name, None, None, ansi, target)


# --- blittable: the same bytes in both worlds ---------------------------------------------

_SAME = _ALLOWED | {"nint": _POINTER_WIDE, "nuint": _POINTER_WIDE}


@lru_cache(maxsize=4096)
def is_blittable(declaration: TypeDeclaration, target: Target) -> bool:
    """Whether its managed bytes are its marshalled ones.

    https://learn.microsoft.com/dotnet/framework/interop/blittable-and-non-blittable-types
    """
    if not has_layout(declaration):
        return False
    if declaration.base is not None and not is_blittable(declaration.base, target):
        return False
    ansi = is_ansi(declaration, target)
    return all(_is_blittable_field(field, ansi, target) for field in declaration.fields)


def _is_blittable_field(field: FieldDeclaration, ansi: bool, target: Target) -> bool:
    kind = field.type
    asked = field.marshal_as.unmanaged_type if field.marshal_as else None
    if isinstance(kind, TypeDeclaration) and kind.kind == "enum":
        kind = BuiltIn(kind.underlying)
    if isinstance(kind, Pointer):
        return asked is None
    if isinstance(kind, FunctionPointer):
        return asked in (None, "FunctionPtr")
    if isinstance(kind, BuiltIn):
        if kind.name == "char":
            return asked in ("I2", "U2") or (asked is None and not ansi)
        return kind.name in _SAME and (asked is None or asked in _SAME[kind.name])
    return (
        isinstance(kind, TypeDeclaration)
        and kind.kind == "struct"
        and asked in (None, "Struct")
        and is_blittable(kind, target)
    )
