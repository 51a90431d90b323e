"""Describe the picture in a blob from its header. Only icons are copied and decoded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

from ..errors import PictureError

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

    from PIL.Image import Image

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
    from ..formats.pictures import open_picture

    try:
        with open_picture(io.BufferedReader(_Window(content)), len(content)) as image:
            return _described(image)
    except PictureError as error:
        return str(error) if error.kind == "picture-too-large" else f"no picture: {error}"


def _described(image: Image) -> Picture:
    from PIL import Image

    name = image.format or "unknown"
    mime = Image.MIME.get(name, "application/octet-stream")
    return Picture(name, mime, image.width, image.height, image.mode)


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
