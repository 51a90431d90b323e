"""Read and write files and standard streams, with a progress bar for many bytes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from .common import UsageError
from .console import Console

if TYPE_CHECKING:
    from ..formats.image import ImageData

__all__ = [
    "STANDARD",
    "check_not_read",
    "check_target",
    "file_of_map",
    "for_each_part",
    "put",
    "read_picture",
    "target",
]

STANDARD = "-"
"""The path that means standard input or standard output."""

_PART = 4 << 20  # bytes that are read or written at a time
_LONG = 16 << 20  # bytes from which on a bar is shown


def read_picture(path: str) -> ImageData:
    """Return the file at ``path``, or for "-" all of standard input. Raises OSError."""
    from ..formats.image import ImageData

    if path != STANDARD:
        with open(path, "rb") as file:
            return ImageData(path, _read_all(file, path))
    if sys.stdin is None:
        raise UsageError("this process has no standard input")
    return ImageData(path, _read_all(sys.stdin.buffer, "standard input"))


def check_target(path: str, read: Mapping[str, str]) -> None:
    """Check the path of a :func:`target` before the work begins.

    ``read`` has the files that the command reads, each with what it is. Raises ArgumentError if the
    path leads to one of them or to the file of a named map that a process holds, and UsageError for
    standard output ("-") if that is a terminal.
    """
    if path == STANDARD:
        _standard_output()
        return
    check_not_read(path, read)
    name = _held_map(path)
    if name is not None:
        from ..errors import ArgumentError

        raise ArgumentError(
            f"{path} is the file of the named map {name!r}, which a process holds; choose another "
            "file"
        )


def check_not_read(path: str, read: Mapping[str, str]) -> None:
    """Raise ArgumentError if ``path`` leads to a file that is read: a key of ``read``."""
    for source, what in read.items():
        # By identity: a link or another spelling leads to the same file.
        if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
            from ..errors import ArgumentError

            raise ArgumentError(f"{path} is {what} itself; choose another file")


def file_of_map(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the file of the map of ``add_map``, for :func:`check_target`; {} if it has none."""
    if arguments.file:
        return {arguments.map: "the mapped file"}
    if sys.platform == "win32":
        return {}
    from ..maps.names import check_name
    from ..maps.posix.directory import shared_memory_directory

    path = os.path.join(shared_memory_directory(), check_name(arguments.map))
    return {path: f"the file of the map {arguments.map!r}"}


def _held_map(path: str) -> str | None:
    """Return the name of the named map whose file ``path`` is, if a process holds the map."""
    if sys.platform == "win32":
        return None
    from ..errors import MapIOError, PyshmError
    from ..maps.posix.directory import shared_memory_directory
    from ..maps.posix.holding import Finding, examine

    folder, name = os.path.split(os.path.realpath(path))
    try:
        if not os.path.samefile(folder, shared_memory_directory()):
            return None
        file, found = examine(os.path.join(folder, name), name)
    except MapIOError:
        return name  # it stays locked
    except (PyshmError, OSError):
        return None
    file.close()
    return None if found is Finding.DEAD else name


@contextmanager
def target(path: str) -> Iterator[BinaryIO]:
    """Open the file at ``path`` for writing, or standard output for "-".

    The file is written as a whole or not at all.
    """
    if path == STANDARD:
        output = _standard_output()
        yield output
        output.flush()
    else:
        from .._support.files import whole_file

        with whole_file(path) as file:
            yield file


def put(path: str, data: bytes) -> None:
    """Write ``data`` to the :func:`target`."""
    with target(path) as file:
        file.write(data)


def _standard_output() -> BinaryIO:
    if sys.stdout is None or sys.stdout.isatty():
        raise UsageError("the output is binary: redirect standard output to a file or a program")
    return sys.stdout.buffer


def for_each_part(content: memoryview, what: str, *uses: Callable[[bytes], object]) -> None:
    """Call each of ``uses`` with every part of the content, and show the progress of ``what``.

    A part is copied once, so that all uses get the same bytes while a program writes to the map.
    """
    size = len(content)
    with Console.err().progress(what, size, drawn=size >= _LONG) as done:
        for start in range(0, size, _PART):
            part = bytes(content[start : start + _PART])
            for use in uses:
                use(part)
            done(len(part))


def _read_all(file: BinaryIO, what: str) -> bytes:
    from ..formats.blob import blob_size

    size = _size(file)
    blob_size(0, size)
    parts: list[bytes] = []
    total = 0
    with Console.err().progress(f"reading {what}", size, drawn=size >= _LONG) as done:
        while part := file.read(_PART):
            parts.append(part)
            done(len(part))
            total += len(part)
            blob_size(0, total)  # raises before a device that never ends has filled the memory
    return b"".join(parts)


def _size(file: BinaryIO) -> int:
    import stat

    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
