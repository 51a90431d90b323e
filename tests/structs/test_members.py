"""Methods, properties and constants of a struct class, also of its views and snapshots."""

from __future__ import annotations

import dataclasses
import pickle
from functools import partialmethod
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.codegen import csharp_source
from pyshm.errors import LayoutError, StructValueError, UnsupportedError
from pyshm.layout.declarations import BuiltIn, FieldDeclaration, TypeDeclaration
from pyshm.layout.forms import Target
from pyshm.structs import for_target, snapshot, struct_from


class Wheel(Struct):
    pressure: t.Single

    def is_flat(self):
        return self.pressure < 1


class Car(Struct, target=Target(8)):
    """A car."""

    speed: t.Int32
    name: Annotated[str, t.ByValTStr(8)]
    wheels: Annotated[list[Wheel], t.ByValArray(Wheel, 2)]

    LIMIT = 100

    def is_fast(self, limit=LIMIT, *, margin=0):
        return self.speed > limit + margin

    is_very_fast = partialmethod(is_fast, 200)

    @property
    def kmh(self):
        """The speed in km/h."""
        return self.speed * 3.6

    @kmh.setter
    def kmh(self, value):
        self.speed = round(value / 3.6)

    @property
    def flat(self):
        return [wheel.is_flat() for wheel in self.wheels]

    @staticmethod
    def unit():
        return "m/s"

    @classmethod
    def standing(cls, name):
        return cls(name=name)

    def describe(self):
        return f"{self.name} at {self.speed} {self.unit()}"

    def __len__(self):
        return self.speed

    def __contains__(self, name):
        return name in self.name

    def __call__(self):
        return "called"

    def _private(self):
        return self.__mangled()

    def __mangled(self):
        return self.LIMIT


class MyCar(Car):
    """With more methods."""

    COLOR = "red"

    def describe(self):
        return f"{super().describe()}!"

    @property
    def kmh(self):
        return super().kmh + 1

    @property
    def loud(self):
        return self.describe().upper()


class Loudest(MyCar):
    def describe(self):
        return super().describe() + "!"


class Garage(Struct):
    best: MyCar
    cars: Annotated[list[MyCar], t.ByValArray(MyCar, 2)]


DATA = Car(150, "abc", [Wheel(2.0), Wheel(0.5)]).to_bytes()


def faces(struct, data=DATA):
    """Return the struct, its views and its snapshot."""
    return [
        struct.from_bytes(data),
        struct.view(bytearray(data)),
        struct.view(data),
        snapshot(struct, data),
        for_target(struct, Target(8)).view(bytearray(data)),
    ]


@pytest.mark.parametrize("struct", [Car, MyCar, Loudest])
def test_views_and_snapshots_have_the_members_of_the_class(struct):
    for each in faces(struct):
        assert each.is_fast()
        assert not each.is_fast(150)
        assert not each.is_fast(margin=50)
        assert not each.is_very_fast()
        assert each.LIMIT == 100
        assert each.flat == [False, True]
        assert each.wheels[1].is_flat()
        assert each.unit() == "m/s"
        assert each.standing("new") == struct(name="new")
        assert len(each) == 150
        assert "b" in each
        assert each() == "called"
        assert each._private() == 100
        assert each.layout.size == struct.layout.size
        assert each.to_bytes() == DATA


def test_a_method_can_call_that_of_the_base():
    for each in faces(MyCar):
        assert each.describe() == "abc at 150 m/s!"
        assert each.loud == "ABC AT 150 M/S!"
        assert each.kmh == 541
        assert each.COLOR == "red"
    for each in faces(Loudest):
        assert each.describe() == "abc at 150 m/s!!"
    for each in faces(Car):
        assert each.describe() == "abc at 150 m/s"
        assert not hasattr(each, "loud")


def test_a_property_of_a_view_can_be_assigned():
    data = bytearray(DATA)
    live = Car.view(data)
    live.kmh = 36
    assert Car.from_bytes(data).speed == 10
    with pytest.raises(UnsupportedError, match="read-only"):
        Car.view(bytes(data)).kmh = 36
    with pytest.raises(AttributeError):
        live.flat = [True]
    with pytest.raises(AttributeError, match="no field 'LIMIT'"):
        live.LIMIT = 3
    with pytest.raises(StructValueError):
        live.kmh = 1e12


def test_a_repr_of_the_class_is_that_of_its_views():
    class Named(Struct):
        id: t.Int32

        def __repr__(self):
            return f"#{self.id}"

        def __lt__(self, other):
            return self.id < other.id

    for each in faces(Named, b"\7\0\0\0"):
        assert repr(each) == str(each) == "#7"
        assert each < Named(8)


def test_a_class_that_derives_from_a_struct_is_the_same_struct_in_memory():
    assert MyCar.layout.size == Car.layout.size
    assert [field.offset for field in MyCar.layout.fields] == [
        field.offset for field in Car.layout.fields
    ]
    assert MyCar.layout.declaration.name == Car.layout.declaration.name
    car = MyCar(1, "x")
    assert car.to_bytes() == Car(1, "x").to_bytes()
    assert MyCar.from_bytes(car.to_bytes()) == car
    assert repr(car).startswith("MyCar(speed=1, name='x'")
    assert isinstance(car, Car)
    assert car != Car(1, "x")
    assert pickle.loads(pickle.dumps(car)) == car
    assert type(pickle.loads(pickle.dumps(snapshot(MyCar, DATA)))) is type(snapshot(MyCar, DATA))
    assert dataclasses.replace(car, speed=2) == MyCar(2, "x")
    car.name = "y"
    assert Loudest(name="z").name == "z"
    assert MyCar.layout.target == Target(8)
    assert csharp_source([MyCar.layout.declaration]).count("struct Car") == 1


def test_a_field_can_be_of_a_class_that_derives_from_a_struct():
    garage = Garage.from_bytes(DATA * 3)
    assert type(garage.best) is MyCar
    assert garage.cars[1].describe() == "abc at 150 m/s!"
    assert Garage.view(bytearray(DATA * 3)).cars[1].describe() == "abc at 150 m/s!"
    assert garage.to_bytes() == DATA * 3


def test_a_field_takes_an_object_of_a_derived_class():
    class Parked(Struct):
        car: Car

    assert Parked(MyCar(1, "x")).to_bytes() == Car(1, "x").to_bytes()
    live = Parked.view(bytearray(Car.layout.size))
    live.car = MyCar(1, "x")
    assert live.car.name == "x"


def test_a_struct_of_a_declaration_can_be_derived_from():
    point = struct_from(
        TypeDeclaration("My.Point", fields=(FieldDeclaration("X", BuiltIn("int")),))
    )

    class MyPoint(point):
        def double(self):
            return self.X * 2

    assert MyPoint(4).double() == 8
    assert MyPoint.view(bytearray(b"\3\0\0\0")).double() == 6
    assert MyPoint.layout.declaration.name == "My.Point"


def test_a_class_of_fields_that_share_bytes_can_be_derived_from():
    class Both(Struct, layout="explicit"):
        whole: Annotated[t.Int32, t.FieldOffset(0)]
        low: Annotated[t.Int16, t.FieldOffset(0)]

    class More(Both):
        def high(self):
            return self.whole >> 16

    value = More(whole=0x20001)
    assert (value.high(), value.low) == (2, 1)
    value.low = 3
    assert value.whole == 0x20003
    assert More.view(bytearray(b"\1\0\2\0")).high() == 2


@pytest.mark.parametrize(
    ("body", "keywords", "what"),
    [
        ({"__annotations__": {"extra": t.Int32}}, {}, "extra"),
        ({}, {"pack": 1}, "pack"),
        ({}, {"target": Target(4)}, "target"),
        ({"speed": 5}, {}, "speed"),
        ({"name": property(lambda self: "x")}, {}, "name"),
    ],
)
def test_a_class_that_derives_from_a_struct_has_its_fields(body, keywords, what):
    with pytest.raises(LayoutError, match=what) as caught:
        type(Struct)("Bad", (Car,), {**body, "__module__": __name__}, **keywords)
    assert caught.value.field == what


def test_only_methods_that_the_class_defines_are_those_of_a_view():
    live = Car.view(bytearray(DATA))
    for name in ("from_bytes", "__packing__", "__make__", "__replace__"):
        assert not hasattr(live, name)
