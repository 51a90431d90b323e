"""Values of every kind for every field: an error of pyshm, and nothing is written."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from enum import IntEnum, IntFlag
from typing import Annotated, Any

import pytest

from pyshm import MemoryMappedFile, PyshmError, Struct
from pyshm import types as t
from pyshm.errors import ArgumentError, ArgumentNullError, StructValueError
from pyshm.structs import snapshot

HUGE = 10**5000  # has more digits than Python writes


class Gear(IntEnum):
    FIRST = 1


class Lamps(IntFlag):
    LOW = 1


class Wheel(Struct):
    pressure: t.Int32


class All(Struct):
    number: t.Int32
    wide: t.Int128
    real: t.Single
    half: t.Half
    flag: t.Bool
    char: t.Char
    amount: t.Decimal
    moment: t.DateTime
    length: t.TimeSpan
    day: t.DateOnly
    hour: t.TimeOnly
    id: t.Guid
    gear: Gear
    lamps: Lamps
    name: Annotated[str, t.ByValTStr(8)]
    numbers: Annotated[list[int], t.ByValArray(t.Int16, 3)]
    flags: Annotated[list[bool], t.ByValArray(t.Bool, 3)]
    wheel: Wheel
    wheels: Annotated[list[Wheel], t.ByValArray(Wheel, 2)]
    address: t.Pointer


class Rude:
    """An object of which nothing can be said, not even whether it is true."""

    def __repr__(self):
        raise RuntimeError("no repr")

    def __bool__(self):
        raise ValueError("neither")


FIELDS = [field.name for field in dataclasses.fields(All)]
VALUES = {
    "a long int": HUGE,
    "a negative long int": -HUGE,
    "a list of long ints": [HUGE] * 3,
    "an object": Rude(),
    "a list of objects": [Rude()] * 3,
    "NaN": Decimal("sNaN"),
    "a surrogate": "\ud800",
}


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_is_written_or_refused_with_an_error_of_pyshm(name, value):
    _refused_or_written(lambda _: All(**{name: value}).to_bytes())
    _refused_or_written(lambda _: dataclasses.replace(All(), **{name: value}).to_bytes())
    _refused_or_written(lambda memory: setattr(All.view(memory), name, value))


def _refused_or_written(action: Any) -> None:
    memory = bytearray(All.layout.size)
    try:
        action(memory)
    except PyshmError as error:
        assert str(error)  # noqa: PT017 - some values fit
        assert memory == bytes(All.layout.size)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_the_repr_of_a_struct_shows_values_that_have_none(value):
    text = repr(All(number=value, name=value))
    assert text.startswith("All(number=")


@pytest.mark.parametrize("name", ["numbers", "flags", "wheels"])
@pytest.mark.parametrize("value", [5, 1.5, None, HUGE], ids=range(4))
def test_what_is_not_a_sequence_is_not_assigned_to_a_slice(name, value):
    memory = bytearray(All.layout.size)
    with pytest.raises(StructValueError, match=r"needs \d elements, not"):
        getattr(All.view(memory), name)[:] = value


@pytest.mark.parametrize("value", [5, "text", None, HUGE], ids=range(4))
def test_what_is_not_a_buffer_is_named(value):
    for action in (
        lambda: Wheel.from_bytes(value),
        lambda: Wheel.unpack_from(value),
        lambda: Wheel.view(value),
        lambda: snapshot(Wheel, value),
    ):
        with pytest.raises(ArgumentNullError, match="must be bytes or another buffer, not"):
            action()


def test_a_bool_of_a_map_is_a_bool_or_refused():
    with MemoryMappedFile.create_new(None, 9) as made, made.create_view_accessor() as view:
        for write in (
            lambda: view.write_boolean(0, Rude()),
            lambda: view.write(0, Flag(Rude())),
        ):
            with pytest.raises(PyshmError, match="bool, not <Rude>"):
                write()
        assert bytes(view.buffer[:9]) == bytes(9)


class Flag(Struct):
    flag: t.Bool


@pytest.mark.skipif("sys.platform == 'win32'", reason="a file of Windows can have such a name")
def test_the_path_of_a_file_has_a_spelling_in_the_system():
    with pytest.raises(ArgumentError, match=r"can't contain '\\ud800', which is at 1"):
        MemoryMappedFile.create_from_file("x\ud800")
