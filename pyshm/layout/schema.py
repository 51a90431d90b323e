"""Declarations to and from JSON: what the .NET peer's step ``define`` takes (docs/protocol.md)."""

from __future__ import annotations

from typing import Any

from .._support.shown import shown
from ..errors import LayoutError
from .builtins import BUILT_IN_TYPES
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
    needed_types,
)

__all__ = ["from_json", "to_json"]

# A type's attributes that are left out of the JSON while they have their default value.
_ATTRIBUTES = ("pack", "size", "inline_array", "by_ref_like", "generic", "fixed_buffer")
_READ = ("layout", *_ATTRIBUTES, "charset", "underlying", "flags")


def to_json(root: TypeDeclaration) -> list[dict[str, Any]]:
    """Return ``root`` and every type that it needs, each before its users and ``root`` last.

    Attributes with their default value are left out.
    """
    return [_type_to_json(declaration) for declaration in needed_types(root)]


def _type_to_json(declaration: TypeDeclaration) -> dict[str, Any]:
    item: dict[str, Any] = {"name": declaration.name, "kind": declaration.kind}
    if declaration.kind == "enum":
        item["underlying"] = declaration.underlying
        item["members"] = [list(member) for member in declaration.members]
        if declaration.flags:
            item["flags"] = True
        return item
    if declaration.kind in ("delegate", "interface"):
        return item
    item["layout"] = declaration.layout
    item |= {key: value for key in _ATTRIBUTES if (value := getattr(declaration, key))}
    if declaration.charset != "ansi":
        item["charset"] = declaration.charset
    if declaration.base is not None:
        item["base"] = declaration.base.name
    item["fields"] = [_field_to_json(field) for field in declaration.fields]
    return item


def _field_to_json(field: FieldDeclaration) -> dict[str, Any]:
    item: dict[str, Any] = {"name": field.name, "type": _reference_to_json(field.type)}
    if field.offset is not None:
        item["offset"] = field.offset
    given = field.marshal_as
    if given is not None:
        marshal_as: dict[str, Any] = {"unmanaged_type": given.unmanaged_type}
        if given.size_const is not None:
            marshal_as["size_const"] = given.size_const
        if given.array_sub_type is not None:
            marshal_as["array_sub_type"] = given.array_sub_type
        item["marshal_as"] = marshal_as
    return item


def _reference_to_json(reference: TypeReference) -> Any:
    """Return a type as the JSON of a field refers to it."""
    if isinstance(reference, BuiltIn):
        return reference.name
    if isinstance(reference, Pointer):
        # The target does not matter: a pointer to void has the same layout.
        return {"pointer": "void"}
    if isinstance(reference, FunctionPointer):
        return {"function_pointer": True}
    if isinstance(reference, Array):
        return {"array": _reference_to_json(reference.element), "rank": reference.rank}
    if isinstance(reference, Nullable):
        return {"nullable": _reference_to_json(reference.value)}
    return {"type": reference.name}


def from_json(types: list[dict[str, Any]]) -> TypeDeclaration:
    """Return the last type of what :func:`to_json` wrote.

    Raises LayoutError for anything else.
    """
    known: dict[str, TypeDeclaration] = {}
    try:
        for item in types:
            known[item["name"]] = _type_from_json(item, known)
        return known[types[-1]["name"]]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise LayoutError(f"not a description of types: {type(error).__name__}: {error}") from error


def _type_from_json(item: dict[str, Any], known: dict[str, TypeDeclaration]) -> TypeDeclaration:
    return TypeDeclaration(
        item["name"],
        item["kind"],
        fields=tuple(
            FieldDeclaration(
                field["name"],
                _reference_from_json(field["type"], known),
                field.get("offset"),
                MarshalAs(**field["marshal_as"]) if "marshal_as" in field else None,
            )
            for field in item.get("fields", ())
        ),
        base=known[item["base"]] if "base" in item else None,
        members=tuple((name, value) for name, value in item.get("members", ())),
        **{key: item[key] for key in _READ if key in item},
    )


def _reference_from_json(item: Any, known: dict[str, TypeDeclaration]) -> TypeReference:
    """Return what :func:`_reference_to_json` wrote, with declared types looked up in ``known``."""
    if isinstance(item, str):
        if item not in BUILT_IN_TYPES:
            raise LayoutError(f"{shown(item)} is not a built-in type", value=item)
        return BuiltIn(item)
    if "pointer" in item:
        return Pointer()
    if "function_pointer" in item:
        return FunctionPointer()
    if "array" in item:
        return Array(_reference_from_json(item["array"], known), item.get("rank", 1))
    if "nullable" in item:
        return Nullable(_reference_from_json(item["nullable"], known))
    return known[item["type"]]
