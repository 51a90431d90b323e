"""Attributes of ``Struct`` that have moved since version 0.1. They stay for one release."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .._support.deprecated import warn_deprecated

__all__ = ["REPLACEMENTS", "DeprecatedName"]

REPLACEMENTS = {
    "cdef": "pyshm.structs.cdef(Type)",
    "codec": "pyshm.structs.for_target(Type).flat",
    "declaration": "Type.layout.declaration",
    "ffi": "pyshm.structs.ffi(Type)",
    "for_target": "pyshm.structs.for_target(Type, target)",
    "numpy_dtype": "pyshm.structs.dtype(Type)",
    "snapshot": "pyshm.structs.snapshot(Type, buffer)",
    "snapshot_type": "pyshm.structs.snapshot_type(Type)",
    "unpack_flat": "pyshm.structs.for_target(Type).flat.unpack_from",
    "view_array": "pyshm.structs.array(Type, buffer)",
}
"""The replacement of each attribute; ``Type`` stands for the struct class."""


class DeprecatedName:
    """A deprecated attribute. A field with the same name replaces it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: Any) -> Any:
        name = self._name
        new = REPLACEMENTS[name].replace("Type", owner.__name__)
        warn_deprecated(f"{owner.__name__}.{name}", new)
        return _replacement(name, owner)


def _replacement(name: str, struct_type: Any) -> Any:
    from .arrays import array, dtype
    from .c_declarations import cdef, ffi
    from .codec import codec_of, for_target
    from .snapshots import snapshot, snapshot_type

    if name == "declaration":
        return struct_type.layout.declaration
    if name in ("codec", "unpack_flat"):
        flat = codec_of(struct_type.__packing__).flat
        return flat if name == "codec" else flat.unpack_from
    functions: dict[str, Callable[..., Any]] = {
        "cdef": cdef,
        "ffi": ffi,
        "for_target": for_target,
        "numpy_dtype": dtype,
        "snapshot": snapshot,
        "snapshot_type": snapshot_type,
        "view_array": array,
    }
    return partial(functions[name], struct_type)
