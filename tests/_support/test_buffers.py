"""Buffers of every shape: written in the order of C, refused where they are used in place."""

from __future__ import annotations

import pytest

from pyshm import ImageData, MemoryMappedFile, ShareMemoryHelper, Struct, structs
from pyshm import types as t
from pyshm._support.buffers import bytes_of, memory_of
from pyshm.errors import ArgumentError, PyshmError, UnsupportedError

np = pytest.importorskip("numpy")


class Pair(Struct):
    first: t.Int32
    second: t.Int32


FRAME = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
SHAPES = {
    "mirrored": FRAME[..., ::-1],
    "cropped": FRAME[1:3, 2:5],
    "columns first": np.asfortranarray(FRAME),
    "every second byte": memoryview(bytes(range(64)))[::2],
    "backwards": memoryview(bytes(range(32)))[::-1],
    "numbers": np.arange(24, dtype=np.int32).reshape(4, 6)[:, ::2],
    "other byte order": np.arange(8, dtype=">i4"),
    "records": np.zeros(4, [("a", "<i4"), ("b", "<f8")])[::2],
    "one number": np.array(7),
    "half": np.arange(16, dtype=np.float16)[::-1],
}
SCATTERED = {key: value for key, value in SHAPES.items() if not memoryview(value).c_contiguous}
EMPTY = np.zeros((0, 3), dtype=np.int32)


def in_order(value):
    """Return the bytes as NumPy writes them."""
    return np.asarray(value).tobytes(order="C")


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_buffer_of_any_shape_is_written_in_the_order_of_c(name, map_name):
    value, expected = SHAPES[name], in_order(SHAPES[name])
    assert bytes(bytes_of(value)) == expected
    assert ImageData("p", value).to_bytes()[9:] == expected
    assert ImageData("p", value) == ImageData("p", expected)
    assert f"<{len(expected)} bytes>" in repr(ImageData("p", value))
    with ShareMemoryHelper(map_name, 1000).create_or_open() as memory:
        memory.write_image(ImageData("p", value))
        assert bytes(memory.read_image().content) == expected
        memory.write_bytes(value, 500)
        assert memory.read_bytes()[500 : 500 + len(expected)] == expected
        with MemoryMappedFile.open_existing(map_name) as opened:
            with opened.create_view_stream() as stream:
                assert stream.write(value) == len(expected)
            assert memory.read_bytes()[: len(expected)] == expected


def test_numbers_of_an_array_are_written_in_the_order_of_c(map_name):
    numbers = SHAPES["numbers"]
    with ShareMemoryHelper(map_name, 1000).create_or_open() as memory:
        memory.accessor.write_array(8, numbers)
        assert memory.read_bytes()[8 : 8 + numbers.nbytes] == in_order(numbers)


def test_a_buffer_without_items_has_no_bytes(map_name):
    assert bytes(bytes_of(EMPTY)) == bytes(memory_of(EMPTY)) == b""
    assert ImageData("p", EMPTY).to_bytes() == bytes.fromhex("01000000 70 00000000")
    with ShareMemoryHelper(map_name, 100).create_or_open() as memory:
        memory.write_bytes(EMPTY)
        memory.accessor.write_array(0, EMPTY)


def writable(name):
    """Return a writable buffer with that shape, of at least 16 bytes."""
    base = np.zeros(2048, dtype=np.uint8)
    return {
        "mirrored": base.reshape(16, 128)[:, ::-1],
        "every second byte": memoryview(bytearray(512))[::2],
        "columns first": np.asfortranarray(base.reshape(16, 128)),
        "cropped": base.reshape(16, 128)[2:9, 3:70],
    }[name]


@pytest.mark.parametrize("name", ["mirrored", "every second byte", "columns first", "cropped"])
def test_what_is_used_in_place_must_be_contiguous(name, map_name):
    target = writable(name)
    with MemoryMappedFile.create_new(map_name, 4096) as opened:
        uses = [
            lambda: memory_of(target),
            lambda: ImageData.from_bytes(target),
            lambda: ImageData("p", b"x").write_into(target),
            lambda: Pair.view(target),
            lambda: Pair(1, 2).pack_into(target),
            lambda: Pair(1, 2).pack_into(target, 8),
            lambda: structs.array(Pair, target),
            lambda: opened.create_view_stream().readinto(target),
            lambda: opened.create_view_accessor().read_array(0, target),
        ]
        for use in uses:
            with pytest.raises(ArgumentError, match="not contiguous") as caught:
                use()
            assert isinstance(caught.value, PyshmError)
    assert not np.asarray(target).any()


@pytest.mark.parametrize("name", ["mirrored", "every second byte", "columns first", "cropped"])
def test_a_copy_of_a_struct_is_read_from_a_buffer_of_any_shape(name):
    source = np.arange(2048, dtype=np.uint8).reshape(16, 128)
    value = {
        "mirrored": source[:, ::-1],
        "every second byte": memoryview(bytes(range(64)))[::2],
        "columns first": np.asfortranarray(source),
        "cropped": source[2:9, 3:70],
    }[name]
    expected = in_order(value)
    for offset in (0, 4):
        plain = Pair.unpack_from(expected, offset)
        assert Pair.unpack_from(value, offset) == plain
        assert structs.snapshot(Pair, value, offset) == expected[offset : offset + 8]
    assert Pair.from_bytes(value) == Pair.from_bytes(expected)


def test_read_only_memory_stays_an_error():
    with pytest.raises(UnsupportedError):
        Pair(1, 2).pack_into(bytes(8))
