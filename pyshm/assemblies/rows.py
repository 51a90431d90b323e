"""The rows of the metadata tables that pyshm reads (ECMA-335, partition II, chapter 22).

The columns are numbers: flags, indices into heaps, or row numbers of other tables.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "AssemblyRef",
    "AssemblyRow",
    "ClassLayout",
    "Constant",
    "CustomAttribute",
    "ExportedType",
    "Field",
    "FieldLayout",
    "FieldMarshal",
    "GenericParam",
    "MemberRef",
    "NestedClass",
    "TypeDef",
    "TypeRef",
    "TypeSpec",
]


class TypeRef(NamedTuple):
    """A type of another assembly."""

    scope: int
    name: int
    namespace: int


class TypeDef(NamedTuple):
    """A type of this assembly."""

    flags: int
    name: int
    namespace: int
    extends: int
    first_field: int
    first_method: int


class Field(NamedTuple):
    """A field of a type."""

    flags: int
    name: int
    signature: int


class MemberRef(NamedTuple):
    """A member of a type of another assembly; here, the constructor of an attribute."""

    parent: int
    name: int
    signature: int


class Constant(NamedTuple):
    """The value of a literal field."""

    type: int
    padding: int
    parent: int
    value: int


class CustomAttribute(NamedTuple):
    """An attribute, and what it is applied to (``parent``)."""

    parent: int
    constructor: int
    value: int


class FieldMarshal(NamedTuple):
    """The [MarshalAs] of a field or parameter."""

    parent: int
    native_type: int


class ClassLayout(NamedTuple):
    """The Pack and Size of a type."""

    pack: int
    size: int
    parent: int


class FieldLayout(NamedTuple):
    """The [FieldOffset] of a field."""

    offset: int
    field: int


class TypeSpec(NamedTuple):
    """A type that needs a signature, such as an instance of a generic type."""

    signature: int


class AssemblyRow(NamedTuple):
    """The name and version of this assembly (table Assembly)."""

    hash_algorithm: int
    major: int
    minor: int
    build: int
    revision: int
    flags: int
    public_key: int
    name: int
    culture: int


class AssemblyRef(NamedTuple):
    """An assembly that this one references."""

    major: int
    minor: int
    build: int
    revision: int
    flags: int
    public_key: int
    name: int
    culture: int
    hash_value: int


class ExportedType(NamedTuple):
    """A type that moved to another assembly, or is in another file of this one."""

    flags: int
    type_def: int
    name: int
    namespace: int
    implementation: int


class NestedClass(NamedTuple):
    """A nested type, and the type that contains it."""

    nested: int
    enclosing: int


class GenericParam(NamedTuple):
    """A type parameter."""

    number: int
    flags: int
    owner: int
    name: int
