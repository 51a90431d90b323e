"""Where .NET puts each field of a declared type, and what it refuses (docs/structs.md)."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
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
        from_json,
        to_json,
    )
    from .forms import HOST, FieldLayout, Form, Inline, Layout, Scalar, Sequence, Target, Text
    from .layouts import Refusal, contains_references, managed, native, refusal
    from .marshalling import is_blittable

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
    "Refusal": "layouts",
    "Scalar": "forms",
    "Sequence": "forms",
    "Target": "forms",
    "Text": "forms",
    "TypeDeclaration": "declarations",
    "TypeReference": "declarations",
    "contains_references": "layouts",
    "from_json": "declarations",
    "is_blittable": "marshalling",
    "managed": "layouts",
    "native": "layouts",
    "refusal": "layouts",
    "to_json": "declarations",
}

__getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
