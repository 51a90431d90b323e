"""Python and C# source for declared types."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .python import Binding, bind

__all__ = ["Binding", "bind"]

_HOMES = {
    "Binding": "python",
    "bind": "python",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
