"""Errors of system calls, and descriptors that this process inherited (POSIX)."""

from __future__ import annotations

import errno
import gc
import io
import mmap
import os
import socket
import sys
import weakref
from contextlib import contextmanager

import pytest

from pyshm import FileMode, MemoryMappedFile, MemoryMappedFileAccess, MemoryMappedFileRights
from pyshm.errors import MapAccessError, MapExistsError, MapIOError, MapNotFoundError

if sys.platform == "win32":
    pytest.skip("Windows has handles", allow_module_level=True)

import fcntl

from pyshm.maps import registry
from pyshm.maps.posix import files, handle, holding, named
from pyshm.maps.posix.holding import open_another_holder

READ, READ_WRITE = MemoryMappedFileAccess.READ, MemoryMappedFileAccess.READ_WRITE


# --- system_error ---

EXPECTED = {
    errno.EPERM: MapAccessError,
    errno.EACCES: MapAccessError,
    errno.EROFS: MapAccessError,
    errno.EISDIR: MapAccessError,
    errno.EEXIST: MapExistsError,
    errno.ENOENT: MapNotFoundError,
    errno.ENOTDIR: MapNotFoundError,
}


@pytest.mark.parametrize("number", errno.errorcode)
def test_an_error_of_the_system_has_the_type_of_dotnet(number):
    error = files.system_error(OSError(number, "text", "/the/file"), "doing this")
    assert type(error) is EXPECTED.get(number, MapIOError)
    assert error.errno == number
    assert error.filename == "/the/file"
    assert str(error).startswith("doing this: ")


def test_an_error_without_a_number_is_an_io_error():
    error = files.system_error(OSError("text"), "doing this")
    assert (type(error), error.errno) == (MapIOError, errno.EIO)


# --- from_handle ---


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    return path


def _pipe(_):
    reading, writing = os.pipe()
    os.close(writing)
    return reading


def _socket(_):
    return socket.socket().detach()


def _directory(path):
    return os.open(path.parent, os.O_RDONLY)


def _device(_):
    return os.open("/dev/null", os.O_RDWR)


def _write_only(path):
    return os.open(path, os.O_WRONLY)


def _empty(path):
    return os.open(path, os.O_RDWR | os.O_TRUNC)


@pytest.mark.parametrize("make", [_pipe, _socket, _directory, _device, _write_only, _empty])
def test_a_descriptor_that_is_not_a_map_is_refused_and_stays_open(path, make):
    descriptor = make(path)
    try:
        with pytest.raises(MapIOError, match=f"descriptor {descriptor} is not an inherited map"):
            MemoryMappedFile.from_handle(descriptor)
        os.fstat(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("number", [-1, 1 << 20, 1 << 40])
def test_a_number_that_is_not_a_descriptor_is_refused(number):
    with pytest.raises(MapIOError, match="is not an inherited map"):
        MemoryMappedFile.from_handle(number)


def test_a_read_only_descriptor_permits_only_reading(path):
    with MemoryMappedFile.from_handle(os.open(path, os.O_RDONLY)) as shared:
        with shared.create_view_accessor(0, 0, READ) as view:
            assert view.read_byte(9) == ord("9")
        with pytest.raises(MapAccessError) as caught:
            shared.create_view_accessor(0, 0, READ_WRITE)
    assert caught.value.field == "access"


# --- clean-up ---


def test_a_refused_file_leaves_no_descriptor(path, tmp_path, open_descriptors):
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        before = open_descriptors()
        for mode in (FileMode.OPEN, FileMode.OPEN_OR_CREATE, FileMode.CREATE):
            with pytest.raises(MapIOError):
                MemoryMappedFile.create_from_file(path, mode, capacity=10)
        with pytest.raises(MapAccessError):
            MemoryMappedFile.create_from_file(tmp_path, access=READ)
        assert open_descriptors() == before


@pytest.mark.parametrize("last", [True, False])
def test_a_failed_opening_leaves_no_lock_and_removes_a_map_that_others_released(
    map_name, map_file, monkeypatch, open_descriptors, last
):
    """The other holder closes the map after this process became a holder."""
    holder = MemoryMappedFile.create_new(map_name, 10)
    descriptors = open_descriptors()

    def refuse(*_, **__):
        if last:
            holder.close()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(named, "MapHandle", refuse)
        with pytest.raises(MapIOError):
            MemoryMappedFile.open_existing(map_name, MemoryMappedFileRights.READ)
    assert map_file.exists() is not last
    if not last:
        assert open_descriptors() == descriptors
    holder.close()
    assert not map_file.exists()


def test_a_copy_of_the_descriptor_does_not_keep_a_closed_map(map_name, map_file, monkeypatch):
    """A process that is being started has copies of all descriptors for a moment."""

    @contextmanager
    def busy(*_):
        raise BlockingIOError(errno.EWOULDBLOCK, "another process has the lock")
        yield

    held = MemoryMappedFile.create_new(map_name, 10)
    copied = os.dup(held.handle)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(holding, "transition_lock", busy)
            held.close()
        with pytest.raises(MapNotFoundError):
            MemoryMappedFile.open_existing(map_name)
    finally:
        os.close(copied)
        map_file.unlink()


def test_a_descriptor_without_a_lock_is_closed(path, open_descriptors, monkeypatch):
    def busy(*_):
        raise BlockingIOError(errno.EWOULDBLOCK, "busy")

    with path.open("r+b") as file:
        before = open_descriptors()
        monkeypatch.setattr(fcntl, "flock", busy)
        with pytest.raises(BlockingIOError):
            open_another_holder(file.fileno(), str(path))
        assert open_descriptors() == before


# --- the memory of a view ---


class _SlottedFile:
    """A file to which there are no weak references."""

    __slots__ = ("closed", "descriptor")

    def __init__(self, path):
        self.descriptor = os.open(path, os.O_RDWR)
        self.closed = False

    def fileno(self):
        return self.descriptor

    def flush(self):
        pass

    def close(self):
        os.close(self.descriptor)
        self.closed = True


def test_a_file_of_any_class_is_closed_with_its_map(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(64))
    file = _SlottedFile(path)
    MemoryMappedFile.create_from_file(file).close()
    assert file.closed


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*unclosed file:Warning")
def test_a_file_that_refers_to_its_map_is_garbage_with_it(tmp_path):
    class Device(io.FileIO):
        pass

    path = tmp_path / "file"
    path.write_bytes(bytes(64))
    file = Device(path, "r+")
    file.map = MemoryMappedFile.create_from_file(file)
    opened = weakref.ref(file.map)
    del file
    gc.collect()
    assert opened() is None


def test_a_file_that_cannot_be_closed_stops_no_other_map_from_being_closed(
    tmp_path, map_name, monkeypatch
):
    class Device(io.FileIO):
        def close(self):
            super().close()
            raise OSError(errno.ENOSPC, "full")

    path = tmp_path / "file"
    path.write_bytes(bytes(64))
    monkeypatch.setattr(registry, "_open", {})  # without the maps of other tests
    before = MemoryMappedFile.create_new(map_name, 64)
    opened = MemoryMappedFile.create_from_file(Device(path, "r+"))
    with pytest.raises(OSError, match="full"):
        registry.close_all()
    assert before.closed
    assert opened.closed
    opened._handle.on_close = None


def test_descriptors_that_other_code_closed_are_reported_as_errors_of_the_map(child, map_name):
    """A program that becomes a daemon closes all descriptors."""
    code = """
import os, sys
from pyshm import HandleInheritability, MemoryMappedFile
from pyshm.errors import MapIOError

opened = MemoryMappedFile.create_new(
    sys.argv[1], 64, inheritability=HandleInheritability.INHERITABLE
)
view, stream = opened.create_view_accessor(), opened.create_view_stream()
os.closerange(3, 64)
view.write_int32(0, 7)
for use in (lambda: view.read_array(0, bytearray(4)), lambda: stream.read(4)):
    try:
        use()
    except MapIOError as error:
        assert "other code" in str(error)
    else:
        raise AssertionError("no error")
stream.close()
opened.close()
print("READY", view.read_int32(0), sep="\\n", flush=True)
"""
    assert child(code, map_name).line() == "7"
    MemoryMappedFile.create_new(map_name, 64).close()  # removes the file, which was left


def test_flush_writes_the_pages_of_the_mapping():
    class Mapping(mmap.mmap):
        flushed = 0

        def flush(self):
            type(self).flushed += 1

    memory = handle.ViewMemory(Mapping(-1, 4096), 0, 4096)
    memory.flush()
    memory.release()
    assert Mapping.flushed == 1
