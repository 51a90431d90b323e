"""The work of the Writer's buttons: write a picture or a struct to a map, and hold the map."""

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
from .messages import in_bytes, in_time, printable, whole_number, with_context
from .pictures import upright
from .session import Session

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["STANDARD", "Loaded", "Opened", "Target", "Writing", "Written", "struct_of"]

STANDARD = TestData.standard()

# During a look, a Reader holds the map, which keeps its old capacity as long as that.
_ATTEMPTS = 10
_PAUSE = 0.03  # seconds


class Target(NamedTuple):
    """The map to write to: its name and its capacity as typed."""

    name: str
    capacity: str


class Opened(NamedTuple):
    """A map that the Writer holds: its actual capacity, and the requested one."""

    name: str
    capacity: int
    requested: int

    @property
    def other_size(self) -> bool:
        """Whether the map existed before with another capacity; Windows rounds up to pages."""
        return not self.requested <= self.capacity < self.requested + mmap.PAGESIZE

    def __str__(self) -> str:
        if not self.other_size:
            return f"The map “{self.name}” is open, {in_bytes(self.capacity)}."
        return (
            f"The map “{self.name}” exists already, with {in_bytes(self.capacity)}, not "
            f"{self.requested:,}. It keeps this size until every program that holds it is closed."
        )


class Loaded(NamedTuple):
    """A picture file: its bytes, the decoded picture, and the file's time and size."""

    image: ImageData
    picture: Image
    stamp: tuple[int, int]

    def __str__(self) -> str:
        width, height = self.picture.size
        size = in_bytes(len(memoryview(self.image.content)))
        return f"{printable(os.path.basename(self.image.path))}: {width} x {height}, {size}."


class Written(NamedTuple):
    """What was written, and how long the write took (without reading the file)."""

    what: str
    size: int
    seconds: float
    opened: Opened

    def __str__(self) -> str:
        message = f"Wrote {self.what}: {in_bytes(self.size)} in {in_time(self.seconds)}"
        if self.opened.other_size:
            return f"{message}. {self.opened}"
        return f"{message}, to the map “{self.opened.name}”."


class Writing(Session):
    """A Writer's map and picture. Methods raise PyshmError and OSError; see ``explain``."""

    advice = {
        "no-picture": "Browse for one (Ctrl+O), or type its path and press Enter.",
        "not-a-picture": "Choose a PNG, a JPG or another picture that pyshm can decode.",
        "picture-too-large": "Choose a smaller picture.",
    }

    def __init__(self) -> None:
        super().__init__()
        self._memory: ShareMemoryHelper | None = None
        self._requested: tuple[str, int] | None = None
        self._loaded: Loaded | None = None

    def open(self, target: Target) -> Opened:
        """Open the map, and release the previous one, unless it is the same."""
        with self._exclusive():
            return self._opened(target)[1]

    def load(self, path: str) -> Loaded:
        """Read and decode the picture file; an unchanged file is not read again."""
        if not path:
            raise ArgumentError("choose a picture first", kind="no-picture", field="path")
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(found.st_mode):
            # Reading a pipe can block forever, and reading a device may never end.
            raise PictureError(f"“{path}” is a pipe or a device, not a file", field="path")
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
            raise with_context(error, f"“{path}” is not a picture that can be shown") from error
        self._loaded = Loaded(image, picture, stamp)
        return self._loaded

    def send_picture(self, path: str, target: Target) -> tuple[Loaded, Written]:
        """Write the path and the picture to the map; a file that changed is read again."""
        loaded = self.load(path)
        name = printable(os.path.basename(path))
        return loaded, self._write(name, target, lambda memory: memory.write_image(loaded.image))

    def send_struct(self, numbers: Sequence[str], target: Target) -> Written:
        """Write the struct of the typed numbers: Id, Age and the scores."""
        value = struct_of(numbers)

        def write(memory: ShareMemoryHelper) -> int:
            memory.write_struct(value)
            return TestData.layout.size

        return self._write(f"Id={value.id}, Age={value.age} and ten scores", target, write)

    def _write(
        self, what: str, target: Target, write: Callable[[ShareMemoryHelper], int]
    ) -> Written:
        with self._exclusive():
            memory, opened = self._opened(target)
            started = time.perf_counter()
            size = write(memory)
            return Written(what, size, time.perf_counter() - started, opened)

    def _opened(self, target: Target) -> tuple[ShareMemoryHelper, Opened]:
        name, capacity = target.name, whole_number("Capacity", target.capacity)
        if self._memory is None or self._requested != (name, capacity):
            if self._requested is not None and self._requested[0] == name:
                self._release()  # otherwise the map would keep its capacity
            memory = self._create(name, capacity)
            self._release()
            self._memory, self._requested = memory, (name, capacity)
        return self._memory, Opened(name, self._memory.accessor.capacity, capacity)

    def _create(self, name: str, capacity: int) -> ShareMemoryHelper:
        for _ in range(_ATTEMPTS):
            memory = ShareMemoryHelper(name, capacity).create_or_open()
            if not Opened(name, memory.accessor.capacity, capacity).other_size:
                return memory
            memory.close()
            self._pause(_PAUSE)
        return ShareMemoryHelper(name, capacity).create_or_open()

    def _release(self) -> None:
        memory, self._memory, self._requested = self._memory, None, None
        if memory is not None:
            memory.close()


def struct_of(numbers: Sequence[str]) -> TestData:
    """Return the struct of twelve typed numbers: Id, Age, the scores.

    Raises ArgumentError or StructValueError; their ``field`` is Id, Age or Scores[i].
    """
    fields = ["Id", "Age", *(f"Scores[{i}]" for i in range(len(numbers) - 2))]
    values = [whole_number(field, text) for field, text in zip(fields, numbers, strict=True)]
    value = TestData(values[0], values[1], values[2:])
    value.to_bytes()  # raises for a number that does not fit an int32
    return value
