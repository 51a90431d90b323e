"""Sequences of API calls whose outcomes are compared with the real .NET's.

Steps are those of docs/protocol.md. ``{a}``, ``{b}`` in a step are paths of files, which ``files``
fills beforehand (None: does not exist); ``{name}`` is a map's name. Without a name the .NET side is
System.IO.MemoryMappedFiles itself; named sequences compare with NamedMap outside Windows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["DIFFERENCES", "LIFETIMES", "SEQUENCES", "Lifetime", "Sequence"]

Step = dict[str, Any]
READ_WRITE, READ, WRITE, COPY, READ_EXECUTE, READ_WRITE_EXECUTE = range(6)
CREATE_NEW, CREATE, OPEN, OPEN_OR_CREATE, TRUNCATE, APPEND = range(1, 7)
BIG = 2**63 - 1


class Sequence(NamedTuple):
    """A name, the steps, and the files that are there before."""

    name: str
    steps: list[Step]
    files: dict[str, bytes | None] = {}


def new(capacity: int = 10, **others: Any) -> Step:
    return {"do": "create-new", "as": "m", "name": None, "capacity": capacity, **others}


def view(offset: int = 0, size: int = 0, **others: Any) -> Step:
    return {"do": "view", "as": "v", "map": "m", "offset": offset, "size": size, **others}


def stream(offset: int = 0, size: int = 0, **others: Any) -> Step:
    return {"do": "view-stream", "as": "s", "map": "m", "offset": offset, "size": size, **others}


def get(name: str, target: str = "v") -> Step:
    return {"do": "get", "target": target, "property": name}


def read(kind: str, position: int) -> Step:
    return {"do": "read", "view": "v", "type": kind, "position": position}


def write(kind: str, position: int, value: Any) -> Step:
    return {"do": "write", "view": "v", "type": kind, "position": position, "value": value}


def read_array(kind: str, position: int, count: int, **others: Any) -> Step:
    head = {"do": "read-array", "view": "v", "type": kind}
    return {**head, "position": position, "count": count, **others}


def write_array(kind: str, position: int, items: Any, **others: Any) -> Step:
    head = {"do": "write-array", "view": "v", "type": kind}
    return {**head, "position": position, "items": items, **others}


def file(mode: int = OPEN, capacity: int = 0, path: str = "{a}", **others: Any) -> Step:
    head = {"do": "create-from-file", "as": "m", "path": path}
    return {**head, "mode": mode, "capacity": capacity, **others}


def from_stream(capacity: int = 0, mode: int = OPEN, path: str = "{a}", **others: Any) -> Step:
    head = {"do": "create-from-stream", "as": "m", "path": path}
    return {**head, "mode": mode, "capacity": capacity, **others}


def dispose(target: str) -> Step:
    return {"do": "dispose", "target": target}


def named(do: str, as_: str = "m", name: str = "{name}", **others: Any) -> Step:
    step = {"do": do, "as": as_, "name": name, "capacity": 100, **others}
    if do == "open-existing":
        del step["capacity"]
    return step


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
                    f"{name}-{offset}-{length}".replace(str(BIG), "max").replace("--", "-minus-"),
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
        found.append(Sequence(f"access-map-{outer}".replace("--", "-minus-"), steps))
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
            name = f"{key}-{value}".replace("--", "-minus-")
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
                {"do": "flush", "target": "v"},
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
                {"do": "flush", "target": "s"},
            ],
        ),
        Sequence(
            "flush",
            [
                new(), view(), {"do": "flush", "target": "v"}, stream(),
                {"do": "flush", "target": "s"},
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


def _files() -> list[Sequence]:
    ten: dict[str, bytes | None] = {"a": b"0123456789"}
    none: dict[str, bytes | None] = {"a": None}
    empty: dict[str, bytes | None] = {"a": b""}
    look = [view(), get("capacity"), read_array("byte", 0, 12)]
    found = []
    for mode in range(8):
        for state, files in (("ten", ten), ("none", none), ("empty", empty)):
            for capacity in (0, 20):
                found.append(
                    Sequence(
                        f"file-mode-{mode}-{state}-{capacity}", [file(mode, capacity), *look], files
                    )
                )
    for access in range(-1, 7):
        for capacity in (0, 10, 20):
            name = f"file-access-{access}-{capacity}".replace("--", "-minus-")
            steps = [file(OPEN, capacity, access=access)]
            for inner in range(6):
                steps += [view(0, 0, access=inner), get("capacity"), dispose("v")]
            found.append(Sequence(name, steps, ten))
            name = name.replace("file-", "stream-")
            steps = [from_stream(capacity, access=access), *steps[1:]]
            found.append(Sequence(name, steps, ten))
    for mode in (CREATE_NEW, CREATE, OPEN_OR_CREATE):
        for access in (READ, READ_EXECUTE, COPY):
            found.append(
                Sequence(
                    f"file-mode-{mode}-access-{access}",
                    [file(mode, 10, access=access), *look],
                    ten if mode == CREATE else none,
                )
            )
            if mode == OPEN_OR_CREATE:
                found.append(
                    Sequence(
                        f"file-mode-{mode}-access-{access}-existing",
                        [file(mode, 0, access=access), *look],
                        ten,
                    )
                )
    for file_access in (1, 2, 3):
        for access in (READ_WRITE, READ, COPY):
            for capacity in (0, 20):
                found.append(
                    Sequence(
                        f"stream-file-access-{file_access}-access-{access}-{capacity}",
                        [
                            from_stream(capacity, file_access=file_access, access=access),
                            view(0, 0, access=access), get("capacity"), read("byte", 0),
                        ],
                        ten,
                    )
                )  # fmt: skip
    found += [
        Sequence("file-too-small", [file(OPEN, 9)], ten),
        Sequence("file-negative", [file(OPEN, -1)], ten),
        Sequence("file-negative-new", [file(CREATE_NEW, -1)], none),
        Sequence("file-empty-path", [file(OPEN, 10, path="")]),
        Sequence("file-nul-in-path", [file(OPEN, 10, path="a\0b")]),
        Sequence("file-directory", [file(OPEN, 10, path="/")]),
        Sequence("file-missing-folder", [file(CREATE_NEW, 10, path="{a}/b")], none),
        Sequence("file-empty-map-name", [file(OPEN, 10, map_name="")], ten),
        Sequence("stream-too-small", [from_stream(9)], ten),
        Sequence("stream-negative", [from_stream(-1)], ten),
        Sequence("stream-empty-file", [from_stream(0)], empty),
        Sequence("stream-grows", [from_stream(20), *look], ten),
        Sequence("stream-inheritability", [from_stream(10, inheritability=2)], ten),
        Sequence(
            "stream-left-open",
            [
                from_stream(10, leave_open=True), dispose("m"),
                {"do": "stream-is-open", "map": "m"},
            ],
            ten,
        ),
        Sequence(
            "stream-closed-with-the-map",
            [from_stream(10), dispose("m"), {"do": "stream-is-open", "map": "m"}],
            ten,
        ),
        Sequence(
            "file-written-through",
            [file(OPEN, 12), view(), write("int32", 8, 0x44434241), dispose("v"), dispose("m"),
             file(OPEN, 0, access=READ), view(0, 0, access=READ), read_array("byte", 0, 12)],
            ten,
        ),
        Sequence(
            "file-copy-on-write-leaves-the-file",
            [file(OPEN, 0, access=COPY), view(0, 0, access=COPY), write("byte", 0, 1),
             read("byte", 0), dispose("v"), dispose("m"), file(OPEN, 0), *look],
            ten,
        ),
        Sequence(
            "file-twice",
            [file(OPEN, 0), {**file(OPEN, 0), "as": "n"},
             {**file(OPEN, 0, access=READ), "as": "o"}],
            ten,
        ),
    ]  # fmt: skip
    return found


def _named() -> list[Sequence]:
    found = [
        Sequence(
            "named-life",
            [
                named("open-existing"), named("create-new"), named("create-new", "n"),
                named("open-existing", "n"), dispose("m"), named("create-new", "o"), dispose("n"),
                named("open-existing", "n"), named("create-or-open"), named("create-or-open", "n"),
            ],
        ),
        Sequence(
            "named-create-or-open-ignores-capacity",
            [
                named("create-new"), named("create-or-open", "n", capacity=5000),
                {**view(), "map": "n"}, get("capacity"),
            ],
        ),
        Sequence(
            "named-write-access",
            [
                named("create-new", access=WRITE), named("create-or-open", access=WRITE),
                named("create-new"), named("create-or-open", "n", access=WRITE),
                {**view(0, 0, access=WRITE), "map": "n"}, {**view(0, 0, access=READ), "map": "n"},
            ],
        ),
    ]  # fmt: skip
    for rights in (-1, 0, 1, 2, 4, 6, 8, 12, 14, 0x10000, 0xF000F, 0x1000000, 0x2000000):
        steps = [named("create-new", access=READ_WRITE_EXECUTE)]
        steps.append(named("open-existing", "n", rights=rights))
        for access in range(6):
            steps += [{**view(0, 0, access=access), "map": "n"}, get("can_write")]
        found.append(Sequence(f"named-rights-{rights}".replace("--", "-minus-"), steps))
    for name, text in (
        ("empty", ""), ("slash", "a/b"), ("backslash", "a\\b"), ("dots", ".."), ("dot", "."),
        ("nul", "a\0b"), ("hidden", ".x"), ("semaphore", "sem.x"), ("long", "x" * 256),
        ("long-wide", "ü" * 128), ("prefix-only", "Local\\"), ("up", "../x"), ("null", None),
    ):  # fmt: skip
        steps = [
            {"do": do, "as": "m", "name": text, "capacity": 10} if do != "open-existing"
            else {"do": do, "as": "m", "name": text}
            for do in ("create-new", "create-or-open", "open-existing")
            if not (do == "create-new" and text is None)
        ]  # fmt: skip
        found.append(Sequence(f"named-name-{name}", steps))
    found += [
        Sequence(f"named-{do}-capacity-{capacity}".replace("--", "-minus-"),
                 [named(do, capacity=capacity)])
        for do in ("create-new", "create-or-open")
        for capacity in (0, -1)
    ]  # fmt: skip
    found += [
        Sequence(f"named-access-{access}".replace("--", "-minus-"), [
            named("create-new", access=access), view(0, 0, access=READ), view(0, 0, access=WRITE),
            view(0, 0, access=COPY), view(0, 0, access=READ_WRITE_EXECUTE),
        ])
        for access in range(-1, 7)
    ]  # fmt: skip
    found.append(
        Sequence(
            "named-delayed",
            [named("create-new", options=0x4000000), view(), read("int32", 0)],
        )
    )
    return found


class Lifetime(NamedTuple):
    """What two processes, ``A`` and ``B``, do in turn; a step None kills the process."""

    name: str
    steps: list[tuple[str, Step | None]]


def _lifetimes() -> list[Lifetime]:
    create: Step = {"do": "create-new", "as": "m", "name": "{name}", "capacity": 4096}
    opened: Step = {"do": "open-existing", "as": "m", "name": "{name}"}
    either: Step = {"do": "create-or-open", "as": "m", "name": "{name}", "capacity": 4096}
    look, put, close = read("int32", 0), write("int32", 0, 7), dispose("m")
    return [
        Lifetime(
            "nobody-has-created-it",
            [("B", opened), ("A", create), ("B", opened), ("B", create)],
        ),
        Lifetime(
            "the-creator-closes-while-another-holds",
            [
                ("A", create), ("A", view()), ("A", put), ("B", opened), ("B", view()),
                ("A", dispose("v")), ("A", close), ("B", look), ("A", opened), ("A", close),
                ("B", close), ("A", opened), ("B", look),
            ],
        ),
        Lifetime(
            "the-last-holder-closes",
            [("A", create), ("A", close), ("B", opened), ("B", create)],
        ),
        Lifetime(
            "a-view-outlives-its-map",
            [("A", create), ("A", view()), ("A", put), ("A", close), ("A", look), ("B", opened)],
        ),
        Lifetime(
            "the-writer-is-killed-while-another-holds",
            [
                ("A", create), ("A", view()), ("A", put), ("B", opened), ("B", view()),
                ("A", None), ("B", look), ("A", opened), ("A", view()), ("A", look),
            ],
        ),
        Lifetime(
            "the-last-holder-is-killed",
            [
                ("A", create), ("A", view()), ("A", put), ("A", None), ("B", opened),
                ("B", either), ("B", view()), ("B", look),
            ],
        ),
    ]  # fmt: skip


LIFETIMES = _lifetimes()

# Where pyshm means to differ, and why. An entry whose difference is gone is an error.
DIFFERENCES = {
    "file-mode-2-ten-0": (
        "Mode CREATE without a capacity must fail, as an empty file can't be mapped. .NET has "
        "truncated the file by then; pyshm refuses first and leaves it whole."
    ),
}

DELAY_ALLOCATE_PAGES = 0x4000000


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


def _names() -> list[Sequence]:
    names = {
        "unicode": "{name}-ü-日本-🛰",
        "local": "Local\\{name}",
        "global": "Global\\{name}",
        "lower-case-local": "local\\{name}",
        "session": "Session\\1\\{name}",
        "local-global": "Local\\Global\\{name}",
        "local-slash": "Local\\/{name}",
        "trailing-space": "{name} ",
        "trailing-backslash": "{name}\\",
    }
    return [
        Sequence(
            f"namespace-{key}",
            [
                named("create-new", name=name),
                named("create-new", "n", name=name),
                named("open-existing", "o", name=name),
                named("create-or-open", "p", name=name),
                named("open-existing", "q"),
            ],
        )
        for key, name in names.items()
    ]


def _rights() -> list[Sequence]:
    found = []
    for access in range(6):
        steps = [named("create-new", access=access)]
        for inner, rights in enumerate((6, 4, 2, 1, 12, 14)):
            steps += [
                named("create-or-open", "n", access=inner),
                {**view(0, 0, access=inner), "map": "n"},
                named("open-existing", "o", rights=rights),
                {**view(0, 0, access=inner), "map": "o"},
            ]
        found.append(Sequence(f"create-or-open-{access}", steps))
    return found


def _files_with_names() -> list[Sequence]:
    ten: dict[str, bytes | None] = {"a": b"0123456789"}
    found = []
    for kind, step in (
        ("file", file(OPEN, 20, map_name="{name}")),
        ("stream", from_stream(20, map_name="{name}")),
    ):
        found += [
            Sequence(
                f"map-name-{kind}",
                [
                    step, named("open-existing", "n"), {**view(0, 10), "map": "n"},
                    read_array("byte", 0, 10), named("create-new", "o"), dispose("m"),
                ],
                ten,
            ),
            Sequence(f"map-name-{kind}-taken", [named("create-new", "n"), step], ten),
        ]  # fmt: skip
    return found


def _flushes() -> list[Sequence]:
    flush: Step = {"do": "flush", "target": "v"}
    return [
        Sequence(
            f"flush-access-{access}",
            [file(OPEN, 0), view(0, 0, access=access), flush, dispose("v"), flush],
            {"a": b"0123456789"},
        )
        for access in (READ_WRITE, READ, WRITE, COPY)
    ]


SEQUENCES = [
    *_typed(),
    *_views(),
    *_accesses(),
    *_creating(),
    *_life(),
    *_streams(),
    *_files(),
    *_named(),
    *_delayed(),
    *_names(),
    *_rights(),
    *_files_with_names(),
    *_flushes(),
]
