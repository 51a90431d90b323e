"""The layout engine, against tables written by hand and against cffi's C layout."""

from __future__ import annotations

import random
from typing import Annotated

import pytest

from pyshm.errors import LayoutError
from pyshm.layout import dotnet_name, sequential
from pyshm.structs import Struct
from pyshm.types import (
    Bool,
    Bool8,
    Byte,
    ByValArray,
    Double,
    Int16,
    Int32,
    Int64,
    SByte,
    Single,
    UInt16,
    UInt32,
    UInt64,
    VariantBool,
)


def kind(hint):
    return hint.__metadata__[0] if hasattr(hint, "__metadata__") else hint


def laid_out(*hints, pack=0, size=0):
    fields = [(f"f{index}", kind(hint)) for index, hint in enumerate(hints)]
    return sequential(fields, pack=pack, size=size)


SIZES = [
    (SByte, 1), (Byte, 1), (Int16, 2), (UInt16, 2), (Int32, 4), (UInt32, 4), (Int64, 8),
    (UInt64, 8), (Single, 4), (Double, 8), (Bool, 4), (Bool8, 1), (VariantBool, 2),
]  # fmt: skip


@pytest.mark.parametrize(("hint", "size"), SIZES)
def test_a_primitive_is_aligned_to_its_size(hint, size):
    assert (kind(hint).size, kind(hint).alignment) == (size, size)


@pytest.mark.parametrize(
    ("hint", "bounds"),
    [
        (SByte, (-128, 127)),
        (Byte, (0, 255)),
        (Int16, (-32768, 32767)),
        (UInt16, (0, 65535)),
        (Int32, (-2147483648, 2147483647)),
        (UInt32, (0, 4294967295)),
        (Int64, (-9223372036854775808, 9223372036854775807)),
        (UInt64, (0, 18446744073709551615)),
        (Single, None),
        (Double, None),
        (Bool, None),
        (Bool8, None),
        (VariantBool, None),
    ],
)
def test_the_bounds_of_a_primitive(hint, bounds):
    assert kind(hint).bounds == bounds


ARRAY = ByValArray(Int16, 3)

# fields, pack, size; then offsets, size and alignment
LAYOUTS = [
    ((), 0, 0, [], 1, 1),
    ((), 0, 6, [], 6, 1),
    ((Byte,), 0, 0, [0], 1, 1),
    ((Byte, Int32), 0, 0, [0, 4], 8, 4),
    ((Byte, Int32), 1, 0, [0, 1], 5, 1),
    ((Byte, Int32), 2, 0, [0, 2], 6, 2),
    ((Byte, Int32), 4, 0, [0, 4], 8, 4),
    ((Byte, Int32), 128, 0, [0, 4], 8, 4),
    ((Int32, Byte), 0, 0, [0, 4], 8, 4),
    ((Int32, Byte), 1, 0, [0, 4], 5, 1),
    ((Int32, Byte), 0, 1, [0, 4], 5, 4),
    ((Int32, Byte), 0, 5, [0, 4], 5, 4),
    ((Int32, Byte), 0, 7, [0, 4], 7, 4),
    ((Int32, Byte), 0, 20, [0, 4], 20, 4),
    ((Byte, Double), 0, 0, [0, 8], 16, 8),
    ((Byte, Double), 4, 0, [0, 4], 12, 4),
    ((Byte, Int64, Byte), 0, 0, [0, 8, 16], 24, 8),
    ((Byte, Int64, Byte), 2, 0, [0, 2, 10], 12, 2),
    ((Int32, Bool, Int16), 0, 0, [0, 4, 8], 12, 4),
    ((Byte, Bool, Byte), 0, 0, [0, 4, 8], 12, 4),
    ((Byte, Bool8, Byte), 0, 0, [0, 1, 2], 3, 1),
    ((Byte, VariantBool), 0, 0, [0, 2], 4, 2),
    ((Byte, ARRAY), 0, 0, [0, 2], 8, 2),
    ((Byte, ARRAY), 1, 0, [0, 1], 7, 1),
    ((ARRAY, Byte), 0, 0, [0, 6], 8, 2),
    ((Int16, Int16, Int16), 0, 0, [0, 2, 4], 6, 2),
    ((Int16, Int32, Int16), 0, 0, [0, 4, 8], 12, 4),
    ((Single, Double), 0, 0, [0, 8], 16, 8),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "pack", "size", "offsets", "total", "alignment"), LAYOUTS)
def test_a_layout_written_by_hand(fields, pack, size, offsets, total, alignment):
    layout = laid_out(*fields, pack=pack, size=size)
    assert [field.offset for field in layout.fields] == offsets
    assert (layout.size, layout.alignment, layout.pack) == (total, alignment, pack)


def test_a_field_carries_its_size_type_and_names():
    (field,) = sequential([("top_speed", kind(Int16))]).fields
    assert (field.name, field.dotnet_name, field.size) == ("top_speed", "TopSpeed", 2)
    assert field.type is kind(Int16)


@pytest.mark.parametrize(
    ("name", "dotnet"),
    [
        ("id", "Id"),
        ("top_speed", "TopSpeed"),
        ("x", "X"),
        ("aB_c", "ABC"),
        ("x_", "X"),
        ("a1", "A1"),
    ],
)
def test_a_name_in_dotnets_spelling(name, dotnet):
    assert dotnet_name(name) == dotnet


@pytest.mark.parametrize("pack", [-1, 3, 5, 256, "1", None])
def test_a_pack_that_dotnet_does_not_know_is_refused(pack):
    with pytest.raises(LayoutError) as caught:
        sequential([], pack=pack)
    assert (caught.value.field, caught.value.value) == ("pack", pack)


def test_a_negative_size_is_refused():
    with pytest.raises(LayoutError) as caught:
        sequential([], size=-1)
    assert (caught.value.field, caught.value.value) == ("size", -1)


class Inner(Struct, pack=2):
    small: Byte
    large: Int32


class Wide(Struct):
    small: Byte
    large: Double


def nested(struct):
    return type(
        "Outer", (Struct,), {"__module__": __name__, "__annotations__": {"a": Byte, "n": struct}}
    )


def test_a_nested_struct_is_aligned_as_it_was_capped_itself():
    layout = nested(Inner).layout
    assert [field.offset for field in layout.fields] == [0, 2]
    assert (layout.size, layout.alignment) == (8, 2)


def test_a_nested_struct_keeps_its_padding():
    layout = nested(Wide).layout
    assert [field.offset for field in layout.fields] == [0, 8]
    assert (layout.size, layout.alignment) == (24, 8)


@pytest.mark.parametrize("count", [0, -1])
def test_an_array_has_at_least_one_element(count):
    with pytest.raises(LayoutError):
        ByValArray(Int32, count)


@pytest.mark.parametrize("element", [int, Inner, Annotated[int, "nothing"], ARRAY])
def test_an_array_is_one_of_primitives(element):
    with pytest.raises(LayoutError):
        ByValArray(element, 2)


# --- cffi as an independent oracle ---

CHOICES = [hint for hint, _ in SIZES]


def random_struct(seed):
    """A struct made at random: its type, and its C declaration by cffi's own rules."""
    rng = random.Random(seed)
    pack = rng.choice([0, 1, 2, 4, 8, 16])
    inner_pack = rng.choice([0, 1, 2, 4])
    inner = make(f"Inner{seed}", rng, inner_pack, None)
    return make(f"Random{seed}", rng, pack, inner), inner, pack, inner_pack


def make(name, rng, pack, inner):
    annotations = {}
    for index in range(rng.randint(1, 8)):
        hint = rng.choice(CHOICES)
        if inner is not None and rng.random() < 0.25:
            hint = inner
        elif rng.random() < 0.25:
            hint = Annotated[list, ByValArray(hint, rng.randint(1, 5))]
        annotations[f"field{index}"] = hint
    namespace = {"__module__": __name__, "__annotations__": annotations}
    return type(Struct)(name, (Struct,), namespace, pack=pack)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_struct_lies_as_cffi_lays_it(seed):
    cffi = pytest.importorskip("cffi")
    struct, inner, pack, inner_pack = random_struct(seed)
    ffi = cffi.FFI()
    ffi.cdef(inner.cdef(), pack=inner_pack or 16)
    ffi.cdef(struct.cdef(), pack=pack or 16)
    theirs = {name: field.offset for name, field in ffi.typeof(struct.__name__).fields}
    assert {field.name: field.offset for field in struct.layout.fields} == theirs
    assert struct.layout.size == ffi.sizeof(struct.__name__)
    assert struct.layout.alignment == ffi.alignof(struct.__name__)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_survive_a_random_struct_as_cffi_reads_it(seed):
    cffi = pytest.importorskip("cffi")
    struct, inner, pack, inner_pack = random_struct(seed)
    ffi = cffi.FFI()
    ffi.cdef(inner.cdef(), pack=inner_pack or 16)
    ffi.cdef(struct.cdef(), pack=pack or 16)
    data = bytes(random.Random(seed).choices(range(1, 120), k=struct.layout.size))
    theirs = ffi.from_buffer(f"{struct.__name__} *", data)
    ours = struct.unpack_from(data)
    for field in struct.layout.fields:
        mine, other = getattr(ours, field.name), getattr(theirs, field.name)
        if isinstance(mine, list):
            assert [*mine] == [type(mine[0])(item) for item in other]
        elif isinstance(mine, Struct):
            assert mine == inner.unpack_from(data, field.offset)
        else:
            assert mine == type(mine)(other)
