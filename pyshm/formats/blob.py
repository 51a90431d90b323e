"""The image blob: two length-prefixed byte strings (docs/format.md, "Image blob").

This module handles bytes and lengths. :mod:`pyshm.formats.image` interprets the strings.
"""

from __future__ import annotations

from collections import namedtuple
from struct import Struct as Codec

from .._support.integers import integer
from ..errors import (
    DoesNotFitError,
    FormatError,
    LengthError,
    TruncatedError,
    UnsupportedError,
)

__all__ = ["INT32_MAX", "UNFINISHED_DETAIL", "Blob", "blob_size", "parse", "write"]

INT32_MAX = 2**31 - 1
_LENGTH = Codec("<i")
# The value of path_length during a write, and what to say about it.
_UNFINISHED = _LENGTH.pack(-1)
UNFINISHED_DETAIL = "a write is in progress, or the writer was killed during it"


class Blob(namedtuple("Blob", ("path", "content", "size"))):
    """The two parts of a blob, which are not copies, and ``size``, its length in bytes."""

    __slots__ = ()
    path: memoryview
    content: memoryview
    size: int


def parse(buffer: memoryview) -> Blob:
    """Return the blob at the beginning of ``buffer``, a one-dimensional buffer of bytes.

    Makes checks 1 to 6 of docs/format.md. Raises TruncatedError and LengthError.
    """
    path_length = _read_length(buffer, 0, "path_length")
    content_at = 4 + path_length
    content_length = _read_length(buffer, content_at, "content_length")
    content_at += 4
    end = content_at + content_length
    return Blob(buffer[4 : 4 + path_length], buffer[content_at:end], end)


def blob_size(path_length: int, content_length: int) -> int:
    """Return the size of a blob in bytes, from the lengths of its parts.

    Raises FormatError for a length above 2**31 - 1.
    """
    return _size(integer(path_length, "path_length"), integer(content_length, "content_length"))


def _size(path_length: int, content_length: int) -> int:
    for field, length in (("path", path_length), ("content", content_length)):
        if length > INT32_MAX:
            raise FormatError(
                f"{field} has {length} bytes; its length field holds at most {INT32_MAX}",
                kind="too-long",
                field=field,
                value=length,
                limit=INT32_MAX,
            )
    return 8 + path_length + content_length


def write(buffer: memoryview, path: bytes, content: memoryview) -> int:
    """Write a blob at the beginning of ``buffer``. Return its size in bytes.

    The content is copied once, directly to its place. The order of the writes is that of
    docs/format.md: during the write, and after a writer that was killed, ``path_length`` is
    negative. Raises DoesNotFitError, FormatError and, for a read-only buffer, UnsupportedError;
    then nothing was written.
    """
    size = _size(len(path), len(content))
    if size > len(buffer):
        raise DoesNotFitError(
            f"the blob needs {size} bytes (path {len(path)}, content {len(content)}); "
            f"the buffer has {len(buffer)}",
            field="blob",
            offset=0,
            value=size,
            limit=len(buffer),
        )
    if buffer.readonly:
        raise UnsupportedError("can't write a blob into a read-only buffer")
    content_at = 8 + len(path)
    # Not pack_into: it stores zeros first, and 0 is a valid path length.
    buffer[0:4] = _UNFINISHED
    # The content before the path: it may be a part of the same buffer, from an earlier read.
    buffer[content_at:size] = content
    buffer[4 : 4 + len(path)] = path
    buffer[4 + len(path) : content_at] = _LENGTH.pack(len(content))
    buffer[0:4] = _LENGTH.pack(len(path))
    return size


def _read_length(buffer: memoryview, offset: int, field: str) -> int:
    """Read the length field at ``offset`` once, and check it against the bytes after it."""
    size = len(buffer)
    if size < offset + 4:
        raise TruncatedError(
            f"{field} at {offset} needs the buffer to have {offset + 4} bytes; it has {size}",
            field=field,
            offset=offset,
            value=size,
            limit=offset + 4,
        )
    length: int = _LENGTH.unpack_from(buffer, offset)[0]
    if length < 0:
        unfinished = offset == 0 and length == -1
        raise LengthError(
            f"{field} at {offset} is {length}; a length can't be negative"
            + (f"; {UNFINISHED_DETAIL}" if unfinished else ""),
            kind="negative-length",
            field=field,
            offset=offset,
            value=length,
            limit=0,
        )
    room = size - offset - 4
    if length > room:
        raise LengthError(
            f"{field} at {offset} is {length}; only {room} bytes follow it",
            field=field,
            offset=offset,
            value=length,
            limit=room,
        )
    return length
