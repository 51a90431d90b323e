"""Bytes that are not a value: the attribute is an error, and nothing else is."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal, localcontext
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import FormatError
from pyshm.layout.forms import Target
from pyshm.structs import for_target, snapshot


class Row(Struct, target=Target(8)):
    price: t.Decimal
    day: t.DateTime
    name: Annotated[str, t.ByValTStr(8)]
    letter: t.Char
    prices: Annotated[list[Decimal], t.ByValArray(t.Decimal, 2)]
    letters: Annotated[list[str], t.ByValArray(t.Char, 2)]
    bid: Annotated[Decimal | None, t.Nullable(t.Decimal)]


class Both(Struct, layout="explicit", target=Target(8)):
    price: Annotated[t.Decimal, t.FieldOffset(0)]
    id: Annotated[t.Guid, t.FieldOffset(0)]
    items: Annotated[list[Decimal], t.InlineArray(t.Decimal, 2), t.FieldOffset(0)]


class Outer(Struct, target=Target(8)):
    inner: Row
    rows: Annotated[list[Row], t.ByValArray(Row, 2)]
    both: Both


class Moment(Struct):
    day: t.DateTime


ALL = [Row, Both, Outer]
UNREADABLE = ["price", "day", "name", "letter", "prices", "letters", "bid"]


def garbage(struct):
    return b"\xff" * struct.layout.size


def field_bytes(struct):
    """Return the positions of the bytes that belong to a field and not to padding."""
    return [
        field.offset + at
        for field in struct.layout.fields
        if field.name in UNREADABLE
        for at in range(field.size)
    ]


def spoiled(name):
    """Return the bytes of a row that is zero but for one field, which can't be read."""
    field = next(field for field in Row.layout.fields if field.name == name)
    data = bytearray(Row.layout.size)
    data[field.offset : field.offset + field.size] = b"\xff" * field.size
    return bytes(data)


@pytest.mark.parametrize("name", UNREADABLE)
def test_to_read_the_attribute_is_a_format_error(name):
    data = spoiled(name)
    for each in (Row.from_bytes(data), Row.view(bytearray(data)), snapshot(Row, data)):
        with pytest.raises(FormatError):
            list(getattr(each, name))  # a view's array reads its elements one by one


@pytest.mark.parametrize("name", UNREADABLE)
def test_the_repr_shows_the_bytes_of_the_field(name):
    data = spoiled(name)
    for each in (Row.from_bytes(data), Row.view(data), snapshot(Row, data)):
        assert "<bytes ff" in repr(each)
        assert repr(each) == str(each)
        assert repr(each).count("<bytes") == (2 if name == "prices" else 1)


@pytest.mark.parametrize("struct", ALL)
def test_no_repr_raises(struct):
    data = garbage(struct)
    for each in (struct.from_bytes(data), struct.view(data), snapshot(struct, data)):
        assert "ff ff" in repr(each)


def test_the_repr_of_an_array_shows_the_elements_that_can_be_read():
    data = bytearray(Row(prices=[Decimal("1.5"), Decimal(2)]).to_bytes())
    start = next(field.offset for field in Row.layout.fields if field.name == "prices")
    data[start + 16] = 1  # the flags of the second element
    prices = Row.view(data).prices
    assert repr(prices).startswith("<view of [Decimal('1.5'), <bytes 01 00 00 00 ")
    assert "prices=[Decimal('1.5'), <bytes 01 " in repr(Row.from_bytes(data))


def test_the_repr_of_long_bytes_is_cut():
    class Long(Struct, target=Target(8)):
        name: Annotated[str, t.ByValTStr(1000)]

    assert "ff …: " in repr(Long.from_bytes(b"\xff" * 1000))


def test_the_repr_of_a_snapshot_of_too_few_bytes_does_not_raise():
    from pyshm.structs import snapshot_type

    assert "day=<bytes 01 02: Moment needs 8 bytes" in repr(snapshot_type(Moment)(b"\1\2"))


@pytest.mark.parametrize("struct", ALL)
def test_structs_of_the_same_bytes_are_equal(struct):
    data = garbage(struct)
    assert struct.from_bytes(data) == struct.from_bytes(data)
    assert struct.from_bytes(data) != struct()
    assert struct() != struct.from_bytes(data)
    assert snapshot(struct, data) == snapshot(struct, data)
    assert hash(snapshot(struct, data)) == hash(snapshot(struct, data))


@pytest.mark.parametrize("name", UNREADABLE)
def test_structs_of_different_bytes_are_not_equal(name):
    data = spoiled(name)
    field = next(field for field in Row.layout.fields if field.name == name)
    other = bytearray(data)
    other[field.offset] = 0xFE
    assert Row.from_bytes(data) != Row.from_bytes(other)
    assert Row.from_bytes(data) != Row()
    assert Row.from_bytes(data) == Row.from_bytes(data)


def test_arrays_in_memory_are_compared_by_their_bytes():
    one, same, other = (Row.view(bytearray(spoiled("prices"))) for _ in range(3))
    other.prices[0] = Decimal(1)
    assert one.prices == same.prices
    assert one.prices != other.prices
    assert one.prices != [Decimal(1), Decimal(2)]


@pytest.mark.parametrize("struct", ALL)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_copy_has_the_same_bytes(struct, copied):
    value = struct.from_bytes(garbage(struct))
    assert copied(value) == value
    assert copied(value).to_bytes() == value.to_bytes()
    assert all(snapshot(struct, value.to_bytes())[at] == 0xFF for at in field_bytes(struct))


def test_a_union_with_an_invalid_change_can_be_compared_and_shown():
    value, other = Both(), Both()
    value.items[0] = "x"
    other.items[0] = "x"
    assert value == other
    assert value != Both()
    assert "can't be stored" in repr(value)


def test_a_field_of_the_managed_layout_is_not_read_with_the_struct():
    class Plain(Struct):
        ok: t.Bool
        price: t.Decimal

    data = b"\1" + bytes(7) + b"\xff" * 16
    value = Plain.managed.from_bytes(data)
    assert value.ok
    assert "price=<bytes ff ff" in repr(value)
    assert Plain.managed.to_bytes(value) == data
    assert for_target(Plain).to_bytes(value) == b"\1" + bytes(7) + b"\xff" * 16
    with pytest.raises(FormatError):
        value.price  # noqa: B018


def test_a_currency_is_exact_whatever_the_decimal_context_is():
    class Money(Struct):
        amount: t.Currency

    data = (2**63 - 1).to_bytes(8, "little")
    with localcontext() as context:
        context.prec = 3
        assert Money.from_bytes(data).amount == Decimal("922337203685477.5807")


def test_text_that_was_not_read_yet_is_written_in_the_encoding_of_the_other_system():
    class Named(Struct, target=Target(8, windows=False)):
        name: Annotated[str, t.ByValTStr(4)]

    windows = for_target(Named, Target(8, windows=True))
    assert windows.to_bytes(Named.from_bytes(b"\xc3\x85\0\0")) == b"\xc5\0\0\0"
    assert Named.to_bytes(windows.from_bytes(b"\xc5\0\0\0")) == b"\xc3\x85\0\0"
