"""The work of the Reader's buttons: read the map that another program holds."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..errors import FormatError, MapNotFoundError, PictureError
from ..formats.image import ImageData
from ..formats.recognize import HEAD, is_picture_blob
from ..formats.testdata import TestData
from ..helper import ShareMemoryHelper
from ..maps.enums import MemoryMappedFileAccess
from .messages import in_bytes, in_time, printable, with_context
from .pictures import upright
from .session import Session

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MapPicture", "Numbers", "Reading"]

_WRITE_TIMEOUT = 0.5  # seconds; after that, the writer of an unfinished picture was killed
_PAUSE = 0.01  # seconds between two attempts to read a picture that is being written
_PIECE = 1 << 20  # bytes to copy at a time; between two copies, the window's thread can run

_T = TypeVar("_T")

_NO_BLOB = "Press Blip in the Writer to send a picture, or press Struct here to show a struct."

# Identifies a picture without decoding or keeping it: the map, the path, the size of the content
# and its checksum.
_Signature = tuple[str, str, int, int]


class MapPicture(NamedTuple):
    """A decoded picture from a map, with its path, its size in bytes, and the time to read it."""

    path: str
    picture: Image
    size: int
    seconds: float
    map_name: str

    def __str__(self) -> str:
        width, height = self.picture.size
        return (
            f"Read {width} x {height}, {in_bytes(self.size)} in {in_time(self.seconds)}, "
            f"from the map “{self.map_name}”."
        )


class Numbers(NamedTuple):
    """The struct in the map as text, and the message about it for the status line."""

    text: str
    message: str


class Reading(Session):
    """The map that a Reader looks at. Methods raise PyshmError; see ``explain``.

    It holds the map only during a look. So the map is removed when its Writer ends, and the next
    Writer creates a new one.
    """

    advice = {
        "not-found": "Start the Writer (pyshm-writer), or another program that writes to this map. "
        "Press Blip there, then here.",
        "gone": "Start it again. Press Blip there, then here.",
        "nothing-yet": "Press Blip in the Writer, then here.",
        "negative-length": _NO_BLOB,
        "length-exceeds-buffer": _NO_BLOB,
        "torn": "Its Writer writes without a pause. Live tries again.",
        "not-a-picture": _NO_BLOB,
    }

    waiting = {
        "not-found": "Start the Writer (pyshm-writer), or another program that writes to this map. "
        "Press Blip there: Live shows it.",
        "gone": "Live shows what the next Writer sends.",
        "nothing-yet": "Press Blip in the Writer: Live shows it.",
    }
    """The advice for errors that mean that there is no picture yet, while Live is on."""

    def __init__(self) -> None:
        super().__init__()
        self._known_map: str | None = None  # the map that the last look found
        self._shown: _Signature | None = None  # the picture that the last look found

    def picture(self, name: str) -> MapPicture:
        """Return the picture in the map."""
        self._shown = None
        found = self.new_picture(name)
        assert found is not None, "without a last picture, every picture is new"
        return found

    def new_picture(self, name: str) -> MapPicture | None:
        """Return the picture in the map; None if the last look found the same picture.

        A picture that can't be decoded raises an error once; after that, the result is None. After
        any other error, every picture is new.
        """
        started = time.perf_counter()
        last, self._shown = self._shown, None
        signature, image = self._look(name, lambda memory: self._finished(memory, name, last))
        self._shown = signature
        if image is None:
            return None
        picture = _decoded(image, name)
        seconds = time.perf_counter() - started
        return MapPicture(printable(image.path), picture, signature[2], seconds, name)

    def struct(self, name: str) -> Numbers:
        """Return the struct in the map; any bytes can be read as one."""

        def look(memory: ShareMemoryHelper) -> tuple[str, bool]:
            head = bytes(memory.buffer[:HEAD])
            return str(memory.read_struct(TestData)), is_picture_blob(head, len(memory.buffer))

        text, has_picture = self._look(name, look)
        if has_picture:
            return Numbers(text, f"The map “{name}” holds a picture; these numbers are its bytes.")
        return Numbers(
            text, f"Read {in_bytes(TestData.layout.size)} from the map “{name}” as a TestData."
        )

    def _look(self, name: str, look: Callable[[ShareMemoryHelper], _T]) -> _T:
        helper = ShareMemoryHelper(name, access=MemoryMappedFileAccess.READ)
        with self._exclusive():
            try:
                memory = helper.open()
            except MapNotFoundError as error:
                if self._known_map != name:
                    raise
                raise MapNotFoundError(
                    f"the map “{name}” no longer exists: the Writer was closed",
                    kind="gone",
                    field="map_name",
                    value=name,
                ) from error
            with memory:
                self._known_map = name
                return look(memory)

    def _finished(
        self, memory: ShareMemoryHelper, name: str, last: _Signature | None
    ) -> tuple[_Signature, ImageData | None]:
        """Return a copy of the picture; while it is being written, try again."""
        until = time.monotonic() + _WRITE_TIMEOUT
        message = ""
        while True:
            try:
                return _whole(memory, name, last)
            except FormatError as error:
                unfinished = error.kind == "torn" or (error.offset, error.value) == (0, -1)
                if time.monotonic() > until or not (unfinished or message != str(error)):
                    raise with_context(error, f"the map “{name}” holds no picture") from error
                message = str(error)
            self._pause(_PAUSE)


def _whole(
    memory: ShareMemoryHelper, name: str, last: _Signature | None
) -> tuple[_Signature, ImageData | None]:
    """Return the signature and a copy of the picture; no copy if it is the last picture.

    Raises FormatError if the picture changes during the copy. Then the write either goes on after
    the copy, which the lengths show, or has ended, which the second checksum shows
    (docs/format.md, "The order of a write").
    """
    image = memory.read_image(strict=False)
    live = memoryview(image.content)
    signature = (name, image.path, len(live), zlib.crc32(live))
    if signature == last:
        return signature, None
    content = bytearray(len(live))
    for start in range(0, len(live), _PIECE):
        content[start : start + _PIECE] = live[start : start + _PIECE]
    between = memory.read_image(strict=False)
    total = zlib.crc32(live)
    after = memory.read_image(strict=False)
    lengths = {(each.path, len(memoryview(each.content))) for each in (image, between, after)}
    if len(lengths) > 1 or zlib.crc32(content) != total:
        raise FormatError("the picture changed while it was read", kind="torn", field="blob")
    return (name, image.path, len(content), total), ImageData(image.path, content)


def _decoded(image: ImageData, name: str) -> Image:
    if not image.content and not image.path:
        raise PictureError(
            f"the map “{name}” exists, but nothing was written to it yet",
            kind="nothing-yet",
            field="content",
        )
    try:
        return upright(image.check_picture())
    except PictureError as error:
        raise with_context(error, f"the map “{name}” holds no picture that can be shown") from error
