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
    from typing import TypeAlias

    from .._support.sources import Source
    from ..formats.image import ImageData

    Room: TypeAlias = Callable[[int, bool], None]
    """Raises DoesNotFitError for a number of bytes that is too large; true if it may be more."""

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

_INPUT = "standard input"
_PART = 4 << 20  # bytes that are read or written at a time
_LONG = 16 << 20  # bytes from which on a bar is shown


def read_picture(path: str, room: Room | None = None) -> ImageData:
    """Return the file at ``path``, or for "-" all of standard input.

    Raises OSError, the errors of ``Source``, and what ``room`` raises for more bytes than it has.
    """
    from .._support.sources import Source
    from ..formats.image import ImageData

    if path != STANDARD:
        with Source.open(path) as source:
            return ImageData(path, _read_all(source, path, room))
    if sys.stdin is None:
        raise UsageError("this process has no standard input")
    return ImageData(path, _read_all(Source(sys.stdin.buffer, _INPUT), _INPUT, room))


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


def _read_all(source: Source, what: str, room: Room | None) -> bytes:
    from ..formats.blob import blob_size

    size = source.size
    blob_size(0, size)
    if room is not None:
        room(size, False)
    parts: list[bytes] = []
    total = 0
    with Console.err().progress(f"reading {what}", size, drawn=size >= _LONG) as done:
        for part in source.parts():
            parts.append(part)
            done(len(part))
            total += len(part)
            if room is not None and not size:
                room(total, True)
    return b"".join(parts)
