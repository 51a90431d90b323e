"""ShareMemoryHelper: one map, one view, blobs and structs at offset 0."""

from __future__ import annotations

import sys

import pytest

import pyshm.helper
from pyshm import (
    ImageData,
    MemoryMappedFile,
    MemoryMappedFileAccess,
    ShareMemoryHelper,
    TestData,
)
from pyshm.errors import (
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    DoesNotFitError,
    EncodingError,
    LengthError,
    MapNotFoundError,
    StructValueError,
    UnsupportedError,
)

SIZE = 4096  # one page on Windows, where views are whole pages
Access = MemoryMappedFileAccess


@pytest.fixture
def helper(map_name):
    with ShareMemoryHelper(map_name, SIZE).create_or_open() as opened:
        yield opened


def test_the_default_capacity_is_10_mebibytes():
    assert ShareMemoryHelper("x").capacity == ShareMemoryHelper.DEFAULT_CAPACITY == 10_485_760


@pytest.mark.parametrize("module", [pyshm, pyshm.helper])
def test_the_default_capacity_has_a_deprecated_name(module):
    with pytest.warns(DeprecationWarning, match="use ShareMemoryHelper.DEFAULT_CAPACITY") as caught:
        assert module.DEFAULT_CAPACITY == 10_485_760
    assert caught[0].filename == __file__
    assert "DEFAULT_CAPACITY" not in dir(module)


def test_a_helper_reads_and_writes_invalid_text_if_it_is_not_strict(helper):
    helper.write_image(ImageData("\ud800", b"x"), strict=False)
    helper.write_bytes(b"\xff", offset=4)
    with pytest.raises(EncodingError):
        helper.read_image()
    assert helper.read_image(strict=False).path == "\ufffd\ufffd\ufffd"


def test_the_argument_named_errors_of_a_helper_is_deprecated(helper):
    with pytest.warns(DeprecationWarning, match="use strict=False") as caught:
        helper.write_image(ImageData("\ud800", b"x"), errors="replace")
    with pytest.warns(DeprecationWarning, match="use strict=True"):
        assert helper.read_image(errors="strict").path == "\ufffd"
    assert caught[0].filename == __file__


def test_a_new_helper_has_no_open_map(map_name):
    assert ShareMemoryHelper(map_name).closed
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name)


def test_opening_returns_the_helper(map_name):
    helper = ShareMemoryHelper(map_name, SIZE)
    assert helper.create_or_open() is helper
    assert not helper.closed
    helper.close()


def test_open_opens_the_map_of_another_helper(map_name, helper):
    helper.write_bytes(b"abc")
    with ShareMemoryHelper(map_name, SIZE).open() as other:
        assert other.read_bytes()[:4] == b"abc\0"


def test_open_needs_a_map_that_exists(map_name):
    with pytest.raises(MapNotFoundError):
        ShareMemoryHelper(map_name).open()


def test_opening_again_releases_the_previous_map(map_name, helper):
    before = helper.accessor
    helper.map_name = map_name + "-2"
    helper.create_or_open()
    assert before.closed
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name)


@pytest.mark.parametrize("method", ["create_or_open", "open"])
def test_a_helper_without_a_name_can_not_open_by_name(method):
    with pytest.raises(ArgumentNullError):
        getattr(ShareMemoryHelper(None), method)()


USES = [
    lambda helper: helper.read_bytes(),
    lambda helper: helper.write_bytes(b"x"),
    lambda helper: helper.write_bytes(b""),
    lambda helper: helper.read_struct(TestData),
    lambda helper: helper.write_struct(TestData()),
    lambda helper: helper.view_struct(TestData),
    lambda helper: helper.read_image(),
    lambda helper: helper.write_image(ImageData("", b"")),
    lambda helper: helper.accessor,
    lambda helper: helper.buffer,
]


@pytest.mark.parametrize("use", USES)
def test_before_it_is_opened_every_use_is_an_error(map_name, use):
    with pytest.raises(ClosedError):
        use(ShareMemoryHelper(map_name))


@pytest.mark.parametrize("use", USES)
def test_after_close_every_use_is_an_error(helper, use):
    use(helper)
    helper.close()
    with pytest.raises(ClosedError):
        use(helper)


def test_an_unknown_attribute_is_an_attribute_error(helper):
    with pytest.raises(AttributeError, match="nothing"):
        helper.nothing  # noqa: B018


def test_closing_releases_the_map(map_name, helper):
    helper.close()
    helper.close()
    assert helper.closed
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name)


def test_a_closed_helper_can_be_opened_again(helper):
    helper.close()
    helper.create_or_open()
    helper.write_bytes(b"x")
    assert not helper.closed


def test_the_buffer_stays_valid_after_the_helper_is_closed(helper):
    buffer = helper.buffer
    helper.close()
    buffer[0] = 1
    assert buffer[0] == 1


# --- bytes ---


def test_bytes_are_written_at_an_offset(helper):
    helper.write_bytes(b"abc", 2)
    assert helper.read_bytes()[:6] == b"\0\0abc\0"


def test_the_bytes_after_the_written_ones_stay(helper):
    helper.write_bytes(b"abcdef")
    helper.write_bytes(b"XY")
    assert helper.read_bytes()[:7] == b"XYcdef\0"


def test_write_bytes_counts_bytes_and_not_elements(helper):
    import array

    helper.write_bytes(array.array("i", [1, 2]))
    assert helper.read_bytes()[:9] == b"\x01\0\0\0\x02\0\0\0\0"


def test_bytes_may_end_where_the_map_ends(helper):
    helper.write_bytes(b"abc", SIZE - 3)
    assert helper.read_bytes()[-4:] == b"\0abc"


@pytest.mark.parametrize(("size", "offset"), [(SIZE + 1, 0), (2, SIZE - 1), (0, SIZE + 1)])
def test_bytes_that_do_not_fit_are_refused_and_nothing_is_written(helper, size, offset):
    with pytest.raises(DoesNotFitError) as caught:
        helper.write_bytes(b"x" * size, offset)
    error = caught.value
    assert (error.offset, error.value, error.limit) == (offset, offset + size, SIZE)
    assert helper.read_bytes() == bytes(SIZE)


def test_a_negative_offset_is_out_of_range(helper):
    with pytest.raises(ArgumentOutOfRangeError):
        helper.write_bytes(b"x", -1)


def test_writing_no_bytes_at_the_end_is_allowed(helper):
    helper.write_bytes(b"", SIZE)


@pytest.mark.parametrize("capacity", [1, 100, SIZE, 3 * SIZE])
def test_read_bytes_returns_exactly_the_capacity(map_name, helper, capacity):
    helper.write_bytes(b"x" * SIZE)
    with ShareMemoryHelper(map_name, capacity).open() as other:
        assert other.read_bytes() == (b"x" * SIZE + bytes(2 * SIZE))[:capacity]


# --- structs and images ---


def test_a_struct_survives_the_round_trip(helper):
    helper.write_struct(TestData.standard())
    assert helper.read_struct(TestData) == TestData.standard()
    assert helper.read_bytes()[:12] == bytes.fromhex("64000000 14000000 3c000000")


def test_a_struct_that_does_not_fit_its_fields_changes_nothing(helper):
    helper.write_bytes(b"\xee" * 60)
    with pytest.raises(StructValueError):
        helper.write_struct(TestData(1, 2, [0] * 9))
    assert helper.read_bytes()[:60] == b"\xee" * 60


def test_a_struct_view_is_the_memory(helper):
    helper.view_struct(TestData).scores[9] = 258
    assert helper.read_bytes()[44:48] == b"\x02\x01\0\0"


def test_an_image_survives_the_round_trip(helper):
    assert helper.write_image(ImageData("p", b"xyz")) == 12
    assert helper.read_bytes()[:13] == bytes.fromhex("01000000 70 03000000 78797a 00")
    assert helper.read_image() == ImageData("p", b"xyz")


def test_an_unwritten_map_holds_the_empty_blob(helper):
    assert helper.read_image() == ImageData("", b"")


def test_an_image_too_large_changes_nothing(helper):
    with pytest.raises(DoesNotFitError):
        helper.write_image(ImageData("p", bytes(SIZE - 8)))
    assert helper.read_bytes() == bytes(SIZE)


def test_a_read_image_can_be_written_back_under_a_longer_path(helper):
    helper.write_image(ImageData("p", bytes(range(200))))
    image = helper.read_image()
    image.path = "a longer path"
    helper.write_image(image)
    assert helper.read_image() == ImageData("a longer path", bytes(range(200)))


def test_a_broken_blob_is_an_error(helper):
    helper.write_bytes(b"\xff\xff\xff\xff")
    with pytest.raises(LengthError):
        helper.read_image()


def test_a_helper_with_read_access_refuses_to_write(map_name, helper):
    with ShareMemoryHelper(map_name, SIZE, access=Access.READ).open() as reader:
        for write in (
            lambda: reader.write_bytes(b"x"),
            lambda: reader.write_struct(TestData.standard()),
            lambda: reader.write_image(ImageData("p", b"x")),
        ):
            with pytest.raises(UnsupportedError):
                write()
        assert reader.read_bytes() == bytes(SIZE)


def test_writes_of_a_copy_on_write_helper_do_not_reach_the_map(map_name, helper):
    with ShareMemoryHelper(map_name, SIZE, access=Access.COPY_ON_WRITE).open() as private:
        private.write_bytes(b"mine")
        assert private.read_bytes()[:4] == b"mine"
    assert helper.read_bytes()[:4] == bytes(4)


# --- files ---


def test_a_file_is_created_with_the_capacity(tmp_path):
    path = tmp_path / "file"
    with ShareMemoryHelper(None, 100).create_from_file(path) as helper:
        helper.write_bytes(b"abc")
    assert path.read_bytes() == b"abc" + bytes(97)


@pytest.mark.parametrize(("before", "after"), [(10, 100), (100, 100), (150, 150)])
def test_a_file_grows_to_the_capacity_and_never_shrinks(tmp_path, before, after):
    path = tmp_path / "file"
    path.write_bytes(b"x" * before)
    ShareMemoryHelper(None, 100).create_from_file(path).close()
    assert path.read_bytes() == (b"x" * before).ljust(after, b"\0")


@pytest.mark.skipif(sys.platform == "win32", reason="there a file's map may have a name as well")
def test_the_map_name_is_not_used_for_a_file(tmp_path, map_name):
    with (
        ShareMemoryHelper(map_name, 100).create_from_file(tmp_path / "file"),
        pytest.raises(MapNotFoundError),
    ):
        MemoryMappedFile.open_existing(map_name)


def test_a_helper_that_fails_to_open_does_not_change(helper, tmp_path):
    helper.write_bytes(b"abc")
    with pytest.raises(MapNotFoundError):
        helper.create_from_file(tmp_path / "none" / "file")
    assert helper.read_bytes()[:3] == b"abc"


@pytest.mark.parametrize("how", ["open", "create_or_open", "create_from_file", "open_file"])
def test_a_view_that_is_refused_closes_the_map(map_name, helper, tmp_path, monkeypatch, how):
    opened = []  # a map that nothing refers to would be closed anyway

    def refuse(self, *_):
        opened.append(self)
        raise DoesNotFitError("no view")

    path = tmp_path / "file"
    path.write_bytes(b"x")
    other = ShareMemoryHelper(map_name, SIZE)
    monkeypatch.setattr(MemoryMappedFile, "create_view_accessor", refuse)
    with pytest.raises(DoesNotFitError):
        getattr(other, how)(*([path] if "file" in how else []))
    assert [each.closed for each in opened] == [True]
    assert other.closed


def test_a_helper_with_write_access_refuses_to_read(map_name):
    with ShareMemoryHelper(map_name, 64).create_or_open() as owner:
        owner.write_struct(TestData.standard())
        helper = ShareMemoryHelper(map_name, 64, access=MemoryMappedFileAccess.WRITE)
        with helper.create_or_open() as writer:
            for read in (
                writer.read_bytes,
                writer.read_image,
                lambda: writer.read_struct(TestData),
            ):
                with pytest.raises(UnsupportedError):
                    read()
            writer.write_struct(TestData(1, 2))
        assert owner.read_struct(TestData).id == 1


@pytest.mark.parametrize("capacity", [0, -1])
def test_the_capacity_of_a_helper_must_be_positive(capacity):
    with pytest.raises(ArgumentOutOfRangeError, match="capacity"):
        ShareMemoryHelper("x", capacity)


def test_the_access_of_a_helper_must_be_a_member_of_the_enum():
    with pytest.raises(ArgumentOutOfRangeError, match="access"):
        ShareMemoryHelper("x", access=7)
