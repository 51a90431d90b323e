"""Prepare pictures for the screen, with Pillow and without a window."""

from __future__ import annotations

from array import array
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["fitted", "patterns", "upright"]


def upright(picture: Image) -> Image:
    """Decode the picture, and return it as RGB or RGBA, turned as its Exif data says."""
    from PIL import ImageOps

    picture.load()
    try:
        picture = ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001, S110 - damaged Exif data can raise anything
        pass  # the picture is shown without being turned
    if picture.mode in ("RGB", "RGBA"):
        return picture
    if picture.mode[0] in "IF":
        # 16 or 32 bits per pixel: Pillow's own conversion would cut off values above 255.
        low, high = _extremes(picture)
        scale = 255 / (high - low) if high > low else 0.0
        picture = picture.convert("F").point(lambda value: value * scale - low * scale)
        return picture.convert("L").convert("RGB")
    see_through = picture.mode in ("LA", "PA", "La", "RGBa") or "transparency" in picture.info
    return picture.convert("RGBA" if see_through else "RGB")


def fitted(picture: Image, width: int, height: int) -> Image:
    """Return the picture scaled to the largest size that fits into ``width`` x ``height`` pixels.

    The proportions stay the same, but each side has at least one pixel.
    """
    from PIL.Image import Resampling

    scale = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    if size == picture.size:
        return picture
    # reducing_gap makes large pictures several times faster without a visible difference.
    return picture.resize(size, Resampling.LANCZOS, reducing_gap=3.0)


def patterns() -> list[str]:
    """Return the sorted file name patterns (``*.png``) of every format that pyshm decodes."""
    from PIL import Image

    from ..formats.pictures import FORMATS

    extensions = Image.registered_extensions()
    return sorted(f"*{end}" for end, kind in extensions.items() if kind in FORMATS)


def _extremes(picture: Image) -> tuple[float, float]:
    """Return the darkest and the lightest value that is a finite number."""
    low, high = picture.getextrema()
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    if picture.mode != "F" or (isfinite(low) and isfinite(high)):
        return low, high
    values = array("f", picture.tobytes())
    return (
        min(filter(isfinite, values), default=0.0),
        max(filter(isfinite, values), default=0.0),
    )
