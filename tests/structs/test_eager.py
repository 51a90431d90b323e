"""Structs in a module that evaluates its annotations at once."""

# No `from __future__ import annotations`: this file tests what happens without it.
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm.errors import LayoutError
from pyshm.types import Bool, Byte, ByValArray, Int16, Int32


class Eager(Struct, pack=1):
    first: Byte
    second: Int32 = 7
    third: Annotated[list[int], ByValArray(Int16, 2)]
    fourth: Bool


class EagerOuter(Struct):
    first: Byte
    inner: Eager


def test_fields_keep_their_order_and_defaults():
    assert Eager(1, fourth=True).to_bytes() == bytes.fromhex("01 07000000 0000 0000 01000000")


def test_a_nested_struct_is_found():
    assert [(field.name, field.offset) for field in EagerOuter.layout.fields] == [
        ("first", 0),
        ("inner", 1),
    ]


def test_a_struct_can_be_declared_in_a_function():
    class Local(Struct):
        x: Int32
        inner: Eager

    assert Local.layout.size == 20


def test_a_field_without_a_field_type_is_refused():
    with pytest.raises(LayoutError):

        class Wrong(Struct):
            x: int
