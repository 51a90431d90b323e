"""StructCodec: a struct class in another layout than its own."""

from __future__ import annotations

from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import ArgumentError, StructValueError, TruncatedError
from pyshm.layout import Target
from pyshm.structs import StructCodec, for_target

WINDOWS = Target(8, windows=True)


class Flags(Struct):
    wet: t.Bool
    lap: t.Int32


class Named(Struct, target=Target(8)):
    name: Annotated[str, t.ByValTStr(4)]
    where: t.Pointer


def test_a_codec_shows_only_what_users_need():
    assert [name for name in dir(StructCodec) if not name.startswith("_")] == [
        "flat",
        "from_bytes",
        "layout",
        "managed",
        "numpy_dtype",  # deprecated
        "pack_into",
        "size",
        "stride",
        "struct",
        "to_bytes",
        "unpack_from",
        "view",
    ]


def test_a_codec_has_the_sizes_of_its_layout():
    codec = Flags.managed
    assert (codec.struct, codec.size, codec.stride) == (Flags, 8, 8)
    assert [field.size for field in codec.layout.fields] == [1, 4]
    assert repr(codec).startswith("<managed Flags, 8 bytes")


def test_a_layout_has_one_codec():
    assert Flags.managed is Flags.managed
    assert for_target(Flags).managed is Flags.managed


def test_a_codec_of_this_system_has_the_bytes_of_the_class():
    value = Flags(True, 7)
    codec = for_target(Flags)
    assert codec.to_bytes(value) == value.to_bytes()
    assert codec.layout == Flags.layout


def test_a_codec_reads_and_writes_at_an_offset():
    codec = Flags.managed
    data = bytearray(b"\xee" * 10)
    codec.pack_into(Flags(True, 7), data, 1)
    assert data.hex() == "ee" + "01000000" + "07000000" + "ee"
    assert codec.unpack_from(data, 1) == codec.from_bytes(data[1:]) == Flags(True, 7)
    with pytest.raises(TruncatedError):
        codec.unpack_from(data, 3)


def test_a_view_of_another_layout_is_the_memory():
    data = bytearray(8)
    view = Flags.managed.view(data)
    view.wet = True
    view.lap = 5
    assert data == b"\1\0\0\0\5\0\0\0"
    assert (view.wet, view.lap) == (True, 5)


def test_a_pointer_has_the_size_of_the_target():
    assert for_target(Named, Target(4, windows=True)).size == 8
    assert for_target(Named, Target(8, windows=True)).size == 16


def test_a_codec_does_what_dotnet_does_where_strict_is_false():
    codec = for_target(Named, WINDOWS)
    value = Named("abcdef")
    with pytest.raises(StructValueError, match="room for 3"):
        codec.to_bytes(value)
    data = codec.to_bytes(value, strict=False)
    assert data == b"abc".ljust(16, b"\0")
    memory = bytearray(16)
    codec.pack_into(value, memory, strict=False)
    assert memory == data


@pytest.mark.parametrize("strict", [True, False])
def test_a_byte_that_the_code_page_does_not_define_is_a_control_character(strict):
    codec = for_target(Named, WINDOWS)
    undefined = b"\x81".ljust(16, b"\0")
    value = codec.from_bytes(undefined, strict=strict)
    assert value.name == "\x81"
    assert codec.to_bytes(value, strict=strict) == undefined
    assert codec.unpack_from(undefined, strict=strict).name == "\x81"


def test_the_flat_codec_is_made_once():
    codec = for_target(Flags)
    assert codec.flat is codec.flat
    assert codec.flat.format == "<ii"


def test_a_struct_with_text_has_no_managed_layout():
    with pytest.raises(ArgumentError, match="no other program can read them"):
        Named.managed  # noqa: B018
