"""Python classes for C# structs: packed, unpacked, viewed in place, as NumPy arrays and as C."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .arrays import array, dtype
    from .c_declarations import cdef, ffi
    from .codec import StructCodec, for_target
    from .from_declaration import struct_from
    from .snapshots import snapshot, snapshot_type
    from .struct import Struct
    from .view import ArrayView, StructView

__all__ = [
    "ArrayView",
    "Struct",
    "StructCodec",
    "StructView",
    "array",
    "cdef",
    "dtype",
    "ffi",
    "for_target",
    "snapshot",
    "snapshot_type",
    "struct_from",
]

_HOMES = {
    "_restored": "contents",  # pickles of version 0.1.0 call it here
    "ArrayView": "view",
    "Struct": "struct",
    "StructCodec": "codec",
    "StructView": "view",
    "array": "arrays",
    "cdef": "c_declarations",
    "dtype": "arrays",
    "ffi": "c_declarations",
    "for_target": "codec",
    "snapshot": "snapshots",
    "snapshot_type": "snapshots",
    "struct_from": "from_declaration",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
