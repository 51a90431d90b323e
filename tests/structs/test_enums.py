"""Enums: every number of every underlying type is read, written and combined as it is in .NET."""

from __future__ import annotations

import copy
import pickle
from enum import CONFORM, EJECT, STRICT, Enum, Flag, IntEnum, IntFlag
from importlib.util import find_spec
from typing import Annotated, Any

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.dump import annotate, as_text
from pyshm.errors import LayoutError, StructValueError
from pyshm.structs import array, snapshot

NUMPY = find_spec("numpy") is not None


class Named(IntEnum):
    ONE = 1
    TWO = 2


class Flags(IntFlag):
    A = 1
    B = 2


class Masked(IntFlag):
    LOW = 0x0F
    A = 1


class IntAndFlag(int, Flag):
    A = 1
    B = 2


class IntAndEnum(int, Enum):
    ONE = 1


class Empty(IntEnum):
    pass


class EmptyFlags(IntFlag):
    pass


class Strict(IntFlag, boundary=STRICT):
    A = 1


class Conform(IntFlag, boundary=CONFORM):
    A = 1


class Eject(IntFlag, boundary=EJECT):
    A = 1


class Tops(IntFlag):
    """What ``pyshm bind`` writes for an int enum with ``1 << 31``."""

    A = 1
    B = 2
    Top = -2147483648


class Twice(IntEnum):
    """Enums can have values that are not their ints; the bytes are those of the int."""

    def __new__(cls, number: int) -> Any:
        member = int.__new__(cls, number)
        member._value_ = number * 2
        return member

    ONE = 1
    FOUR = 4


UNDERLYING = {
    "sbyte": (t.SByte, 1, True),
    "byte": (t.Byte, 1, False),
    "short": (t.Int16, 2, True),
    "ushort": (t.UInt16, 2, False),
    "int": (t.Int32, 4, True),
    "uint": (t.UInt32, 4, False),
    "long": (t.Int64, 8, True),
    "ulong": (t.UInt64, 8, False),
}
ENUMS = [
    Named, Flags, Masked, IntAndFlag, IntAndEnum, Empty, EmptyFlags, Strict, Conform, Eject, Twice,
]  # fmt: skip


def tops(size):
    """Return a flags enum whose last flag is the sign bit of a type of ``size`` bytes."""
    return IntFlag("Tops", {"A": 1, "B": 2, "Top": -(1 << 8 * size - 1)})


def raw_values(size):
    """Yield bytes of numbers with named and unnamed bits, up to both ends of the type."""
    bits = 8 * size
    low = range(20)
    high = [1 << bits - 1 | number for number in low]
    negative = [(1 << bits) - 1 - number for number in low]
    single = [1 << bit for bit in range(bits)]
    for number in [*low, *high, *negative, *single, (1 << bits - 1) - 1]:
        yield number.to_bytes(size, "little")


def holders(enum, kind, size):
    """Return structs with one enum value in every place where a field can have one."""
    field = Annotated[enum, t.Enum(kind, "Some.Enum")]
    namespace = {"__annotations__": {"value": field}}
    one = type(Struct)("One", (Struct,), dict(namespace))
    annotations: dict[str, Any] = {
        "in_array": Annotated[list[enum], t.ByValArray(field, 2)],
        "in_place": Annotated[list[enum], t.InlineArray(field, 2)],
        "nested": one,
        "nested_array": Annotated[list[one], t.ByValArray(one, 2)],
        "in_nullable": Annotated[enum | None, t.Nullable(field)],
    }
    many = type(Struct)("Many", (Struct,), {"__annotations__": annotations})
    union = type(Struct)(
        "Union",
        (Struct,),
        {
            "__annotations__": {
                "value": Annotated[field, t.FieldOffset(0)],
                "bits": Annotated[kind, t.FieldOffset(0)],
            }
        },
        layout="explicit",
    )
    assert one.layout.size == size
    return one, many, union


def many_bytes(many, raw):
    """Return the bytes of a Many that has ``raw`` in every place."""
    data = bytearray(many.layout.size)
    for field in many.layout.fields:
        if field.name == "in_nullable":
            data[field.offset : field.offset + 4] = b"\1\0\0\0"
            at = field.offset + field.form.layout.fields[1].offset
            data[at : at + len(raw)] = raw
        else:
            data[field.offset : field.offset + field.size] = raw * (field.size // len(raw))
    return bytes(data)


@pytest.mark.parametrize("underlying", UNDERLYING)
@pytest.mark.parametrize("enum", [*ENUMS, "tops"], ids=str)
def test_what_is_read_is_what_is_written(enum, underlying):
    kind, size, signed = UNDERLYING[underlying]
    if enum == "tops":
        if not signed:
            return
        enum = tops(size)
    one, many, union = holders(enum, kind, size)
    for raw in raw_values(size):
        number = int.from_bytes(raw, "little", signed=signed)
        value = one.from_bytes(raw)
        assert int(value.value) == number
        assert value.to_bytes() == raw
        assert one(value.value).to_bytes() == one(number).to_bytes() == raw
        for same in (copy.copy(value), copy.deepcopy(value)):
            assert same == value
            assert same.to_bytes() == raw
        assert one.managed.to_bytes(one.managed.from_bytes(raw)) == raw
        assert str(number) in repr(value).replace("<Twice.FOUR: 8>", "4").replace(": 2>", ": 1>2")
        assert int(snapshot(one, raw).value) == number
        if NUMPY:
            assert array(one, raw)["value"].tolist() == [number]
        memory = bytearray(raw)
        view = one.view(memory)
        assert int(view.value) == number
        view.value = view.value
        assert bytes(memory) == raw

        overlapping = union.from_bytes(raw)
        assert int(overlapping.value) == overlapping.bits == number
        overlapping.value = overlapping.value
        assert overlapping.to_bytes() == raw

        whole = many_bytes(many, raw)
        everywhere = many.from_bytes(whole)
        assert [int(item) for item in everywhere.in_array] == [number] * 2
        assert [int(item) for item in everywhere.in_place] == [number] * 2
        assert int(everywhere.nested.value) == number
        assert [int(item.value) for item in everywhere.nested_array] == [number] * 2
        assert int(everywhere.in_nullable) == number
        assert everywhere.to_bytes() == whole
        memory = bytearray(whole)
        view = many.view(memory)
        assert [int(item) for item in view.in_array] == [number] * 2
        view.in_array[0] = view.in_array[1]
        view.nested.value = view.nested_array[1].value
        assert bytes(memory) == whole


class Mode(Struct):
    flags: Tops
    unsigned: Annotated[Flags, t.Enum(t.UInt32)]
    signed: Flags


def mode(flags=0, unsigned=0, signed=0):
    return b"".join(
        (number & 0xFFFFFFFF).to_bytes(4, "little") for number in (flags, unsigned, signed)
    )


def test_flags_are_combined_as_in_dotnet():
    top = -2147483648
    assert int(Tops.A | Tops.Top) == top + 1
    assert Mode(Tops.A | Tops.Top, 0, 0).to_bytes() == bytes.fromhex("01000080") + bytes(8)
    assert int(Tops.A | Tops.B | Tops.Top) == top + 3
    assert int((Tops.A | Tops.Top) ^ Tops.A) == top
    assert int((Tops.A | Tops.Top) & Tops.Top) == top
    assert int((Tops.A | Tops.Top) & ~Tops.Top) == 1
    assert int(~Tops.A) == -2
    assert Tops.Top in Tops.A | Tops.Top
    assert Tops.B not in Tops.A | Tops.Top
    assert list(Tops.A | Tops.Top) == [Tops.A, Tops.Top]
    assert list(Tops.Top) == [Tops.Top]
    assert len(Tops.A | Tops.Top) == 2
    assert isinstance(Tops.A | Tops.Top, Tops)
    assert repr(Tops.A | Tops.Top) == "<Tops.A|Top: -2147483647>"
    assert (Tops.A | Tops.Top).name == "A|Top"
    assert Tops(top + 1) == Tops.A | Tops.Top


@pytest.mark.parametrize("number", [-2147483648, -2147483647, -2, -4, 16, -2147483632])
@pytest.mark.parametrize("enum", [Flags, Tops])
def test_a_flag_is_set_and_cleared_without_a_change_of_other_bits(enum, number):
    name = "signed" if enum is Flags else "flags"
    memory = bytearray(mode(**{name: number}))
    view = Mode.view(memory)
    struct = Mode.from_bytes(bytes(memory))
    for target in (view, struct):
        setattr(target, name, getattr(target, name) | enum.B)
        assert int(getattr(target, name)) == number | 2
        setattr(target, name, enum.A | getattr(target, name))
        assert int(getattr(target, name)) == number | 3
        setattr(target, name, getattr(target, name) ^ enum.A)
        assert int(getattr(target, name)) == (number | 3) ^ 1
    assert bytes(memory) == struct.to_bytes() == mode(**{name: (number | 3) ^ 1})


def test_an_exact_value_is_a_value_of_its_enum():
    value = Mode.from_bytes(mode(signed=-2)).signed
    assert isinstance(value, Flags)
    assert value == -2
    assert hash(value) == hash(-2)
    assert (value & Flags.B) is Flags.B
    assert Flags.B in value
    assert Flags.A not in value
    assert list(value) == [Flags.B]
    assert (repr(value), str(value), f"{value:d}") == ("<Flags.B|-4: -2>", "-2", "-2")
    assert value.value == -2
    assert ~value == Flags.A
    assert value | 1 == 1 | value == -1
    for same in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert isinstance(same, Flags)
        assert (same, type(same.value)) == (value, int)
    with pytest.raises(TypeError):
        value | "1"


def test_the_flags_of_other_enums_are_combined_as_python_does():
    assert ~Flags.A is Flags.B
    assert Flags(-2) is Flags.B


def test_an_own_missing_method_stays():
    class Own(IntFlag):
        A = 1
        Top = -2147483648

        @classmethod
        def _missing_(cls, value):
            return cls.A

    one, _, _ = holders(Own, t.Int32, 4)
    assert Own(77) is Own(-77) is Own.A
    assert int(one.from_bytes(b"\x07\0\0\x80").value) == -2147483641


def test_combinations_from_before_the_declaration_are_forgotten():
    early = IntFlag("Early", {"A": 1, "B": 2, "Top": -2147483648})
    lost = early.A | early.Top
    assert int(lost) == 1  # what Python itself does
    assert int(~early.A) != -2
    holders(early, t.Int32, 4)
    assert int(early.A | early.Top) == -2147483647
    assert int(~early.A) == -2


def test_many_different_numbers_in_memory_do_not_fill_the_enum():
    enum = IntFlag("Counter", {"A": 1})
    one, _, _ = holders(enum, t.UInt32, 4)
    for number in range(10_000):
        assert int(one.from_bytes(number.to_bytes(4, "little")).value) == number
    assert len(enum._value2member_map_) < 5_000


def test_the_dump_shows_every_flag():
    lines = list(
        as_text(
            memoryview(mode(-2147483647, 5, -2)),
            annotate(memoryview(mode(-2147483647, 5, -2)), Mode),
            "x",
        )
    )
    assert "Flags = A|Top (-2147483647)" in lines[1]
    assert "(5)" in lines[2]
    assert "Signed = B|-4 (-2)" in lines[3]


@pytest.mark.parametrize(
    ("members", "kind", "wrong", "advice"),
    [
        (
            {"Top": 1 << 31},
            t.Int32,
            "Top",
            "int has -2147483648 to 2147483647; store it as types.Enum(UInt32)",
        ),
        ({"Top": 1 << 32}, t.Int32, "Top", "store it as types.Enum(Int64)"),
        ({"Low": -1, "Top": 1 << 31}, t.Int32, "Top", "store it as types.Enum(Int64)"),
        ({"Low": -1}, t.Byte, "Low", "byte has 0 to 255; store it as types.Enum(SByte)"),
        ({"Top": 1 << 63}, t.Int64, "Top", "store it as types.Enum(UInt64)"),
        ({"Low": -1, "Top": 1 << 63}, t.Int64, "Top", "no type holds all members"),
        ({"Top": 256}, t.Byte, "Top", "store it as types.Enum(Int16)"),
    ],
)
@pytest.mark.parametrize("base", [IntEnum, IntFlag])
def test_a_member_that_the_type_can_not_hold_is_refused(base, members, kind, wrong, advice):
    enum = base("Some", members)
    annotations = {"value": Annotated[enum, t.Enum(kind)]}
    with pytest.raises(LayoutError) as caught:
        type(Struct)("Holder", (Struct,), {"__annotations__": annotations})
    assert caught.value.field == "value"
    assert f"Some.{wrong} is {members[wrong]}, but" in str(caught.value)
    assert advice in str(caught.value)


@pytest.mark.parametrize("base", [Enum, Flag])
def test_an_enum_whose_members_are_not_ints_is_refused(base):
    enum = base("Some", {"A": 1})
    for hint in (enum, Annotated[enum, t.Enum(t.Byte)]):
        with pytest.raises(LayoutError, match="IntEnum") as caught:
            type(Struct)("Holder", (Struct,), {"__annotations__": {"value": hint}})
        assert "IntFlag" in str(caught.value)


def test_an_empty_enum_has_the_values_of_its_type():
    class Entity(Struct):
        id: Annotated[Empty, t.Enum(t.UInt64, "Game.EntityId")]

    assert Entity().id == 0
    assert Entity(2**64 - 1).to_bytes() == b"\xff" * 8
    entity = Entity.from_bytes(bytes(range(8)))
    assert entity.id == int.from_bytes(range(8), "little")
    entity.id |= 1
    assert entity.to_bytes()[0] == 1
    assert eval(repr(entity)) == entity
    with pytest.raises(
        StructValueError, match=r"Id must be a ulong \(0 to 18446744073709551615\), not -1"
    ):
        Entity(-1).to_bytes()
