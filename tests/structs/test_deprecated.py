"""Names of version 0.1 still work, and their warnings say what replaces them."""

from __future__ import annotations

import sys
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import StructValueError
from pyshm.layout import HOST
from pyshm.structs import array, cdef, dtype, for_target, snapshot_type
from pyshm.structs.deprecated import REPLACEMENTS


class Point(Struct, pack=1):
    x: t.Byte
    y: t.Int32


class Label(Struct):
    text: Annotated[str, t.ByValTStr(3)]


DATA = Point(1, 2).to_bytes()


def old(name, owner=Point):
    with pytest.warns(DeprecationWarning, match=rf"^{owner.__name__}\.{name} is deprecated "):
        return getattr(owner, name)


@pytest.mark.parametrize(
    ("name", "use", "expected"),
    [
        ("cdef", lambda found: found(), cdef(Point)),
        ("codec", lambda found: found.format, "<Bi"),
        ("declaration", lambda found: found, Point.layout.declaration),
        ("ffi", lambda found: found().sizeof("Point"), 5),
        ("for_target", lambda found: found(HOST), for_target(Point)),
        ("snapshot", lambda found: found(b"\xee" + DATA, 1).y, 2),
        ("snapshot_type", lambda found: found(), snapshot_type(Point)),
        ("unpack_flat", lambda found: found(DATA), (1, 2)),
    ],
)
def test_an_old_name_of_a_struct_class_works_and_names_the_new_one(name, use, expected):
    assert use(old(name)) == expected


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("numpy_dtype", lambda found: found() == dtype(Point)),
        ("view_array", lambda found: found(DATA)["y"][0] == array(Point, DATA)["y"][0] == 2),
    ],
)
def test_an_old_name_for_numpy_works_and_names_the_new_one(name, use):
    pytest.importorskip("numpy")
    assert use(old(name))


def test_the_warning_names_the_new_function_with_the_type():
    with pytest.warns(DeprecationWarning, match=r"use pyshm\.structs\.dtype\(Point\) instead$"):
        Point.numpy_dtype  # noqa: B018


def test_an_object_has_the_old_names_of_its_class():
    with pytest.warns(DeprecationWarning, match="Point.declaration"):
        assert Point().declaration is Point.layout.declaration


def test_the_numpy_dtype_of_a_codec_works_and_names_the_new_function():
    pytest.importorskip("numpy")
    with pytest.warns(DeprecationWarning, match="dtype"):
        assert Point.managed.numpy_dtype() == dtype(Point.managed)


@pytest.mark.parametrize("name", sorted(REPLACEMENTS))
def test_a_field_can_have_an_old_name(name):
    namespace = {"__module__": __name__, "__annotations__": {name: t.Int32}}
    made = type(Struct)("Declared", (Struct,), namespace)
    assert getattr(made(5), name) == 5
    assert made.from_bytes(made(6).to_bytes()) == made(6)


@pytest.mark.parametrize(
    "use",
    [
        lambda value: value.to_bytes(exact=True),
        lambda value: value.to_bytes(True),
        lambda value: bytes(pack(value, exact=True)),
        lambda value: bytes(pack(value, 0, True)),
    ],
)
def test_exact_means_not_strict_for_writing(use):
    with pytest.warns(DeprecationWarning, match="exact=True is deprecated .*use strict=False"):
        assert use(Label("abc")) == b"ab\0"


def pack(value, *arguments, **named):
    data = bytearray(value.layout.size)
    value.pack_into(data, *arguments, **named)
    return data


@pytest.mark.skipif(sys.platform == "win32", reason="Windows decodes every byte")
@pytest.mark.parametrize(
    "use",
    [
        lambda data: Label.from_bytes(data, exact=True),
        lambda data: Label.from_bytes(data, True),
        lambda data: Label.unpack_from(data, exact=True),
        lambda data: Label.unpack_from(data, 0, True),
    ],
)
def test_exact_means_not_strict_for_reading(use):
    with pytest.warns(
        DeprecationWarning, match="exact=True is deprecated .*use strict=False"
    ) as caught:
        assert use(b"\xff\0\0").text == "\ufffd"
    assert caught[0].filename == __file__


def test_exact_false_is_strict():
    with pytest.warns(DeprecationWarning, match="exact=False is deprecated .*use strict=True"):
        assert Point.unpack_from(DATA, exact=False) == Point(1, 2)
    with (
        pytest.warns(DeprecationWarning, match="exact=False"),
        pytest.raises(StructValueError),
    ):
        Label("abc").to_bytes(exact=False)
