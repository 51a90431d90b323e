"""From the body of a Python class to the declaration that C# would make of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum, Flag
from operator import index
from typing import Any, Literal, NamedTuple, get_type_hints

from .. import types
from .._support.shown import shown
from ..errors import LayoutError
from ..layout.builtins import BUILT_IN_TYPES, FIXED_BUFFER_ELEMENTS, SCALARS
from ..layout.declarations import (
    Array,
    BuiltIn,
    CharSet,
    FieldDeclaration,
    MarshalAs,
    Nullable,
    TypeDeclaration,
    TypeReference,
)
from ..layout.forms import Layout
from ..types import FieldType
from .registry import PYTHON_TYPES
from .values.numbers import integer_bounds

__all__ = [
    "annotated_names",
    "check_declaration",
    "check_enum",
    "declaration_of",
    "dotnet_name",
]

_enums: dict[tuple[type, str, str], TypeDeclaration] = {}
_CHARSETS = ("ansi", "unicode", "auto")
# The types that an enum can be stored as, with their names in pyshm.types.
_UNDERLYING = {
    "sbyte": "SByte", "byte": "Byte", "short": "Int16", "ushort": "UInt16", "int": "Int32",
    "uint": "UInt32", "long": "Int64", "ulong": "UInt64", "nint": "NInt", "nuint": "NUInt",
}  # fmt: skip


class _Owner(NamedTuple):
    """The field that a type belongs to. C# names the types that the compiler makes after it."""

    name: str
    charset: CharSet
    field: str


def annotated_names(namespace: dict[str, Any]) -> list[str]:
    """Return the names that a class body annotates, in order."""
    if sys.version_info >= (3, 14):
        import annotationlib

        annotate = annotationlib.get_annotate_from_class_namespace(namespace)
        if annotate is not None:
            form = annotationlib.Format.FORWARDREF
            return list(annotationlib.call_annotate_function(annotate, form))
    return list(namespace.get("__annotations__", {}))


def declaration_of(
    cls: type, base: TypeDeclaration | None, names: tuple[str, ...], options: dict[str, Any]
) -> TypeDeclaration:
    """Return the declaration of a class body with the fields ``names`` and its class keywords.

    Raises LayoutError, naming the keyword or the field.
    """
    charset: CharSet = options.get("charset", "ansi")
    layout: Literal["sequential", "explicit"] = options.get("layout", "sequential")
    kind: Literal["struct", "class"] = options.get("kind", "class" if base else "struct")
    type_name: str = options.get("name") or cls.__name__
    for option, value, allowed in (
        ("charset", charset, _CHARSETS),
        ("layout", layout, ("sequential", "explicit")),
        ("kind", kind, ("struct", "class")),
    ):
        _check_option(f"{cls.__name__}: {option}", option, value, allowed)
    verbatim = bool(options.get("verbatim"))
    fields = tuple(_declared_fields(cls, names, type_name, charset, verbatim=verbatim))
    _check_fields(cls.__name__, names, fields, layout)
    return TypeDeclaration(
        type_name,
        kind=kind,
        layout=layout,
        pack=_number(f"{cls.__name__}: pack", options.get("pack", 0)),
        size=_number(f"{cls.__name__}: size", options.get("size", 0)),
        charset=charset,
        best_fit=bool(options.get("best_fit", True)),
        throw_on_unmappable=bool(options.get("throw_on_unmappable")),
        fields=fields,
        base=base,
        documentation=cls.__doc__ or "",
    )


def _check_option(what: str, option: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise LayoutError(
            f"{what} must be one of {allowed}, not {shown(value)}", field=option, value=value
        )


def _check_fields(
    struct: str, names: tuple[str, ...], fields: tuple[FieldDeclaration, ...], layout: str
) -> None:
    twice = _first_repeated(fields)
    for name, field in zip(names, fields, strict=True):
        if field is twice:
            raise LayoutError(
                f"{struct}.{name}: another field is also named {field.name} in .NET; give one of "
                "them a FieldName",
                field=name,
            )
        if (field.offset is None) == (layout == "explicit"):
            message = "needs a FieldOffset" if layout == "explicit" else "has a FieldOffset"
            raise LayoutError(f"{struct}.{name} {message}: the layout is {layout}", field=name)


def _first_repeated(fields: tuple[FieldDeclaration, ...]) -> FieldDeclaration | None:
    """Return the first field with the name of one before it, which two fields can have in .NET."""
    taken: set[str] = set()
    for field in fields:
        if field.name in taken:
            return field
        taken.add(field.name)
    return None


def check_declaration(declaration: TypeDeclaration) -> None:
    """Raise LayoutError for a type that .NET may have, but no Struct or Python enum can declare."""
    if declaration.kind == "enum":
        check_enum(declaration)
    repeated = _first_repeated(declaration.fields)
    if repeated is not None:
        raise LayoutError(
            f"{declaration.name}: two fields have the name {repeated.name!r}", field=repeated.name
        )


def _declared_fields(
    cls: type, names: tuple[str, ...], type_name: str, charset: CharSet, *, verbatim: bool
) -> Iterator[FieldDeclaration]:
    """Yield what the annotations of ``names`` declare. Raises LayoutError, naming the field."""
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise LayoutError(
            f"{cls.__name__}: {error}; the types of fields must be names of the module"
        ) from error
    for name in names:
        try:
            yield _field(name, hints[name], type_name, charset, verbatim)
        except LayoutError as error:
            raise LayoutError(
                f"{cls.__name__}.{name}: {error.message}", field=name, value=error.value
            ) from None


def _field(
    name: str, hint: Any, type_name: str, charset: CharSet, verbatim: bool
) -> FieldDeclaration:
    own_name = name if verbatim else dotnet_name(name)
    offset = None
    for item in getattr(hint, "__metadata__", ()):
        if isinstance(item, types.FieldOffset):
            offset = _number("FieldOffset", item.offset)
        elif isinstance(item, types.FieldName):
            own_name = item.name
    resolved = _resolve(hint, _Owner(type_name, charset, own_name))
    return FieldDeclaration(own_name, resolved.type, offset, resolved.marshal_as)


def _resolve(hint: Any, owner: _Owner) -> FieldType:
    """Return the type and the [MarshalAs] of a field or of an element."""
    found = _resolve_type(hint, owner)
    for item in getattr(hint, "__metadata__", ()):
        if isinstance(item, MarshalAs):
            if found.marshal_as is not None and found.marshal_as.size_const is not None:
                raise LayoutError(
                    f"it has both {found.marshal_as.unmanaged_type} and "
                    f"MarshalAs({item.unmanaged_type!r}); remove one of them",
                    value=item,
                )
            found = FieldType(found.type, item)
    return found


def _resolve_unmarked(hint: Any, owner: _Owner, what: str) -> TypeReference:
    """Return the type of a ``what``, which C# gives no place for a [MarshalAs]."""
    found = _resolve(hint, owner)
    if found.marshal_as is not None:
        raise LayoutError(
            f"{what} can't have [MarshalAs(UnmanagedType.{found.marshal_as.unmanaged_type})]; "
            "use the type without it",
            value=hint,
        )
    return found.type


def _resolve_type(hint: Any, owner: _Owner) -> FieldType:
    for item in getattr(hint, "__metadata__", ()):
        found = _from_metadata(hint, item, owner)
        if found is not None:
            return found
    bare = getattr(hint, "__origin__", hint) if hasattr(hint, "__metadata__") else hint
    if isinstance(bare, type):
        if issubclass(bare, Enum):
            return FieldType(_enum(bare, "int", ""))
        layout = bare.__dict__.get("layout")
        if isinstance(layout, Layout):
            return FieldType(layout.declaration)
    from .advice import field_advice, shown

    raise LayoutError(f"{shown(hint)} is not a field type; {field_advice(hint)}", value=hint)


def _from_metadata(hint: Any, item: Any, owner: _Owner) -> FieldType | None:
    """Return the type that one piece of metadata declares; None if it declares none."""
    if isinstance(item, FieldType):
        return item
    if isinstance(item, types.Enum):
        return FieldType(_enum(hint.__origin__, _built_in(item.underlying), item.name))
    if isinstance(item, types.ByValTStr):
        count = _count("ByValTStr", item.count)
        return FieldType(BuiltIn("string"), MarshalAs("ByValTStr", count))
    if isinstance(item, types.ByValArray):
        count = _count("ByValArray", item.count)
        element = _resolve(item.element, owner)
        sub_type = element.marshal_as.unmanaged_type if element.marshal_as else None
        return FieldType(Array(element.type), MarshalAs("ByValArray", count, sub_type))
    if isinstance(item, types.SafeArray):
        return FieldType(Array(_resolve(item.element, owner).type), MarshalAs("SafeArray"))
    if isinstance(item, types.FixedBuffer):
        return FieldType(_fixed_buffer(item, owner))
    if isinstance(item, types.InlineArray):
        return FieldType(_inline_array(item, owner))
    if isinstance(item, types.Nullable):
        return FieldType(Nullable(_resolve_unmarked(item.value, owner, "the value of a Nullable")))
    return None


def _count(name: str, count: Any) -> int:
    number = _number(f"{name}: count", count)
    if number < 1:
        raise LayoutError(f"{name}: count must be at least 1, not {number}", value=number)
    return number


def _number(what: str, value: Any) -> int:
    """Return an integer of a declaration, also NumPy's, as an int."""
    try:
        return int(index(value))
    except TypeError:
        raise LayoutError(f"{what} must be an integer, not {shown(value)}", value=value) from None


def _built_in(hint: Any) -> str:
    for item in getattr(hint, "__metadata__", ()):
        if isinstance(item, FieldType) and isinstance(item.type, BuiltIn):
            return item.type.name
    raise LayoutError(f"{shown(hint)} is not a number of pyshm.types", value=hint)


def _fixed_buffer(item: types.FixedBuffer, owner: _Owner) -> TypeDeclaration:
    count = _count("FixedBuffer", item.count)
    _resolve_unmarked(item.element, owner, "the element of a fixed buffer")
    element = _built_in(item.element)
    if element not in FIXED_BUFFER_ELEMENTS:
        raise LayoutError(
            f"a fixed buffer can't have elements of {element}, only of "
            f"{', '.join(sorted(FIXED_BUFFER_ELEMENTS))}",
            value=element,
        )
    return TypeDeclaration(
        f"{owner.name}+<{owner.field}>e__FixedBuffer",
        size=count * SCALARS[element].size,
        charset=owner.charset,
        fields=(FieldDeclaration("FixedElementField", BuiltIn(element)),),
        fixed_buffer=True,
    )


def _inline_array(item: types.InlineArray, owner: _Owner) -> TypeDeclaration:
    count = _count("InlineArray", item.count)
    charset = owner.charset if item.charset is None else item.charset
    _check_option("InlineArray: charset", "charset", charset, _CHARSETS)
    name = f"{owner.name}+<{owner.field}>InlineArray"
    element = _resolve(item.element, _Owner(name, charset, "_element0"))
    return TypeDeclaration(
        name,
        pack=_number("InlineArray: pack", item.pack),
        charset=charset,
        fields=(FieldDeclaration("_element0", element.type, None, element.marshal_as),),
        inline_array=count,
    )


def _enum(enum: Any, underlying: str, name: str) -> TypeDeclaration:
    without_members = enum is int and name  # as bind writes it
    if not (without_members or _is_int_enum(enum)):
        raise LayoutError(f"{shown(enum)} is neither an IntEnum nor an IntFlag", value=enum)
    key = (enum, underlying, name)
    if key not in _enums:
        declaration = TypeDeclaration(name or enum.__name__, "enum", underlying=underlying)
        if not without_members:
            declaration = replace(
                declaration,
                members=tuple((item, int(member)) for item, member in enum.__members__.items()),
                flags=issubclass(enum, Flag),
                documentation=enum.__doc__ or "",
            )
        check_enum(declaration)
        if declaration.flags:
            from .values.flags import combines_exactly

            combines_exactly(enum)
        _enums[key] = declaration
        if declaration.members:
            PYTHON_TYPES[declaration] = enum
    return _enums[key]


def _is_int_enum(kind: Any) -> bool:
    """Return whether the members of ``kind`` are ints: an IntEnum, an IntFlag, ``(int, Enum)``."""
    return isinstance(kind, type) and issubclass(kind, int) and issubclass(kind, Enum)


def check_enum(enum: TypeDeclaration) -> None:
    """Raise LayoutError if the enum's type is not an integer, or can't hold one of its members."""
    if enum.underlying not in _UNDERLYING:
        raise LayoutError(
            f"{enum.name}: an enum can't be stored as {enum.underlying}, only as one of "
            f"{', '.join(_UNDERLYING)}",
            value=enum.underlying,
        )
    low, high = _bounds(enum.underlying)
    for name, number in enum.members:
        if not low <= number <= high:
            raise LayoutError(
                f"{enum.name}.{name} is {number}, but {enum.underlying} has {low} to {high}; "
                f"{_fitting(enum)}",
                value=number,
            )


def _bounds(underlying: str) -> tuple[int, int]:
    form = BUILT_IN_TYPES[underlying].managed
    assert form is not None
    assert form.code is not None
    return integer_bounds(form.size, form.code.islower())


def _fitting(enum: TypeDeclaration) -> str:
    """Return advice: the type that holds all members, if possible of the same size."""
    numbers = [number for _, number in enum.members]
    low, high = _bounds(enum.underlying)
    size = high - low
    fitting = []
    for name, alias in _UNDERLYING.items():
        first, last = _bounds(name)
        if alias in ("NInt", "NUInt"):
            continue  # C# has no such enums
        if first <= min(numbers) and max(numbers) <= last:
            fitting.append((last - first != size, last - first, alias))
    return f"store it as types.Enum({min(fitting)[2]})" if fitting else "no type holds all members"


def dotnet_name(name: str) -> str:
    """Return the name of a field in .NET: ``top_speed`` is ``TopSpeed``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
