"""``pyshm write-struct`` and ``pyshm read-struct``: the TestData struct of the example programs."""

from __future__ import annotations

import argparse

from .common import (
    OK,
    Commands,
    add_capacity,
    add_command,
    add_map,
    interruptible,
    opened_to_read,
    opened_to_write,
    print_json,
    report_ready,
    wait_for_end_of_input,
    whole_number,
)

__all__ = ["add"]

_WRITE_EXAMPLES = """\
  pyshm write-struct data                            Id=100, Age=20, Scores=60 … 69
  pyshm write-struct data --id 7 --age -1            with other values
  pyshm write-struct data --scores 1,2,3,4,5,6,7,8,9,10
"""
_READ_EXAMPLES = """\
  pyshm read-struct data                   Id=100,Age=20,Scores=60,61,62,…
  pyshm read-struct data --json            {"map": "data", "id": 100, …}
"""


def add(commands: Commands) -> None:
    """Add ``write-struct`` and ``read-struct``."""
    sub = add_command(
        commands,
        "write-struct",
        _write_struct,
        "Write the TestData struct to a map, and hold the map until standard input ends.",
        examples=_WRITE_EXAMPLES,
    )
    add_map(sub)
    add_capacity(sub)
    # The defaults are those of TestData.standard(), which --help must not load.
    sub.add_argument("--id", type=whole_number, metavar="N", help="an int32 (default: 100)")
    sub.add_argument("--age", type=whole_number, metavar="N", help="an int32 (default: 20)")
    sub.add_argument(
        "--scores",
        type=_list_of_numbers,
        metavar="A,B,...",
        help="ten int32 (default: 60,61,62,63,64,65,66,67,68,69)",
    )
    sub = add_command(
        commands,
        "read-struct",
        _read_struct,
        "Read the TestData struct in a map.",
        examples=_READ_EXAMPLES,
    )
    add_map(sub)


def _list_of_numbers(text: str) -> list[int]:
    return [whole_number(part) for part in text.split(",")]


def _write_struct(arguments: argparse.Namespace) -> int:
    from ..formats.testdata import TestData

    value = TestData.standard()
    for name in ("id", "age", "scores"):
        given = getattr(arguments, name)
        if given is not None:
            setattr(value, name, given)
    value.to_bytes()  # raises for an invalid value before the map is created
    with opened_to_write(arguments) as memory:
        memory.write_struct(value)
        with interruptible():
            report_ready(arguments, memory, TestData.layout.size)
            wait_for_end_of_input()
    return OK


def _read_struct(arguments: argparse.Namespace) -> int:
    from ..formats.testdata import TestData

    with opened_to_read(arguments) as memory:
        value = memory.read_struct(TestData)
    if arguments.json:
        print_json({"map": arguments.map, "id": value.id, "age": value.age, "scores": value.scores})
    else:
        print(value)
    return OK
