"""``pyshm write-struct`` and ``pyshm read-struct``: a struct in a map, by default TestData."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .common import (
    OK,
    Commands,
    UsageError,
    add_command,
    add_map,
    add_references,
    opened_to_read,
    print_json,
    report_ready,
    whole_number,
)
from .console import Console
from .holding import HELD, add_hold, hold, interruptible
from .types import struct_of
from .writing import add_capacity, opened_to_write

if TYPE_CHECKING:
    from ..structs.struct import Struct

__all__ = ["add"]

_WRITE = f"""\
The struct is TestData, that of the example programs, or the one that --as names. Its fields have
the defaults of its class, mostly 0, and then the values that --set gives.

FIELD is a name in .NET or in Python; pos.x is a field of a field, and arms[2] an element. VALUE is
a number (also 0x1F), true or false, text, the name of an enum's member (or several: A|B), a date
(2026-12-31T23:59:59), a duration (1.23:59:59.5), a GUID, null, or the elements of an array
(1,2,3). A JSON array or object also gives the parts of an array or a struct.

{HELD}"""
_WRITE_EXAMPLES = """\
  pyshm write-struct data                            Id=100, Age=20, Scores=60 … 69
  pyshm write-struct data --id 7 --age -1            with other values
  pyshm write-struct data --scores 1,2,3,4,5,6,7,8,9,10
  pyshm write-struct arm --as robots:Arm --set speed=2.5 --set joint.x=1
  pyshm write-struct car --as MyApp.dll:Race.Car --set Gear=Drive --set Wheels[0].Pressure=2.2
"""
_READ_EXAMPLES = """\
  pyshm read-struct data                   Id=100,Age=20,Scores=60,61,62,…
  pyshm read-struct data --json            {"map": "data", "id": 100, …}
  pyshm read-struct arm --as robots:Arm    read it as the Struct Arm in your robots.py
  pyshm read-struct car --as MyApp.dll:Race.Car
"""


def add(commands: Commands) -> None:
    """Add ``write-struct`` and ``read-struct``."""
    sub = add_command(
        commands,
        "write-struct",
        _write_struct,
        "Write a struct to a map, and hold the map.",
        description=_WRITE,
        examples=_WRITE_EXAMPLES,
    )
    add_map(sub)
    add_capacity(sub)
    add_hold(sub)
    _add_type(sub)
    sub.add_argument(
        "--set",
        dest="assignments",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="the value of a field; can be repeated",
    )
    # The defaults are those of TestData.standard(), which --help must not load.
    sub.add_argument("--id", type=whole_number, metavar="N", help="TestData: int32 (default: 100)")
    sub.add_argument("--age", type=whole_number, metavar="N", help="TestData: int32 (default: 20)")
    sub.add_argument(
        "--scores",
        type=_list_of_numbers,
        metavar="A,B,...",
        help="TestData: ten int32 (default: 60,61,62,63,64,65,66,67,68,69)",
    )
    sub = add_command(
        commands,
        "read-struct",
        _read_struct,
        "Read a struct in a map.",
        examples=_READ_EXAMPLES,
    )
    add_map(sub)
    _add_type(sub)


def _add_type(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--as",
        dest="type",
        default=_TEST_DATA,
        metavar="TYPE",
        help="module:Class, a Struct of yours, or x.dll:Full.Name (default: TestData)",
    )
    add_references(sub)


_TEST_DATA = "TestData"


def _type_of(arguments: argparse.Namespace) -> type[Struct]:
    from ..formats.testdata import TestData

    if arguments.type == _TEST_DATA:
        return TestData
    return struct_of(arguments.type, arguments.references, [_TEST_DATA])


def _list_of_numbers(text: str) -> list[int]:
    return [whole_number(part) for part in text.split(",")]


def _write_struct(arguments: argparse.Namespace) -> int:
    from .fields import assign

    struct = _type_of(arguments)
    data = bytearray(_initial(arguments, struct))
    for text in arguments.assignments:
        assign(struct, data, text)
    with opened_to_write(arguments, len(data)) as memory:
        memory.write_bytes(data)
        with interruptible():
            report_ready(arguments, memory, len(data))
            hold(arguments)
    return OK


def _initial(arguments: argparse.Namespace, struct: type[Struct]) -> bytes:
    """Return the bytes before ``--set``. Raises an error for an invalid value."""
    from ..formats.testdata import TestData

    given = {name: getattr(arguments, name) for name in ("id", "age", "scores")}
    given = {name: value for name, value in given.items() if value is not None}
    if struct is not TestData:
        if given:
            raise UsageError(f"--{next(iter(given))} is a field of TestData; use --set FIELD=VALUE")
        return struct().to_bytes()
    value = TestData.standard()
    for name, item in given.items():
        setattr(value, name, item)
    return value.to_bytes()


def _read_struct(arguments: argparse.Namespace) -> int:
    from ..formats.testdata import TestData
    from ..structs.packed import truncated_error

    struct = _type_of(arguments)
    with opened_to_read(arguments) as memory:
        memory.accessor.check_backed()
        data = bytes(memory.buffer[: struct.layout.size])
    if len(data) < struct.layout.size:
        raise truncated_error(struct.__packing__, len(data))
    if struct is not TestData:
        _print(arguments, struct, data)
        return OK
    value = TestData.unpack_from(data)
    if arguments.json:
        print_json({"map": arguments.map, "id": value.id, "age": value.age, "scores": value.scores})
    else:
        print(value)
    return OK


def _print(arguments: argparse.Namespace, struct: type[Struct], data: bytes) -> None:
    from .fields import as_json, as_lines

    if arguments.json:
        name = struct.layout.declaration.name
        print_json({"map": arguments.map, "type": name, "value": as_json(struct, data)})
        return
    console = Console.out()
    for line in as_lines(struct, data):
        console.line(line)
