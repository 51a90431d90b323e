"""An inline array whose elements end within their alignment has padding after the elements.

The expected bytes are those of .NET 10: the struct below has 9 bytes and is aligned to 2, two of
them in an inline array have 20 bytes, and the second one begins at 9.
"""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.layout.forms import Target
from pyshm.structs import array, cdef, for_target, snapshot

UNIX = Target(8, windows=False)


class Odd(Struct, layout="explicit", size=1, target=UNIX):
    a: Annotated[t.Int16, t.FieldOffset(0)]
    b: Annotated[t.SByte, t.FieldOffset(8)]


class Owner(Struct, target=UNIX):
    items: Annotated[Any, t.InlineArray(Odd, 2)]
    after: t.SByte


class Overlapped(Struct, layout="explicit", target=UNIX):
    items: Annotated[Any, t.InlineArray(Odd, 2), t.FieldOffset(0)]
    raw: Annotated[Any, t.FixedBuffer(t.Byte, 22), t.FieldOffset(0)]
    after: Annotated[t.SByte, t.FieldOffset(20)]


BYTES = bytes.fromhex("01 00 00000000 0000 02 03 00 00000000 0000 04 00 00 09 00")
VALUE = Owner([Odd(1, 2), Odd(3, 4)], 9)
MANAGED = for_target(Owner, UNIX).managed


def test_the_struct_is_written_and_read() -> None:
    assert VALUE.to_bytes() == VALUE.to_bytes(strict=False) == MANAGED.to_bytes(VALUE) == BYTES
    for reader in (Owner, MANAGED):
        assert reader.from_bytes(BYTES) == VALUE
        assert reader.from_bytes(BYTES).items[1].b == 4


def test_a_view_and_a_snapshot_have_the_elements() -> None:
    memory = bytearray(BYTES)
    view = Owner.view(memory)
    assert [(each.a, each.b) for each in view.items] == [(1, 2), (3, 4)]
    assert view.after == 9
    assert [(each.a, each.b) for each in snapshot(Owner, BYTES).items] == [(1, 2), (3, 4)]
    view.items = [Odd(5, 6), Odd(7, 8)]
    view.after = 10
    assert memory == Owner([Odd(5, 6), Odd(7, 8)], 10).to_bytes()


def test_overlapping_fields_and_the_padding_are_kept() -> None:
    raw = bytes(range(22))
    value = Overlapped.from_bytes(raw)
    assert value.to_bytes() == raw
    value.items = [Odd(1, 2), Odd(3, 4)]
    assert value.to_bytes() == BYTES[:20] + bytes([20, 21])


def test_cffi_has_the_field_where_dotnet_has_it() -> None:
    ffi = pytest.importorskip("cffi").FFI()
    ffi.cdef(cdef(Owner), packed=True)
    assert (ffi.sizeof("Owner"), ffi.offsetof("Owner", "after")) == (22, 20)


def test_numpy_has_the_elements() -> None:
    pytest.importorskip("numpy")
    values = array(Owner, bytearray(BYTES * 2), count=2)
    assert values["items"]["b"].tolist() == [[2, 4], [2, 4]]
    assert values["after"].tolist() == [9, 9]
