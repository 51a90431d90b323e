"""Signatures written by hand (ECMA-335, partition II, 23.2)."""

from __future__ import annotations

import pytest

from pyshm.assemblies.signatures import (
    ArrayOf,
    Damaged,
    Instance,
    Named,
    Parameter,
    PointerTo,
    ReferenceTo,
    compressed,
    constant,
    field_type,
    fixed_argument_int,
    marshal_as,
)
from pyshm.layout.declarations import BuiltIn, FunctionPointer, MarshalAs

INT = BuiltIn("int")


@pytest.mark.parametrize(
    ("data", "number"),
    [
        # The examples of 23.2.
        ("03", 0x03),
        ("7f", 0x7F),
        ("8080", 0x80),
        ("ae57", 0x2E57),
        ("bfff", 0x3FFF),
        ("c0004000", 0x4000),
        ("dfffffff", 0x1FFFFFFF),
    ],
)
def test_compressed_numbers_are_those_of_the_standard(data, number):
    raw = bytes.fromhex(data)
    assert compressed(raw, 0) == (number, len(raw))


@pytest.mark.parametrize("data", ["", "80", "c00000", "e0000000", "ff"])
def test_an_invalid_compressed_number_is_refused(data):
    with pytest.raises(Damaged):
        compressed(bytes.fromhex(data), 0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0608", INT),
        ("0602", BuiltIn("bool")),
        ("061c", BuiltIn("object")),
        ("0611 08", Named(0, 2, True)),
        ("0612 09", Named(1, 2, False)),
        ("0611 80a2", Named(2, 0x28, True)),
        ("060f 01", PointerTo(None)),
        ("060f 0f 08", PointerTo(PointerTo(INT))),
        ("0610 08", ReferenceTo(INT)),
        ("061d 08", ArrayOf(INT, 1)),
        ("0614 08 02 00 00", ArrayOf(INT, 2)),
        ("0614 08 02 01 05 02 00 02", ArrayOf(INT, 2)),
        ("0613 01", Parameter(1)),
        ("0615 11 08 02 08 13 00", Instance(Named(0, 2, True), (INT, Parameter(0)))),
        ("061f 05 08", INT),
        ("0620 05 1f 09 08", INT),
        ("061b 00 00 01", FunctionPointer()),
        ("061b 09 02 20 05 01 10 08 0f 01", FunctionPointer()),
        ("0615 12 08 01 1b 00 00 01", Instance(Named(0, 2, False), (FunctionPointer(),))),
    ],
)
def test_a_field_signature_is_read(data, expected):
    assert field_type(bytes.fromhex(data)) == expected


@pytest.mark.parametrize(
    "data",
    [
        "",
        "07",
        "06",
        "0601",
        "0600",
        "061e00",
        "0611",
        "061107",
        "0615 08",
        "0615 11 08 00",
        "0615 11 08 81ff" + "08" * 3,
        "0614 08 00 00 00",
        "0614 08 21 00 00",
        "0614 08 01 02 01 01",
        "061b",
        "061b 00 df ff ff ff 01",
        "06" + "0f" * 100 + "08",
        "06" + "1d" * 2000,
    ],
)
def test_a_damaged_signature_is_refused(data):
    with pytest.raises(Damaged):
        field_type(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("02", MarshalAs("Bool")),
        ("17 10", MarshalAs("ByValTStr", 16)),
        ("17 8100", MarshalAs("ByValTStr", 256)),
        ("1e 03", MarshalAs("ByValArray", 3)),
        ("1e 03 04", MarshalAs("ByValArray", 3, "U1")),
        ("1e 03 50", MarshalAs("ByValArray", 3)),  # 0x50: not specified
        ("1e", MarshalAs("ByValArray")),
        ("1d 0b", MarshalAs("SafeArray")),
        ("25", MarshalAs("VariantBool")),
        ("30", MarshalAs("LPUTF8Str")),
        ("63", MarshalAs("UnmanagedType(99)")),
    ],
)
def test_a_marshalling_descriptor_is_read(data, expected):
    assert marshal_as(bytes.fromhex(data)) == expected


@pytest.mark.parametrize("data", ["", "17", "1e c0"])
def test_a_damaged_marshalling_descriptor_is_refused(data):
    with pytest.raises(Damaged):
        marshal_as(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("code", "data", "value"),
    [
        (0x08, "ffffffff", -1),
        (0x09, "ffffffff", 0xFFFFFFFF),
        (0x05, "80", 128),
        (0x04, "80", -128),
        (0x0B, "ffffffffffffffff", (1 << 64) - 1),
        (0x03, "4100", 65),
        (0x0E, "4100", None),
    ],
)
def test_a_constant_is_read(code, data, value):
    assert constant(code, bytes.fromhex(data)) == value


def test_a_constant_of_another_length_is_refused():
    with pytest.raises(Damaged, match="has 3 bytes, not 4"):
        constant(0x08, b"\0\0\0")


def test_the_only_argument_of_an_attribute_is_read():
    assert fixed_argument_int(bytes.fromhex("0100 07000000 0000")) == 7
    with pytest.raises(Damaged):
        fixed_argument_int(bytes.fromhex("0000 07000000 0000"))
