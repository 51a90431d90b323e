"""Struct declarations, and what a type checker must infer from them (test_typing.py)."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, reveal_type

from pyshm import MemoryMappedViewAccessor, Struct
from pyshm import types as t
from pyshm.layout.forms import Target
from pyshm.structs import for_target


class Gear(IntEnum):
    NEUTRAL = 0


class Point(Struct, pack=1):
    x: t.Int32
    y: t.Double = 2.5


class Animal(Struct, kind="class"):
    legs: t.Byte


class Dog(Animal, kind="class"):
    tag: t.Byte


class Everything(Struct, pack=4, size=500, charset="unicode", name="My.Everything"):
    number: t.Int32
    real: t.Single
    truth: t.Bool
    letter: t.Char
    text: Annotated[str, t.ByValTStr(8)]
    price: t.Decimal
    when: t.DateTime
    guid: t.Guid
    gear: Gear
    small: Annotated[Gear, t.Enum(t.Byte)]
    scores: Annotated[list[int], t.ByValArray(t.Int16, 3)]
    points: Annotated[list[Point], t.ByValArray(Point, 2)]
    maybe: Annotated[int | None, t.Nullable(t.Int32)]
    raw: Annotated[t.UInt16, t.FieldName("m_raw")]
    where: t.Pointer


class Union(Struct, layout="explicit"):
    whole: Annotated[t.Int32, t.FieldOffset(0)]
    real: Annotated[t.Single, t.FieldOffset(0)]


value = Everything.from_bytes(bytes(500))
reveal_type(value.number)  # int
reveal_type(value.real)  # float
reveal_type(value.truth)  # bool
reveal_type(value.letter)  # str
reveal_type(value.text)  # str
reveal_type(value.price)  # Decimal
reveal_type(value.when)  # datetime
reveal_type(value.guid)  # UUID
reveal_type(value.gear)  # Gear
reveal_type(value.small)  # Gear
reveal_type(value.scores)  # list[int]
reveal_type(value.points[0].y)  # float
reveal_type(value.maybe)  # int | None
reveal_type(value.raw)  # int
reveal_type(value.where)  # int
reveal_type(Point(1))  # Point
reveal_type(Dog(4, 5).legs)  # int
reveal_type(Everything.layout.fields[0].offset)  # int
reveal_type(Point.managed.size)  # int
reveal_type(for_target(Point, Target(4, windows=True)).stride)  # int


def read(accessor: MemoryMappedViewAccessor) -> None:
    reveal_type(accessor.read(0, Point))  # Point
    reveal_type(accessor.read_structs(0, Point, 3))  # list[Point]
    accessor.write(0, Point(1, 2.0))
    accessor.write_array(0, [Point(1)])


Point("1")  # error: arg-type
Point(1, 2.0, 3)  # error: call-arg
value.text = 5  # error: assignment
value.scores = ["a"]  # error: list-item
