"""An annotated hex dump: which byte belongs to which field (docs/protocol.md, "dump")."""

from __future__ import annotations

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
