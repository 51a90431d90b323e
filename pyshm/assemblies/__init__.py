"""The types of a .NET assembly, read from its metadata without .NET and without running it."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # a type checker treats it as True
if TYPE_CHECKING:
    from .assembly import Assembly, Unbindable

__all__ = ["Assembly", "Unbindable"]

_HOMES = {
    "Assembly": "assembly",
    "Unbindable": "assembly",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
