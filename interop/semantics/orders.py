"""Sequences of calls with two faults each: which one is reported is the order of checks."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

from .steps import (
    BIG,
    CREATE_NEW,
    OPEN,
    READ,
    READ_WRITE,
    WRITE,
    Sequence,
    Step,
    dispose,
    file,
    flush,
    from_stream,
    get,
    named,
    new,
    read_array,
    stream,
    view,
    write_array,
)

__all__ = ["ORDERS"]

_PAGE = 4096  # a whole page, so that Windows rounds nothing
_FILES: dict[str, bytes | None] = {"a": b"0123456789", "b": None}


def _two_faults(step: Step, faults: dict[str, list[Any]]) -> list[Step]:
    """Return ``step`` with each pair of wrong arguments."""
    return [
        {**step, first: one, second: other}
        for first, second in combinations(faults, 2)
        for one, other in product(faults[first], faults[second])
    ]


def _creating() -> list[Sequence]:
    wrong: dict[str, list[Any]] = {
        "capacity": [0, -1], "access": [-1, WRITE, 6], "options": [-1, 1],
        "inheritability": [-1, 2],
    }  # fmt: skip
    return [
        Sequence("order-create-new", _two_faults(new(10), wrong)),
        Sequence(
            "order-create-new-named",
            _two_faults(named("create-new"), {"name": ["", "{name}"], **wrong}),
        ),
        Sequence(
            "order-create-or-open",
            _two_faults(named("create-or-open"), {"name": [None, "", "{name}"], **wrong}),
        ),
        Sequence(
            "order-open-existing",
            _two_faults(
                named("open-existing"),
                {
                    "name": [None, "", "{name}"],
                    "rights": [-1, 0x2000000],
                    "inheritability": [-1, 2],
                },
            ),
        ),
    ]


def _files() -> list[Sequence]:
    names = ["", "{name}", "a/b"]
    paths = ["", "{a}\0b", "{b}", "/", "{b}/c"]
    faults: dict[str, list[Any]] = {
        "path": paths, "mode": [0, 5, 6, 7], "map_name": names, "capacity": [-1, 5],
        "access": [-1, WRITE, 6],
    }  # fmt: skip
    found = [Sequence("order-file", _two_faults(file(OPEN, 10), faults), _FILES)]
    faults = {key: faults[key] for key in ("map_name", "capacity", "access")}
    exists = [
        {**file(CREATE_NEW, 10), key: value} for key, values in faults.items() for value in values
    ]
    found.append(Sequence("order-file-that-exists", exists, _FILES))
    # A map for reading can't be larger than its file, and a new file is empty.
    steps = [file(OPEN, 20, access=READ, map_name=name) for name in names]
    steps += [file(OPEN, 20, access=READ, path=path) for path in paths]
    steps += [file(mode, 20, access=READ, path="{b}", map_name=names[1]) for mode in (1, 2)]
    steps += [file(mode, 0, access=READ, path="{b}", map_name=names[1]) for mode in (1, 2, 4)]
    found.append(Sequence("order-file-for-reading", steps, _FILES))
    for content, capacity in ((b"0123456789", -1), (b"0123456789", 5), (b"", 0)):
        faults = {
            "map_name": names, "access": [-1, WRITE, 6], "inheritability": [-1, 2],
            "capacity": [capacity],
        }  # fmt: skip
        name = f"order-stream-{len(content)}-{capacity}"
        steps = _two_faults(from_stream(10), faults)
        if not content:
            steps = [{**step, "capacity": 0} for step in steps]
        found.append(Sequence(name, steps, {"a": content}))
    steps = [from_stream(20, access=READ, map_name=name) for name in names]
    found.append(Sequence("order-stream-for-reading", steps, _FILES))
    return found


def _views() -> list[Sequence]:
    faults: dict[str, list[Any]] = {
        "offset": [-1, 2 * _PAGE, BIG], "size": [-1, 2 * _PAGE, BIG], "access": [-1, 6, READ_WRITE],
    }  # fmt: skip
    found = []
    for state, before in (("open", []), ("disposed", [dispose("m")])):
        for make, name in ((view, "view"), (stream, "stream")):
            steps = [
                *({**make(), key: value, "access": READ} for key in ("offset", "size")
                  for value in faults[key]),
                *({**make(), "access": value} for value in faults["access"]),
                *_two_faults({**make(), "access": READ}, faults),
            ]  # fmt: skip
            found.append(
                Sequence(f"order-{name}-of-{state}-map", [new(_PAGE, access=READ), *before, *steps])
            )
    return found


_POSITIONS = [-1, _PAGE - 1, _PAGE, BIG, -(2**63)]
_VALUES: dict[str, Any] = {"byte": 1, "int32": 1, "decimal": "0"}


def _accessors() -> list[Sequence]:
    found = []
    for access, state in product((READ_WRITE, READ, WRITE), ("open", "disposed")):
        before = [dispose("v")] if state == "disposed" else []
        steps: list[Step] = []
        for kind, value in _VALUES.items():
            for position in (0, *_POSITIONS):
                step = {"view": "v", "type": kind, "position": position}
                steps += [{"do": "read", **step}, {"do": "write", **step, "value": value}]
                items = "01" if kind == "byte" else [value]
                for offset, count in ((0, 1), (-1, 1), (0, -1), (2, 1), (0, 2), (0, 0)):
                    steps.append(read_array(kind, position, count, length=1, offset=offset))
                    steps.append(write_array(kind, position, items, offset=offset, count=count))
        steps += [get(name) for name in ("capacity", "pointer_offset", "can_read", "can_write")]
        steps.append(flush())
        found.append(
            Sequence(
                f"order-accessor-access-{access}-{state}",
                [new(_PAGE), view(0, 0, access=access), *before, *steps],
            )
        )
    return found


def _streams() -> list[Sequence]:
    found = []
    for access, state in product((READ_WRITE, READ, WRITE), ("open", "disposed")):
        before = [dispose("s")] if state == "disposed" else []
        steps: list[Step] = []
        for start in (0, _PAGE, 3 * _PAGE):
            steps += [{"do": "stream-seek", "stream": "s", "offset": start, "origin": 0}]
            steps += [{"do": "stream-read", "stream": "s", "count": count} for count in (0, 1)]
            for data in ("", "01"):
                steps.append({"do": "stream-write", "stream": "s", "bytes": data})
            steps += [{"do": "stream-set-length", "stream": "s", "length": n} for n in (0, -1, BIG)]
            for offset, origin in product((-1, BIG, -(2**63), -_PAGE - 1), (0, 1, 2, 3, -1)):
                steps.append(
                    {"do": "stream-seek", "stream": "s", "offset": offset, "origin": origin}
                )
                steps.append(get("position", "s"))
        steps += [
            get(name, "s")
            for name in (
                "length",
                "position",
                "can_read",
                "can_write",
                "can_seek",
                "pointer_offset",
            )
        ]
        steps.append(flush("s"))
        found.append(
            Sequence(
                f"order-stream-access-{access}-{state}",
                [new(_PAGE), stream(0, 0, access=access), *before, *steps],
            )
        )
    return found


ORDERS = [*_creating(), *_files(), *_views(), *_accessors(), *_streams()]
