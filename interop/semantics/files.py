"""Sequences about maps of files: opened by path, from an open stream, and with a map's name."""

from __future__ import annotations

from .steps import (
    COPY,
    CREATE,
    CREATE_NEW,
    OPEN,
    OPEN_OR_CREATE,
    READ,
    READ_EXECUTE,
    READ_WRITE,
    WRITE,
    Sequence,
    dispose,
    file,
    flush,
    from_stream,
    get,
    named,
    read,
    read_array,
    view,
    write,
)

__all__ = ["FILES", "FILES_WITH_NAMES", "FLUSHES"]

_TEN: dict[str, bytes | None] = {"a": b"0123456789"}
_EMPTY: dict[str, bytes | None] = {"a": b""}
_LOOK = [view(), get("capacity"), read_array("byte", 0, 12)]


def _modes() -> list[Sequence]:
    return [
        Sequence(f"file-mode-{mode}-{state}-{capacity}", [file(mode, capacity), *_LOOK], files)
        for mode in range(8)
        for state, files in (("ten", _TEN), ("none", None), ("empty", _EMPTY))
        for capacity in (0, 20)
    ]


def _accesses() -> list[Sequence]:
    found = []
    for access in range(-1, 7):
        for capacity in (0, 10, 20):
            views = [
                step
                for inner in range(6)
                for step in (view(0, 0, access=inner), get("capacity"), dispose("v"))
            ]
            for kind, step in (
                ("file", file(OPEN, capacity, access=access)),
                ("stream", from_stream(capacity, access=access)),
            ):
                found.append(Sequence(f"{kind}-access-{access}-{capacity}", [step, *views], _TEN))
    return found


def _modes_and_accesses() -> list[Sequence]:
    found = []
    for mode in (CREATE_NEW, CREATE, OPEN_OR_CREATE):
        for access in (READ, READ_EXECUTE, COPY):
            name = f"file-mode-{mode}-access-{access}"
            files = _TEN if mode == CREATE else None
            found.append(Sequence(name, [file(mode, 10, access=access), *_LOOK], files))
            if mode == OPEN_OR_CREATE:
                steps = [file(mode, 0, access=access), *_LOOK]
                found.append(Sequence(f"{name}-existing", steps, _TEN))
    return found


def _stream_accesses() -> list[Sequence]:
    return [
        Sequence(
            f"stream-file-access-{file_access}-access-{access}-{capacity}",
            [
                from_stream(capacity, file_access=file_access, access=access),
                view(0, 0, access=access), get("capacity"), read("byte", 0),
            ],
            _TEN,
        )
        for file_access in (1, 2, 3)  # System.IO.FileAccess: Read, Write, ReadWrite
        for access in (READ_WRITE, READ, COPY)
        for capacity in (0, 20)
    ]  # fmt: skip


FILES = [
    *_modes(),
    *_accesses(),
    *_modes_and_accesses(),
    *_stream_accesses(),
    Sequence("file-too-small", [file(OPEN, 9)], _TEN),
    Sequence("file-negative", [file(OPEN, -1)], _TEN),
    Sequence("file-negative-new", [file(CREATE_NEW, -1)]),
    Sequence("file-empty-path", [file(OPEN, 10, path="")]),
    Sequence("file-nul-in-path", [file(OPEN, 10, path="a\0b")]),
    Sequence("file-directory", [file(OPEN, 10, path="/")]),
    Sequence("file-missing-folder", [file(CREATE_NEW, 10, path="{a}/b")]),
    Sequence("file-empty-map-name", [file(OPEN, 10, map_name="")], _TEN),
    Sequence("stream-too-small", [from_stream(9)], _TEN),
    Sequence("stream-negative", [from_stream(-1)], _TEN),
    Sequence("stream-empty-file", [from_stream(0)], _EMPTY),
    Sequence("stream-grows", [from_stream(20), *_LOOK], _TEN),
    Sequence("stream-inheritability", [from_stream(10, inheritability=2)], _TEN),
    Sequence(
        "stream-left-open",
        [from_stream(10, leave_open=True), dispose("m"), {"do": "stream-is-open", "map": "m"}],
        _TEN,
    ),
    Sequence(
        "stream-closed-with-the-map",
        [from_stream(10), dispose("m"), {"do": "stream-is-open", "map": "m"}],
        _TEN,
    ),
    Sequence(
        "file-written-through",
        [
            file(OPEN, 12), view(), write("int32", 8, 0x44434241), dispose("v"), dispose("m"),
            file(OPEN, 0, access=READ), view(0, 0, access=READ), read_array("byte", 0, 12),
        ],
        _TEN,
    ),
    Sequence(
        "file-copy-on-write-leaves-the-file",
        [
            file(OPEN, 0, access=COPY), view(0, 0, access=COPY), write("byte", 0, 1),
            read("byte", 0), dispose("v"), dispose("m"), file(OPEN, 0), *_LOOK,
        ],
        _TEN,
    ),
    Sequence(
        "file-twice",
        [
            file(OPEN, 0), {**file(OPEN, 0), "as": "n"},
            {**file(OPEN, 0, access=READ), "as": "o"},
        ],
        _TEN,
    ),
]  # fmt: skip


def _with_names() -> list[Sequence]:
    found = []
    for kind, step in (
        ("file", file(OPEN, 20, map_name="{name}")),
        ("stream", from_stream(20, map_name="{name}")),
    ):
        steps = [
            step, named("open-existing", "n"), {**view(0, 10), "map": "n"},
            read_array("byte", 0, 10), named("create-new", "o"), dispose("m"),
        ]  # fmt: skip
        found.append(Sequence(f"map-name-{kind}", steps, _TEN))
        found.append(Sequence(f"map-name-{kind}-taken", [named("create-new", "n"), step], _TEN))
    found.append(Sequence("file-mode-2-ten-named", [file(CREATE, 20, map_name="{name}")], _TEN))
    return found


FILES_WITH_NAMES = _with_names()

FLUSHES = [
    Sequence(
        f"flush-access-{access}",
        [file(OPEN, 0), view(0, 0, access=access), flush(), dispose("v"), flush()],
        _TEN,
    )
    for access in (READ_WRITE, READ, WRITE, COPY)
]
