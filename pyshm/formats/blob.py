"""The image blob: two length-prefixed byte strings (docs/format.md, "Image blob").

Knows bytes and lengths only; what the strings mean is for :mod:`pyshm.formats.image`.
"""

from __future__ import annotations

from struct import Struct as Codec
from typing import NamedTuple

from ..errors import (
    DoesNotFitError,
    FormatError,
    LengthError,
    TruncatedError,
    UnsupportedError,
)

__all__ = ["INT32_MAX", "Blob", "blob_size", "parse", "write"]

INT32_MAX = 2**31 - 1
_LENGTH = Codec("<i")
# What path_length holds while a write is under way.
_UNFINISHED = _LENGTH.pack(-1)


class Blob(NamedTuple):
    """A blob's two parts, without a copy, and ``size``, the bytes that it takes in all."""

    path: memoryview
    content: memoryview
    size: int


def parse(buffer: memoryview) -> Blob:
    """Find a blob's parts in ``buffer`` (one-dimensional, bytes), checks 1 to 6 of format.md.

    Raises TruncatedError and LengthError.
    """
    path_length = _read_length(buffer, 0, "path_length")
    content_at = 4 + path_length
    content_length = _read_length(buffer, content_at, "content_length")
    content_at += 4
    end = content_at + content_length
    return Blob(buffer[4 : 4 + path_length], buffer[content_at:end], end)


def blob_size(path_length: int, content_length: int) -> int:
    """The bytes that a blob of these two lengths takes; FormatError above int32."""
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
    """Write a blob at the beginning of ``buffer``; returns its size in bytes.

    The content is copied once, straight to its place. The order is that of format.md: a
    reader, or a death in between, meets a negative length. Raises DoesNotFitError,
    FormatError and, for a read-only buffer, UnsupportedError before anything is changed.
    """
    size = blob_size(len(path), len(content))
    if size > len(buffer):
        raise DoesNotFitError(
            f"the blob needs {size} bytes (path {len(path)}, content {len(content)}); "
            f"there is room for {len(buffer)}",
            field="blob",
            offset=0,
            value=size,
            limit=len(buffer),
        )
    if buffer.readonly:
        raise UnsupportedError("writing a blob into a read-only buffer")
    content_at = 8 + len(path)
    # pack_into would store zeros first, and a path length of 0 is a valid one.
    buffer[0:4] = _UNFINISHED
    # The content before the path: it may be a part of this very buffer, from an earlier read.
    buffer[content_at:size] = content
    buffer[4 : 4 + len(path)] = path
    buffer[4 + len(path) : content_at] = _LENGTH.pack(len(content))
    buffer[0:4] = _LENGTH.pack(len(path))
    return size


def _read_length(buffer: memoryview, offset: int, field: str) -> int:
    """The length field at ``offset``, read once, checked against what lies behind it."""
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
            + ("; a write is under way, or its writer died in it" if unfinished else ""),
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
