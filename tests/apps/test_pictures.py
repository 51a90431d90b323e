"""Pictures for the screen."""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import pytest
from PIL import Image

from pyshm.apps import pictures


@pytest.mark.parametrize(
    ("size", "room", "expected"),
    [
        ((400, 300), (200, 200), (200, 150)),
        ((300, 400), (200, 200), (150, 200)),
        ((20, 10), (200, 200), (200, 100)),
        ((1000, 1), (100, 100), (100, 1)),
        ((200, 100), (200, 100), (200, 100)),
    ],
)
def test_a_picture_is_scaled_to_the_available_space(
    size: tuple[int, int], room: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert pictures.fitted(Image.new("RGB", size), *room).size == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("1", "RGB"), ("L", "RGB"), ("P", "RGB"), ("CMYK", "RGB"), ("LA", "RGBA"), ("I", "RGB"),
     ("F", "RGB"), ("I;16", "RGB"), ("RGBA", "RGBA")],
)  # fmt: skip
def test_every_kind_of_picture_can_be_shown(mode: str, expected: str) -> None:
    picture = pictures.upright(Image.new(mode, (4, 3)))
    assert (picture.mode, picture.size) == (expected, (4, 3))


def test_sixteen_bits_are_scaled_from_the_darkest_to_the_lightest() -> None:
    deep = Image.new("I;16", (2, 1))
    deep.putpixel((0, 0), 1000)
    deep.putpixel((1, 0), 60000)
    shown = pictures.upright(deep)
    assert [shown.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize(
    "odd", [math.nan, math.inf, -math.inf], ids=["nan", "infinity", "minus infinity"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_value_that_is_not_finite_does_not_darken_the_others(odd: float, place: int) -> None:
    values = [-100.0, 0.0, 100.0]
    values.insert(place, odd)
    deep = Image.frombytes("F", (4, 1), array("f", values).tobytes())
    shown = pictures.upright(deep)
    found = [shown.getpixel((x, 0)) for x in range(4) if x != place]
    assert found == [(0, 0, 0), (127, 127, 127), (255, 255, 255)]


def test_a_picture_without_a_finite_value_is_shown() -> None:
    deep = Image.frombytes("F", (2, 1), array("f", [math.nan, math.inf]).tobytes())
    assert pictures.upright(deep).mode == "RGB"


def test_a_picture_is_turned_as_its_exif_data_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned to the right
    Image.new("RGB", (30, 20)).save(tmp_path / "p.jpg", exif=exif)
    assert pictures.upright(Image.open(tmp_path / "p.jpg")).size == (20, 30)


def test_the_file_dialog_offers_the_formats_that_are_decoded() -> None:
    found = pictures.patterns()
    assert {"*.png", "*.jpg", "*.jpeg", "*.gif", "*.bmp", "*.webp"} <= set(found)
    assert found == sorted(found)
    assert not {"*.eps", "*.ps", "*.wmf", "*.mpg"} & set(found)
