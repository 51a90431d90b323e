"""An annotated hex dump: which byte belongs to which field (docs/protocol.md, "dump")."""

from __future__ import annotations

from .._support.lazy import lazy_names
from ..formats.recognize import is_unfinished, recognize
from .pictures import Picture, describe
from .regions import KINDS, Reading, Region, Regions, annotate, annotate_anything
from .rows import SHOWN
from .text import as_json, as_text

__all__ = [
    "KINDS",
    "SHOWN",
    "Picture",
    "Reading",
    "Region",
    "Regions",
    "annotate",
    "annotate_anything",
    "as_json",
    "as_text",
    "describe",
    "is_unfinished",
    "recognize",
]

TYPE_CHECKING = False  # type checkers take it for True
if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, _ = lazy_names(__name__, globals(), {}, renamed={"recognise": "recognize"})
