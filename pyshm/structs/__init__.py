"""Python classes for C# structs: packed, unpacked, viewed in place, as NumPy and as C."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .from_declaration import struct_from
    from .struct import Struct
    from .view import ArrayView, StructView

__all__ = ["ArrayView", "Struct", "StructView", "struct_from"]

_HOMES = {
    "ArrayView": "view",
    "Struct": "struct",
    "StructView": "view",
    "struct_from": "from_declaration",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
