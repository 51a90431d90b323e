"""Channels and their values: what is published, and what must be in the map and be read.

The types are those of the step ``define``, and the texts and bytes are written by hand from
docs/channels.md.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from ..oracle.channel import array_text, struct_text
from ..oracle.memory import blob_bytes

__all__ = ["ARRAYS", "BYTES", "IMAGES", "STRUCTS", "ChannelCase", "all_channels", "of"]


class ChannelCase(NamedTuple):
    """A channel and values that go through it."""

    name: str
    content: str
    text: str
    """The type text."""
    options: dict[str, Any]
    """The arguments of channel-create and channel-open that say what it carries."""
    capacity: int
    values: list[dict[str, Any]]
    """The arguments of channel-publish; the reader must report the same."""
    slots: list[bytes]
    """The bytes of each value in its slot."""


def _field(name: str, kind: Any, unmanaged: str = "", count: int = 0, sub: str = "") -> Any:
    item: dict[str, Any] = {"name": name, "type": kind}
    if unmanaged:
        item["marshal_as"] = {"unmanaged_type": unmanaged}
    if count:
        item["marshal_as"]["size_const"] = count
    if sub:
        item["marshal_as"]["array_sub_type"] = sub
    return item


def _type(name: str, *fields: Any, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "kind": "struct", "layout": "sequential", **attributes, "fields": fields}


def _struct(name: str, types: list[dict[str, Any]], text: str, *values: bytes) -> ChannelCase:
    return ChannelCase(
        f"struct-{name}", "struct", text, {"content": "struct", "types": types}, len(values[0]),
        [{"bytes": value.hex()} for value in values], list(values),
    )  # fmt: skip


_POINT = _type("Point", _field("X", "float"), _field("Y", "float"))
_MODE = {"name": "Mode", "kind": "enum", "underlying": "byte", "members": [["Off", 0], ["On", 1]]}

STRUCTS = [
    _struct(
        "blittable",
        [
            _type(
                "Pose", _field("TopSpeed", "double"), _field("X", "float"),
                _field("Id", "ushort"), _field("Kind", "short"),
            )
        ],
        struct_text(16, "0 f8 topspeed", "8 f4 x", "12 u2 id", "14 i2 kind"),
        struct.pack("<dfHh", -2.25, 1.5, 65535, -1),
        struct.pack("<dfHh", 1e-300, float("inf"), 0, 7),
    ),
    _struct(
        "packed",
        [_type("Packed", _field("A", "byte"), _field("B", "long"), _field("C", "short"), pack=1)],
        struct_text(11, "0 u1 a", "1 i8 b", "9 i2 c"),
        struct.pack("<Bqh", 255, -(2**63), -2),
        struct.pack("<Bqh", 1, 2**63 - 1, 3),
    ),
    _struct(
        "bool-char-text",
        [
            _type(
                "State", _field("IsOn", "bool"), _field("One", "bool", "U1"),
                _field("Letter", "char"),
                _field("Name", "string", "ByValTStr", 8), _field("Level", "int"),
            )
        ],
        struct_text(
            20, "0 b4 ison", "4 b1 one", "5 c1 letter", "6 t1[8] name", "16 i4 level"
        ),
        struct.pack("<iBc8s2xi", 1, 1, b"Z", b"camera", 7),
        struct.pack("<iBc8s2xi", 0, 0, b"a", b"", -7),
    ),
    _struct(
        "unicode",
        [
            _type(
                "Label", _field("Letter", "char"), _field("Text", "string", "ByValTStr", 4),
                charset="unicode",
            )
        ],
        struct_text(10, "0 c2 letter", "2 t2[4] text"),
        "é".encode("utf-16-le") + "äß".encode("utf-16-le").ljust(8, b"\0"),
        "x".encode("utf-16-le") + bytes(8),
    ),
    _struct(
        "nested",
        [
            _POINT,
            _MODE,
            _type(
                "Track", _field("_first_point", {"type": "Point"}),
                _field("Points", {"array": {"type": "Point"}}, "ByValArray", 2),
                _field("Mode", {"type": "Mode"}),
                _field("Counts", {"array": "short"}, "ByValArray", 3),
            ),
        ],
        struct_text(
            32, "0 f4 firstpoint.x", "4 f4 firstpoint.y", "8 f4 points[0].x", "12 f4 points[0].y",
            "16 f4 points[1].x", "20 f4 points[1].y", "24 u1 mode", "26 i2[3] counts",
        ),
        struct.pack("<6fBx3h", 1, 2, 3, 4, 5, 6, 1, -1, 0, 32767),
        struct.pack("<6fBx3h", *[0.0] * 6, 0, 1, 2, 3),
    ),
    _struct(
        "values",
        [
            _type(
                "Values", _field("Price", "decimal"), _field("Id", "Guid"),
                _field("Handle", "nint"), _field("Flag", "sbyte"), _field("Big", "ulong"),
            )
        ],
        struct_text(56, "0 x16 price", "16 x16 id", "32 i8 handle", "40 i1 flag", "48 u8 big"),
        struct.pack("<IIQ16sQb7xQ", 2 << 16, 0, 150, bytes(range(16)), 77, -1, 2**64 - 1),
        struct.pack("<IIQ16sQb7xQ", 1 << 31, 0, 1, bytes(16), 0, 1, 0),
    ),
    _struct(
        "explicit",
        [
            {
                "name": "Union", "kind": "struct", "layout": "explicit", "fields": [
                    {"name": "Whole", "type": "uint", "offset": 0},
                    {"name": "Low", "type": "ushort", "offset": 0},
                    {"name": "High", "type": "ushort", "offset": 2},
                ],
            }
        ],
        struct_text(4, "0 u4 whole", "0 u2 low", "2 u2 high"),
        struct.pack("<I", 0xDEADBEEF),
        struct.pack("<I", 1),
    ),
]  # fmt: skip

BYTES = ChannelCase(
    "bytes", "bytes", "", {"content": "bytes"}, 300,
    [{"bytes": "00"}, {"bytes": ""}, {"bytes": bytes(range(256)).hex()}, {"bytes": "ff" * 300}],
    [b"\0", b"", bytes(range(256)), b"\xff" * 300],
)  # fmt: skip

_PICTURES = [("camera.png", b"\x89PNG\r\n"), ("", b""), ("größe ✓.bin", bytes(range(200)))]
IMAGES = ChannelCase(
    "image", "image", "", {"content": "image"}, 5000,
    [{"path": path, "bytes": content.hex()} for path, content in _PICTURES],
    [blob_bytes(path, content) for path, content in _PICTURES],
)  # fmt: skip


def _arrays(dtype: str, item: str, *arrays: tuple[tuple[int, ...], list[Any]]) -> ChannelCase:
    data = [struct.pack(f"<{len(items)}{item}", *items) for _, items in arrays]
    return ChannelCase(
        f"array-{dtype.strip('<|')}", "array", array_text(dtype),
        {"content": "array", "dtype": dtype}, 512,
        [
            {"bytes": bytes_.hex(), "shape": list(shape), "dtype": dtype}
            for (shape, _), bytes_ in zip(arrays, data, strict=True)
        ],
        data,
    )  # fmt: skip


ARRAYS = [
    _arrays("<f4", "f", ((2, 3), [1, 2, 3, 4, 5, 6.5]), ((), [7.25]), ((0,), []), ((4, 0, 2), [])),
    _arrays(
        "|u1", "B", ((4, 5, 3), [i * 4 for i in range(60)]), ((1,) * 8, [9]), ((512,), [1] * 512)
    ),
    _arrays("<f8", "d", ((3,), [0.1, -0.0, 1e300])),
    _arrays("<i2", "h", ((2, 2), [-32768, 32767, 0, -1])),
    _arrays("<u2", "H", ((2,), [0, 65535])),
    _arrays("<i4", "i", ((1, 2), [-(2**31), 2**31 - 1])),
    _arrays("<u4", "I", ((1,), [2**32 - 1])),
    _arrays("<i8", "q", ((2,), [-(2**63), 2**63 - 1])),
    _arrays("<u8", "Q", ((1,), [2**64 - 1])),
    _arrays("|i1", "b", ((3,), [-128, 127, 0])),
    _arrays("|b1", "?", ((2, 2), [True, False, False, True])),
    _arrays("<c16", "d", ((), [1.5, -2.5])),
]


def all_channels() -> list[ChannelCase]:
    """Return all cases."""
    return [BYTES, IMAGES, *STRUCTS, *ARRAYS]


def of(name: str) -> ChannelCase:
    """Return the case with a name."""
    return next(case for case in all_channels() if case.name == name)
