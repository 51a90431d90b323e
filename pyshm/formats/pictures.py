"""Open a picture whose bytes are not trusted.

Pillow decodes each of FORMATS itself. For the others it starts a program (EPS), asks the system
(WMF) or a handler of another package (GRIB, HDF5), opens a picture of any format inside the picture
(IPTC), or decompresses without a limit (FITS).
"""

from __future__ import annotations

import io

from .._support.files import open_regular
from ..errors import PictureError

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Literal

    from PIL.Image import Image

__all__ = ["FORMATS", "encoded", "open_picture", "own_bytes"]

FORMATS = (
    "PNG", "JPEG", "BMP", "GIF", "PPM", "AVIF", "CUR", "DCX", "DDS", "DIB", "ICNS", "ICO",
    "JPEG2000", "PCX", "PSD", "QOI", "SGI", "SUN", "TGA", "TIFF", "WEBP", "XBM", "XPM",
)  # fmt: skip
"""The names that Pillow has for the formats that are opened."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_2000 = (b"\xff\x4f\xff\x51", b"\r\n\x87\n", b"\0\0\0\x0cjP  \r\n\x87\n")
_ICO = b"\0\0\1\0"
_ICNS = b"icns"
_OS2_HEADER = 12  # the size of the oldest header of a DIB, which has two bytes for each number
_MOST_ENTRIES = 256  # pictures in one icon
_MOST_CHUNKS = 256  # of a PNG in an icon, before its pixels
_JPEG_2000_HEADER = 1 << 16  # bytes in which the header of a JPEG 2000 in an icon must be
_ICON_PIXELS = 4096 * 4096  # of one picture in an icon; the largest real ones have 1024 x 1024
_FILE = "_pyshm_file"  # the attribute with the file, which Pillow forgets after the decoding
_TILE_WIDTH, _TILE_LENGTH = 322, 323  # TIFF 6.0, section 15


def open_picture(file: IO[bytes], size: int) -> Image:
    """Return the picture in ``file``, which has ``size`` bytes. Its pixels are not decoded yet.

    Only the picture in an icon is decoded at once, after the size in its header was checked. Raises
    PictureError for content that is not a picture in one of FORMATS, and for a picture with more
    pixels than ``PIL.Image.MAX_IMAGE_PIXELS`` (kind "picture-too-large").
    """
    from PIL import Image, UnidentifiedImageError

    begin = file.read(8)
    if begin.startswith((_ICO, _ICNS)):
        # A copy: what is checked is what is decoded, even if another program writes meanwhile.
        icon = begin + file.read()
        _check_icon(icon)
        file = io.BytesIO(icon)
    try:
        image = _opened(file)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(str(error), Image.MAX_IMAGE_PIXELS) from error
    except UnidentifiedImageError as error:
        raise _not_a_picture(
            f"the content ({size} bytes) is not a picture in a format that pyshm decodes "
            "(PNG, JPEG, GIF, BMP, TIFF, WEBP and others)",
            begin,
        ) from error
    except Exception as error:
        # For damaged headers, Pillow's format plugins raise many kinds of errors.
        raise _not_a_picture(
            f"the content ({size} bytes) is not a picture: {error}", begin
        ) from error
    # Up to twice its limit, Pillow only warns.
    _check_size(image.size, Image.MAX_IMAGE_PIXELS)
    # A tile is decoded as a whole, however small the picture is.
    tags = getattr(image, "tag_v2", {})
    tile = tags.get(_TILE_WIDTH, 0), tags.get(_TILE_LENGTH, 0)
    _check_size(tile, Image.MAX_IMAGE_PIXELS)
    setattr(image, _FILE, file)
    return image


def own_bytes(image: Image) -> bytes | None:
    """Return the bytes of the file that ``image`` was opened from.

    None if it was changed since, shows another frame than the first, or has no file any more.
    """
    try:
        content = _content_of_file(image)
        if content is None or getattr(image, "tell", int)() != 0:
            return None
        tiles = getattr(image, "tile", None)  # empty after the pixels were decoded
        if tiles and image.format not in FORMATS:
            return content
        again = open_picture(io.BytesIO(content), len(content))
        if (again.format, again.size, again.mode) != (image.format, image.size, image.mode):
            return None
        if tiles and again.tile == tiles:  # type: ignore[attr-defined]
            return content
        same = again.tobytes() == image.tobytes() and again.getpalette() == image.getpalette()
        return content if same and dict(again.getexif()) == dict(image.getexif()) else None
    except Exception:  # noqa: BLE001 - a format plugin can raise anything; encoding says what is wrong
        return None


def _content_of_file(image: Image) -> bytes | None:
    """Return the content of the file of a picture; None if it has none that is still there."""
    # A picture with several frames keeps its file under the second name.
    for name in ("fp", "_fp", _FILE):
        file = getattr(image, name, None)
        if file is not None and hasattr(file, "seek") and not getattr(file, "closed", False):
            place = file.tell()
            try:
                file.seek(0)
                content: bytes = file.read()
            finally:
                file.seek(place)
            return content
    path = getattr(image, "filename", "")
    if not path or image.format is None:
        return None
    with open_regular(path) as opened:
        return opened.read()


def encoded(image: Image) -> bytes:
    """Return the current frame of ``image``, encoded in its own format or as PNG."""
    chosen = image.format or "PNG"
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        import warnings

        warnings.warn(
            f"only the current frame of {frames} is stored; ImageData.from_file stores all",
            stacklevel=3,
        )
    # "keep" is the compression of the opened file.
    options = (
        {"quality": "keep"} if image.format == "JPEG" and hasattr(image, "quantization") else {}
    )
    target = io.BytesIO()
    try:
        exif = image.getexif()
        image.save(target, chosen, **options, **({"exif": exif} if exif else {}))
    except Exception as error:
        # Format plugins raise many kinds of errors.
        raise PictureError(
            f"can't encode a picture of mode {image.mode} as {chosen}: {error}", field="content"
        ) from error
    return target.getvalue()


def _opened(file: IO[bytes]) -> Image:
    from PIL import Image, UnidentifiedImageError

    Image.preinit()
    try:
        return Image.open(file, formats=_known_formats())
    except UnidentifiedImageError:
        Image.init()  # loads the other plugins, which takes time
        return Image.open(file, formats=_known_formats())


def _known_formats() -> list[str]:
    from PIL import Image

    return [name for name in FORMATS if name in Image.OPEN]


def _check_icon(icon: bytes) -> None:
    """Check the sizes of the pictures in an icon, from their headers. Raises PictureError."""
    from PIL import Image

    limit = min(Image.MAX_IMAGE_PIXELS or _ICON_PIXELS, _ICON_PIXELS)
    beginnings = _of_ico(icon) if icon.startswith(_ICO) else _of_icns(icon)
    for count, at in enumerate(beginnings):
        if count == _MOST_ENTRIES:
            raise _not_a_picture(f"the icon has more than {_MOST_ENTRIES} pictures", icon[:8])
        for size in _sizes(icon, at):
            _check_size(size, limit)


def _of_ico(icon: bytes) -> Iterator[int]:
    """Yield where the pictures of an ICO begin."""
    for entry in range(6, 6 + 16 * _number(icon, 4, 2, "little"), 16):
        yield _number(icon, entry + 12, 4, "little")


def _of_icns(icon: bytes) -> Iterator[int]:
    """Yield where the blocks of an ICNS begin."""
    at = 8
    while at < len(icon):
        yield at + 8
        at += max(8, _number(icon, at + 4, 4, "big"))


def _sizes(icon: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield the width and the height in the header of a PNG, a JPEG 2000 or a DIB."""
    if icon.startswith(_PNG, at):
        at += len(_PNG)
        chunks = 0
        while (kind := icon[at + 4 : at + 8]) not in (b"", b"IDAT"):
            chunks += 1
            if chunks > _MOST_CHUNKS:  # a walk through them for each entry would take minutes
                raise _not_a_picture(f"a PNG in the icon has more than {_MOST_CHUNKS} chunks", kind)
            if kind == b"IHDR":  # if there are several, Pillow uses the last one
                yield _number(icon, at + 8, 4, "big"), _number(icon, at + 12, 4, "big")
            at += 12 + _number(icon, at, 4, "big")
    elif icon.startswith(_JPEG_2000, at):
        from PIL import Image

        header = icon[at : at + _JPEG_2000_HEADER]
        try:
            yield Image.open(io.BytesIO(header), formats=["JPEG2000"]).size
        except Exception as error:
            # A format plugin can raise anything for a damaged header.
            raise _not_a_picture(f"a JPEG 2000 in the icon: {error}", header[:8]) from error
    elif icon.startswith(_ICO):
        width = 2 if _number(icon, at, 4, "little") == _OS2_HEADER else 4
        size = (
            _number(icon, at + 4, width, "little"),
            _number(icon, at + 4 + width, width, "little"),
        )
        # A negative height means that the top row comes first.
        yield size[0], size[1] if size[1] < 2**31 else 2**32 - size[1]


def _number(data: bytes, at: int, size: int, order: Literal["little", "big"]) -> int:
    return int.from_bytes(data[at : at + size], order)


def _check_size(size: tuple[int, int], limit: int | None) -> None:
    if limit is not None and size[0] * size[1] > limit:
        raise _too_large(f"{size[0]} x {size[1]} pixels, more than {limit}", limit)


def _too_large(detail: str, limit: int | None) -> PictureError:
    return PictureError(
        f"the picture is too large: {detail}",
        kind="picture-too-large",
        field="content",
        limit=limit,
    )


def _not_a_picture(message: str, begin: bytes) -> PictureError:
    return PictureError(message, field="content", value=begin)
