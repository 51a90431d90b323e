"""ImageData: a picture and its path, stored as an image blob (docs/format.md)."""

from __future__ import annotations

import os

from .._support.buffers import bytes_of, memory_of, opened
from .._support.shown import shown
from ..errors import ArgumentNullError, EncodingError, PictureError
from . import blob

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]
    from typing import Any, Literal, Self, TypeAlias

    from PIL.Image import Image

    # The values of the deprecated argument ``errors``.
    Errors: TypeAlias = Literal["strict", "replace"]

__all__ = ["ImageData", "strict_from_errors"]


class ImageData:
    """A path and an encoded picture.

    ``path`` is any text. ``content`` is any bytes-like object; it is not copied. Raises
    ArgumentNullError (TypeError) for anything else.
    """

    __slots__ = ("content", "path")

    def __init__(self, path: str, content: Buffer) -> None:
        if type(path) is not str or type(content) not in (bytes, memoryview):
            _check(path, content)
        self.path = path
        self.content = content

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Return the file at ``path``, unchanged.

        Raises OSError as ``open`` does, FormatError for more than 2**31 - 1 bytes and for a file
        that grows meanwhile, and UnsupportedError for a device or a pipe without a writer.
        """
        from .._support.sources import Source

        name = os.fsdecode(path)
        with Source.open(name) as source:
            blob.blob_size(0, source.size)
            content = source.read()
        return cls(name, content)

    @classmethod
    def from_bytes(
        cls, buffer: Buffer, *, strict: bool = True, errors: Errors | None = None
    ) -> Self:
        """Read a blob from the beginning of ``buffer``; the bytes after it are not read.

        ``content`` is a memoryview of ``buffer`` itself. It is not a copy, changes when the
        buffer changes, and keeps the memory of a map mapped; ``bytes(content)`` copies it.
        Raises TruncatedError, LengthError, and EncodingError for a path that is not valid UTF-8
        (docs/format.md, "A reader checks"). With ``strict=False`` each invalid sequence in the
        path is read as U+FFFD, as .NET does it.
        """
        if errors is not None:
            strict = strict_from_errors(errors)
        parsed = blob.parse(memory_of(buffer))
        return cls(_decode_path(bytes(parsed.path), strict), parsed.content)

    @classmethod
    def from_picture(cls, image: Image, path: str) -> Self:
        """Return ``image`` in its own format.

        A picture that was opened from a file and not changed since has the bytes of that file, with
        all frames, and the compression and Exif data that it has there. Any other is encoded, as
        .NET's ``Save(stream, RawFormat)`` does: only its current frame (a UserWarning says so if
        there are more), with its Exif data; a lossy format loses some detail. An image that was
        created in memory has no format; it becomes a PNG, as in .NET. Raises PictureError if the
        format can't store the picture.
        """
        from .pictures import encoded, own_bytes

        own = own_bytes(image)
        return cls(path, encoded(image) if own is None else own)

    def to_bytes(self, *, strict: bool = True, errors: Errors | None = None) -> bytes:
        """Return the blob. Raises as :meth:`write_into`."""
        if errors is not None:
            strict = strict_from_errors(errors)
        path = _encode_path(self.path, strict)
        content = bytes_of(self.content)
        target = bytearray(blob.blob_size(len(path), len(content)))
        blob.write(memoryview(target), path, content)
        return bytes(target)

    def write_into(
        self, buffer: Buffer, *, strict: bool = True, errors: Errors | None = None
    ) -> int:
        """Write the blob at the beginning of a writable ``buffer``. Return its size in bytes.

        The picture is copied once, directly into the buffer. Raises EncodingError for a lone
        surrogate in the path, FormatError for more than 2 GiB, DoesNotFitError and, for a
        read-only buffer, UnsupportedError; then nothing was written (docs/format.md, "A writer
        checks"). With ``strict=False`` each lone surrogate is written as U+FFFD, as .NET does it.
        """
        if errors is not None:
            strict = strict_from_errors(errors)
        return blob.write(
            memory_of(buffer), _encode_path(self.path, strict), bytes_of(self.content)
        )

    def picture(self) -> Image:
        """Return the picture, opened by Pillow, which decodes the pixels when they are used.

        Raises PictureError if the content is not a picture in one of the formats of docs/format.md
        ("Pictures"), or has more pixels than Pillow's limit against decompression bombs (kind
        "picture-too-large"). No program is started for any content. A picture that is cut off
        raises OSError when its pixels are used; :meth:`check_picture` decodes them at once.
        """
        import io

        from .pictures import open_picture

        content = bytes_of(self.content)
        if not len(content):
            raise PictureError("the content is empty; it must be a picture", field="content")
        return open_picture(io.BytesIO(content), len(content))

    def check_picture(self) -> Image:
        """Return the picture, decoded. Raises PictureError also for a picture that is cut off."""
        image = self.picture()
        try:
            image.load()
        except Exception as error:
            raise PictureError(f"the picture is damaged: {error}", field="content") from error
        return image

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImageData):
            return NotImplemented
        return self.path == other.path and bytes_of(self.content) == bytes_of(other.content)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy or a pickle has its own bytes; the content can be the memory of a map.
        return type(self), (self.path, bytes(bytes_of(self.content)))

    def __repr__(self) -> str:
        return f"ImageData({self.path!r}, <{len(bytes_of(self.content))} bytes>)"


def _check(path: object, content: Any) -> None:
    if not isinstance(path, str):
        is_path = isinstance(path, (bytes, os.PathLike))
        advice = "; os.fsdecode(path) returns one" if is_path else ""
        raise ArgumentNullError(
            f"path must be a str, not {shown(path)}{advice}", field="path", value=path
        )
    opened(content, "content")


def strict_from_errors(errors: Errors) -> bool:
    """Return ``strict`` for the deprecated argument ``errors`` of the calling method."""
    from .._support.deprecated import warn_deprecated

    warn_deprecated(f"errors={errors!r}", f"strict={errors == 'strict'}", stacklevel=2)
    return errors == "strict"


def _encode_path(path: str, strict: bool) -> bytes:
    try:
        return path.encode("utf-8")
    except UnicodeEncodeError as error:
        if not strict:
            # Python's own "replace" writes "?"; .NET writes U+FFFD for each lone surrogate.
            return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in path).encode()
        raise EncodingError(
            f"the path can't be encoded as UTF-8: lone surrogate U+{ord(path[error.start]):04X} "
            f"at index {error.start}",
            field="path",
            offset=4 + len(path[: error.start].encode("utf-8")),
            value=ord(path[error.start]),
        ) from None


def _decode_path(path: bytes, strict: bool) -> str:
    try:
        return path.decode() if strict else path.decode(errors="replace")
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"the path is not valid UTF-8: byte {path[error.start]:#04x} at offset "
            f"{4 + error.start}: {error.reason}",
            field="path",
            offset=4 + error.start,
            value=path[error.start],
        ) from None
