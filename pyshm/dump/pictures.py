"""Describe the picture in a blob from its header; nothing is decoded or copied."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["Picture", "describe"]

_BROWSERS = {"AVIF", "BMP", "GIF", "ICO", "JPEG", "PNG", "WEBP"}


class Picture(NamedTuple):
    """A picture's format as Pillow names it, its MIME type, width, height and mode."""

    format: str
    mime: str
    width: int
    height: int
    mode: str

    def __str__(self) -> str:
        """Return for example ``PNG picture, 640 x 480, RGB``."""
        return f"{self.format} picture, {self.width} x {self.height}, {self.mode}"

    @property
    def shown_by_browsers(self) -> bool:
        """Whether browsers can show the format."""
        return self.format in _BROWSERS


def describe(content: memoryview) -> Picture | str:
    """Return the picture in ``content``, or a sentence that says why there is none."""
    if not len(content):
        return "no picture: the content is empty"
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # For up to twice its limit of pixels Pillow only warns. Such a picture is refused
            # too, as the description lets other programs decode it.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BufferedReader(_Window(content))) as image:
                name = image.format or "unknown"
                mime = Image.MIME.get(name, "application/octet-stream")
                return Picture(name, mime, image.width, image.height, image.mode)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        return f"the picture is too large to open: {error}"
    except UnidentifiedImageError:
        return "no picture in a format that Pillow can read"
    except Exception as error:  # noqa: BLE001 - a format plugin can raise anything for a damaged header
        return f"the picture is damaged: {error}"


class _Window(io.RawIOBase):
    """A file object that reads from memory."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, target: Buffer) -> int:
        room = memoryview(target).cast("B")
        part = self._memory[self._at : self._at + len(room)]
        room[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._memory)}[whence]
        if start + offset < 0:
            raise ValueError(f"seek to {start + offset}")
        self._at = start + offset
        return self._at
