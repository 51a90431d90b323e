"""The named maps of this machine, the processes that hold them, and removal of dead maps."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .entries import Holder, ListedMap, Removal, State
    from .inventory import PRIVATE_AGE, clean, list_maps, map_names

__all__ = [
    "PRIVATE_AGE",
    "Holder",
    "ListedMap",
    "Removal",
    "State",
    "clean",
    "list_maps",
    "map_names",
]

_HOMES = {
    "Holder": "entries",
    "ListedMap": "entries",
    "PRIVATE_AGE": "inventory",
    "Removal": "entries",
    "State": "entries",
    "clean": "inventory",
    "list_maps": "inventory",
    "map_names": "inventory",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
