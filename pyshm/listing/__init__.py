"""Which named maps exist, which processes hold them, and removal of dead ones."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .entries import Holder, ListedMap, Removal, State
    from .inventory import clean, list_maps, map_names

__all__ = ["Holder", "ListedMap", "Removal", "State", "clean", "list_maps", "map_names"]

_HOMES = {
    "Holder": "entries",
    "ListedMap": "entries",
    "Removal": "entries",
    "State": "entries",
    "clean": "inventory",
    "list_maps": "inventory",
    "map_names": "inventory",
}

__getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
