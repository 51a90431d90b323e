"""Pictures as a screen shows them; through Pillow, without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["fitted", "patterns", "upright"]


def upright(picture: Image) -> Image:
    """The picture as RGB or RGBA, turned as its camera was held. Decodes the pixels."""
    from PIL import ImageOps

    picture.load()
    try:
        picture = ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001, S110 - parsers of damaged Exif data raise whatever they meet
        pass  # a picture lying on its side is better than none
    if picture.mode in ("RGB", "RGBA"):
        return picture
    if picture.mode[0] in "IF":
        # 16 or 32 bits a pixel, where Pillow's own conversion would cut off all above 255.
        low, high = _extremes(picture)
        scale = 255 / (high - low) if high > low else 0.0
        picture = picture.convert("F").point(lambda value: value * scale - low * scale)
        return picture.convert("L").convert("RGB")
    see_through = picture.mode in ("LA", "PA", "La", "RGBa") or "transparency" in picture.info
    return picture.convert("RGBA" if see_through else "RGB")


def fitted(picture: Image, width: int, height: int) -> Image:
    """The picture, as large as it goes into ``width`` x ``height`` pixels without distortion.

    One that would become thinner than a pixel is one pixel thin.
    """
    from PIL.Image import Resampling

    scale = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    if size == picture.size:
        return picture
    # The gap makes large pictures several times faster, and shows no difference.
    return picture.resize(size, Resampling.LANCZOS, reducing_gap=3.0)


def patterns() -> list[str]:
    """File name patterns (``*.png``) of every format that Pillow reads here, in order."""
    from PIL import Image

    extensions = Image.registered_extensions()
    return sorted(f"*{end}" for end, kind in extensions.items() if kind in Image.OPEN)


def _extremes(picture: Image) -> tuple[float, float]:
    low, high = picture.getextrema()
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    return low, high
