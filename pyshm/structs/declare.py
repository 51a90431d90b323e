"""From a Python class body to the declaration that C# would make (declarations.py)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Flag, IntEnum, IntFlag
from typing import Any, Literal, NamedTuple, get_type_hints

from .. import types
from ..errors import LayoutError
from ..layout.builtins import FIXED_BUFFER_ELEMENTS, SCALARS
from ..layout.declarations import (
    Array,
    BuiltIn,
    CharSet,
    FieldDeclaration,
    MarshalAs,
    Nullable,
    TypeDeclaration,
)
from ..types import FieldType
from .registry import PYTHON_TYPES

__all__ = ["annotated_names", "declaration_of", "dotnet_name"]

_enums: dict[tuple[type, str, str], TypeDeclaration] = {}
_UNDERLYING = ("sbyte", "byte", "short", "ushort", "int", "uint", "long", "ulong", "nint", "nuint")


class _Owner(NamedTuple):
    """Where a field type stands: C#'s compiler names types of its own after it."""

    name: str
    charset: CharSet
    field: str


def annotated_names(namespace: dict[str, Any]) -> list[str]:
    """The names that a class body annotates, in order."""
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
    """Return the declaration of a class body with the fields ``names`` and class keywords.

    Raises LayoutError, naming the keyword or the field.
    """
    charset: CharSet = options.get("charset", "ansi")
    layout: Literal["sequential", "explicit"] = options.get("layout", "sequential")
    kind: Literal["struct", "class"] = options.get("kind", "class" if base else "struct")
    type_name: str = options.get("name") or cls.__name__
    for word, value, allowed in (
        ("charset", charset, ("ansi", "unicode", "auto")),
        ("layout", layout, ("sequential", "explicit")),
        ("kind", kind, ("struct", "class")),
    ):
        if value not in allowed:
            raise LayoutError(
                f"{cls.__name__}: {word} must be one of {allowed}, not {value!r}",
                field=word,
                value=value,
            )
    verbatim = bool(options.get("verbatim"))
    fields = tuple(_declared_fields(cls, names, type_name, charset, verbatim=verbatim))
    taken = set()
    for name, field in zip(names, fields, strict=True):
        if field.name in taken:
            raise LayoutError(
                f"{cls.__name__}.{name}: another field is {field.name} in .NET; give one of them "
                "a FieldName",
                field=name,
            )
        taken.add(field.name)
        if (field.offset is None) == (layout == "explicit"):
            story = "needs a FieldOffset" if layout == "explicit" else "has a FieldOffset"
            raise LayoutError(f"{cls.__name__}.{name} {story}: the layout is {layout}", field=name)
    return TypeDeclaration(
        type_name,
        kind=kind,
        layout=layout,
        pack=options.get("pack", 0),
        size=options.get("size", 0),
        charset=charset,
        fields=fields,
        base=base,
        documentation=cls.__doc__ or "",
    )


def _declared_fields(
    cls: type, names: tuple[str, ...], type_name: str, charset: CharSet, *, verbatim: bool
) -> Iterator[FieldDeclaration]:
    """What the annotations of ``names`` say. Raises LayoutError, naming the field."""
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise LayoutError(f"{cls.__name__}: {error}; fields need types of module scope") from error
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
    marshal_as = None
    for item in getattr(hint, "__metadata__", ()):
        if isinstance(item, types.FieldOffset):
            offset = item.offset
        elif isinstance(item, types.FieldName):
            own_name = item.name
        elif isinstance(item, MarshalAs):
            marshal_as = item
    resolved = _resolve(hint, _Owner(type_name, charset, own_name))
    return FieldDeclaration(own_name, resolved.type, offset, marshal_as or resolved.marshal_as)


def _resolve(hint: Any, owner: _Owner) -> FieldType:
    for item in getattr(hint, "__metadata__", ()):
        found = _spelled(hint, item, owner)
        if found is not None:
            return found
    bare = getattr(hint, "__origin__", hint) if hasattr(hint, "__metadata__") else hint
    if isinstance(bare, type):
        if issubclass(bare, IntEnum | IntFlag):
            return FieldType(_enum(bare, "int", ""))
        declaration = bare.__dict__.get("declaration")
        if isinstance(declaration, TypeDeclaration):
            return FieldType(declaration)
    raise LayoutError(f"{hint!r} is no field type of pyshm.types", value=hint)


def _spelled(hint: Any, item: Any, owner: _Owner) -> FieldType | None:
    """What one piece of metadata says of the type; None if it says nothing of it."""
    if isinstance(item, FieldType):
        return item
    if isinstance(item, types.Enum):
        return FieldType(_enum(hint.__origin__, _built_in(item.underlying), item.name))
    if isinstance(item, types.ByValTStr):
        _at_least_1("ByValTStr", item.count)
        return FieldType(BuiltIn("string"), MarshalAs("ByValTStr", item.count))
    if isinstance(item, types.ByValArray):
        _at_least_1("ByValArray", item.count)
        element = _resolve(item.element, owner)
        sub_type = element.marshal_as.unmanaged_type if element.marshal_as else None
        return FieldType(Array(element.type), MarshalAs("ByValArray", item.count, sub_type))
    if isinstance(item, types.SafeArray):
        return FieldType(Array(_resolve(item.element, owner).type), MarshalAs("SafeArray"))
    if isinstance(item, types.FixedBuffer):
        return FieldType(_fixed_buffer(item, owner))
    if isinstance(item, types.InlineArray):
        return FieldType(_inline_array(item, owner))
    if isinstance(item, types.Nullable):
        return FieldType(Nullable(_resolve(item.value, owner).type))
    return None


def _at_least_1(what: str, count: Any) -> None:
    if not isinstance(count, int) or count < 1:
        raise LayoutError(f"{what}: count must be at least 1, not {count!r}", value=count)


def _built_in(hint: Any) -> str:
    for item in getattr(hint, "__metadata__", ()):
        if isinstance(item, FieldType) and isinstance(item.type, BuiltIn):
            return item.type.name
    raise LayoutError(f"{hint!r} is no number of pyshm.types", value=hint)


def _fixed_buffer(item: types.FixedBuffer, owner: _Owner) -> TypeDeclaration:
    _at_least_1("FixedBuffer", item.count)
    element = _built_in(item.element)
    if element not in FIXED_BUFFER_ELEMENTS:
        raise LayoutError(f"a fixed buffer can't have elements of {element}", value=element)
    return TypeDeclaration(
        f"{owner.name}+<{owner.field}>e__FixedBuffer",
        size=item.count * SCALARS[element].size,
        charset=owner.charset,
        fields=(FieldDeclaration("FixedElementField", BuiltIn(element)),),
        fixed_buffer=True,
    )


def _inline_array(item: types.InlineArray, owner: _Owner) -> TypeDeclaration:
    _at_least_1("InlineArray", item.count)
    element = _resolve(item.element, owner)
    return TypeDeclaration(
        f"{owner.name}+<{owner.field}>InlineArray",
        charset=owner.charset,
        fields=(FieldDeclaration("_element0", element.type, None, element.marshal_as),),
        inline_array=item.count,
    )


def _enum(enum: Any, underlying: str, name: str) -> TypeDeclaration:
    if not (isinstance(enum, type) and issubclass(enum, IntEnum | IntFlag)):
        raise LayoutError(f"{enum!r} is no IntEnum and no IntFlag", value=enum)
    if underlying not in _UNDERLYING:
        raise LayoutError(f"an enum can't be stored as {underlying}", value=underlying)
    key = (enum, underlying, name)
    if key not in _enums:
        _enums[key] = TypeDeclaration(
            name or enum.__name__,
            "enum",
            underlying=underlying,
            members=tuple((item, member.value) for item, member in enum.__members__.items()),
            flags=issubclass(enum, Flag),
            documentation=enum.__doc__ or "",
        )
        PYTHON_TYPES[_enums[key]] = enum
    return _enums[key]


def dotnet_name(name: str) -> str:
    """``top_speed`` as .NET spells it: ``TopSpeed``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
