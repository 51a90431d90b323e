"""The formats of a map's content: the image blob, ImageData and TestData (docs/format.md)."""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .blob import Blob, blob_size
    from .image import ImageData
    from .testdata import TestData

__all__ = ["Blob", "ImageData", "TestData", "blob_size"]

_HOMES = {
    "Blob": "blob",
    "ImageData": "image",
    "TestData": "testdata",
    "blob_size": "blob",
}

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
