"""What the Writer's buttons do: it puts a picture, or a struct, into a map that it holds."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..errors import ArgumentError, FormatError, PictureError
from ..formats.blob import INT32_MAX
from ..formats.image import ImageData
from ..formats.testdata import TestData
from ..helper import ShareMemoryHelper
from .pictures import upright
from .sentences import in_bytes, in_time, printable, retold, whole_number
from .session import Session

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["STANDARD", "Loaded", "Opened", "Target", "Writing", "Written", "struct_of"]

STANDARD = TestData.standard()

# A Reader that looks at a map keeps it alive for that moment, and with it its old capacity.
_ATTEMPTS = 10
_BETWEEN = 0.03  # seconds


class Target(NamedTuple):
    """Where to write: the map's name and capacity as they were typed."""

    name: str
    capacity: str


class Opened(NamedTuple):
    """A map that the Writer holds: the size it has, and the one that was asked for."""

    name: str
    capacity: int
    asked: int

    @property
    def other_size(self) -> bool:
        """Whether it was there before, with another capacity; Windows rounds up to pages."""
        return not self.asked <= self.capacity < self.asked + mmap.PAGESIZE

    def __str__(self) -> str:
        if not self.other_size:
            return f"The map “{self.name}” is open, {in_bytes(self.capacity)}."
        return (
            f"The map “{self.name}” was there already, with {in_bytes(self.capacity)}, not "
            f"{self.asked:,}: another program holds it. That size stays until all let go of it."
        )


class Loaded(NamedTuple):
    """A picture file: its bytes, the picture that they show, and which state of the file it is."""

    image: ImageData
    picture: Image
    stamp: tuple[int, int]

    def __str__(self) -> str:
        width, height = self.picture.size
        size = in_bytes(len(memoryview(self.image.content)))
        return f"{printable(os.path.basename(self.image.path))}: {width} x {height}, {size}."


class Written(NamedTuple):
    """What a button wrote, and how long that took (without reading the file)."""

    what: str
    size: int
    seconds: float
    opened: Opened

    def __str__(self) -> str:
        story = f"Wrote {self.what}: {in_bytes(self.size)} in {in_time(self.seconds)}"
        if self.opened.other_size:
            return f"{story}. {self.opened}"
        return f"{story}, to the map “{self.opened.name}”."


class Writing(Session):
    """A Writer's map and picture. Methods raise PyshmError and OSError; see ``explain``."""

    advice = {
        "no-picture": "Browse for one (Ctrl+O), or type its path and press Enter.",
        "not-a-picture": "Choose a PNG, a JPG or another picture that Pillow reads.",
        "picture-too-large": "Choose a smaller picture.",
    }

    def __init__(self) -> None:
        super().__init__()
        self._memory: ShareMemoryHelper | None = None
        self._asked: tuple[str, int] | None = None
        self._loaded: Loaded | None = None

    def open(self, target: Target) -> Opened:
        """Open the map, and let go of the one before, unless it is that map already."""
        with self._alone():
            return self._opened(target)[1]

    def load(self, path: str) -> Loaded:
        """Read and decode the picture file, unless the last one was that and has not changed."""
        if not path:
            raise ArgumentError("choose a picture first", kind="no-picture", field="path")
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(found.st_mode):
            # Reading a pipe could block for ever, and a device never end.
            raise PictureError(f"“{path}” is a pipe or a device, and no file", field="path")
        stamp = (found.st_mtime_ns, found.st_size)
        last = self._loaded
        if last is not None and (last.image.path, last.stamp) == (path, stamp):
            return last
        if found.st_size > INT32_MAX:
            raise FormatError(
                f"“{path}” has {in_bytes(found.st_size)}; a blob holds at most {INT32_MAX:,}",
                kind="too-long",
                field="content",
                value=found.st_size,
                limit=INT32_MAX,
            )
        image = ImageData.from_file(path)
        try:
            picture = upright(image.check_picture())
        except PictureError as error:
            raise retold(error, f"“{path}” is no picture that can be shown") from error
        self._loaded = Loaded(image, picture, stamp)
        return self._loaded

    def send_picture(self, path: str, target: Target) -> tuple[Loaded, Written]:
        """Write path and picture, as the file is now."""
        loaded = self.load(path)
        name = printable(os.path.basename(path))
        return loaded, self._write(name, target, lambda memory: memory.write_image(loaded.image))

    def send_struct(self, numbers: Sequence[str], target: Target) -> Written:
        """Write the struct of Id, Age and the scores, as they were typed."""
        value = struct_of(numbers)

        def write(memory: ShareMemoryHelper) -> int:
            memory.write_struct(value)
            return TestData.layout.size

        return self._write(f"Id={value.id}, Age={value.age} and ten scores", target, write)

    def _write(
        self, what: str, target: Target, write: Callable[[ShareMemoryHelper], int]
    ) -> Written:
        with self._alone():
            memory, opened = self._opened(target)
            started = time.perf_counter()
            size = write(memory)
            return Written(what, size, time.perf_counter() - started, opened)

    def _opened(self, target: Target) -> tuple[ShareMemoryHelper, Opened]:
        name, capacity = target.name, whole_number("Capacity", target.capacity)
        if self._memory is None or self._asked != (name, capacity):
            if self._asked is not None and self._asked[0] == name:
                self._let_go()  # or the map would keep the capacity that it has
            memory = self._create(name, capacity)
            self._let_go()
            self._memory, self._asked = memory, (name, capacity)
        return self._memory, Opened(name, self._memory.accessor.capacity, capacity)

    def _create(self, name: str, capacity: int) -> ShareMemoryHelper:
        for _ in range(_ATTEMPTS):
            memory = ShareMemoryHelper(name, capacity).create_or_open()
            if not Opened(name, memory.accessor.capacity, capacity).other_size:
                return memory
            memory.close()
            self._pause(_BETWEEN)
        return ShareMemoryHelper(name, capacity).create_or_open()

    def _let_go(self) -> None:
        memory, self._memory, self._asked = self._memory, None, None
        if memory is not None:
            memory.close()


def struct_of(numbers: Sequence[str]) -> TestData:
    """The struct of twelve typed numbers: Id, Age, the scores.

    Raises ArgumentError and StructValueError; ``field`` is Id, Age or Scores[i].
    """
    fields = ["Id", "Age", *(f"Scores[{i}]" for i in range(len(numbers) - 2))]
    values = [whole_number(field, text) for field, text in zip(fields, numbers, strict=True)]
    value = TestData(values[0], values[1], values[2:])
    value.to_bytes()  # finds numbers that no int32 holds
    return value
