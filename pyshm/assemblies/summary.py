"""A summary of each type of an assembly: sizes and offsets, or why .NET refuses the type."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..layout.declarations import TypeDeclaration
from ..layout.forms import HOST, FieldLayout, Target
from ..layout.layouts import managed, native, refusal
from . import Unbindable

__all__ = ["Entry", "listed"]


class Entry(NamedTuple):
    """One type; sizes are in bytes.

    ``native_size`` is None if Marshal.SizeOf refuses the type. ``managed_size`` is None for a
    class and for a type that can't be loaded. ``fields`` are those of the marshalled layout, with
    the fields of a base class first; there are none without a native size. ``error`` is the reason
    why .NET does not marshal the type. If the type has a native size, StructureToPtr refuses it.
    """

    type: str
    native_size: int | None
    managed_size: int | None
    fields: tuple[FieldLayout, ...]
    error: str | None

    @property
    def short_error(self) -> str:
        """The reason without the name of the type; "" if there is none."""
        error = self.error or ""
        return error.removeprefix(f"{self.type}: ").removeprefix(f"{self.type}.")

    def as_json(self) -> dict[str, Any]:
        """Return a line of ``pyshm layout x.dll --json`` (docs/protocol.md)."""
        return {
            "type": self.type,
            "native_size": self.native_size,
            "managed_size": self.managed_size,
            "fields": [
                {"name": field.dotnet_name, "offset": field.offset, "size": field.size}
                for field in self.fields
            ],
            "error": self.error,
        }


def listed(item: TypeDeclaration | Unbindable, target: Target = HOST) -> Entry:
    """Return the entry of a type. A refused type has an entry as well; nothing is raised."""
    if isinstance(item, Unbindable):
        return Entry(item.name, None, None, (), item.reason)
    refused = refusal(item, target)
    error = str(refused) if refused is not None else None
    by = refused.by if refused is not None else None
    managed_size = None
    if item.kind == "struct" and by != "load":
        managed_size = managed(item, target).size
    if by in ("load", "size"):
        return Entry(item.name, None, managed_size, (), error)
    layout = native(item, target, strict=False)
    return Entry(item.name, layout.size, managed_size, layout.fields, error)
