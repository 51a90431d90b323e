"""What errors say: what is wrong, and what to write instead."""

from __future__ import annotations

import os
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest

from pyshm import ImageData, MemoryMappedFile, Struct
from pyshm import types as t
from pyshm.errors import ArgumentNullError, LayoutError
from pyshm.maps import elements
from pyshm.structs import array, cdef, dtype, ffi, for_target, snapshot, snapshot_type


class Point(Struct):
    x: t.Int32
    y: t.Int32


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (int, "int is not a field type; use Int32"),
        (float, "float is not a field type; use Double or Single"),
        (bool, "use Bool of pyshm.types, which has four bytes, or Bool8"),
        (str, r"use Annotated\[str, ByValTStr\(32\)\]"),
        (bytes, r"ByValArray\(Byte, 32\)"),
        (list, r"ByValArray\(Int32, 4\)"),
        (list[int], r"list\[int\] is not a field type; use .*ByValArray"),
        (Decimal, "use Decimal of pyshm.types"),
        (datetime, "use DateTime of pyshm.types"),
        (date, "use DateOnly of pyshm.types"),
        (time, "use TimeOnly of pyshm.types"),
        (timedelta, "use TimeSpan of pyshm.types"),
        (UUID, "use Guid of pyshm.types"),
        (int | None, r"Nullable\(Int32\)"),
        (t.ByValTStr(5), "write it in Annotated"),
        (t.ByValArray, "pyshm.types.ByValArray is not a field type; write it in Annotated"),
        (Annotated[int, 5], "use Int32"),
        (dict, "use one of pyshm.types, a Struct or an IntEnum"),
        (Struct, "use one of pyshm.types"),
    ],
    ids=str,
)
def test_a_type_that_is_not_a_field_type_says_what_to_use(hint, message):
    body = {"__module__": __name__, "__annotations__": {"x": hint}}
    with pytest.raises(LayoutError, match=message) as caught:
        type(Struct)("Wrong", (Struct,), body)
    assert caught.value.message.startswith("Wrong.x: ")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Point(1, 2, 3), r"^Point\(\) takes from 0 to 2 positional arguments"),
        (lambda: Point(z=1), r"^Point\(\) got an unexpected keyword argument 'z'"),
        (lambda: Point(1, x=1), r"^Point\(\) got multiple values for argument 'x'"),
    ],
)
def test_a_wrong_call_names_the_class(call, message):
    for _ in range(2):  # the first call compiles the constructor
        with pytest.raises(TypeError, match=message):
            call()


@pytest.mark.parametrize(
    "use",
    [
        lambda kind: snapshot(kind, b""),
        snapshot_type,
        lambda kind: array(kind, b""),
        dtype,
        cdef,
        ffi,
        for_target,
    ],
)
@pytest.mark.parametrize(
    ("kind", "shown"), [(t.Int32, "pyshm.types.Int32"), (int, "int"), (5, "5"), (Struct, "Struct")]
)
def test_a_function_that_needs_a_struct_class_says_so(use, kind, shown):
    with pytest.raises(
        ArgumentNullError, match=f"derives from pyshm.Struct is needed, not {shown}"
    ):
        use(kind)


def test_a_target_that_is_not_one_is_refused():
    wrong: Any = "windows"
    with pytest.raises(ArgumentNullError, match=r"must be a pyshm\.layout\.Target, not 'windows'"):
        for_target(Point, wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda view: view.read(0, t.Int32), "pyshm.Struct is needed, not pyshm.types.Int32"),
        (lambda view: view.read(0, int), "pyshm.Struct is needed, not int"),
        (lambda view: view.write(0, 5), "pyshm.Struct is needed, not int"),
        (lambda view: view.read_structs(0, t.Int32, 2), "not pyshm.types.Int32"),
        (lambda view: view.read_array(0, t.Int32, 2), "array must be a buffer.*Int32"),
        (lambda view: view.write_array(0, object()), "array must be a buffer"),
        (lambda view: view.read_array(0, [0], element=t.Int32), "element must be one of .*Int32"),
        (lambda view: view.read_array(0, [0], element="i"), "element must be one of .* 'i'"),
    ],
)
def test_a_view_of_a_map_says_what_it_needs(call, message):
    with (
        MemoryMappedFile.create_new(None, 4096) as memory,
        memory.create_view_accessor() as view,
        pytest.raises(ArgumentNullError, match=message),
    ):
        call(view)


def test_an_element_is_one_of_the_table_or_a_struct():
    with (
        MemoryMappedFile.create_new(None, 4096) as memory,
        memory.create_view_accessor() as view,
    ):
        items: list[Any] = [None] * 2
        assert view.read_array(0, items, element=elements.INT32) == 2
        assert view.read_array(0, items, element=Point) == 2


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (
            Path("a"),
            b"x",
            r"path must be a str, not .*Path\('a'\); os.fsdecode\(path\)",
        ),
        (b"a", b"x", r"path must be a str, not b'a'; os.fsdecode"),
        (None, b"x", "path must be a str, not None"),
        ("a", "x", "content must be bytes or another buffer, not 'x'"),
        ("a", None, "content must be bytes or another buffer, not None"),
    ],
)
def test_an_image_that_can_not_be_written_is_not_made(path, content, message):
    with pytest.raises(ArgumentNullError, match=message):
        ImageData(path, content)


@pytest.mark.parametrize("spelled", [str, Path, os.fsencode])
def test_an_image_is_read_from_a_path_of_any_kind(tmp_path, spelled):
    file = tmp_path / "a.png"
    file.write_bytes(b"content")
    image = ImageData.from_file(spelled(str(file)))
    assert (image.path, image.content) == (str(file), b"content")
    assert image.to_bytes().endswith(b"content")
