"""Struct classes with the functions of ``dataclasses``, and ``copy.replace``."""

from __future__ import annotations

import copy
import dataclasses
import pprint
import sys
from decimal import Decimal
from typing import Annotated, Any

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import FormatError, StructValueError
from pyshm.layout.declarations import BuiltIn, FieldDeclaration, TypeDeclaration
from pyshm.layout.forms import Target
from pyshm.structs import struct_from


class Point(Struct):
    x: t.Int32
    y: t.Int32 = 7


class Car(Struct, target=Target(8)):
    id: t.Int32
    name: Annotated[str, t.ByValTStr(8)]
    start: Point
    points: Annotated[list[Point], t.ByValArray(Point, 2)]
    laps: Annotated[list[int], t.ByValArray(t.Int16, 3)] = [1, 2, 3]
    limit: Annotated[int | None, t.Nullable(t.Int32)] = 5


class Base(Struct, kind="class"):
    a: t.Int32


class Derived(Base, kind="class"):
    b: t.Int32 = 2


class Both(Struct, layout="explicit"):
    whole: Annotated[t.Int32, t.FieldOffset(0)]
    low: Annotated[t.Int16, t.FieldOffset(0)]
    high: Annotated[t.Int16, t.FieldOffset(2)]
    after: Annotated[t.Int32, t.FieldOffset(4)]


class Money(Struct, layout="explicit"):
    price: Annotated[t.Decimal, t.FieldOffset(0)]
    id: Annotated[t.Guid, t.FieldOffset(0)]
    other: Annotated[t.Int32, t.FieldOffset(16)]


def replaced_by_method(value, **changes):
    return value.__replace__(**changes)


REPLACE: list[Any] = [dataclasses.replace, replaced_by_method]
if sys.version_info >= (3, 13):
    REPLACE.append(copy.replace)


@pytest.mark.parametrize("replace", REPLACE)
def test_replace_returns_a_changed_copy(replace):
    car = Car(1, "abc", Point(2), [Point(3), Point(4)], [7, 8, 9], None)
    changed = replace(car, id=2, laps=[4, 5, 6])
    assert changed == Car(2, "abc", Point(2), [Point(3), Point(4)], [4, 5, 6], None)
    assert type(changed) is Car
    assert car.id == 1
    assert replace(car) == car
    assert replace(car) is not car
    assert replace(Derived(1), a=5) == Derived(5, 2)


@pytest.mark.parametrize("replace", REPLACE)
def test_replace_refuses_what_is_not_a_field(replace):
    with pytest.raises(TypeError, match="speed"):
        replace(Car(), speed=2)


@pytest.mark.parametrize("replace", REPLACE)
def test_replace_keeps_the_bytes_that_values_do_not_have(replace):
    data = bytearray(Car(name="abc").to_bytes())
    data[8:12] = b"wxyz"  # after the NUL
    for read in (False, True):
        car = Car.from_bytes(data)
        if read:
            assert car.name == "abc"
        changed = replace(car, id=1)
        assert changed.to_bytes() == b"\1" + bytes(data[1:])
        assert replace(car, name="abcd").to_bytes()[4:12] == b"abcd\0\0\0\0"


@pytest.mark.parametrize("replace", REPLACE)
def test_replace_changes_one_field_of_those_that_share_bytes(replace):
    both = Both(whole=0x00020001, after=3)
    assert replace(both, low=9).to_bytes() == b"\x09\0\2\0\3\0\0\0"
    assert replace(both, high=9).to_bytes() == b"\1\0\x09\0\3\0\0\0"
    assert replace(both, whole=9).to_bytes() == b"\x09\0\0\0\3\0\0\0"
    assert replace(both, after=9).to_bytes() == b"\1\0\2\0\x09\0\0\0"
    assert replace(both, whole=0, high=1).to_bytes() == b"\0\0\1\0\3\0\0\0"
    with pytest.raises(StructValueError):
        replace(both, low=2**15)


@pytest.mark.parametrize("replace", REPLACE)
def test_replace_keeps_fields_that_can_not_be_read(replace):
    data = Money(other=1).to_bytes()[16:]
    money = Money.from_bytes(b"\xff" * 16 + data)
    if replace is dataclasses.replace:  # it reads every field that it is not given
        with pytest.raises(FormatError):
            replace(money, other=2)
    else:
        assert replace(money, other=2).to_bytes()[:20] == b"\xff" * 16 + b"\2\0\0\0"
    assert replace(money, price=Decimal(1), other=2).price == Decimal(1)


def test_fields_are_those_of_the_struct():
    fields = dataclasses.fields(Car)
    assert [field.name for field in fields] == list(Car.__match_args__)
    assert [field.name for field in dataclasses.fields(Car())] == list(Car.__match_args__)
    by_name = {field.name: field for field in fields}
    assert by_name["id"].default == 0
    assert by_name["limit"].default == 5
    assert by_name["name"].default == ""
    assert by_name["laps"].default_factory() == [1, 2, 3]
    assert by_name["start"].default_factory() == Point(0, 7)
    assert by_name["id"].type in ("t.Int32", t.Int32)
    assert dataclasses.is_dataclass(Car)
    assert [field.name for field in dataclasses.fields(Derived)] == ["a", "b"]
    assert dataclasses.fields(Struct) == ()


def test_asdict_and_astuple_copy_nested_structs():
    car = Car(1, "abc", Point(2), [Point(3), Point(4)])
    expected = {
        "id": 1,
        "name": "abc",
        "start": {"x": 2, "y": 7},
        "points": [{"x": 3, "y": 7}, {"x": 4, "y": 7}],
        "laps": [1, 2, 3],
        "limit": 5,
    }
    assert dataclasses.asdict(car) == expected
    assert dataclasses.astuple(car) == (1, "abc", (2, 7), [(3, 7), (4, 7)], [1, 2, 3], 5)
    assert dataclasses.asdict(Both(whole=1)) == {"whole": 1, "low": 1, "high": 0, "after": 0}
    assert Car(**{**expected, "start": Point(2), "points": car.points}) == car


def test_a_struct_of_a_declaration_is_a_dataclass_too():
    point = struct_from(TypeDeclaration("P", fields=(FieldDeclaration("X", BuiltIn("int")),)))
    assert dataclasses.asdict(dataclasses.replace(point(1), X=2)) == {"X": 2}


def test_a_struct_can_be_printed_prettily():
    assert "points=[Point(x=0, y=0)" in pprint.pformat(Car(), width=20)
