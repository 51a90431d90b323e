"""MemoryMappedFile: maps with and without a name, and maps of files, on every system."""

from __future__ import annotations

import io
import os
import pickle
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from pyshm import (
    FileMode,
    HandleInheritability,
    MemoryMappedFile,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)
from pyshm.errors import (
    ArgumentError,
    ArgumentNullError,
    ArgumentOutOfRangeError,
    ClosedError,
    MapAccessError,
    MapExistsError,
    MapIOError,
    MapNotFoundError,
    NameRuleError,
    PlatformError,
)
from pyshm.maps import mapping

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="on Windows sizes are whole pages, and names work for files"
)
Access = MemoryMappedFileAccess
ONLY_READ = [Access.READ, Access.READ_EXECUTE]
NOT_WRITE = [access for access in Access if access is not Access.WRITE]


# --- create_new, create_or_open, open_existing ---


def test_the_bytes_of_a_new_map_are_zero(map_name):
    with (
        MemoryMappedFile.create_new(map_name, 100) as opened,
        opened.create_view_accessor() as view,
    ):
        assert bytes(view.buffer[:100]) == bytes(100)


def test_create_new_refuses_a_name_in_use(map_name):
    with MemoryMappedFile.create_new(map_name, 10), pytest.raises(FileExistsError) as caught:
        MemoryMappedFile.create_new(map_name, 10)
    assert type(caught.value) is MapExistsError


def test_open_existing_refuses_a_name_that_no_process_holds(map_name):
    with pytest.raises(FileNotFoundError) as caught:
        MemoryMappedFile.open_existing(map_name)
    assert type(caught.value) is MapNotFoundError


def test_open_existing_opens_the_same_bytes(map_name):
    with (
        MemoryMappedFile.create_new(map_name, 16) as first,
        MemoryMappedFile.open_existing(map_name) as second,
        first.create_view_accessor() as one,
        second.create_view_accessor() as two,
    ):
        one.write_byte(3, 77)
        assert two.read_byte(3) == 77


@posix
def test_open_existing_has_the_creators_capacity(map_name):
    with (
        MemoryMappedFile.create_new(map_name, 12345),
        MemoryMappedFile.open_existing(map_name) as opened,
        opened.create_view_accessor() as view,
    ):
        assert view.capacity == 12345


def test_create_or_open_creates(map_name):
    with MemoryMappedFile.create_or_open(map_name, 10):
        MemoryMappedFile.open_existing(map_name).close()


@posix
@pytest.mark.parametrize("capacity", [1, 10_000_000])
def test_create_or_open_of_an_existing_map_ignores_the_capacity(map_name, capacity):
    with (
        MemoryMappedFile.create_new(map_name, 4096),
        MemoryMappedFile.create_or_open(map_name, capacity) as opened,
        opened.create_view_accessor() as view,
    ):
        assert view.capacity == 4096


def test_create_or_open_keeps_the_bytes_of_an_existing_map(map_name):
    with MemoryMappedFile.create_new(map_name, 16) as first:
        with first.create_view_accessor() as view:
            view.write_byte(0, 9)
        with (
            MemoryMappedFile.create_or_open(map_name, 16) as second,
            second.create_view_accessor() as view,
        ):
            assert view.read_byte(0) == 9


def test_local_and_bare_names_are_the_same_map(map_name):
    with MemoryMappedFile.create_new("Local\\" + map_name, 10):
        MemoryMappedFile.open_existing(map_name).close()


def test_names_that_differ_in_case_are_two_maps(map_name):
    with MemoryMappedFile.create_new(map_name + "-a", 10), pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name + "-A")


@pytest.mark.parametrize(
    "make",
    [
        lambda name: MemoryMappedFile.create_new(name, 10),
        lambda name: MemoryMappedFile.create_or_open(name, 10),
        MemoryMappedFile.open_existing,
    ],
)
@pytest.mark.parametrize(
    "name", ["", *(pytest.param(name, marks=posix) for name in ("a\0b", "Local\\a\\b"))]
)
def test_every_method_checks_the_name(make, name):
    with pytest.raises(NameRuleError):
        make(name)


@posix
def test_creating_a_files_map_with_a_name_leaves_the_file_as_it_is(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    with pytest.raises(PlatformError):
        MemoryMappedFile.create_from_file(file, FileMode.CREATE, "name", 20)
    assert file.read_bytes() == b"0123456789"
    with pytest.raises(PlatformError):
        MemoryMappedFile.create_from_file(tmp_path / "new", FileMode.CREATE_NEW, "name", 20)
    assert not (tmp_path / "new").exists()


def test_a_path_as_bytes_is_a_path(tmp_path):
    class Path:
        def __fspath__(self):
            return os.fsencode(tmp_path / "file")

    with MemoryMappedFile.create_from_file(Path(), FileMode.CREATE_NEW, None, 10) as opened:
        assert opened.create_view_accessor().capacity >= 10


def test_the_name_of_a_files_map_must_not_be_empty():
    with pytest.raises(NameRuleError):
        MemoryMappedFile.create_from_file("no file", map_name="")


@pytest.mark.parametrize(
    "make",
    [
        lambda: MemoryMappedFile.create_or_open(None, 10),
        lambda: MemoryMappedFile.open_existing(None),
    ],
)
def test_only_create_new_makes_anonymous_maps(make):
    with pytest.raises(ArgumentNullError):
        make()


@pytest.mark.parametrize("create", ["create_new", "create_or_open"])
@pytest.mark.parametrize(("capacity", "limit"), [(0, 1), (-1, 1), (2**63, 2**63 - 1)])
def test_a_capacity_is_at_least_1_and_an_int64(map_name, create, capacity, limit):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        getattr(MemoryMappedFile, create)(map_name, capacity)
    error = caught.value
    assert (error.field, error.value, error.limit) == ("capacity", capacity, limit)


@pytest.mark.parametrize("access", NOT_WRITE)
def test_create_new_takes_every_access_but_write(access):
    MemoryMappedFile.create_new(None, 10, access).close()


def test_create_new_refuses_access_write(map_name):
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_new(map_name, 10, Access.WRITE)
    assert type(caught.value) is ArgumentError
    assert caught.value.field == "access"


def test_create_or_open_with_access_write_opens(map_name):
    with MemoryMappedFile.create_new(map_name, 16) as first:
        with (
            MemoryMappedFile.create_or_open(map_name, 16, Access.WRITE) as second,
            second.create_view_accessor(0, 0, Access.WRITE) as view,
        ):
            view.write_byte(0, 5)
        with first.create_view_accessor() as view:
            assert view.read_byte(0) == 5


def test_create_or_open_with_access_write_does_not_create(map_name):
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_or_open(map_name, 16, Access.WRITE)
    assert caught.value.field == "access"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"access": 0}, "access"),
        ({"access": 6}, "access"),
        ({"access": FileMode.OPEN}, "access"),
        ({"options": 1}, "options"),
        ({"options": 0x8000000}, "options"),
        ({"inheritability": 1}, "inheritability"),
        ({"inheritability": 2}, "inheritability"),
    ],
)
@pytest.mark.parametrize("create", ["create_new", "create_or_open"])
def test_creating_refuses_unknown_enum_values(map_name, create, arguments, field):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        getattr(MemoryMappedFile, create)(map_name, 10, **arguments)
    assert caught.value.field == field


@pytest.mark.parametrize("rights", [0x10, 0x100000, -1])
def test_opening_refuses_unknown_rights(map_name, rights):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        MemoryMappedFile.open_existing(map_name, rights)
    assert caught.value.field == "desired_access_rights"


def test_opening_refuses_an_unknown_inheritability(map_name):
    with pytest.raises(ArgumentOutOfRangeError):
        MemoryMappedFile.open_existing(map_name, inheritability=2)


# Which views the rights permit: read, write.
RIGHTS = [
    (MemoryMappedFileRights.READ, True, False),
    (MemoryMappedFileRights.WRITE, False, True),
    (MemoryMappedFileRights.READ_WRITE, True, True),
    (MemoryMappedFileRights.COPY_ON_WRITE, True, False),
    # Windows takes COPY_ON_WRITE for READ only if it is the whole value.
    (MemoryMappedFileRights.COPY_ON_WRITE | MemoryMappedFileRights.WRITE, False, True),
    (MemoryMappedFileRights.COPY_ON_WRITE | MemoryMappedFileRights.EXECUTE, False, False),
    (MemoryMappedFileRights.COPY_ON_WRITE | MemoryMappedFileRights.READ_PERMISSIONS, False, False),
    (MemoryMappedFileRights.COPY_ON_WRITE | MemoryMappedFileRights.READ, True, False),
    (MemoryMappedFileRights.FULL_CONTROL, True, True),
]


@posix
@pytest.mark.parametrize(("rights", "read", "write"), RIGHTS)
@pytest.mark.parametrize("access", [Access.READ, Access.WRITE, Access.READ_WRITE])
def test_rights_decide_which_views_are_permitted(map_name, rights, read, write, access):
    # As in the Windows kernel, the right to write is enough for a view that also reads.
    permitted = {Access.READ: read, Access.WRITE: write, Access.READ_WRITE: write}[access]
    with (
        MemoryMappedFile.create_new(map_name, 16),
        MemoryMappedFile.open_existing(map_name, rights) as opened,
    ):
        if permitted:
            opened.create_view_accessor(0, 0, access).close()
        else:
            with pytest.raises(MapAccessError):
                opened.create_view_accessor(0, 0, access)


# Which views (the access of each) a map of some access permits.
PERMITTED = [
    (Access.READ_WRITE, {Access.READ_WRITE, Access.READ, Access.WRITE, Access.COPY_ON_WRITE}),
    (Access.READ, {Access.READ, Access.COPY_ON_WRITE}),
    (Access.COPY_ON_WRITE, {Access.READ, Access.COPY_ON_WRITE}),
    (Access.READ_EXECUTE, {Access.READ, Access.COPY_ON_WRITE, Access.READ_EXECUTE}),
    (Access.READ_WRITE_EXECUTE, set(Access)),
]


@posix
@pytest.mark.parametrize("view", Access)
@pytest.mark.parametrize(("access", "permitted"), PERMITTED)
def test_the_access_of_a_map_decides_which_views_are_permitted(access, permitted, view):
    with MemoryMappedFile.create_new(None, 16, access) as opened:
        if view in permitted:
            opened.create_view_accessor(0, 0, view).close()
        else:
            with pytest.raises(PermissionError) as caught:
                opened.create_view_accessor(0, 0, view)
            assert type(caught.value) is MapAccessError


# --- anonymous maps ---


@posix
def test_an_anonymous_map_has_exactly_its_capacity():
    with MemoryMappedFile.create_new(None, 10) as opened, opened.create_view_accessor() as view:
        assert (view.capacity, bytes(view.buffer)) == (10, bytes(10))


def test_two_anonymous_maps_share_no_memory():
    with (
        MemoryMappedFile.create_new(None, 10) as one,
        MemoryMappedFile.create_new(None, 10) as two,
        one.create_view_accessor() as first,
        two.create_view_accessor() as second,
    ):
        first.write_byte(0, 1)
        assert second.read_byte(0) == 0


def test_two_views_of_an_anonymous_map_share_it():
    with (
        MemoryMappedFile.create_new(None, 10) as opened,
        opened.create_view_accessor() as first,
        opened.create_view_accessor() as second,
    ):
        first.write_byte(0, 1)
        assert second.read_byte(0) == 1


@posix
def test_not_enough_memory_for_an_anonymous_map_is_an_io_error(open_descriptors):
    before = open_descriptors()
    with pytest.raises(MapIOError):
        MemoryMappedFile.create_new(None, 2**63 - 1).create_view_accessor()
    assert open_descriptors() == before


@posix
def test_a_capacity_that_is_not_an_integer_leaks_no_descriptor(open_descriptors):
    before = open_descriptors()
    with pytest.raises(TypeError):
        MemoryMappedFile.create_new(None, 10.0)
    assert open_descriptors() == before


# --- views of a 10-byte map ---


@pytest.fixture
def ten():
    with MemoryMappedFile.create_new(None, 10) as opened:
        yield opened


@posix
@pytest.mark.parametrize("make", ["create_view_accessor", "create_view_stream"])
@pytest.mark.parametrize(
    ("offset", "size", "expected"),
    [
        (0, 0, 10),
        (0, 10, 10),
        (10, 0, 0),
        (5, 5, 5),
        (5, 0, 5),
        (9, 1, 1),
        (0, 11, MapAccessError),
        (5, 6, MapAccessError),
        (10, 1, MapAccessError),
        (0, 2**40, MapAccessError),
        (10, 2**40, MapAccessError),
        (11, 0, ArgumentOutOfRangeError),
        (11, 1, ArgumentOutOfRangeError),
        (-1, 0, ArgumentOutOfRangeError),
        (0, -1, ArgumentOutOfRangeError),
        (2**63, 0, ArgumentOutOfRangeError),
        (0, 2**63, ArgumentOutOfRangeError),
    ],
)
def test_views_of_a_ten_byte_map(ten, make, offset, size, expected):
    if isinstance(expected, int):
        with getattr(ten, make)(offset, size) as view:
            length = view.capacity if make == "create_view_accessor" else len(view)
            assert length == expected
    else:
        with pytest.raises(expected) as caught:
            getattr(ten, make)(offset, size)
        assert type(caught.value) is expected


@posix
def test_the_error_of_a_view_that_is_too_large_has_the_size_of_the_map(ten):
    with pytest.raises(MapAccessError) as caught:
        ten.create_view_accessor(5, 6)
    error = caught.value
    assert (error.field, error.value, error.limit) == ("size", 11, 10)


@pytest.mark.parametrize("access", [0, 6, None, FileMode.OPEN])
def test_the_access_of_a_view_must_be_a_member_of_the_enum(ten, access):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        ten.create_view_accessor(0, 0, access)
    assert caught.value.field == "access"


@pytest.mark.parametrize("offset", [1, 4095, 4096, 5000, 70000])
def test_a_view_begins_at_its_offset_on_any_page(offset):
    with (
        MemoryMappedFile.create_new(None, 140_000) as opened,
        opened.create_view_accessor() as whole,
        opened.create_view_accessor(offset) as part,
    ):
        whole.write_byte(offset, 0xAB)
        assert part.read_byte(0) == 0xAB


def test_pointer_offset_is_the_distance_from_the_allocation_unit():
    import mmap

    with MemoryMappedFile.create_new(None, 200_000) as opened:
        offset = mmap.ALLOCATIONGRANULARITY + 7
        with opened.create_view_accessor(offset, 10) as view:
            assert view.pointer_offset == 7


def test_a_view_beyond_4_gib_works():
    capacity = 2**32 + 4096
    if sys.maxsize < 2**33:
        pytest.skip("this Python has 32-bit addresses")
    options = MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES
    with (
        MemoryMappedFile.create_new(None, capacity, options=options) as opened,
        opened.create_view_accessor(2**32, 4096) as view,
    ):
        view.write_int32(0, 1)
        assert view.read_int32(0) == 1


# --- closing ---


def test_a_view_stays_valid_after_its_map_is_closed(ten):
    view = ten.create_view_accessor()
    ten.close()
    view.write_byte(0, 1)
    assert view.read_byte(0) == 1
    view.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda opened: opened.create_view_accessor(),
        lambda opened: opened.create_view_stream(),
        lambda opened: opened.handle,
        lambda opened: opened.fileno(),
    ],
)
def test_a_closed_map_refuses_everything(ten, use):
    ten.close()
    with pytest.raises(ClosedError):
        use(ten)


def test_closing_twice_does_nothing(ten):
    ten.close()
    ten.close()
    assert ten.closed


def test_a_with_block_closes_the_map(ten):
    with ten as inside:
        assert inside is ten
        assert not ten.closed
    assert ten.closed


# --- create_from_file by path ---


@pytest.fixture
def path(tmp_path) -> Path:
    """A file that contains the ten bytes 0123456789."""
    file = tmp_path / "bytes"
    file.write_bytes(b"0123456789")
    return file


@pytest.mark.parametrize("form", [str, Path])
def test_a_file_is_mapped_with_its_own_size(path, form):
    with (
        MemoryMappedFile.create_from_file(form(path)) as opened,
        opened.create_view_accessor() as view,
    ):
        assert bytes(view.buffer[:10]) == b"0123456789"


def test_bytes_written_to_the_map_are_in_the_file(path):
    with MemoryMappedFile.create_from_file(path) as opened, opened.create_view_accessor() as view:
        view.write_byte(0, ord("X"))
    assert path.read_bytes() == b"X123456789"


def test_a_larger_capacity_lets_the_file_grow_with_zeros(path):
    MemoryMappedFile.create_from_file(path, capacity=20).close()
    assert path.read_bytes() == b"0123456789" + bytes(10)


def test_a_capacity_of_the_files_size_is_allowed(path):
    MemoryMappedFile.create_from_file(path, capacity=10).close()
    assert path.read_bytes() == b"0123456789"


def test_a_capacity_below_the_files_size_is_out_of_range(path):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        MemoryMappedFile.create_from_file(path, capacity=9)
    assert (caught.value.field, caught.value.value, caught.value.limit) == ("capacity", 9, 10)


@pytest.mark.parametrize("capacity", [-1, 2**63])
def test_a_files_capacity_is_an_int64_and_not_negative(path, capacity):
    with pytest.raises(ArgumentOutOfRangeError):
        MemoryMappedFile.create_from_file(path, capacity=capacity)


def test_a_read_map_does_not_let_the_file_grow(path):
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_from_file(path, capacity=11, access=Access.READ)
    assert type(caught.value) is ArgumentError
    assert path.stat().st_size == 10


def test_an_empty_file_needs_a_capacity(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_from_file(empty)
    assert type(caught.value) is ArgumentError


def test_an_empty_file_grows_to_its_capacity(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    MemoryMappedFile.create_from_file(empty, capacity=5).close()
    assert empty.read_bytes() == bytes(5)


@pytest.mark.parametrize("mode", [FileMode.APPEND, FileMode.TRUNCATE])
def test_modes_append_and_truncate_are_refused(path, mode):
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_from_file(path, mode)
    assert (type(caught.value), caught.value.field) == (ArgumentError, "mode")
    assert path.read_bytes() == b"0123456789"


@pytest.mark.parametrize("mode", [0, 7, 3])
def test_a_mode_must_be_a_member_of_the_enum(path, mode):
    with pytest.raises(ArgumentOutOfRangeError) as caught:
        MemoryMappedFile.create_from_file(path, mode)
    assert caught.value.field == "mode"


def test_mode_open_needs_the_file(tmp_path):
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.create_from_file(tmp_path / "none", FileMode.OPEN, capacity=5)
    assert list(tmp_path.iterdir()) == []


def test_mode_open_or_create_creates(tmp_path):
    new = tmp_path / "new"
    MemoryMappedFile.create_from_file(new, FileMode.OPEN_OR_CREATE, capacity=5).close()
    assert new.read_bytes() == bytes(5)


def test_mode_open_or_create_keeps_an_existing_file(path):
    MemoryMappedFile.create_from_file(path, FileMode.OPEN_OR_CREATE).close()
    assert path.read_bytes() == b"0123456789"


def test_mode_create_empties_an_existing_file(path):
    MemoryMappedFile.create_from_file(path, FileMode.CREATE, capacity=3).close()
    assert path.read_bytes() == bytes(3)


def test_mode_create_new_creates(tmp_path):
    new = tmp_path / "new"
    MemoryMappedFile.create_from_file(new, FileMode.CREATE_NEW, capacity=3).close()
    assert new.read_bytes() == bytes(3)


def test_mode_create_new_refuses_a_file_that_exists(path):
    with pytest.raises(MapExistsError):
        MemoryMappedFile.create_from_file(path, FileMode.CREATE_NEW, capacity=20)
    assert path.read_bytes() == b"0123456789"


@pytest.mark.parametrize("mode", [FileMode.CREATE, FileMode.CREATE_NEW])
@pytest.mark.parametrize("access", ONLY_READ)
def test_a_new_file_needs_write_access(tmp_path, mode, access):
    new = tmp_path / "new"
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_from_file(new, mode, capacity=3, access=access)
    assert caught.value.field == "access"
    assert not new.exists()


def test_a_files_map_refuses_access_write(path):
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_from_file(path, access=Access.WRITE)
    assert (type(caught.value), caught.value.field) == (ArgumentError, "access")


@pytest.mark.parametrize("access", NOT_WRITE)
def test_a_files_map_takes_every_other_access(path, access):
    with (
        MemoryMappedFile.create_from_file(path, access=access) as opened,
        opened.create_view_accessor(0, 0, access) as view,
    ):
        assert view.read_byte(9) == ord("9")


def test_copy_on_write_never_reaches_the_file(path):
    access = Access.COPY_ON_WRITE
    with (
        MemoryMappedFile.create_from_file(path, access=access) as opened,
        opened.create_view_accessor(0, 0, access) as view,
    ):
        view.write_byte(0, 0)
    assert path.read_bytes() == b"0123456789"


@pytest.mark.parametrize(("file", "error"), [("", ArgumentError), ("a\0b", ArgumentError)])
def test_a_path_must_be_valid(file, error):
    with pytest.raises(error) as caught:
        MemoryMappedFile.create_from_file(file)
    assert type(caught.value) is error


@pytest.mark.parametrize("file", [None, 5, object()])
def test_an_argument_that_is_not_a_file_is_refused(file):
    with pytest.raises(ArgumentNullError) as caught:
        MemoryMappedFile.create_from_file(file)
    assert caught.value.field == "file"


def test_a_directory_is_not_mapped(tmp_path):
    with pytest.raises(MapAccessError):
        MemoryMappedFile.create_from_file(tmp_path, access=Access.READ)


def test_a_missing_directory_is_not_found(tmp_path):
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.create_from_file(
            tmp_path / "none" / "file", FileMode.CREATE_NEW, capacity=5
        )


@posix
def test_a_map_name_for_a_file_is_windows_only(path, map_name):
    with pytest.raises(PlatformError) as caught:
        MemoryMappedFile.create_from_file(path, map_name=map_name)
    assert isinstance(caught.value, NotImplementedError)


# --- a call that fails changes nothing ---

FAILING = [
    {"capacity": 0},
    {"capacity": 5, "access": Access.READ},
    {"capacity": 2**63 - 1},
]


@posix
@pytest.mark.parametrize("arguments", FAILING)
def test_a_failing_call_removes_the_file_that_it_created(tmp_path, arguments):
    with pytest.raises((ArgumentError, MapIOError)):
        MemoryMappedFile.create_from_file(tmp_path / "new", FileMode.OPEN_OR_CREATE, **arguments)
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("capacity", [0, 2**63 - 1])
def test_a_failing_create_new_removes_its_file(tmp_path, capacity):
    with pytest.raises((ArgumentError, MapIOError)):
        MemoryMappedFile.create_from_file(tmp_path / "new", FileMode.CREATE_NEW, capacity=capacity)
    assert list(tmp_path.iterdir()) == []


def test_mode_create_without_a_capacity_fails_before_it_empties_the_file(path):
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_from_file(path, FileMode.CREATE)
    assert (type(caught.value), caught.value.field) == (ArgumentError, "capacity")
    assert path.read_bytes() == b"0123456789"


@posix
@pytest.mark.parametrize("mode", [FileMode.OPEN, FileMode.OPEN_OR_CREATE])
def test_a_failing_call_does_not_change_an_existing_file(path, mode):
    with pytest.raises(MapIOError):
        MemoryMappedFile.create_from_file(path, mode, capacity=2**63 - 1)
    assert path.read_bytes() == b"0123456789"


@posix
def test_failing_calls_leak_no_descriptors(path, tmp_path, map_name, open_descriptors):
    file = MemoryMappedFile.create_from_file
    attempts = [
        lambda: file(path, capacity=9),
        lambda: file(path, capacity=11, access=Access.READ),
        lambda: file(path, capacity=2**63 - 1),
        lambda: file(path, FileMode.CREATE_NEW, capacity=20),
        lambda: file(tmp_path),
        lambda: file(tmp_path, access=Access.READ),
        lambda: file(tmp_path / "none"),
        lambda: file(tmp_path / "new", FileMode.OPEN_OR_CREATE),
        lambda: file(tmp_path / "new", FileMode.CREATE_NEW),
        lambda: file(path, FileMode.CREATE),
        lambda: MemoryMappedFile.open_existing(map_name),
        lambda: MemoryMappedFile.create_or_open(map_name, 1, Access.WRITE),
        lambda: MemoryMappedFile.create_new(map_name, 2**62),
        lambda: MemoryMappedFile.create_new(None, 2**63),
    ]
    before = open_descriptors()
    for attempt in attempts * 5:
        with pytest.raises((ArgumentError, OSError)):
            attempt()
    assert open_descriptors() == before


def test_opening_and_closing_leaks_no_descriptors(path, map_name, open_descriptors):
    before = open_descriptors()
    inheritable = HandleInheritability.INHERITABLE
    for _ in range(5):
        for opened in (
            MemoryMappedFile.create_new(None, 100),
            MemoryMappedFile.create_from_file(path),
            MemoryMappedFile.create_new(map_name, 100, inheritability=inheritable),
        ):
            with opened, opened.create_view_accessor(), opened.create_view_stream():
                pass
    assert open_descriptors() == before


# --- create_from_file by open file ---


def test_an_open_file_is_mapped(path):
    with (
        path.open("r+b") as file,
        MemoryMappedFile.create_from_file(file) as opened,
        opened.create_view_accessor() as view,
    ):
        assert view.read_byte(1) == ord("1")


def test_an_open_file_is_closed_with_the_map(path):
    file = path.open("r+b")
    MemoryMappedFile.create_from_file(file).close()
    assert file.closed


def test_with_leave_open_the_file_stays_open(path):
    with path.open("r+b") as file:
        MemoryMappedFile.create_from_file(file, leave_open=True).close()
        assert not file.closed
        assert file.read(2) == b"01"


def test_an_open_file_grows_to_the_capacity(path):
    with path.open("r+b") as file:
        MemoryMappedFile.create_from_file(file, capacity=15).close()
    assert path.stat().st_size == 15


def test_bytes_that_python_buffers_are_in_the_map(tmp_path):
    with (tmp_path / "f").open("w+b") as file:
        file.write(b"abc")
        with (
            MemoryMappedFile.create_from_file(file, leave_open=True) as opened,
            opened.create_view_accessor() as view,
        ):
            assert bytes(view.buffer[:3]) == b"abc"


@pytest.mark.parametrize("capacity", [9, 2**63])
def test_an_open_file_stays_open_when_the_call_fails(path, capacity):
    with path.open("r+b") as file:
        with pytest.raises(ArgumentOutOfRangeError):
            MemoryMappedFile.create_from_file(file, capacity=capacity)
        assert not file.closed


def test_a_closed_file_is_refused(path):
    with path.open("r+b") as file:
        pass
    with pytest.raises(ClosedError):
        MemoryMappedFile.create_from_file(file)


def test_a_file_without_a_descriptor_is_refused():
    with pytest.raises(io.UnsupportedOperation):
        MemoryMappedFile.create_from_file(io.BytesIO(b"abc"))


@posix
def test_a_read_only_file_permits_no_view_that_writes(path):
    with (
        path.open("rb") as file,
        MemoryMappedFile.create_from_file(file, leave_open=True) as opened,
        pytest.raises(PermissionError),
    ):
        opened.create_view_accessor()


# --- locks ---


@posix
@pytest.mark.parametrize("mode", [FileMode.OPEN, FileMode.OPEN_OR_CREATE, FileMode.CREATE])
def test_a_file_with_an_exclusive_lock_is_an_io_error(path, mode):
    import fcntl

    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(MapIOError, match="in use by another process") as caught:
            MemoryMappedFile.create_from_file(path, mode, capacity=10)
    assert type(caught.value) is MapIOError
    assert path.read_bytes() == b"0123456789"


@posix
def test_a_mapped_file_can_not_be_locked_exclusively(path):
    import fcntl

    with (
        MemoryMappedFile.create_from_file(path),
        path.open("rb") as other,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@posix
def test_a_mapped_file_can_be_mapped_again(path):
    with (
        MemoryMappedFile.create_from_file(path),
        MemoryMappedFile.create_from_file(path) as two,
        two.create_view_accessor() as view,
    ):
        assert view.read_byte(0) == ord("0")


# --- inheritance ---

INHERITOR = """
import mmap, sys
memory = mmap.mmap(int(sys.argv[1]), 16)
memory[3] += 1
memory.close()
print("READY", flush=True)
sys.stdin.read()
"""


def _three_ways(map_name, path, inheritability):
    yield MemoryMappedFile.create_new(None, 16, inheritability=inheritability)
    yield MemoryMappedFile.create_new(map_name, 16, inheritability=inheritability)
    yield MemoryMappedFile.create_from_file(path, capacity=16, inheritability=inheritability)


@posix
@pytest.mark.parametrize("which", [0, 1, 2], ids=["anonymous", "named", "file"])
def test_a_child_uses_an_inherited_descriptor(child, map_name, path, which):
    for index, opened in enumerate(_three_ways(map_name, path, HandleInheritability.INHERITABLE)):
        with opened, opened.create_view_accessor() as view:
            if index != which:
                continue
            view.write_byte(3, 41)
            number = opened.handle
            assert os.get_inheritable(number)
            child(INHERITOR, str(number), pass_fds=[number]).finish()
            assert view.read_byte(3) == 42


@posix
def test_without_inheritability_no_descriptor_is_inheritable(map_name, path):
    for opened in _three_ways(map_name, path, HandleInheritability.NONE):
        with opened:
            assert not os.get_inheritable(opened.handle)


@posix
def test_an_opened_map_is_inheritable_too(map_name):
    inheritable = HandleInheritability.INHERITABLE
    with (
        MemoryMappedFile.create_new(map_name, 16),
        MemoryMappedFile.open_existing(map_name, inheritability=inheritable) as opened,
    ):
        assert os.get_inheritable(opened.handle)


@posix
def test_on_posix_fileno_is_the_handle(ten):
    assert ten.fileno() == ten.handle


def test_on_windows_fileno_is_deprecated(ten, monkeypatch):
    monkeypatch.setattr(mapping, "sys", SimpleNamespace(platform="win32"))
    with pytest.warns(DeprecationWarning, match=r"use MemoryMappedFile\.handle") as caught:
        assert ten.fileno() == ten.handle
    assert caught[0].filename == __file__


def test_a_map_stays_valid_after_its_file_is_closed(tmp_path):
    path, other = tmp_path / "map", tmp_path / "other"
    path.write_bytes(b"mapped file")
    other.write_bytes(b"other file!")
    file = path.open("r+b")
    shared = MemoryMappedFile.create_from_file(file, leave_open=True)
    file.close()
    with other.open("r+b"), shared, shared.create_view_accessor(0, 6) as view:
        assert bytes(view.buffer[:6]) == b"mapped"


def test_a_map_can_not_be_pickled():
    with (
        MemoryMappedFile.create_new(None, 16) as shared,
        pytest.raises(TypeError, match="by its name"),
    ):
        pickle.dumps(shared)


@pytest.mark.skipif(sys.platform != "linux", reason="the device is Linux's")
@pytest.mark.parametrize("leave_open", [None, True, False])
@pytest.mark.parametrize("access", [Access.READ_WRITE, Access.READ, Access.COPY_ON_WRITE])
def test_a_character_device_is_mapped_with_any_capacity(access, leave_open):
    with ExitStack() as stack:
        if leave_open is None:
            opened = MemoryMappedFile.create_from_file(
                "/dev/zero", FileMode.OPEN, None, 5000, access
            )
        else:
            device = stack.enter_context(Path("/dev/zero").open("r+b", buffering=0))
            opened = MemoryMappedFile.create_from_file(
                device, capacity=5000, access=access, leave_open=leave_open
            )
        stack.enter_context(opened)
        view = stack.enter_context(opened.create_view_accessor(0, 0, access))
        assert view.capacity == 5000
        if access is not Access.READ:
            view.write_int32(4, 7)
        target = bytearray(8)
        assert view.read_array(0, target) == 8
        assert target == (bytes(8) if access is Access.READ else b"\0\0\0\0\7\0\0\0")
        view.check_backed()


@pytest.mark.skipif(sys.platform != "linux", reason="the device is Linux's")
def test_a_character_device_has_no_capacity_of_its_own():
    with pytest.raises(ArgumentError) as caught:
        MemoryMappedFile.create_from_file("/dev/zero")
    assert caught.value.field == "capacity"
