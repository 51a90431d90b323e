"""Sequences of API calls whose outcomes are compared with those of .NET.

Without a name the .NET side is System.IO.MemoryMappedFiles itself. Outside Windows .NET has no
named maps; there the C# class NamedMap is compared.
"""

from __future__ import annotations

from typing import Any

from .files import FILES, FILES_WITH_NAMES, FLUSHES
from .named import NAMED, NAMESPACES, RIGHTS
from .orders import ORDERS
from .steps import (
    BIG,
    COPY,
    DELAY_ALLOCATE_PAGES,
    READ,
    READ_EXECUTE,
    READ_WRITE,
    READ_WRITE_EXECUTE,
    WRITE,
    Sequence,
    Step,
    dispose,
    flush,
    get,
    new,
    read,
    read_array,
    stream,
    view,
    write,
    write_array,
)

__all__ = ["DIFFERENCES", "SEQUENCES"]

_VALUES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "byte": [0, 255],
    "sbyte": [-128, 127],
    "char": [0, 65, 0xD800, 0xFFFF],
    "int16": [-32768, 32767],
    "uint16": [0, 65535],
    "int32": [-(2**31), 2**31 - 1],
    "uint32": [0, 2**32 - 1],
    "int64": [-(2**63), 2**63 - 1],
    "uint64": [0, 2**64 - 1],
    "single": ["3f800000", "80000000", "7f7fffff", "7f800000", "00000001"],
    "double": ["3ff0000000000000", "fff0000000000000", "0000000000000001"],
    "decimal": [
        "0",
        "1.50",
        "-0.0000000000000000000000000001",
        "79228162514264337593543950335",
        "-79228162514264337593543950335",
    ],
}
_SIZES = {
    "boolean": 1, "byte": 1, "sbyte": 1, "char": 2, "int16": 2, "uint16": 2, "int32": 4,
    "uint32": 4, "int64": 8, "uint64": 8, "single": 4, "double": 8, "decimal": 16,
}  # fmt: skip


def _typed() -> list[Sequence]:
    # A whole page, so that Windows rounds nothing and the edges are the same everywhere.
    end = 4096
    found = []
    for kind, values in _VALUES.items():
        size = _SIZES[kind]
        steps = [new(end), view()]
        for value in values:
            steps += [write(kind, 3, value), read(kind, 3), read_array("byte", 0, 24)]
        steps += [
            read(kind, end - size), read(kind, end - size + 1), read(kind, end),
            read(kind, end + 1), read(kind, -1), read(kind, BIG),
            write(kind, end - size + 1, values[0]), write(kind, end, values[0]),
            write(kind, -1, values[0]),
        ]  # fmt: skip
        found.append(Sequence(f"typed-{kind}", steps))
        items = "00ff10" if kind == "byte" else values
        count = 3 if kind == "byte" else len(values)
        steps = [
            new(end), view(), write_array(kind, 0, items), read_array("byte", 0, 80),
            read_array(kind, 0, count), read_array(kind, end - 2 * size, 4),
            read_array(kind, end - size + 1 if size > 1 else end - 1, 1),
            read_array(kind, end, 1), read_array(kind, -1, 1), read_array(kind, 0, 0),
            read_array(kind, 0, -1), read_array(kind, 0, 2, length=1),
            read_array(kind, 0, 1, length=3, offset=1), read_array(kind, 0, 1, length=3, offset=-1),
            read_array(kind, 0, 1, length=1, offset=1),
            write_array(kind, end - size * count, items),
            write_array(kind, end - size * count + 1, items), read_array("byte", end - 80, 80),
            write_array(kind, end, items), write_array(kind, -1, items),
            write_array(kind, 0, items, offset=1), write_array(kind, 0, items, offset=0, count=99),
            write_array(kind, 0, items, offset=-1, count=1), write_array(kind, 0, items, count=-1),
            write_array(kind, end - 1, items, offset=0, count=0), read_array("byte", 0, 80),
        ]  # fmt: skip
        found.append(Sequence(f"arrays-{kind}", steps))
    return found


def _views() -> list[Sequence]:
    arguments = [
        (0, 0), (0, 10), (0, 11), (1, 0), (1, 9), (1, 10), (9, 1), (9, 2), (10, 0), (10, 1),
        (11, 0), (5, 5), (5, 6), (-1, 0), (0, -1), (-1, -1), (BIG, 0), (0, BIG), (BIG, BIG), (3, 4),
    ]  # fmt: skip
    found = []
    for make, name in ((view, "view"), (stream, "stream")):
        target = "v" if make is view else "s"
        size = "capacity" if make is view else "length"
        for offset, length in arguments:
            found.append(
                Sequence(
                    f"{name}-{offset}-{length}".replace(str(BIG), "max"),
                    [
                        new(10),
                        make(offset, length),
                        get(size, target),
                        get("pointer_offset", target),
                        get("can_read", target),
                        get("can_write", target),
                    ],
                )
            )
    for offset in (4095, 4096, 4097, 10_000, 65_536):
        found.append(
            Sequence(
                f"view-far-{offset}",
                [
                    new(100_000), view(offset, 16), get("pointer_offset"), get("capacity"),
                    write("int32", 0, 77), dispose("v"), view(), read("int32", offset),
                ],
            )
        )  # fmt: skip
    return found


def _accesses() -> list[Sequence]:
    found = []
    for outer in range(-1, 7):
        steps = [new(64, access=outer)]
        for inner in range(-1, 7):
            steps += [
                view(0, 0, access=inner), get("can_read"), get("can_write"),
                write("int32", 0, inner + 1), read("int32", 0), dispose("v"),
            ]  # fmt: skip
        steps += [stream(0, 0, access=outer), get("can_read", "s"), get("can_write", "s")]
        found.append(Sequence(f"access-map-{outer}", steps))
    found.append(
        Sequence(
            "access-copy-on-write-is-private",
            [
                new(64), view(0, 0), write("int32", 0, 1), dispose("v"), view(0, 0, access=COPY),
                write("int32", 0, 2), read("int32", 0), dispose("v"), view(), read("int32", 0),
            ],
        )
    )  # fmt: skip
    for key, values in (("options", (-1, 1, 0x4000000, 0x4000001)), ("inheritability", (-1, 1, 2))):
        for value in values:
            name = f"{key}-{value}"
            found.append(Sequence(name, [new(10, **{key: value}), view(), get("capacity")]))
    return found


def _creating() -> list[Sequence]:
    found = [
        Sequence(
            f"capacity-{name}",
            [{**new(), "capacity": capacity}, view(0, 1), get("capacity")],
        )
        for name, capacity in (
            ("0", 0),
            ("1", 1),
            ("minus-1", -1),
            ("min", -(2**63)),
            ("5000", 5000),
        )
    ]
    found.append(Sequence("order-of-checks", [new(0, access=WRITE), new(-1, access=9, options=5)]))
    return found


def _life() -> list[Sequence]:
    return [
        Sequence(
            "dispose-twice",
            [new(), view(), dispose("v"), dispose("v"), dispose("m"), dispose("m")],
        ),
        Sequence(
            "view-after-map",
            [
                new(), view(), stream(), dispose("m"), write("int32", 0, 5), read("int32", 0),
                get("capacity"), {"do": "stream-read", "stream": "s", "count": 4}, view(), stream(),
            ],
        ),
        Sequence(
            "accessor-after-dispose",
            [
                new(), view(), dispose("v"), get("capacity"), get("can_read"), get("can_write"),
                get("pointer_offset"), read("int32", 0), write("int32", 0, 1), read("int32", -1),
                read("int32", 99), read_array("byte", 0, 1), write_array("byte", 0, "00"),
                flush(),
            ],
        ),
        Sequence(
            "stream-after-dispose",
            [
                new(), stream(), dispose("s"), get("length", "s"), get("position", "s"),
                get("can_read", "s"), get("can_write", "s"), get("can_seek", "s"),
                get("pointer_offset", "s"), {"do": "stream-read", "stream": "s", "count": 1},
                {"do": "stream-write", "stream": "s", "bytes": "00"},
                {"do": "stream-seek", "stream": "s", "offset": 0, "origin": 0},
                flush("s"),
            ],
        ),
        Sequence(
            "flush",
            [
                new(), view(), flush(), stream(),
                flush("s"),
            ],
        ),
    ]  # fmt: skip


def _streams() -> list[Sequence]:
    def stream_read(count: int) -> Step:
        return {"do": "stream-read", "stream": "s", "count": count}

    def stream_write(data: str) -> Step:
        return {"do": "stream-write", "stream": "s", "bytes": data}

    def seek(offset: int, origin: int) -> Step:
        return {"do": "stream-seek", "stream": "s", "offset": offset, "origin": origin}

    position = get("position", "s")
    return [
        Sequence(
            "stream-read-write",
            [
                new(), stream(), stream_write("010203"), position, seek(0, 0), stream_read(2),
                position, stream_read(100), position, stream_read(1), position,
            ],
        ),
        Sequence(
            "stream-write-past-the-end",
            [
                new(), stream(), seek(8, 0), stream_write("aabbcc"), position, seek(0, 0),
                stream_read(10), seek(10, 0), stream_write("01"), stream_write(""), position,
            ],
        ),
        Sequence(
            "stream-seek",
            [
                new(), stream(), seek(3, 0), seek(2, 1), seek(-1, 1), seek(-2, 2), seek(5, 2),
                stream_read(1), seek(-1, 0), position, seek(-100, 1), position, seek(-11, 2),
                position, seek(0, 3), seek(0, -1), seek(20, 0), stream_write("01"), position,
            ],
        ),
        Sequence(
            "stream-set-length",
            [
                new(), stream(), {"do": "stream-set-length", "stream": "s", "length": 5},
                {"do": "stream-set-length", "stream": "s", "length": 10},
                {"do": "stream-set-length", "stream": "s", "length": 11}, get("length", "s"),
            ],
        ),
        Sequence(
            "stream-read-only",
            [new(), stream(0, 0, access=READ), stream_write("00"), stream_read(3), position],
        ),
        Sequence(
            "stream-write-only",
            [new(), stream(0, 0, access=WRITE), stream_read(3), stream_write("00"), position],
        ),
        Sequence(
            "stream-part",
            [
                new(), stream(2, 3), stream_write("010203"), stream_write("04"), dispose("s"),
                view(), read_array("byte", 0, 10),
            ],
        ),
    ]  # fmt: skip


def _delayed() -> list[Sequence]:
    found = []
    for access in (READ_WRITE, READ, COPY, READ_EXECUTE, READ_WRITE_EXECUTE):
        steps = [new(262_144, access=access, options=DELAY_ALLOCATE_PAGES)]
        for inner in range(6):
            steps += [
                view(65_536, 4096, access=inner), get("capacity"), read("byte", 0),
                write("byte", 0, 1), dispose("v"),
            ]  # fmt: skip
        found.append(Sequence(f"delayed-{access}", steps))
    large = (1 << 32) + 69_632
    found.append(
        Sequence(
            "above-4-gigabytes",
            [
                new(large, options=DELAY_ALLOCATE_PAGES), view((1 << 32) + 8, 4088),
                write("int32", 96, 7), dispose("v"), view(1 << 32, 4096), read("int32", 104),
                get("capacity"), view(large - 4096, 4096), get("capacity"), view(large - 1, 1),
            ],
        )
    )  # fmt: skip
    return found


SEQUENCES = [
    *_typed(),
    *_views(),
    *_accesses(),
    *_creating(),
    *_life(),
    *_streams(),
    *FILES,
    *NAMED,
    *_delayed(),
    *NAMESPACES,
    *RIGHTS,
    *FILES_WITH_NAMES,
    *FLUSHES,
    *ORDERS,
]

# Sequences where pyshm differs from .NET on purpose, and where: docs/semantics.md has the reasons.
# A test fails when the difference no longer exists.
DIFFERENCES = {
    "file-mode-2-ten-0": ("windows", "linux"),
    "file-mode-2-ten-named": ("linux",),
}
