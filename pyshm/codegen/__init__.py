"""Python and C# source for declared types."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # a type checker treats it as True
if TYPE_CHECKING:
    from .csharp import csharp_source
    from .python import Binding, bind

__all__ = ["Binding", "bind", "csharp_source"]

_HOMES = {
    "Binding": "python",
    "bind": "python",
    "csharp_source": "csharp",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
