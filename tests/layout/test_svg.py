"""Layouts as pictures."""

from __future__ import annotations

import re
from typing import Annotated, Any
from xml.etree import ElementTree as ET

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import LayoutError
from pyshm.layout import BuiltIn, native
from pyshm.layout.svg import picture
from tests.layout.examples import LINUX, Inner, Outer, Union, declared, doubled, layout_of

SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg):
    """Return the full text of every box of a picture, and its (x, y, width, height)."""
    root = ET.fromstring(svg)
    found = {}
    for group in root.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        place = tuple(float(rect.get(key)) for key in ("x", "y", "width", "height"))
        found[group.find(f"{SVG}title").text] = place
    return found


def test_the_picture_has_a_box_for_every_row():
    found = list(boxes(picture(layout_of(Outer))))
    assert found == [
        "Wet: bool (U1), byte 0",
        "bytes 1 to 7",
        "Place: My.Inner, bytes 8 to 23",
        "Place.Flag: byte, byte 8",
        "bytes 9 to 15",
        "Place.X: double, bytes 16 to 23",
        "Many: My.Inner[] (ByValArray 3), bytes 24 to 71",
        "Many[0].Flag: byte, byte 24",
        "bytes 25 to 31",
        "Many[0].X: double, bytes 32 to 39",
        "bytes 40 to 71",
        "Text: string (ByValTStr 5), bytes 72 to 76",
        "bytes 77 to 79",
    ]


class Odd(Struct, size=9, target=LINUX):
    a: t.Int16


class Owner(Struct, target=LINUX):
    items: Annotated[Any, t.InlineArray(Odd, 3)]


def test_the_second_element_is_where_the_first_one_ends():
    assert Owner.layout.size == 30  # after the elements, 27 bytes, there are three of padding
    assert "bytes 9 to 29" in boxes(picture(Owner.layout))


def test_fields_that_share_bytes_are_side_by_side_and_others_below():
    found = {
        text.partition(":")[0]: place for text, place in boxes(picture(layout_of(Union))).items()
    }
    whole, low, high, alone = (found[name] for name in ("Whole", "Low", "High", "Alone"))
    assert whole[0] + whole[2] < low[0] == high[0]  # side by side
    assert whole[1] == low[1]
    assert low[1] + low[3] < high[1]
    assert whole[1] + whole[3] == high[1] + high[3]  # they end with the same byte
    assert alone[1] > whole[1] + whole[3]
    assert alone[2] > whole[2]


@pytest.mark.parametrize("struct", [Outer, Union, Inner])
def test_a_box_overlaps_only_the_boxes_within_it(struct):
    placed = list(boxes(picture(layout_of(struct))).values())

    def contains(a, b):
        return (a[0] <= b[0] and a[1] <= b[1] and a[0] + a[2] >= b[0] + b[2]
                and a[1] + a[3] >= b[1] + b[3])  # fmt: skip

    for index, a in enumerate(placed):
        for b in placed[index + 1 :]:
            apart = (a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0]
                     or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1])  # fmt: skip
            assert apart or contains(a, b)


def test_the_picture_shows_every_offset_and_the_size():
    root = ET.fromstring(picture(layout_of(Union)))
    shown = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "offset"]
    assert sorted(map(int, shown)) == [0, 2, 4, 5, 8]


def test_markup_in_names_is_escaped():
    name = '</title><script>alert("1")</script>&\x00\ud800\ufffe'
    svg = picture(native(declared(name, (name, BuiltIn("int"))), LINUX), name)
    root = ET.fromstring(svg.encode("utf-8"))
    assert root.find(f".//{SVG}script") is None
    assert root.get("aria-label") == (r'</title><script>alert("1")</script>&\x00\ud800' "\\ufffe")


def test_the_picture_refers_to_no_other_file():
    svg = picture(layout_of(Outer))
    assert re.findall(r"(?:https?:)?//[\w./]+", svg) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"url\(([^)]*)\)", svg)) == {"#hatch"}
    assert "prefers-color-scheme: dark" in svg


def test_long_text_is_cut_to_the_width_of_its_box():
    long = "x" * 500
    svg = picture(native(declared(long, (long, BuiltIn("int"))), LINUX))
    texts = [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]
    assert max(map(len, texts)) < 100
    assert sum("…" in text for text in texts) == 2


def test_an_empty_struct_has_a_picture_of_one_byte():
    assert list(boxes(picture(native(declared("Empty"), LINUX)))) == ["byte 0"]


def test_a_picture_with_too_many_boxes_is_refused():
    with pytest.raises(LayoutError, match=r"more than 5000 fields"):
        picture(native(doubled(13), LINUX))
