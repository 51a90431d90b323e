"""The image blob: every row of the tables of docs/format.md, with literal bytes."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from pyshm import ImageData
from pyshm.errors import (
    DoesNotFitError,
    EncodingError,
    FormatError,
    LengthError,
    TruncatedError,
    UnsupportedError,
)
from pyshm.formats import blob
from pyshm.formats import image as image_module

INT_MIN = -(2**31)
INT_MAX = 2**31 - 1

# path "a.png", content "xyz", written from the table
LITERAL = bytes.fromhex("05000000 612e706e67 03000000 78797a")

_png = io.BytesIO()
Image.new("RGB", (3, 3), "red").save(_png, "PNG")
PICTURE = _png.getvalue()


def details(error):
    return (error.kind, error.field, error.offset, error.value, error.limit)


def le(number):
    return number.to_bytes(4, "little", signed=True)


def blob_of(path_length, path, content_length, content):
    return le(path_length) + path + le(content_length) + content


# --- reading ---


def test_a_blob_is_read():
    image = ImageData.from_bytes(LITERAL)
    assert (image.path, bytes(image.content)) == ("a.png", b"xyz")


def test_a_blob_has_a_size():
    assert blob.parse(memoryview(LITERAL + b"stale")).size == 16


def test_eight_zero_bytes_are_the_empty_blob():
    assert ImageData.from_bytes(bytes(8)) == ImageData("", b"")


def test_a_map_without_writes_is_the_empty_blob():
    assert ImageData.from_bytes(bytes(4096)) == ImageData("", b"")


@pytest.mark.parametrize("path", ["", "a", "ä/ö.png", "日本.png", "\U0001f600", "a\0b", "\ufeffa"])
def test_a_path_can_be_any_text(path):
    data = path.encode()
    image = ImageData.from_bytes(blob_of(len(data), data, 0, b""))
    assert image.path == path


def test_the_content_is_not_a_copy_of_the_buffer():
    buffer = bytearray(LITERAL)
    image = ImageData.from_bytes(buffer)
    buffer[13] = ord("X")
    assert bytes(image.content) == b"Xyz"


@pytest.mark.parametrize("size", [0, 1, 3])
def test_check_1_there_is_room_for_the_path_length(size):
    with pytest.raises(TruncatedError) as caught:
        ImageData.from_bytes(bytes(size))
    assert details(caught.value) == ("truncated", "path_length", 0, size, 4)


@pytest.mark.parametrize("length", [-1, -2, INT_MIN])
def test_check_2_the_path_length_is_not_negative(length):
    with pytest.raises(LengthError) as caught:
        ImageData.from_bytes(le(length) + bytes(100))
    assert details(caught.value) == ("negative-length", "path_length", 0, length, 0)


def test_check_2_comes_before_check_3():
    with pytest.raises(LengthError) as caught:
        ImageData.from_bytes(le(-1))
    assert caught.value.kind == "negative-length"


@pytest.mark.parametrize("length", [101, 1000, INT_MAX, INT_MAX - 4])
def test_check_3_the_path_is_in_the_buffer(length):
    with pytest.raises(LengthError) as caught:
        ImageData.from_bytes(le(length) + bytes(100))
    assert details(caught.value) == ("length-exceeds-buffer", "path_length", 0, length, 100)


@pytest.mark.parametrize("length", [97, 98, 99, 100])
def test_check_4_there_is_room_for_the_content_length(length):
    with pytest.raises(TruncatedError) as caught:
        ImageData.from_bytes(le(length) + bytes(100))
    expected = ("truncated", "content_length", 4 + length, 104, 8 + length)
    assert details(caught.value) == expected


@pytest.mark.parametrize("size", [4, 5, 7])
def test_check_4_of_an_empty_path(size):
    with pytest.raises(TruncatedError) as caught:
        ImageData.from_bytes(bytes(size))
    assert details(caught.value) == ("truncated", "content_length", 4, size, 8)


def test_a_path_may_leave_room_for_the_content_length_only():
    assert ImageData.from_bytes(le(96) + b"p" * 96 + le(0)).path == "p" * 96


@pytest.mark.parametrize("length", [-1, -5, INT_MIN])
def test_check_5_the_content_length_is_not_negative(length):
    with pytest.raises(LengthError) as caught:
        ImageData.from_bytes(blob_of(1, b"p", length, bytes(10)))
    assert details(caught.value) == ("negative-length", "content_length", 5, length, 0)


# 2**31 - 1 and 4 + 1 + 4 before it: a sum that wraps in 32 bits
@pytest.mark.parametrize("length", [11, 12, INT_MAX, INT_MAX - 8])
def test_check_6_the_content_is_in_the_buffer(length):
    with pytest.raises(LengthError) as caught:
        ImageData.from_bytes(blob_of(1, b"p", length, bytes(10)))
    assert details(caught.value) == ("length-exceeds-buffer", "content_length", 5, length, 10)


@pytest.mark.parametrize("length", [0, 9, 10])
def test_a_content_may_fill_the_rest_of_the_buffer(length):
    image = ImageData.from_bytes(blob_of(1, b"p", length, b"0123456789"))
    assert bytes(image.content) == b"0123456789"[:length]


@pytest.mark.parametrize("size", range(16))
def test_every_shorter_buffer_is_an_error(size):
    with pytest.raises((TruncatedError, LengthError)):
        ImageData.from_bytes(LITERAL[:size])


# bytes, index of the first bad one, what .NET's GetString returns for them
INVALID = [
    (b"\xff", 0, "\ufffd"),
    (b"ab\x80c", 2, "ab\ufffdc"),
    (b"\xfe\xff", 0, "\ufffd\ufffd"),
    (b"\xc0\xaf", 0, "\ufffd\ufffd"),
    (b"\xe0\x80\xaf", 0, "\ufffd\ufffd\ufffd"),
    (b"\xf0\x80\x80\xaf", 0, "\ufffd\ufffd\ufffd\ufffd"),
    (b"\xed\xa0\x80", 0, "\ufffd\ufffd\ufffd"),
    (b"\xed\xa0\xbd\xed\xb8\x80", 0, "\ufffd" * 6),
    (b"\xf4\x90\x80\x80", 0, "\ufffd\ufffd\ufffd\ufffd"),
    (b"x\xe2\x82", 1, "x\ufffd"),
    (b"\xf0\x9f\x98", 0, "\ufffd"),
    (b"\xe2\x82A", 0, "\ufffdA"),
    (b"\xf0\x9f\x98A", 0, "\ufffdA"),
    (b"\xe2A\x82", 0, "\ufffdA\ufffd"),
    (b"\xc3\xa9\xc3", 2, "é\ufffd"),
]


@pytest.mark.parametrize(("path", "index", "replaced"), INVALID)
def test_check_7_the_path_is_valid_utf8(path, index, replaced):
    with pytest.raises(EncodingError) as caught:
        ImageData.from_bytes(blob_of(len(path), path, 0, b""))
    expected = ("invalid-utf8", "path", 4 + index, path[index], None)
    assert details(caught.value) == expected


@pytest.mark.parametrize(("path", "index", "replaced"), INVALID)
def test_invalid_utf8_can_be_replaced_as_dotnet_does(path, index, replaced):
    image = ImageData.from_bytes(blob_of(len(path), path, 1, b"x"), strict=False)
    assert (image.path, bytes(image.content)) == (replaced, b"x")


def test_check_7_comes_after_check_6():
    with pytest.raises(LengthError):
        ImageData.from_bytes(blob_of(1, b"\xff", 5, b"x"))


def test_valid_utf8_is_not_changed_by_replacing():
    data = "é€\U0001f600\0".encode()
    image = ImageData.from_bytes(blob_of(len(data), data, 0, b""), strict=False)
    assert image.path == "é€\U0001f600\0"


class CountingBuffer:
    """Has only the operations of a memoryview that blob.parse may use."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data)

    def __getitem__(self, item):
        return memoryview(self.data)[item]


def test_each_length_is_read_once_and_what_was_checked_is_used(monkeypatch):
    data = bytearray(blob_of(2, b"pp", 3, b"ccc"))
    reads = []
    real = blob._LENGTH

    class Racing:
        """Read a length, and let another writer change it directly after that."""

        def unpack_from(self, buffer, offset):
            value = real.unpack_from(data, offset)
            reads.append(offset)
            data[offset : offset + 4] = le(INT_MAX)
            return value

    monkeypatch.setattr(blob, "_LENGTH", Racing())
    found = blob.parse(CountingBuffer(data))
    assert reads == [0, 6]
    assert (bytes(found.path), bytes(found.content), found.size) == (b"pp", b"ccc", 13)


@pytest.mark.parametrize("seed", range(20))
def test_a_length_that_changes_under_the_reader_is_never_an_index_error(seed):
    import random

    rng = random.Random(seed)
    lengths = [0, 1, 4, 5, 8, -1, INT_MIN, INT_MAX, 92, 96, 100]
    for _ in range(200):
        data = bytearray(rng.randbytes(rng.choice([0, 3, 4, 7, 8, 9, 50, 100])))
        for offset in (0, rng.randrange(0, 20)):
            if offset + 4 <= len(data):
                data[offset : offset + 4] = le(rng.choice(lengths))
        try:
            image = ImageData.from_bytes(data, strict=False)
        except (TruncatedError, LengthError):
            continue
        assert len(image.content) <= len(data) - 8


def test_stale_bytes_after_a_shorter_blob_are_not_read():
    buffer = bytearray(b"\xff" * 100)
    ImageData("long path", bytes(50)).write_into(buffer)
    ImageData("a", b"b").write_into(buffer)
    image = ImageData.from_bytes(buffer)
    assert (image.path, bytes(image.content)) == ("a", b"b")
    assert buffer[10:68] == b"ath" + le(50) + bytes(50) + b"\xff"


# --- writing ---


def test_a_blob_is_written_as_these_bytes():
    assert ImageData("a.png", b"xyz").to_bytes() == LITERAL


def test_an_empty_blob_is_eight_zero_bytes():
    assert ImageData("", b"").to_bytes() == bytes(8)


def test_lengths_are_little_endian_and_count_bytes():
    data = ImageData("é" * 150, bytes(70_000)).to_bytes()
    assert data[:4] == b"\x2c\x01\0\0"
    assert data[304:308] == b"\x70\x11\x01\0"


def test_writing_returns_the_size_and_does_not_change_the_bytes_after_it():
    buffer = bytearray(b"\xee" * 20)
    assert ImageData("a.png", b"xyz").write_into(buffer) == 16
    assert buffer == LITERAL + b"\xee" * 4


def test_a_blob_may_fill_its_buffer():
    buffer = bytearray(16)
    ImageData("a.png", b"xyz").write_into(buffer)
    assert buffer == LITERAL


@pytest.mark.parametrize("size", [0, 3, 4, 7, 8, 15])
def test_a_blob_that_does_not_fit_changes_nothing(size):
    buffer = bytearray(b"\xee" * size)
    with pytest.raises(DoesNotFitError) as caught:
        ImageData("a.png", b"xyz").write_into(buffer)
    assert details(caught.value) == ("does-not-fit", "blob", 0, 16, size)
    assert buffer == b"\xee" * size


def test_read_only_memory_is_refused():
    with pytest.raises(UnsupportedError):
        ImageData("a.png", b"xyz").write_into(bytes(16))


def test_the_argument_named_errors_is_deprecated():
    invalid = blob_of(1, b"\xff", 0, b"")
    with pytest.warns(DeprecationWarning, match="use strict=False") as caught:
        assert ImageData.from_bytes(invalid, errors="replace").path == "\ufffd"
    assert caught[0].filename == __file__
    with (
        pytest.warns(DeprecationWarning, match="use strict=True"),
        pytest.raises(EncodingError),
    ):
        ImageData.from_bytes(invalid, errors="strict")
    image = ImageData("\ud800", b"")
    with pytest.warns(DeprecationWarning, match="use strict=False"):
        data = image.to_bytes(errors="replace")
    target = bytearray(len(data))
    with pytest.warns(DeprecationWarning, match="use strict=False"):
        assert image.write_into(target, errors="replace") == len(data)
    assert data == target == blob_of(3, b"\xef\xbf\xbd", 0, b"")


# path, offset of the surrogate's bytes, the surrogate, the bytes of the path after replacement
SURROGATES = [
    ("\ud800", 4, 0xD800, "efbfbd"),
    ("a\udfffb", 5, 0xDFFF, "61efbfbd62"),
    ("é\udc80", 6, 0xDC80, "c3a9efbfbd"),
    ("\ud83d\ude00", 4, 0xD83D, "efbfbdefbfbd"),
    ("\U0001f600\ud800", 8, 0xD800, "f09f9880efbfbd"),
]


@pytest.mark.parametrize(("path", "offset", "unit", "replaced"), SURROGATES)
def test_a_lone_surrogate_is_refused_and_nothing_is_written(path, offset, unit, replaced):
    buffer = bytearray(b"\xee" * 40)
    with pytest.raises(EncodingError) as caught:
        ImageData(path, b"x").write_into(buffer)
    assert details(caught.value) == ("invalid-utf8", "path", offset, unit, None)
    assert buffer == b"\xee" * 40


@pytest.mark.parametrize(("path", "offset", "unit", "replaced"), SURROGATES)
def test_a_lone_surrogate_can_be_replaced_as_dotnet_does(path, offset, unit, replaced):
    data = ImageData(path, b"").to_bytes(strict=False)
    expected = bytes.fromhex(replaced)
    assert data == blob_of(len(expected), expected, 0, b"")


def test_a_lone_surrogate_is_reported_before_a_buffer_that_is_too_small():
    with pytest.raises(EncodingError):
        ImageData("\ud800", b"x").write_into(bytearray(2))


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [(2**31, 0, "path"), (0, 2**31, "content"), (2**31, 2**31, "path")],
)
def test_a_length_above_int32_is_too_long(path, content, field):
    with pytest.raises(FormatError) as caught:
        blob.blob_size(path, content)
    assert details(caught.value) == ("too-long", field, None, 2**31, INT_MAX)


def test_the_largest_lengths_are_summed_in_64_bits():
    assert blob.blob_size(INT_MAX, INT_MAX) == 8 + 2 * INT_MAX


def test_a_content_that_is_too_long_is_reported_before_a_buffer_that_is_too_small():
    class Huge:
        def __len__(self):
            return 2**31

    with pytest.raises(FormatError) as caught:
        blob.write(memoryview(bytearray(4)), b"", Huge())
    assert caught.value.kind == "too-long"


class Recorder:
    """Replaces the memory: records the stores in order, and shows what a reader would see."""

    def __init__(self, size, fail_at=None):
        self.memory = bytearray(blob_of(3, b"old", 4, b"pict")[:size].ljust(size, b"\xee"))
        self.readonly = False
        self.stores = []
        self.seen = []
        self.fail_at = fail_at

    def __len__(self):
        return len(self.memory)

    def __setitem__(self, where, data):
        if len(self.stores) == self.fail_at:
            raise KeyboardInterrupt
        self.memory[where] = data
        self.stores.append((where.start, where.stop))
        try:
            self.seen.append(ImageData.from_bytes(bytes(self.memory)))
        except LengthError as error:
            self.seen.append(error.kind)


def test_the_first_store_is_minus_one_and_the_last_is_the_path_length():
    memory = Recorder(40)
    blob.write(memory, b"a.png", memoryview(b"xyz"))
    assert memory.stores[0] == memory.stores[-1] == (0, 4)
    assert all(start >= 4 for start, _ in memory.stores[1:-1])
    assert memory.memory[:16] == LITERAL


def test_a_reader_during_a_write_gets_the_negative_length_error():
    memory = Recorder(40)
    blob.write(memory, b"a.png", memoryview(b"xyz"))
    assert memory.seen == ["negative-length"] * (len(memory.stores) - 1) + [
        ImageData("a.png", b"xyz")
    ]


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_writer_that_is_killed_leaves_a_negative_length(step):
    memory = Recorder(40, fail_at=step)
    with pytest.raises(KeyboardInterrupt):
        blob.write(memory, b"a.png", memoryview(b"xyz"))
    with pytest.raises(LengthError) as caught:
        ImageData.from_bytes(memory.memory)
    assert details(caught.value) == ("negative-length", "path_length", 0, -1, 0)


@pytest.mark.parametrize("path", ["", "a", "old!", "much longer than before"])
def test_a_content_in_the_same_memory_can_be_written_back(path):
    buffer = bytearray(200)
    content = bytes(range(100))
    ImageData("old!", content).write_into(buffer)
    image = ImageData.from_bytes(buffer)
    image.path = path
    image.write_into(buffer)
    assert ImageData.from_bytes(buffer) == ImageData(path, content)


# --- a map that another program changes during a read ---


class ChangingCodec:
    """Reads the length fields, and lets another program change each of them directly afterwards."""

    def __init__(self, changed):
        self.changed = changed
        self.reads = []

    def unpack_from(self, buffer, offset):
        found = int.from_bytes(buffer[offset : offset + 4], "little", signed=True)
        self.reads.append(offset)
        buffer[offset : offset + 4] = le(self.changed)
        return (found,)


@pytest.mark.parametrize("changed", [INT_MAX, INT_MIN, -1, 0, 4000])
def test_a_length_that_changes_after_its_check_is_not_read_again(monkeypatch, changed):
    memory = memoryview(bytearray(LITERAL + bytes(20)))
    codec = ChangingCodec(changed)
    monkeypatch.setattr(blob, "_LENGTH", codec)
    image = ImageData.from_bytes(memory)
    assert codec.reads == [0, 9]
    assert (image.path, bytes(image.content)) == ("a.png", b"xyz")
    assert len(image.content) <= len(memory)


def test_a_path_that_changes_while_it_is_decoded_is_an_error_or_the_old_path(monkeypatch):
    memory = memoryview(bytearray(LITERAL))
    decode = image_module._decode_path

    def changed(path, strict):
        memory[4:9] = b"\xff\xfe\xfd\xfc\xfb"
        return decode(path, strict)

    monkeypatch.setattr(image_module, "_decode_path", changed)
    assert ImageData.from_bytes(memory).path == "a.png"


def test_a_picture_is_decoded_from_a_copy():
    memory = memoryview(bytearray(ImageData("p", PICTURE).to_bytes()))
    picture = ImageData.from_bytes(memory).picture()
    memory[:] = bytes(len(memory))
    picture.load()
    assert picture.getpixel((1, 1)) == (255, 0, 0)
