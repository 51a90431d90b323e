"""Signatures and attribute values (ECMA-335, partition II, 22.29, 23.2, 23.3 and 23.4).

A signature becomes a small tree that refers to types by their rows in tables; declare.py resolves
them. Every function raises Damaged for bytes that are not valid.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

from ..layout.declarations import (
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    MarshalAs,
    TypeDeclaration,
)

__all__ = [
    "ArrayOf",
    "Damaged",
    "Instance",
    "Named",
    "Parameter",
    "PointerTo",
    "ReferenceTo",
    "Signature",
    "compressed",
    "constant",
    "field_type",
    "fixed_argument_int",
    "marshal_as",
    "type_spec",
]

_DEEPEST = 64
_MOST_ARGUMENTS = 256


class Damaged(ValueError):
    """Bytes are not a valid signature; the text is the reason. Callers add the file and row."""


@dataclass(frozen=True, slots=True)
class Named:
    """A type by its row number in a table; ``table`` is 0 TypeDef, 1 TypeRef or 2 TypeSpec."""

    table: int
    row: int
    value_type: bool


@dataclass(frozen=True, slots=True)
class PointerTo:
    """``T*``; the target is None for void."""

    target: Signature | None


@dataclass(frozen=True, slots=True)
class ReferenceTo:
    """``ref T``."""

    target: Signature


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """``T[]``, with ``rank`` dimensions."""

    element: Signature
    rank: int


@dataclass(frozen=True, slots=True)
class Instance:
    """``G<A, …>``."""

    definition: Named
    arguments: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """The type parameter with that number."""

    number: int


Signature: TypeAlias = (
    "BuiltIn | FunctionPointer | TypeDeclaration | Named | PointerTo | ReferenceTo | ArrayOf "
    "| Instance | Parameter"
)

_TYPED_REFERENCE = TypeDeclaration(
    "System.TypedReference",
    fields=(
        FieldDeclaration("_value", BuiltIn("nint")),
        FieldDeclaration("_type", BuiltIn("nint")),
    ),
    by_ref_like=True,
)

# ELEMENT_TYPE_…, 23.1.16
_VOID, _PTR, _BYREF, _VALUETYPE, _CLASS, _VAR, _ARRAY = 0x01, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14
_GENERICINST, _FNPTR, _SZARRAY, _CMOD_REQD, _CMOD_OPT = 0x15, 0x1B, 0x1D, 0x1F, 0x20
_SENTINEL = 0x41
_SIMPLE: dict[int, BuiltIn | TypeDeclaration] = {
    0x02: BuiltIn("bool"),
    0x03: BuiltIn("char"),
    0x04: BuiltIn("sbyte"),
    0x05: BuiltIn("byte"),
    0x06: BuiltIn("short"),
    0x07: BuiltIn("ushort"),
    0x08: BuiltIn("int"),
    0x09: BuiltIn("uint"),
    0x0A: BuiltIn("long"),
    0x0B: BuiltIn("ulong"),
    0x0C: BuiltIn("float"),
    0x0D: BuiltIn("double"),
    0x0E: BuiltIn("string"),
    0x16: _TYPED_REFERENCE,
    0x18: BuiltIn("nint"),
    0x19: BuiltIn("nuint"),
    0x1C: BuiltIn("object"),
}
_FIELD = 0x06
_GENERIC_METHOD = 0x10

# The format of a constant's bytes, by its ELEMENT_TYPE; 22.9.
_CONSTANTS = {
    0x02: "<?",
    0x03: "<H",
    0x04: "<b",
    0x05: "<B",
    0x06: "<h",
    0x07: "<H",
    0x08: "<i",
    0x09: "<I",
    0x0A: "<q",
    0x0B: "<Q",
}

# https://learn.microsoft.com/dotnet/api/system.runtime.interopservices.unmanagedtype
_UNMANAGED_TYPES = {
    2: "Bool",
    3: "I1",
    4: "U1",
    5: "I2",
    6: "U2",
    7: "I4",
    8: "U4",
    9: "I8",
    10: "U8",
    11: "R4",
    12: "R8",
    15: "Currency",
    19: "BStr",
    20: "LPStr",
    21: "LPWStr",
    22: "LPTStr",
    23: "ByValTStr",
    25: "IUnknown",
    26: "IDispatch",
    27: "Struct",
    28: "Interface",
    29: "SafeArray",
    30: "ByValArray",
    31: "SysInt",
    32: "SysUInt",
    34: "VBByRefStr",
    35: "AnsiBStr",
    36: "TBStr",
    37: "VariantBool",
    38: "FunctionPtr",
    40: "AsAny",
    42: "LPArray",
    43: "LPStruct",
    44: "CustomMarshaler",
    45: "Error",
    46: "IInspectable",
    47: "HString",
    48: "LPUTF8Str",
}
_BY_VAL_TSTR, _BY_VAL_ARRAY = 23, 30


def compressed(data: bytes, at: int) -> tuple[int, int]:
    """Return the compressed number at ``at``, and the index after it; 23.2."""
    try:
        first = data[at]
        if first < 0x80:
            return first, at + 1
        if first < 0xC0:
            return (first & 0x3F) << 8 | data[at + 1], at + 2
        if first < 0xE0:
            tail = data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
            return (first & 0x1F) << 24 | tail, at + 4
    except IndexError:
        raise Damaged(f"it ends within the number at {at}") from None
    raise Damaged(f"{first:#x} at {at} is not the first byte of a number")


def field_type(data: bytes) -> Signature:
    """Return the type in a field's signature."""
    if not data or data[0] != _FIELD:
        raise Damaged("it is not the signature of a field")
    return _type(data, 1, 0)[0]


def type_spec(data: bytes) -> Signature:
    """Return the type in the signature of a TypeSpec."""
    return _type(data, 0, 0)[0]


def _type(data: bytes, at: int, depth: int) -> tuple[Signature, int]:
    if depth > _DEEPEST:
        raise Damaged(f"its types are nested more than {_DEEPEST} deep")
    at = _skip_modifiers(data, at)
    if at >= len(data):
        raise Damaged(f"it ends at {at}, where a type must follow")
    code = data[at]
    at += 1
    simple = _SIMPLE.get(code)
    if simple is not None:
        return simple, at
    if code in (_VALUETYPE, _CLASS):
        return _named(data, at, code)
    if code == _PTR:
        at = _skip_modifiers(data, at)
        if data[at : at + 1] == bytes([_VOID]):
            return PointerTo(None), at + 1
        target, at = _type(data, at, depth + 1)
        return PointerTo(target), at
    if code == _BYREF:
        target, at = _type(data, at, depth + 1)
        return ReferenceTo(target), at
    if code == _VAR:
        number, at = compressed(data, at)
        return Parameter(number), at
    if code == _SZARRAY:
        element, at = _type(data, at, depth + 1)
        return ArrayOf(element, 1), at
    if code == _ARRAY:
        return _array(data, at, depth)
    if code == _GENERICINST:
        return _instance(data, at, depth)
    if code == _FNPTR:
        return FunctionPointer(), _skip_method(data, at, depth)
    raise Damaged(f"{code:#x} at {at - 1} is not the type of a field")


def _skip_modifiers(data: bytes, at: int) -> int:
    """Return the index after modifiers such as ``volatile``, which change no layout."""
    while at < len(data) and data[at] in (_CMOD_REQD, _CMOD_OPT):
        _, at = compressed(data, at + 1)
    return at


def _named(data: bytes, at: int, code: int) -> tuple[Named, int]:
    token, after = compressed(data, at)
    if token & 3 == 3:
        raise Damaged(f"the token {token:#x} at {at} does not refer to a table of types")
    return Named(token & 3, token >> 2, code == _VALUETYPE), after


def _array(data: bytes, at: int, depth: int) -> tuple[ArrayOf, int]:
    element, at = _type(data, at, depth + 1)
    rank, at = compressed(data, at)
    if not 1 <= rank <= 32:
        raise Damaged(f"it has an array of {rank} dimensions; the limit is 32")
    for _ in range(2):  # sizes and lower bounds
        count, at = compressed(data, at)
        if count > rank:
            raise Damaged(f"it has {count} sizes for an array of {rank} dimensions")
        for _ in range(count):
            _, at = compressed(data, at)
    return ArrayOf(element, rank), at


def _instance(data: bytes, at: int, depth: int) -> tuple[Instance, int]:
    if at >= len(data) or data[at] not in (_VALUETYPE, _CLASS):
        raise Damaged(f"there is no generic type at {at}")
    definition, at = _named(data, at + 1, data[at])
    count, at = compressed(data, at)
    if not 1 <= count <= _MOST_ARGUMENTS:
        raise Damaged(f"it has {count} type arguments; the limit is {_MOST_ARGUMENTS}")
    arguments = []
    for _ in range(count):
        argument, at = _type(data, at, depth + 1)
        arguments.append(argument)
    return Instance(definition, tuple(arguments)), at


def _skip_method(data: bytes, at: int, depth: int) -> int:
    """Return the index after the signature of a function pointer's method."""
    if at >= len(data):
        raise Damaged("it ends within a function pointer")
    convention = data[at]
    at += 1
    if convention & _GENERIC_METHOD:
        _, at = compressed(data, at)
    count, at = compressed(data, at)
    for _ in range(count + 1):  # the return type and the parameters
        at = _skip_modifiers(data, at)
        if data[at : at + 1] == bytes([_SENTINEL]):
            at += 1
        if data[at : at + 1] == bytes([_BYREF]):
            at = _skip_modifiers(data, at + 1)
        if data[at : at + 1] == bytes([_VOID]):
            at += 1
        else:
            _, at = _type(data, at, depth + 1)
    return at


def marshal_as(data: bytes) -> MarshalAs:
    """Return the [MarshalAs] in a field's marshalling descriptor."""
    code, at = compressed(data, 0)
    name = _UNMANAGED_TYPES.get(code, f"UnmanagedType({code})")
    if code == _BY_VAL_TSTR:
        size, _ = compressed(data, at)
        return MarshalAs(name, size)
    if code == _BY_VAL_ARRAY:
        if at == len(data):
            return MarshalAs(name)
        size, at = compressed(data, at)
        if at == len(data):
            return MarshalAs(name, size)
        element, _ = compressed(data, at)
        return MarshalAs(name, size, _UNMANAGED_TYPES.get(element))
    return MarshalAs(name)


def constant(code: int, data: bytes) -> int | None:
    """Return the value of a literal; None if it is not an integer, a bool or a char."""
    form = _CONSTANTS.get(code)
    if form is None:
        return None
    if len(data) != struct.calcsize(form):
        raise Damaged(f"its constant has {len(data)} bytes, not {struct.calcsize(form)}")
    return int(struct.unpack(form, data)[0])


def fixed_argument_int(data: bytes) -> int:
    """Return the only argument of an attribute's constructor, an int."""
    if len(data) < 6 or data[:2] != b"\x01\x00":
        raise Damaged("it is not the value of an attribute with one int")
    return int(struct.unpack_from("<i", data, 2)[0])
