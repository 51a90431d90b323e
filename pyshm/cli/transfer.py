"""Bytes of any number from and to files and standard streams, with a bar while it takes long."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from .common import UsageError
from .console import Console

if TYPE_CHECKING:
    from ..formats.image import ImageData

__all__ = ["STANDARD", "check_target", "for_each_part", "put", "read_picture", "target"]

STANDARD = "-"
"""What stands for standard input or output where a file's path is expected."""

_PART = 4 << 20
_LONG = 16 << 20  # bytes that take long enough for a bar


def read_picture(path: str) -> ImageData:
    """The file at ``path``, or all of standard input for "-". Raises OSError as ``open`` does."""
    from ..formats.image import ImageData

    if path != STANDARD:
        with open(path, "rb") as file:
            return ImageData(path, _read_all(file, path))
    if sys.stdin is None:
        raise UsageError("there is no standard input")
    return ImageData(path, _read_all(sys.stdin.buffer, "standard input"))


def check_target(path: str, source: str | None, what: str) -> None:
    """Refuse a target that :func:`target` would not take, before anything is done.

    Raises ArgumentError for the file ``source`` itself, which is ``what`` is read, and UsageError
    for standard output ("-") if that is a terminal.
    """
    if path == STANDARD:
        _standard_output()
    elif source is not None and os.path.exists(path) and os.path.samefile(path, source):
        from ..errors import ArgumentError

        raise ArgumentError(f"{path} is {what} itself")


@contextmanager
def target(path: str) -> Iterator[BinaryIO]:
    """What writes the file at ``path``, in whole or not at all, or standard output for "-"."""
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
        raise UsageError("that is not written to a terminal: redirect standard output")
    return sys.stdout.buffer


def for_each_part(content: memoryview, what: str, *uses: Callable[[memoryview], object]) -> None:
    """Call each of ``uses`` with the content, part by part."""
    size = len(content)
    with Console.err().progress(what, size, drawn=size >= _LONG) as done:
        for start in range(0, size, _PART):
            with content[start : start + _PART] as part:
                for use in uses:
                    use(part)
                done(len(part))


def _read_all(file: BinaryIO, what: str) -> bytes:
    size = _size(file)
    parts: list[bytes] = []
    with Console.err().progress(f"reading {what}", size, drawn=size >= _LONG) as done:
        while part := file.read(_PART):
            parts.append(part)
            done(len(part))
    return b"".join(parts)


def _size(file: BinaryIO) -> int:
    import stat

    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
