"""Types of a few bytes with more values than a program can show: they are shown in bounded time."""

from __future__ import annotations

import pytest

from pyshm.cli import fields
from pyshm.dump import annotate
from pyshm.errors import FormatError
from pyshm.layout.declarations import BuiltIn, FieldDeclaration, TypeDeclaration
from pyshm.structs.from_declaration import struct_from
from pyshm.structs.leaves import number_of_values, too_many_values
from pyshm.structs.snapshots import snapshot


def union(depth: int) -> type:
    """Return a struct of 4 bytes: two structs of the next smaller depth that share all bytes."""
    found = TypeDeclaration("U0", fields=(FieldDeclaration("x", BuiltIn("int")),))
    for number in range(1, depth + 1):
        parts = (FieldDeclaration("a", found, 0), FieldDeclaration("b", found, 0))
        found = TypeDeclaration(f"U{number}", layout="explicit", fields=parts)
    return struct_from(found)


@pytest.fixture(scope="module")
def crowded():
    return union(40)


def test_the_number_of_values_is_counted_without_a_walk_through_all_of_them(crowded):
    assert number_of_values(crowded.__packing__) == 2**40
    assert too_many_values(crowded.__packing__)
    assert number_of_values(union(3).__packing__) == 8
    assert too_many_values(union(3).__packing__) == ""


def test_a_repr_has_the_number_of_the_values_that_are_too_many(crowded):
    text = "1099511627776 values share 4 bytes"
    assert repr(crowded()) == f"U40({text})"
    assert repr(crowded.view(bytearray(4))) == f"<view of U40: {text}>"
    assert repr(snapshot(crowded, bytes(4))) == f"<snapshot of U40: {text}>"


def test_a_dump_refuses_a_type_with_too_many_values(crowded):
    with pytest.raises(FormatError, match="U40 can't be shown: 1099511627776 values share 4 bytes"):
        annotate(memoryview(bytes(4)), crowded)
    assert len(annotate(memoryview(bytes(4)), union(3)).regions[0].readings) == 8


@pytest.mark.parametrize("shown", [fields.as_lines, fields.as_json])
def test_reading_a_struct_refuses_a_type_with_too_many_values(crowded, shown):
    with pytest.raises(FormatError, match="U40 can't be shown"):
        shown(crowded, bytes(4))
    assert shown(union(3), bytes(4))


def test_one_value_of_such_a_type_is_read_and_written(crowded):
    data = bytearray(4)
    path = ".".join("ab"[number % 2] for number in range(40))
    fields.assign(crowded, data, f"{path}.x=7")
    assert data == bytes([7, 0, 0, 0])
    part = crowded.from_bytes(data)
    for name in path.split("."):
        part = getattr(part, name)
    assert part.x == 7


def test_a_struct_with_many_bytes_has_many_values():
    array = struct_from(
        TypeDeclaration(
            "Large",
            fields=tuple(FieldDeclaration(f"f{number}", BuiltIn("byte")) for number in range(300)),
        )
    )
    assert too_many_values(array.__packing__) == ""
    assert "f299=0" in repr(array())
