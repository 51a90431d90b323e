"""The directory of named maps, and a round trip of each kind of map and of each format."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator

from ..errors import PyshmError
from ..formats.image import ImageData
from ..formats.testdata import TestData
from ..helper import ShareMemoryHelper
from ..maps.mapping import MemoryMappedFile
from .finding import Finding

__all__ = ["directory", "round_trips"]

_CHOOSE = "export PYSHM_DIRECTORY=<a folder on this machine that all programs may write to>"
_SIZE = 4096


def directory() -> Finding:
    """Check the shared-memory directory: its size, its free space and its permissions."""
    subject = "shared-memory directory"
    if sys.platform == "win32":
        return Finding(subject, "none is needed: the Windows kernel keeps named maps")
    from ..maps.posix.directory import shared_memory_directory

    try:
        path = shared_memory_directory()
        mode = os.stat(path).st_mode & 0o7777
        space = os.statvfs(path)
    except (PyshmError, OSError) as error:
        return Finding(subject, str(error), _CHOOSE, True)
    size, free = space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize
    state = f"{path}, {_room(size, free)}, mode {mode:04o}"
    if hasattr(os, "ST_NOEXEC") and space.f_flag & os.ST_NOEXEC:  # macOS does not have it
        state += ", noexec (no problem: pyshm does not use executable pages)"
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding(subject, f"{state}; you have no permission to write there", _CHOOSE, True)
    default = ShareMemoryHelper.DEFAULT_CAPACITY
    if size and free < default:
        # Smaller maps do fit.
        return Finding(
            subject,
            f"{state}; a map of {default:,} bytes, the default, does not fit",
            f"pyshm clean; or: mount -o remount,size=1G {path} (docker run --shm-size=1g)",
        )
    return Finding(subject, state)


def round_trips() -> Iterator[Finding]:
    """Check each kind of map, then each format in a named map: write a value and read it."""
    for subject, trip, remedy in (
        ("anonymous map", _anonymous, ""),
        ("mapped file", _file, ""),
        ("named map", _named, "" if sys.platform == "win32" else _CHOOSE),
        ("blob", _blob, ""),
        ("struct", _struct, ""),
    ):
        yield _check(f"round trip: {subject}", trip, remedy)


def _check(subject: str, trip: Callable[[], bool], remedy: str) -> Finding:
    try:
        same = trip()
    except (PyshmError, OSError, ImportError) as error:
        return Finding(subject, str(error), remedy, True)
    if same:
        return Finding(subject, "the value that was written was read")
    return Finding(subject, "the value that was written was NOT read", remedy, True)


def _room(size: int, free: int) -> str:
    return f"{free:,} of {size:,} bytes free" if size else "without a limit"


def _name() -> str:
    return f"pyshm-doctor-{os.getpid()}-{os.urandom(4).hex()}"


def _anonymous() -> bool:
    with (
        MemoryMappedFile.create_new(None, _SIZE) as memory,
        memory.create_view_accessor() as target,
        memory.create_view_accessor() as source,
    ):
        target.write_int32(0, 42)
        return source.read_int32(0) == 42


def _file() -> bool:
    with tempfile.TemporaryDirectory(prefix="pyshm-doctor-") as folder:
        path = os.path.join(folder, "map")
        with ShareMemoryHelper(None, _SIZE).create_from_file(path) as memory:
            memory.write_struct(TestData.standard())
        with ShareMemoryHelper(None).open_file(path) as memory:
            return memory.read_struct(TestData) == TestData.standard()


def _named() -> bool:
    name = _name()
    with (
        MemoryMappedFile.create_new(name, _SIZE) as made,
        MemoryMappedFile.open_existing(name) as opened,
        made.create_view_accessor() as target,
        opened.create_view_accessor() as source,
    ):
        target.write_int32(0, 42)
        return source.read_int32(0) == 42


def _blob() -> bool:
    import io

    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (2, 2), (1, 2, 3)).save(content, "PNG")
    sent = ImageData("bild é.png", content.getvalue())
    name = _name()
    with (
        ShareMemoryHelper(name, _SIZE).create_or_open() as writer,
        ShareMemoryHelper(name).open() as reader,
    ):
        writer.write_image(sent)
        received = reader.read_image()
        return received == sent and received.check_picture().getpixel((1, 1)) == (1, 2, 3)


def _struct() -> bool:
    name = _name()
    with (
        ShareMemoryHelper(name, _SIZE).create_or_open() as writer,
        ShareMemoryHelper(name).open() as reader,
    ):
        writer.write_struct(TestData.standard())
        return reader.read_struct(TestData) == TestData.standard()
