"""An annotated hex dump: which byte belongs to which field (docs/protocol.md, "dump")."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from ..formats.recognize import KINDS, is_unfinished, recognize
    from .html import as_html
    from .pictures import Picture, describe
    from .png import as_png
    from .regions import Reading, Region, Regions, annotate, annotate_anything
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
    "as_html",
    "as_json",
    "as_png",
    "as_text",
    "describe",
    "is_unfinished",
    "recognize",
]

_HOMES = {
    "KINDS": ".formats.recognize",
    "SHOWN": "rows",
    "Picture": "pictures",
    "Reading": "regions",
    "Region": "regions",
    "Regions": "regions",
    "annotate": "regions",
    "annotate_anything": "regions",
    "as_html": "html",
    "as_json": "text",
    "as_png": "png",
    "as_text": "text",
    "describe": "pictures",
    "is_unfinished": ".formats.recognize",
    "recognize": ".formats.recognize",
}

_RENAMED = {"recognise": "recognize"}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES, renamed=_RENAMED)
