"""Only on Windows: the kernel's named maps, its namespaces and its error codes."""

from __future__ import annotations

import sys

import pytest

from pyshm import (
    MemoryMappedFile,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)
from pyshm.errors import MapAccessError, MapExistsError, MapIOError, MapNotFoundError

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="the Windows kernel's own maps")


def test_the_error_for_a_missing_map_has_the_kernels_code(map_name):
    with pytest.raises(MapNotFoundError) as caught:
        MemoryMappedFile.open_existing(map_name)
    assert (caught.value.winerror, caught.value.errno) == (2, 2)


def test_the_error_for_an_existing_map_has_the_kernels_code(map_name):
    with (
        MemoryMappedFile.create_new(map_name, 10),
        pytest.raises(MapExistsError) as caught,
    ):
        MemoryMappedFile.create_new(map_name, 10)
    assert caught.value.winerror == 183


def test_the_error_for_a_view_that_is_too_large_has_the_kernels_code(map_name):
    with (
        MemoryMappedFile.create_new(map_name, 10) as shared,
        pytest.raises(MapAccessError) as caught,
    ):
        shared.create_view_accessor(0, 1 << 20)
    assert caught.value.winerror == 5


def test_local_is_the_same_map_as_the_plain_name_and_global_is_another(map_name):
    with MemoryMappedFile.create_new(map_name, 4096) as plain, plain.create_view_accessor() as view:
        view.write_int32(0, 7)
        with (
            MemoryMappedFile.open_existing(f"Local\\{map_name}") as local,
            local.create_view_accessor() as other,
        ):
            assert other.read_int32(0) == 7
        with pytest.raises(MapNotFoundError):
            MemoryMappedFile.open_existing(f"Global\\{map_name}")


@pytest.mark.parametrize("suffix", ["-ü", "-日本", "-🛰", " with spaces", "x" * 1000])
def test_a_name_can_be_almost_any_text(map_name, suffix):
    with (
        MemoryMappedFile.create_new(map_name + suffix, 64) as one,
        MemoryMappedFile.open_existing(map_name + suffix) as two,
        one.create_view_accessor() as target,
        two.create_view_accessor() as source,
    ):
        target.write_int32(0, 5)
        assert source.read_int32(0) == 5


def test_the_name_of_another_kernel_object_is_an_io_error(map_name):
    import ctypes

    kernel32 = ctypes.WinDLL("kernel32")
    kernel32.CreateEventW.restype = ctypes.c_void_p
    event = kernel32.CreateEventW(None, 0, 0, map_name)
    assert event
    try:
        with pytest.raises(MapIOError) as caught:
            MemoryMappedFile.create_new(map_name, 64)
        assert caught.value.winerror == 6
    finally:
        kernel32.CloseHandle(ctypes.c_void_p(event))


@pytest.mark.parametrize(
    "access", [MemoryMappedFileAccess.READ_WRITE, MemoryMappedFileAccess.COPY_ON_WRITE]
)
def test_a_view_allocates_the_pages_of_a_delayed_map(map_name, access):
    size = (1 << 32) + (1 << 20)
    options = MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES
    with (
        MemoryMappedFile.create_new(map_name, size, options=options) as shared,
        shared.create_view_accessor(1 << 32, 8192, access) as view,
    ):
        view.write_int32(8188, 42)
        assert view.read_int32(8188) == 42
        assert view.read_int32(0) == 0


@pytest.mark.parametrize("rights", [MemoryMappedFileRights.READ, MemoryMappedFileRights.READ_WRITE])
def test_a_write_to_a_read_only_view_is_a_python_error(map_name, rights):
    with (
        MemoryMappedFile.create_new(map_name, 64),
        MemoryMappedFile.open_existing(map_name, rights) as opened,
        opened.create_view_accessor(0, 0, MemoryMappedFileAccess.READ) as view,
    ):
        with pytest.raises(TypeError):
            view.buffer[0] = 1
        # The memoryview refers to the object that it was made from, which must be read-only too.
        with pytest.raises(TypeError):
            view.buffer.obj[0] = 1
        assert view.read_byte(0) == 0


def test_the_last_handle_removes_the_name_and_a_view_keeps_the_memory(map_name):
    shared = MemoryMappedFile.create_new(map_name, 64)
    view = shared.create_view_accessor()
    shared.close()
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name)
    view.write_int32(0, 1)
    assert view.read_int32(0) == 1
    view.close()
