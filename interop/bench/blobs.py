"""Speed of blobs: copying a picture into a map and out of it, and viewing it without a copy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct as Codec
from typing import Any

from pyshm import ImageData, MemoryMappedFile

from .measure import Aim, Effort, Statement, Topic, open_helper, race

__all__ = ["blobs"]

PICTURE = 8_000_000  # bytes: an uncompressed photograph
_LENGTH = Codec("<i")


def original_blob(path: str, content: bytes) -> bytes:
    """Return the whole blob, concatenated as the original programs do before they write it."""
    name = path.encode()
    return _LENGTH.pack(len(name)) + name + _LENGTH.pack(len(content)) + content


def original_parts(data: bytes) -> tuple[str, bytes]:
    """Return path and content, sliced out of all bytes as the original programs do."""
    at = 4 + _LENGTH.unpack(data[:4])[0]
    length = _LENGTH.unpack(data[at : at + 4])[0]
    return data[4:at].decode(), data[at + 4 : at + 4 + length]


def unchecked_parts(buffer: memoryview) -> tuple[str, memoryview]:
    """Return path and content with no copy and no check, the minimum for a reader."""
    at = 4 + _LENGTH.unpack_from(buffer)[0]
    end = at + 4 + _LENGTH.unpack_from(buffer, at)[0]
    return str(buffer[4:at], "utf-8"), buffer[at + 4 : end]


COPIES = (
    Statement("memcpy, warm memory to warm map (baseline)", "buffer[page:end] = content"),
    Statement("memcpy to the content's offset", "buffer[at : at + size] = content"),
    Statement(
        "ImageData.write_into",
        "image.write_into(buffer)",
        Aim(">= 0.95x", 0.95, at_least=True),
    ),
    Statement("helper.write_image", "helper.write_image(image)"),
    Statement("write as the original does", "helper.write_bytes(original_blob(path, content))"),
    Statement(
        "ImageData.from_bytes, then bytes(content)",
        "bytes(ImageData.from_bytes(buffer).content)",
    ),
    Statement("read as the original does", "original_parts(helper.read_bytes())"),
)

_TWO_MICROSECONDS = Aim("<= 2 µs", 2000, of="value")
VIEWS = (
    Statement("two lengths and two slices, unchecked (baseline)", "unchecked_parts(large)"),
    Statement("ImageData.from_bytes, 8 MB", "ImageData.from_bytes(large)", _TWO_MICROSECONDS),
    Statement("ImageData.from_bytes, 1 kB", "ImageData.from_bytes(small)", _TWO_MICROSECONDS),
    Statement("helper.read_image, 8 MB", "helper.read_image()"),
)


def blobs(effort: Effort) -> Iterator[Topic]:
    """Measure a blob of 8 MB: copied, and as a view."""
    with open_helper() as helper, MemoryMappedFile.create_new(None, 4096) as little:
        content = os.urandom(PICTURE)
        image = ImageData("C:\\pictures\\photograph.bmp", content)
        buffer = helper.buffer
        helper.write_image(image)
        names: dict[str, Any] = {
            "ImageData": ImageData,
            "buffer": buffer,
            "helper": helper,
            "image": image,
            "path": image.path,
            "content": content,
            "size": PICTURE,
            "at": 8 + len(image.path),
            # After the head of the blob, which the statements that read need.
            "page": 4096,
            "end": 4096 + PICTURE,
            "original_blob": original_blob,
            "original_parts": original_parts,
        }
        yield Topic("blob of 8 MB, copied", race(COPIES, names, effort.copies, 0, size=PICTURE))
        helper.write_image(image)
        small = little.create_view_accessor().buffer
        ImageData(image.path, content[:1000]).write_into(small)
        names = {
            "ImageData": ImageData,
            "helper": helper,
            "large": buffer,
            "small": small,
            "unchecked_parts": unchecked_parts,
        }
        yield Topic(
            "blob as a view, nothing copied", race(VIEWS, names, effort.rounds, effort.slice_ns)
        )
