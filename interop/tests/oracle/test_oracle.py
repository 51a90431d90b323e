"""The harness's own reader agrees with the cases, and describes different bytes by their field."""

from __future__ import annotations

import pytest

from interop.cases.case import STANDARD, Case, matches
from interop.cases.catalog import all_cases
from interop.oracle.format import read_image, read_struct
from interop.oracle.memory import blob_bytes, describe_difference, struct_bytes


@pytest.mark.parametrize(
    "malformed",
    [case for case in all_cases() if case.group == "malformed"],
    ids=lambda case: case.name,
)
def test_the_reader_finds_what_the_case_expects(malformed: Case) -> None:
    for step, expected in zip(malformed.reads, malformed.expected, strict=True):
        if step["do"] == "read-image":
            found = read_image(malformed.memory, replace=step.get("replace", False))
        elif step["do"] == "read-struct":
            found = read_struct(malformed.memory)
        else:
            continue
        assert matches(expected, found), (expected, found)


def test_equal_bytes_have_no_difference() -> None:
    assert describe_difference(b"abc", b"abc") is None


def test_a_difference_names_the_field_its_offset_and_both_values() -> None:
    wanted = struct_bytes(*STANDARD)
    found = struct_bytes(100, 21, range(60, 70))
    assert describe_difference(wanted, found) == (
        "Age at 4, byte 4: expected 14 00 00 00, found 15 00 00 00 (int32 20, found 21)"
    )


def test_a_difference_in_a_blob_names_its_part() -> None:
    wanted = blob_bytes("path", bytes(100))
    found = wanted[:60] + b"\x01" + wanted[61:]
    assert (describe_difference(wanted, found) or "").startswith(
        "content at 12, byte 60: expected 00 00 00 00 00"
    )


def test_a_difference_in_length_is_described() -> None:
    assert "expected 4 bytes, found 2" in (describe_difference(b"abcd", b"ab") or "")
