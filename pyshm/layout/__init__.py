"""Where .NET puts each field of a declared type, and what it refuses (docs/structs.md)."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # a type checker treats it as True
if TYPE_CHECKING:
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
    from .forms import HOST, FieldLayout, Form, Inline, Layout, Scalar, Sequence, Target, Text
    from .layouts import managed, native, refusal
    from .refusals import Refusal
    from .schema import from_json, to_json
    from .traits import contains_references, is_blittable

__all__ = [
    "HOST",
    "Array",
    "BuiltIn",
    "FieldDeclaration",
    "FieldLayout",
    "Form",
    "FunctionPointer",
    "Inline",
    "Layout",
    "MarshalAs",
    "Nullable",
    "Pointer",
    "Refusal",
    "Scalar",
    "Sequence",
    "Target",
    "Text",
    "TypeDeclaration",
    "TypeReference",
    "contains_references",
    "from_json",
    "is_blittable",
    "managed",
    "native",
    "refusal",
    "to_json",
]

_HOMES = {
    "Array": "declarations",
    "BuiltIn": "declarations",
    "FieldDeclaration": "declarations",
    "FieldLayout": "forms",
    "Form": "forms",
    "FunctionPointer": "declarations",
    "HOST": "forms",
    "Inline": "forms",
    "Layout": "forms",
    "MarshalAs": "declarations",
    "Nullable": "declarations",
    "Pointer": "declarations",
    "Refusal": "refusals",
    "Scalar": "forms",
    "Sequence": "forms",
    "Target": "forms",
    "Text": "forms",
    "TypeDeclaration": "declarations",
    "TypeReference": "declarations",
    "contains_references": "traits",
    "from_json": "schema",
    "is_blittable": "traits",
    "managed": "layouts",
    "native": "layouts",
    "refusal": "layouts",
    "to_json": "schema",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
