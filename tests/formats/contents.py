"""Contents in every format that Pillow knows, and pictures that are larger than they look."""

from __future__ import annotations

import gzip
import io
import struct
import zlib

from PIL import Image

__all__ = ["contents", "icns", "ico", "png", "tiff"]


def eps(program=b""):
    """Return an EPS picture with the PostScript ``program``."""
    return (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 3\n%%EndComments\n" + program + b"\n%%EOF\n"
    )


def dos_eps():
    """Return an EPS after the binary header of DOS files."""
    text = eps()
    return struct.pack("<4sIIIIIIH", b"\xc5\xd0\xd3\xc6", 30, len(text), 0, 0, 0, 0, 0xFFFF) + text


def iptc(content):
    """Return an IPTC picture that has another picture inside, of any format."""

    def field(record, dataset, data):
        return struct.pack(">BBBH", 0x1C, record, dataset, len(data)) + data

    size = struct.pack(">H", 4)
    header = field(3, 60, b"\1\0") + field(3, 20, size) + field(3, 30, size) + field(3, 120, b"\5")
    return header + struct.pack(">BBBBI", 0x1C, 8, 10, 0x84, len(content)) + content


def fits(length):
    """Return a FITS picture whose gzip data has ``length`` bytes when it is decompressed."""
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    0",
        "END",
    ]
    table = [
        "XTENSION= 'BINTABLE'",
        "BITPIX  =                    8",
        "NAXIS   =                    2",
        "NAXIS1  =                    8",
        "NAXIS2  =                    1",
        "ZIMAGE  =                    T",
        "ZCMPTYPE= 'GZIP_1  '",
        "ZBITPIX =                    8",
        "ZNAXIS  =                    2",
        "ZNAXIS1 =                    4",
        "ZNAXIS2 =                    3",
        "END",
    ]

    def block(lines):
        return "".join(line.ljust(80) for line in lines).encode().ljust(2880)

    return block(cards) + block(table) + bytes(8) + gzip.compress(bytes(length))


def wmf():
    """Return a placeable Windows metafile without drawing commands."""
    placeable = struct.pack("<IHhhhhHI", 0x9AC6CDD7, 0, 0, 0, 4, 3, 96, 0)
    return placeable + b"\0\0\1\0\x09\0\0\0\3" + bytes(20)


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *, first=None):
    """Return a gray PNG; with ``first``, a header with that size precedes its own."""
    sizes = [(width, height)] if first is None else [first, (width, height)]
    headers = [_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)) for size in sizes]
    rows = zlib.compress(bytes((1 + width) * height), 1)
    return b"\x89PNG\r\n\x1a\n" + b"".join(headers) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def ico(*pictures):
    """Return an icon; each of its pictures claims to have 256 x 256 pixels."""
    at = 6 + 16 * len(pictures)
    entries = b""
    for picture in pictures:
        entries += struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(picture), at)
        at += len(picture)
    return struct.pack("<HHH", 0, 1, len(pictures)) + entries + b"".join(pictures)


def icns(picture, kind=b"ic08"):
    """Return an icon of macOS."""
    block = struct.pack(">4sI", kind, 8 + len(picture)) + picture
    return struct.pack(">4sI", b"icns", 8 + len(block)) + block


def dib(width, height):
    """Return the header of a bitmap without its file header."""
    return struct.pack("<IIiHHIIIIII", 40, width, height, 1, 32, 0, 0, 0, 0, 0, 0)


def old_dib(width, height):
    """Return the header of a bitmap of OS/2 1.x."""
    return struct.pack("<IHHHH", 12, width, height, 1, 24)


def tiff(width, height, tile):
    """Return a TIFF of one square tile, which has ``tile`` x ``tile`` zeros."""
    data = zlib.compress(bytes(tile * tile))
    short, long = 3, 4
    tags = [
        (256, short, width), (257, short, height), (258, short, 8), (259, short, 8),
        (262, short, 1), (277, short, 1), (322, long, tile), (323, long, tile),
        (324, long, 8 + 2 + 10 * 12 + 4), (325, long, len(data)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def _saved(form):
    for mode in ("RGB", "L", "P", "1", "F"):
        target = io.BytesIO()
        try:
            Image.new(mode, (4, 3)).save(target, form)
        except Exception:  # noqa: BLE001 - the format has no such mode, or no writer
            continue
        return target.getvalue()
    return None


def contents():
    """Return a content for each format that Pillow can read, by a name that begins with it."""
    Image.init()
    found = {form: _saved(form) for form in sorted(Image.OPEN)}
    found |= {
        "ICO": ico(png(256, 256)),  # Pillow 9.4 writes one without pictures for a small picture
        "EPS": eps(),
        "EPS-loop": eps(b"{} loop"),
        "EPS-reads-a-file": eps(b"(/etc/passwd) (r) file 100 string readstring"),
        "EPS-dos": dos_eps(),
        "IPTC": iptc(eps()),
        "IPTC-png": iptc(png(4, 4)),
        "WMF": wmf(),
        "FITS": fits(12),
        "GRIB": b"GRIB" + bytes(3) + b"\1" + bytes(50),
        "BUFR": b"BUFR" + bytes(50),
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(50),
        "MPEG": b"\0\0\1\xb3\x00\x40\x03" + bytes(50),
        "BLP": b"BLP1" + bytes(200),
    }
    return {name: content for name, content in found.items() if content is not None}
