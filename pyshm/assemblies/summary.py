"""What .NET makes of each type of an assembly, in short: sizes, offsets, or why it refuses it."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..layout.declarations import TypeDeclaration
from ..layout.forms import HOST, FieldLayout, Target
from ..layout.layouts import managed, native, refusal
from . import Unbindable

__all__ = ["Entry", "listed"]


class Entry(NamedTuple):
    """One type. Sizes are in bytes.

    ``native_size`` is None where Marshal.SizeOf refuses the type, and ``managed_size`` for
    classes and what can't be loaded. ``fields`` are those of the marshalled layout, a base
    class's first; none without a native size. ``error`` is why .NET does not marshal the type:
    with a native size, it is StructureToPtr that refuses it.
    """

    type: str
    native_size: int | None
    managed_size: int | None
    fields: tuple[FieldLayout, ...]
    error: str | None

    @property
    def short_error(self) -> str:
        """The reason without the type's own name; "" if there is none."""
        error = self.error or ""
        return error.removeprefix(f"{self.type}: ").removeprefix(f"{self.type}.")

    def as_json(self) -> dict[str, Any]:
        """A line of ``pyshm layout x.dll --json`` (docs/protocol.md)."""
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
    """The entry of a type of an assembly. Refusals are in it, and raise nothing."""
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
