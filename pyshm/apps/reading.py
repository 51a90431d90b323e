"""What the Reader's buttons do: it looks into a map that somebody else holds."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..errors import FormatError, MapNotFoundError, PictureError
from ..formats.image import ImageData
from ..formats.testdata import TestData
from ..helper import ShareMemoryHelper
from ..maps.enums import MemoryMappedFileAccess
from .pictures import upright
from .sentences import in_bytes, in_time, printable, retold
from .session import Session

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Numbers", "Reading", "Seen"]

_PATIENCE = 0.5  # seconds that a write may be under way before it counts as one that died
_BETWEEN = 0.01  # seconds between two attempts at a picture that is being written
_PIECE = 1 << 20  # bytes that are copied at a time: in between, the window's thread gets its turn

_T = TypeVar("_T")

_NO_BLOB = "Press Blip in the Writer to put a picture there; Struct shows a struct."

# Enough to tell one picture from the next without decoding it, or keeping it: the map, the path,
# the content's size and its checksum.
_Mark = tuple[str, str, int, int]


class Seen(NamedTuple):
    """A picture that was in the map, decoded, with its path; its bytes, and how long it took."""

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
    """The struct in the map, as text, and what to know about it."""

    text: str
    story: str


class Reading(Session):
    """What a Reader sees. Methods raise PyshmError; see ``explain``.

    It holds a map only while it looks: a Writer that goes takes its map along, and the next one
    makes its own.
    """

    advice = {
        "not-found": "Nothing is there yet. Start the Writer (pyshm-writer), or another program "
        "that writes to this map, and press Blip there, then here.",
        "gone": "Start it again, and press Blip there, then here.",
        "nothing-yet": "Press Blip in the Writer, then here.",
        "negative-length": _NO_BLOB,
        "length-exceeds-buffer": _NO_BLOB,
        "torn": "Its Writer writes without a pause; Live goes on trying.",
        "not-a-picture": _NO_BLOB,
    }

    waiting = {
        "not-found": "Nothing is there yet. Start the Writer (pyshm-writer), or another program "
        "that writes to this map, and press Blip there: Live shows it.",
        "gone": "Live shows what the next one sends.",
        "nothing-yet": "Press Blip in the Writer: Live shows it.",
    }
    """What to do about an error that just means that there is nothing yet, while Live is on."""

    def __init__(self) -> None:
        super().__init__()
        self._met: str | None = None  # the map that was there at the last look
        self._shown: _Mark | None = None  # the picture that was found at the last look

    def picture(self, name: str) -> Seen:
        """The picture in the map."""
        self._shown = None
        seen = self.news(name)
        assert seen is not None, "what was never shown is always news"
        return seen

    def news(self, name: str) -> Seen | None:
        """The picture in the map; None if it is the one that the last look has found.

        Also for a picture that can't be decoded, which is an error once. After any other error
        the next picture is news, whatever it is.
        """
        started = time.perf_counter()
        last, self._shown = self._shown, None
        mark, image = self._look(name, lambda memory: self._settled(memory, name, last))
        self._shown = mark
        if image is None:
            return None
        picture = _decoded(image, name)
        return Seen(printable(image.path), picture, mark[2], time.perf_counter() - started, name)

    def struct(self, name: str) -> Numbers:
        """The struct in the map. That there is one can't be told from the bytes."""

        def look(memory: ShareMemoryHelper) -> tuple[str, bool]:
            text = str(memory.read_struct(TestData))
            try:
                return text, len(memoryview(memory.read_image(strict=False).content)) > 0
            except FormatError:
                return text, False

        text, has_picture = self._look(name, look)
        if has_picture:
            return Numbers(text, f"The map “{name}” holds a picture: these numbers are its bytes.")
        return Numbers(text, f"Read {in_bytes(TestData.layout.size)} from the map “{name}”.")

    def _look(self, name: str, look: Callable[[ShareMemoryHelper], _T]) -> _T:
        helper = ShareMemoryHelper(name, access=MemoryMappedFileAccess.READ)
        with self._alone():
            try:
                memory = helper.open()
            except MapNotFoundError as error:
                if self._met != name:
                    raise
                raise MapNotFoundError(
                    f"the map “{name}” is gone: the Writer was closed",
                    kind="gone",
                    field="map_name",
                    value=name,
                ) from error
            with memory:
                self._met = name
                return look(memory)

    def _settled(
        self, memory: ShareMemoryHelper, name: str, last: _Mark | None
    ) -> tuple[_Mark, ImageData | None]:
        """The picture, a copy, whole: again and again while somebody writes it."""
        until = time.monotonic() + _PATIENCE
        story = ""
        while True:
            try:
                return _whole(memory, name, last)
            except FormatError as error:
                unfinished = error.kind == "torn" or (error.offset, error.value) == (0, -1)
                if time.monotonic() > until or not (unfinished or story != str(error)):
                    raise retold(error, f"the map “{name}” holds no picture") from error
                story = str(error)
            self._pause(_BETWEEN)


def _whole(
    memory: ShareMemoryHelper, name: str, last: _Mark | None
) -> tuple[_Mark, ImageData | None]:
    """The picture, a copy; no copy if it is the last one. FormatError if it changes meanwhile.

    A write overlaps with the copy either beyond its end, which shows in the lengths, or no
    longer, which shows in the second sum (docs/format.md, "The order of a write").
    """
    image = memory.read_image(strict=False)
    live = memoryview(image.content)
    mark = (name, image.path, len(live), zlib.crc32(live))
    if mark == last:
        return mark, None
    content = bytearray(len(live))
    for start in range(0, len(live), _PIECE):
        content[start : start + _PIECE] = live[start : start + _PIECE]
    between = memory.read_image(strict=False)
    total = zlib.crc32(live)
    after = memory.read_image(strict=False)
    lengths = {(seen.path, len(memoryview(seen.content))) for seen in (image, between, after)}
    if len(lengths) > 1 or zlib.crc32(content) != total:
        raise FormatError("the picture changes while it is read", kind="torn", field="blob")
    return (name, image.path, len(content), total), ImageData(image.path, content)


def _decoded(image: ImageData, name: str) -> Image:
    if not image.content and not image.path:
        raise PictureError(
            f"the map “{name}” is there, but nothing was written to it yet",
            kind="nothing-yet",
            field="content",
        )
    try:
        return upright(image.check_picture())
    except PictureError as error:
        raise retold(error, f"the map “{name}” holds no picture that can be shown") from error
