"""ImageData as a picture, and TestData."""

from __future__ import annotations

import array
import io
import warnings

import pytest
from PIL import Image

from pyshm import ImageData, TestData
from pyshm.errors import (
    DoesNotFitError,
    PictureError,
    StructValueError,
    TruncatedError,
    UnsupportedError,
)


def details(error):
    return (error.kind, error.field, error.offset, error.value, error.limit)


def encoded(form, size=(4, 3), mode="RGB", color=(10, 200, 30)):
    target = io.BytesIO()
    Image.new(mode, size, color).save(target, form)
    return target.getvalue()


# --- ImageData ---


def test_from_file_keeps_every_byte(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"anything")
    assert ImageData.from_file(path) == ImageData(str(path), b"anything")


def test_a_missing_file_raises_pythons_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ImageData.from_file(tmp_path / "none")


@pytest.mark.parametrize(
    "content",
    [b"ab", bytearray(b"ab"), memoryview(b"xabx")[1:3], array.array("H", [0x6261])],
)
def test_content_can_be_any_buffer(content):
    assert ImageData("p", content).to_bytes() == bytes.fromhex("01000000 70 02000000 6162")


def test_images_with_equal_path_and_bytes_are_equal():
    assert ImageData("a", b"x") == ImageData("a", bytearray(b"x"))
    assert ImageData("a", b"x") != ImageData("b", b"x")
    assert ImageData("a", b"x") != ImageData("a", b"y")
    assert ImageData("a", b"x") != ("a", b"x")


def test_an_image_has_no_hash():
    with pytest.raises(TypeError):
        hash(ImageData("a", b"x"))


def test_the_repr_has_the_path_and_the_length_of_the_content():
    assert repr(ImageData("a", b"xyz")) == "ImageData('a', <3 bytes>)"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_a_picture_is_decoded(form):
    picture = ImageData("p", encoded(form)).picture()
    assert (picture.format, picture.size) == (form, (4, 3))


@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_pixels_are_kept_without_loss(form):
    picture = ImageData("p", encoded(form)).check_picture()
    assert picture.convert("RGB").getpixel((3, 2)) == (10, 200, 30)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_a_picture_is_encoded_in_its_own_format(form):
    picture = ImageData("p", encoded(form)).picture()
    again = ImageData.from_picture(picture, "q")
    assert (again.path, again.picture().format) == ("q", form)


def test_a_picture_that_was_created_in_memory_becomes_a_png():
    image = ImageData.from_picture(Image.new("RGB", (2, 2)), "p")
    assert image.content[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_picture_that_its_format_can_not_store_is_an_error():
    picture = ImageData("p", encoded("JPEG")).picture().convert("RGBA")
    picture.format = "JPEG"
    with pytest.raises(PictureError) as caught:
        ImageData.from_picture(picture, "p")
    assert (caught.value.kind, caught.value.field) == ("not-a-picture", "content")


@pytest.mark.parametrize("content", [b"", b"x", b"no picture at all", bytes(100), b"\x89PNG\r\n"])
def test_content_that_is_not_a_picture_is_an_error(content):
    with pytest.raises(PictureError) as caught:
        ImageData("p", content).picture()
    assert (caught.value.kind, caught.value.field) == ("not-a-picture", "content")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_a_picture_that_is_cut_off_is_an_error(form):
    content = encoded(form, (200, 200), color=(1, 2, 3))
    image = ImageData("p", content[: len(content) * 2 // 3])
    with pytest.raises(PictureError) as caught:
        image.check_picture()
    assert (caught.value.kind, caught.value.field) == ("not-a-picture", "content")


# Pillow warns above the limit and refuses above twice the limit; both are errors here.
@pytest.mark.parametrize("limit", [99, 10])
def test_more_pixels_than_the_limit_are_too_large(monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    content = encoded("PNG", (10, 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in a program that does not care
        with pytest.raises(PictureError) as caught:
            ImageData("p", content).picture()
    assert (caught.value.kind, caught.value.limit) == ("picture-too-large", limit)


def test_as_many_pixels_as_the_limit_are_allowed(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert ImageData("p", encoded("PNG", (10, 10))).picture().size == (10, 10)


def test_opening_a_picture_does_not_change_the_warning_filters():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = list(warnings.filters)
        ImageData("p", encoded("PNG")).picture()
        assert warnings.filters == before


def test_a_blob_does_not_change_a_picture():
    content = encoded("PNG")
    image = ImageData.from_bytes(ImageData("p", content).to_bytes())
    assert bytes(image.content) == content
    assert image.picture().size == (4, 3)


# --- TestData ---

LITERAL = bytes.fromhex(
    "64000000 14000000"
    "3c000000 3d000000 3e000000 3f000000 40000000"
    "41000000 42000000 43000000 44000000 45000000"
)


def test_the_standard_values_are_written_as_these_bytes():
    assert TestData.standard().to_bytes() == LITERAL


def test_these_bytes_are_read_as_the_standard_values():
    value = TestData.from_bytes(LITERAL)
    assert (value.id, value.age, value.scores) == (100, 20, list(range(60, 70)))


def test_the_text_is_that_of_the_format():
    assert str(TestData.standard()) == "Id=100,Age=20,Scores=60,61,62,63,64,65,66,67,68,69"


def test_negative_numbers_have_their_sign_in_the_text():
    value = TestData(-1, -2147483648, [-1] + [0] * 9)
    assert str(value) == "Id=-1,Age=-2147483648,Scores=-1,0,0,0,0,0,0,0,0,0"


def test_the_limits_survive_the_round_trip():
    value = TestData(-2147483648, 2147483647, [-2147483648, 2147483647] * 5)
    data = value.to_bytes()
    assert data[:8] == bytes.fromhex("00000080 ffffff7f")
    assert TestData.from_bytes(data) == value


def test_two_standard_values_do_not_share_their_scores():
    first, second = TestData.standard(), TestData.standard()
    first.scores[0] = 0
    assert second.scores[0] == 60


@pytest.mark.parametrize("size", [0, 3, 4, 7, 47])
def test_a_reader_needs_48_bytes(size):
    with pytest.raises(TruncatedError) as caught:
        TestData.from_bytes(bytes(size))
    assert details(caught.value) == ("truncated", "TestData", 0, size, 48)


@pytest.mark.parametrize("size", [48, 49, 4096])
def test_stale_bytes_after_the_struct_are_not_read(size):
    assert TestData.from_bytes(LITERAL.ljust(size, b"\xff")) == TestData.standard()


def ten(**changed):
    scores = [0] * 10
    for index, value in changed.items():
        scores[int(index[1:])] = value
    return scores


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TestData(2**31, 2**31, []), ("out-of-range", "Id", 0, 2**31, 2**31 - 1)),
        (TestData(-(2**31) - 1), ("out-of-range", "Id", 0, -(2**31) - 1, -(2**31))),
        (TestData(0, 2**31, []), ("out-of-range", "Age", 4, 2**31, 2**31 - 1)),
        (TestData(0, 0, []), ("wrong-count", "Scores", 8, 0, 10)),
        (TestData(0, 0, [2**31] * 9), ("wrong-count", "Scores", 8, 9, 10)),
        (TestData(0, 0, [0] * 11), ("wrong-count", "Scores", 8, 11, 10)),
        (TestData(0, 0, ten(_0=2**31)), ("out-of-range", "Scores[0]", 8, 2**31, 2**31 - 1)),
        (TestData(0, 0, ten(_9=-(2**40))), ("out-of-range", "Scores[9]", 44, -(2**40), -(2**31))),
    ],
)
@pytest.mark.parametrize("size", [0, 47, 48])
def test_a_writer_checks_the_values_in_order_and_then_the_size(value, expected, size):
    target = bytearray(b"\xee" * size)
    with pytest.raises(StructValueError) as caught:
        value.pack_into(target)
    assert details(caught.value) == expected
    assert target == b"\xee" * size


def test_scores_of_none_count_as_0_scores():
    value = TestData.standard()
    value.scores = None
    with pytest.raises(StructValueError) as caught:
        value.to_bytes()
    assert details(caught.value) == ("wrong-count", "Scores", 8, 0, 10)


@pytest.mark.parametrize("size", [0, 4, 47])
def test_a_writer_needs_48_bytes(size):
    target = bytearray(b"\xee" * size)
    with pytest.raises(DoesNotFitError) as caught:
        TestData.standard().pack_into(target)
    assert details(caught.value) == ("does-not-fit", "TestData", 0, 48, size)
    assert target == b"\xee" * size


def test_writing_changes_48_bytes_only():
    target = bytearray(b"\xee" * 50)
    TestData.standard().pack_into(target)
    assert target == LITERAL + b"\xee\xee"


def test_read_only_memory_is_refused():
    with pytest.raises(UnsupportedError):
        TestData.standard().pack_into(bytes(48))
