"""Values of every kind, and the bytes that .NET's marshaller writes for them."""

from __future__ import annotations

import copy
import pickle
import uuid
from datetime import datetime
from decimal import Decimal
from enum import IntEnum, IntFlag
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import ArgumentError, EncodingError, FormatError, StructValueError
from pyshm.layout.forms import Target
from pyshm.structs import for_target

UNIX = Target(8, windows=False)
WINDOWS = Target(8, windows=True)


class Gear(IntEnum):
    NEUTRAL = 0
    FIFTH = 5


class Mode(IntFlag):
    FAST = 1
    WET = 2


class Ansi(Struct, target=UNIX):
    text: Annotated[str, t.ByValTStr(6)]
    tail: t.Byte


class Wide(Struct, charset="unicode"):
    text: Annotated[str, t.ByValTStr(4)]
    tail: t.Byte


class One(Struct, charset="unicode"):
    letter: t.Char


class Small(Struct, target=UNIX):
    letter: t.Char8


class Money(Struct):
    exact: t.Decimal
    currency: t.Currency


class Moment(Struct):
    when: t.DateTime


class Identity(Struct):
    guid: t.Guid


class Huge(Struct):
    signed: t.Int128
    unsigned: t.UInt128


class Halves(Struct):
    value: t.Half


class Geared(Struct):
    gear: Gear
    mode: Annotated[Mode, t.Enum(t.Byte)]


class Maybe(Struct):
    number: Annotated[int | None, t.Nullable(t.Int16)]


class Point(Struct):
    x: t.Byte
    y: t.Int32


class Nest(Struct):
    points: Annotated[list[Point], t.ByValArray(Point, 2)]
    names: Annotated[list[int], t.ByValArray(t.LPStr, 2)]


class Fixed(Struct, charset="unicode", target=UNIX):
    numbers: Annotated[list[int], t.FixedBuffer(t.Int16, 3)]
    letters: Annotated[list[str], t.FixedBuffer(t.Char, 2)]
    truths: Annotated[list[bool], t.FixedBuffer(t.Bool, 3)]


class Inline(Struct):
    numbers: Annotated[list[int], t.InlineArray(t.Int16, 3)]
    points: Annotated[list[Point], t.InlineArray(Point, 2)]


class Truths(Struct):
    flags: Annotated[list[bool], t.ByValArray(t.Bool8, 3)]


def assigned(value, field, new):
    """Return the bytes of ``value`` after a field was assigned; None is not the default then."""
    setattr(value, field, new)
    return value.to_bytes()


GUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
BYTES = [
    (Ansi("héy", 7), "68c3a9790000 07"),
    (Ansi("", 7), "000000000000 07"),
    (Ansi("abcde", 7), "616263646500 07"),
    (Wide("a€", 7), "6100 ac20 0000 0000 07 00"),
    (Wide("\U0001f600x", 7), "3dd8 00de 7800 0000 07 00"),
    (One("€"), "ac20"),
    (Small("x"), "78"),
    (
        Money(Decimal("-1.50"), Decimal("922337203685477.5807")),
        "00000280 00000000 9600000000000000 ffffffffffffff7f",
    ),
    (
        Money(Decimal(2**96 - 1), Decimal("-0.0001")),
        "00000000 ffffffff ffffffffffffffff ffffffffffffffff",
    ),
    (Identity(GUID), "33221100 5544 7766 8899aabbccddeeff"),
    (Huge(-2, 2**128 - 1), "fe" + "ff" * 31),
    (Halves(1.5), "003e"),
    (Geared(Gear.FIFTH, Mode.FAST | Mode.WET), "05000000 03 000000"),
    (Maybe(5), "01000000 0500 0000"),
    (Maybe(None), "00000000 0000 0000"),
    (
        Nest([Point(1, 2), Point(3, 4)], [5, 6]),
        "01000000 02000000 03000000 04000000 0500000000000000 0600000000000000",
    ),
    (
        Fixed([1, 2, -1], ["a", "€"], [True, False, False]),
        "0100 0200 ffff 6100 ac20 0000 01000000",
    ),
    (
        Inline([1, 2, -1], [Point(1, 2), Point(3, 4)]),
        "0100 0200 ffff 0000 01000000 02000000 03000000 04000000",
    ),
    (Truths([True, False, True]), "010001"),
]


@pytest.mark.parametrize(("value", "literal"), BYTES, ids=lambda value: type(value).__name__)
def test_a_value_is_written_as_these_bytes(value, literal):
    if type(value) is Nest and Nest.layout.size != 32:
        pytest.skip("written by hand for 64-bit addresses")
    assert value.to_bytes().hex() == literal.replace(" ", "")


@pytest.mark.parametrize(("value", "literal"), BYTES, ids=lambda value: type(value).__name__)
def test_these_bytes_are_read_as_the_value(value, literal):
    if type(value) is Nest and Nest.layout.size != 32:
        pytest.skip("written by hand for 64-bit addresses")
    found = type(value).from_bytes(bytes.fromhex(literal))
    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize("value", [value for value, _ in BYTES], ids=lambda v: type(v).__name__)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_copy_is_equal_whether_its_fields_were_read_or_not(value, copied):
    unread = type(value).from_bytes(value.to_bytes())
    assert copied(unread) == value == copied(value)
    assert copied(unread).to_bytes() == value.to_bytes()


# --- defaults ---


def test_a_field_without_a_value_has_the_default_of_dotnet():
    assert Ansi().text == ""
    assert One().letter == "\0"
    assert Money() == Money(Decimal(0), Decimal(0))
    assert Moment().when == datetime.min  # noqa: DTZ901 - .NET's default(DateTime)
    assert Identity().guid == uuid.UUID(int=0)
    assert Maybe().number is None
    assert Geared().gear is Gear.NEUTRAL
    assert Nest().points == [Point(), Point()]
    assert Fixed() == Fixed([0, 0, 0], ["\0", "\0"], [False, False, False])


@pytest.mark.parametrize(
    "struct", [Ansi, One, Money, Moment, Identity, Maybe, Geared, Nest, Fixed, Inline, Truths, Huge]
)
def test_a_struct_of_defaults_is_all_zeros(struct):
    assert struct().to_bytes() == bytes(struct.layout.size)


def test_each_array_gets_new_structs():
    first, second = Nest(), Nest()
    first.points[0].x = 9
    assert (first.points[1].x, second.points[0].x) == (0, 0)


@pytest.mark.parametrize(
    ("name", "expected"), [("number", "an int"), ("huge", "an Int128"), ("natural", "a uint")]
)
def test_the_error_for_a_number_out_of_range_has_the_right_article(name, expected):
    class Numbers(Struct):
        number: t.Int32
        huge: t.Int128
        natural: t.UInt32

    with pytest.raises(StructValueError, match=rf"^{name.title()} must be {expected} \("):
        Numbers(**{name: 2**128}).to_bytes()


# --- text ---


def test_text_ends_at_a_nul_or_at_the_end_of_the_field():
    assert Ansi.from_bytes(b"ab\0zz\xff\1").text == "ab"
    assert Ansi.from_bytes(b"abcdef\1").text == "abcdef"
    assert Wide.from_bytes(b"a\0b\0c\0d\0\1\0").text == "abcd"


def test_a_lone_surrogate_is_a_code_unit_in_utf_16():
    data = b"\x00\xd8b\0\0\0\0\0\0\0"
    assert Wide.from_bytes(data).text == "\ud800b"
    assert Wide("\ud800b").to_bytes() == data


@pytest.mark.parametrize(
    ("struct", "text", "kind", "limit"),
    [
        (Ansi, "abcdef", "too-long", 5),
        (Ansi, "ééé", "too-long", 5),
        (Wide, "abcd", "too-long", 3),
        (Wide, "a\U0001f600b", "too-long", 3),
        (Ansi, "a\0b", "embedded-nul", None),
        (Wide, "a\0b", "embedded-nul", None),
        (Ansi, "a\ud800", "encoding", None),
        (Ansi, None, "out-of-range", None),
        (Ansi, b"abc", "out-of-range", None),
        (Wide, 5, "out-of-range", None),
    ],
)
def test_text_that_dotnet_would_cut_or_change_is_refused(struct, text, kind, limit):
    with pytest.raises(StructValueError, match=r"^Text ") as caught:
        struct(text, 0).to_bytes() if text is not None else assigned(struct(), "text", None)
    assert (caught.value.kind, caught.value.field, caught.value.limit) == (kind, "Text", limit)


@pytest.mark.parametrize(
    ("struct", "text", "stored"),
    [
        (Ansi, "abcdefgh", b"abcde\0"),
        (Ansi, "ééx", "ééx".encode() + b"\0"),
        (Ansi, "ééab", "ééa".encode() + b"\0"),  # the sixth byte is replaced by a NUL
        (Ansi, "a\0b", b"a\0b\0\0\0"),
        (Ansi, "a\ud800", b"a\xef\xbf\xbd\0\0"),
        (Ansi, None, bytes(6)),
        (Wide, "abcdef", "abc\0".encode("utf-16-le")),
        (Wide, "ab\U0001f600", b"a\0b\0\x3d\xd8\0\0"),
        (Wide, None, bytes(8)),
    ],
)
def test_without_strict_text_is_cut_and_replaced_as_dotnet_does(struct, text, stored):
    value = struct()
    value.text = text
    assert value.to_bytes(strict=False)[: len(stored)] == stored


def test_text_of_more_bytes_than_its_buffer_is_refused_by_dotnet_too():
    with pytest.raises(StructValueError, match="7 bytes") as caught:
        Ansi("éééa").to_bytes(strict=False)
    assert caught.value.kind == "too-long"


def test_bytes_that_are_not_text_are_an_error_when_they_are_read():
    value = Ansi.from_bytes(b"a\xff\0\0\0\0\7")
    assert value.tail == 7
    with pytest.raises(EncodingError, match="0xff at 1"):
        value.text  # noqa: B018
    assert "0xff" in repr(value)
    assert Ansi.from_bytes(b"a\xff\0\0\0\0\7", strict=False).text == "a\ufffd"


def test_on_windows_ansi_is_a_code_page_and_not_utf_8():
    codec = for_target(Ansi, WINDOWS)
    assert codec.to_bytes(Ansi("é"))[:2] == b"\xe9\0"
    assert codec.from_bytes(b"\xe9\0\0\0\0\0\0").text == "é"


@pytest.mark.parametrize("letter", ["", "ab", "\U0001f600", 5, b"a", None])
def test_a_char_is_one_code_unit(letter):
    value = One()
    value.letter = letter
    with pytest.raises(StructValueError, match="one UTF-16 code unit") as caught:
        value.to_bytes()
    assert caught.value.field == "Letter"


def test_a_char_of_one_byte_is_refused_if_it_needs_more():
    with pytest.raises(StructValueError, match="one byte"):
        Small("é").to_bytes()
    assert Small("é").to_bytes(strict=False) == b"\xc3"
    with pytest.raises(EncodingError):
        Small.from_bytes(b"\xc3").letter  # noqa: B018
    assert Small.from_bytes(b"\xc3", strict=False).letter == "\ufffd"


# --- numbers ---


@pytest.mark.parametrize(
    "value", [Decimal(2**96), Decimal("1e-29"), Decimal("NaN"), Decimal("Infinity"), 1, 1.5, "1"]
)
def test_a_value_that_is_not_a_dotnet_decimal_is_refused(value):
    with pytest.raises(StructValueError) as caught:
        Money(value).to_bytes()
    assert (caught.value.field, caught.value.offset) == ("Exact", 0)


def test_a_decimal_keeps_its_trailing_zeros():
    assert str(Money.from_bytes(Money(Decimal("1.500")).to_bytes()).exact) == "1.500"


def test_invalid_decimal_flags_are_an_error_when_they_are_read():
    value = Money.from_bytes(b"\1" + bytes(23))
    with pytest.raises(FormatError, match="flags"):
        value.exact  # noqa: B018


@pytest.mark.parametrize(
    "value", [Decimal("922337203685477.5808"), Decimal("0.00001"), Decimal("1e300"), 5]
)
def test_a_value_that_is_not_a_currency_is_refused(value):
    with pytest.raises(StructValueError) as caught:
        Money(Decimal(0), value).to_bytes()
    assert caught.value.field == "Currency"


@pytest.mark.parametrize(
    ("units", "text"),
    [(15000, "1.5"), (-2500, "-0.25"), (10000, "1"), (120000, "12"), (0, "0.0000"), (1, "0.0001")],
)
def test_a_currency_is_read_without_trailing_zeros_as_in_dotnet(units, text):
    data = bytes(16) + units.to_bytes(8, "little", signed=True)
    assert str(Money.from_bytes(data).currency) == text


def test_without_strict_a_currency_is_rounded_to_even_as_dotnet_does():
    for value, units in (("0.00005", 0), ("0.00015", 2), ("-0.00025", -2), ("0.00016", 2)):
        data = Money(Decimal(0), Decimal(value)).to_bytes(strict=False)
        assert int.from_bytes(data[16:], "little", signed=True) == units


@pytest.mark.parametrize(
    ("field", "value", "limit"),
    [
        ("signed", 2**127, 2**127 - 1),
        ("signed", -(2**127) - 1, -(2**127)),
        ("unsigned", -1, 0),
        ("unsigned", 2**128, 2**128 - 1),
        ("unsigned", "1", None),
    ],
)
def test_a_wide_number_has_bounds(field, value, limit):
    with pytest.raises(StructValueError) as caught:
        Huge(**{field: value}).to_bytes()
    assert caught.value.limit == limit


@pytest.mark.parametrize("value", [65520.0, "1"])
def test_a_half_has_bounds(value):
    with pytest.raises(StructValueError, match=r"^Value must be a Half"):
        Halves(value).to_bytes()


def test_a_number_that_is_not_a_member_of_the_enum_is_kept():
    value = Geared.from_bytes(bytes.fromhex("63000000 07 000000"))
    assert (value.gear, type(value.gear)) == (99, int)
    assert value.mode == 7
    assert Geared.from_bytes(value.to_bytes()) == value


def test_a_nullable_is_none_if_its_truth_value_is_false():
    assert Maybe.from_bytes(bytes.fromhex("00000000 0700 0000")).number is None
    assert Maybe.from_bytes(bytes.fromhex("00000080 0700 0000")).number == 7


# --- the bytes that were read stay until the field is assigned ---


def test_the_bytes_after_a_nul_stay_until_the_text_is_assigned():
    data = b"ab\0zz\xff\1"
    value = Ansi.from_bytes(data)
    assert value.text == "ab"
    assert value.to_bytes() == data
    value.text = "ab"
    assert value.to_bytes() == b"ab\0\0\0\0\1"


def test_without_strict_the_bytes_after_a_nul_are_written_as_zeros():
    assert Ansi.from_bytes(b"ab\0zz\xff\1").to_bytes(strict=False) == b"ab\0\0\0\0\1"


def test_reading_a_field_does_not_change_the_bytes():
    data = bytes(range(1, 9)) * 2 + bytes(16)
    read, unread = Nest.from_bytes(data), Nest.from_bytes(data)
    assert read.points[0].x == 1
    assert read.to_bytes() == unread.to_bytes()
    assert read.to_bytes()[:8] == b"\1\0\0\0\5\6\7\x08"  # padding is zeros


def test_true_is_written_as_1_whether_it_was_read_or_not():
    read, unread = Truths.from_bytes(b"\2\0\xff"), Truths.from_bytes(b"\2\0\xff")
    assert read.flags == [True, False, True]
    assert read.to_bytes() == unread.to_bytes() == b"\1\0\1"


def test_a_list_that_was_read_can_be_changed():
    value = Nest.from_bytes(bytes(Nest.layout.size))
    value.points[1].y = 7
    value.names[0] = 8
    assert Nest.from_bytes(value.to_bytes()) == value
    assert value.to_bytes()[12] == 7


def test_an_array_of_bytes_accepts_bytes():
    class Raw(Struct):
        data: Annotated[list[int], t.ByValArray(t.Byte, 3)]

    value = Raw(b"\1\2\3")
    assert value.data == [1, 2, 3]
    value.data = b"\4\5\6"
    value.data[0] = 9
    assert value.to_bytes() == b"\x09\5\6"
    value.data = b"\4\5"
    with pytest.raises(StructValueError, match="exactly 3"):
        value.to_bytes()


# --- arrays ---


def test_without_strict_a_longer_array_is_cut_and_none_is_zeros():
    value = Nest([Point(1, 2), Point(3, 4), Point(5, 6)], [1, 2])
    with pytest.raises(StructValueError, match="exactly 2 elements, not 3"):
        value.to_bytes()
    assert value.to_bytes(strict=False) == Nest([Point(1, 2), Point(3, 4)], [1, 2]).to_bytes()
    value.points = None
    assert value.to_bytes(strict=False)[:16] == bytes(16)


def test_a_shorter_array_is_refused_by_dotnet_too():
    with pytest.raises(StructValueError, match="exactly 2 elements, not 1"):
        Nest([Point()], [1, 2]).to_bytes(strict=False)


def test_an_element_of_a_nested_array_is_named_by_its_path():
    class Outer(Struct):
        first: t.Int32
        nest: Nest

    value = Outer(1, Nest([Point(), Point(0, 2**31)], [0, 0]))
    with pytest.raises(StructValueError) as caught:
        value.to_bytes()
    start = Outer.layout.fields[1].offset
    assert (caught.value.field, caught.value.offset) == ("Nest.Points[1].Y", start + 12)


def test_only_the_first_element_of_a_fixed_buffer_of_bools_is_marshalled():
    with pytest.raises(StructValueError, match="only the first element") as caught:
        Fixed(truths=[True, True, False]).to_bytes()
    assert caught.value.field == "Truths[1]"
    data = Fixed(truths=[True, True, False]).to_bytes(strict=False)
    assert Fixed.from_bytes(data).truths == [True, False, False]


def test_the_managed_layout_has_all_elements_of_a_fixed_buffer():
    value = Fixed([1, 2, 3], ["a", "b"], [False, True, True])
    data = Fixed.managed.to_bytes(value)
    assert data == bytes.fromhex("0100 0200 0300 6100 6200 000101 00")
    assert Fixed.managed.from_bytes(data) == value


# --- other targets and the managed layout ---


def test_an_address_has_the_size_of_the_targets_pointers():
    class Handle(Struct):
        flag: t.Byte
        where: t.Pointer

    for size in (4, 8):
        codec = for_target(Handle, Target(size, windows=True))
        assert (codec.size, codec.layout.fields[1].size) == (2 * size, size)
        data = codec.to_bytes(Handle(1, 2))
        assert data == b"\1" + bytes(size - 1) + b"\2" + bytes(size - 1)
        assert codec.from_bytes(data) == Handle(1, 2)


def test_the_managed_layout_has_other_sizes():
    class Three(Struct):
        a: t.Byte
        b: t.Bool
        c: t.Char

    assert (Three.layout.size, Three.managed.size, Three.managed.stride) == (12, 4, 4)
    assert Three.managed.to_bytes(Three(1, True, "€")) == b"\1\1\xac\x20"
    assert Three.managed.from_bytes(b"\1\2\xac\x20") == Three(1, True, "€")
    assert Three.managed.layout.marshalled is False


@pytest.mark.parametrize("struct", [Ansi, Nest, Truths])
def test_a_struct_with_references_has_no_managed_layout(struct):
    with pytest.raises(ArgumentError, match="references"):
        struct.managed  # noqa: B018


def test_a_managed_value_that_does_not_fit_is_named():
    with pytest.raises(StructValueError) as caught:
        Point.managed.to_bytes(Point(1, 2**31))
    assert (caught.value.field, caught.value.offset) == ("Y", 4)


def test_the_managed_layout_is_written_and_read_at_an_offset():
    target = bytearray(12)
    Point.managed.pack_into(Point(1, 2), target, 3)
    assert target == bytearray.fromhex("000000 01000000 02000000 00")
    assert Point.managed.unpack_from(target, 3) == Point(1, 2)


# --- flat ---


def test_the_flat_tuple_has_bytes_for_what_is_not_a_number_of_the_struct_module():
    data = Money(Decimal(1), Decimal(2)).to_bytes()
    assert for_target(Money).flat.unpack_from(data) == (data[:16], data[16:])
    data = Nest([Point(1, 2), Point(3, 4)], [5, 6]).to_bytes()
    assert for_target(Nest).flat.unpack_from(data)[1:] == (5, 6)


# --- arrays of one-byte characters, which are one text to .NET ---


class Letters(Struct, target=UNIX):
    letters: Annotated[list[str], t.ByValArray(t.Char, 4)]


@pytest.mark.parametrize(
    ("letters", "stored"),
    [
        ("abcd", b"abcd"),
        ("с5\0\0", b"\xd1\x815\0"),
        ("\ud83d\ude00\0\0", b"\xf0\x9f\x98\x80"),
        ("a\0b\0", b"a\0b\0"),
    ],
)
def test_an_array_of_one_byte_characters_is_converted_as_one_text(letters, stored):
    assert Letters(list(letters)).to_bytes() == stored
    assert Letters.from_bytes(stored).letters == list(letters)


@pytest.mark.parametrize(
    ("letters", "kind"),
    [("ссab", "too-long"), ("\ud800abc", "encoding"), (["ab", "", "c", "d"], "out-of-range")],
)
def test_characters_that_do_not_fit_are_refused(letters, kind):
    with pytest.raises(StructValueError) as caught:
        Letters(list(letters)).to_bytes()
    assert caught.value.kind == kind


def test_bytes_that_are_not_characters_are_refused_or_read_as_dotnet_does():
    with pytest.raises(EncodingError):
        Letters.from_bytes(b"\xd1ab\0").letters  # noqa: B018
    assert Letters.from_bytes(b"\xd1ab\0", strict=False).letters == ["\ufffd", "a", "b", "\0"]
