"""Which format a buffer holds, as far as its bytes prove it."""

from __future__ import annotations

__all__ = ["HEAD", "KINDS", "UNFINISHED", "is_picture_blob", "is_unfinished", "recognize"]

KINDS = ("blob", "TestData", "raw")  # the formats that a dump can show
UNFINISHED = -1  # path_length during a write (docs/format.md)

_LONGEST_PATH = 4096  # bytes; the limit of Linux. A longer path does not prove a blob
_LONGEST_SIGNATURE = 18
HEAD = 8 + _LONGEST_PATH + _LONGEST_SIGNATURE
"""The number of bytes at the beginning that :func:`is_picture_blob` needs."""

# How pictures begin (docs/protocol.md, "dump"; interop/csharp/Peer/CommandLine/PictureBlob.cs has
# the same table): for each format, the bytes at offsets of the content.
_SIGNATURES: tuple[tuple[tuple[int, bytes], ...], ...] = (
    ((0, b"\x89PNG\r\n\x1a\n"),),
    ((0, b"\xff\xd8\xff"),),  # JPEG
    ((0, b"GIF87a"),),
    ((0, b"GIF89a"),),
    ((0, b"RIFF"), (8, b"WEBP")),
    ((0, b"BM"), (6, bytes(4)), (15, bytes(3))),  # BMP: reserved; a header of at most 255 bytes
    ((0, b"II*\0"),),  # TIFF
    ((0, b"MM\0*"),),
    ((4, b"ftypavif"),),
    ((0, b"\0\0\0\x0cjP  \r\n\x87\n"),),  # JPEG 2000
)


def is_unfinished(buffer: memoryview) -> bool:
    """Return whether ``buffer`` begins as a blob whose write has not ended: with the int32 -1."""
    return len(buffer) >= 4 and int.from_bytes(buffer[:4], "little", signed=True) == UNFINISHED


def recognize(buffer: memoryview) -> str:
    """Return what ``buffer`` holds: "blob", "empty" if all bytes are 0, or "raw".

    "blob" means a blob with a picture, which :func:`is_picture_blob` proves. A struct has nothing
    that proves it, so structs, other blobs and unfinished ones are "raw".
    """
    if is_picture_blob(bytes(buffer[:HEAD]), len(buffer)):
        return "blob"
    return "empty" if len(buffer) and _is_zero(buffer) else "raw"


def is_picture_blob(head: bytes, size: int) -> bool:
    """Return whether a buffer of ``size`` bytes is a blob with a picture for certain.

    ``head`` has its first :data:`HEAD` bytes, or all. The lengths must fit, the path must be UTF-8
    without NUL and at most 4096 bytes long, and the content must begin as a picture.
    """
    path_length = _int32(head, 0)
    content_at = 8 + path_length
    content_length = _int32(head, content_at - 4)
    if not (0 <= path_length <= _LONGEST_PATH and 0 < content_length <= size - content_at):
        return False
    try:
        if "\0" in head[4 : content_at - 4].decode("utf-8"):
            return False
    except UnicodeDecodeError:
        return False
    content = head[content_at:][:content_length]
    return any(
        all(content[at : at + len(part)] == part for at, part in parts) for parts in _SIGNATURES
    )


def _int32(data: bytes, offset: int) -> int:
    """Return the int32 at ``offset``; -1 if it is not all there."""
    part = data[offset : offset + 4] if offset >= 0 else b""
    return int.from_bytes(part, "little", signed=True) if len(part) == 4 else -1


def _is_zero(buffer: memoryview) -> bool:
    # A bytearray on the left compares with memcmp; two memoryviews would go byte by byte.
    step = 1 << 16
    zeros = bytearray(step)
    whole = len(buffer) - len(buffer) % step
    return all(zeros == buffer[i : i + step] for i in range(0, whole, step)) and (
        bytearray(len(buffer) - whole) == buffer[whole:]
    )
