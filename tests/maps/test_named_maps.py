"""The file of a named map, used by several processes (docs/named-maps.md)."""

from __future__ import annotations

import errno
import gc
import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pyshm import (
    FileMode,
    HandleInheritability,
    ImageData,
    MemoryMappedFile,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    PyshmError,
    ShareMemoryHelper,
)
from pyshm.errors import (
    ArgumentError,
    MapAccessError,
    MapExistsError,
    MapIOError,
    MapNotFoundError,
    PlatformError,
)

if sys.platform == "win32":
    pytest.skip("on Windows the kernel keeps the named maps", allow_module_level=True)

import fcntl

from pyshm.maps.posix import directory, holding, locks, named, unnamed

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's locks or /dev/shm")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A shared-memory directory for this test."""
    directory = tmp_path / "maps"
    directory.mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(directory))
    return directory


@pytest.fixture(params=["O_TMPFILE", "private name"])
def either_way(request, monkeypatch):
    """Run a test with an unnamed file, and with a private name instead."""
    if request.param == "private name":
        monkeypatch.setattr(unnamed, "_O_TMPFILE", 0)
    elif not unnamed._O_TMPFILE:
        pytest.skip("this system has no O_TMPFILE")


def put(path: Path, content: bytes) -> None:
    """Write a file with the mode of a map's file, as a killed process leaves one."""
    path.write_bytes(content)
    path.chmod(0o600)


# --- the file ---


def test_the_map_is_the_file_of_its_name(map_name, map_file, either_way):
    with MemoryMappedFile.create_new(map_name, 100) as opened:
        with opened.create_view_accessor() as view:
            view.write_int32(4, 0x01020304)
        assert map_file.read_bytes() == bytes(4) + b"\x04\x03\x02\x01" + bytes(92)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_the_files_mode_is_0600_with_any_umask(map_name, map_file, either_way, umask):
    before = os.umask(umask)
    try:
        with MemoryMappedFile.create_new(map_name, 10):
            assert stat.S_IMODE(map_file.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_the_memory_is_allocated_when_the_map_is_created(map_name, map_file):
    with MemoryMappedFile.create_new(map_name, 1_000_000):
        assert map_file.stat().st_blocks * 512 >= 1_000_000


def test_delay_allocate_pages_allocates_no_memory_at_first(map_name, map_file):
    options = MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES
    with MemoryMappedFile.create_new(map_name, 5_000_000_000, options=options):
        status = map_file.stat()
        assert (status.st_size, status.st_blocks) == (5_000_000_000, 0)


def test_a_map_beyond_4_gib_can_be_written_at_its_end(map_name):
    options = MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES
    with (
        MemoryMappedFile.create_new(map_name, 5_000_000_000, options=options),
        MemoryMappedFile.open_existing(map_name) as opened,
        opened.create_view_accessor() as view,
    ):
        view.write_int64(4_999_999_992, -2)
        assert view.read_int64(4_999_999_992) == -2


def test_the_last_close_removes_the_file(map_name, map_file, either_way):
    MemoryMappedFile.create_new(map_name, 10).close()
    assert not map_file.exists()


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
def test_the_last_holder_removes_the_file_in_any_order(map_name, map_file, order):
    holders = [
        MemoryMappedFile.create_new(map_name, 10),
        MemoryMappedFile.open_existing(map_name),
        MemoryMappedFile.create_or_open(map_name, 10),
    ]
    there = []
    for index in order:
        holders[index].close()
        there.append(map_file.exists())
    assert there == [True, True, False]


def test_a_view_does_not_keep_the_name(map_name, map_file):
    opened = MemoryMappedFile.create_new(map_name, 10)
    with opened.create_view_accessor() as view:
        view.write_byte(0, 7)
        opened.close()
        assert not map_file.exists()
        assert view.read_byte(0) == 7


def test_the_name_is_free_while_a_view_exists(map_name):
    opened = MemoryMappedFile.create_new(map_name, 10)
    with opened.create_view_accessor() as view:
        opened.close()
        with (
            MemoryMappedFile.create_new(map_name, 10) as again,
            again.create_view_accessor() as other,
        ):
            other.write_byte(0, 1)
            assert view.read_byte(0) == 0


def test_the_last_close_of_an_inheritable_map_removes_the_file(map_name, map_file):
    inheritable = HandleInheritability.INHERITABLE
    opened = MemoryMappedFile.create_new(map_name, 10, inheritability=inheritable)
    assert map_file.exists()
    opened.close()
    assert not map_file.exists()


def test_closing_leaves_another_file_at_the_same_path(map_name, map_file):
    opened = MemoryMappedFile.create_new(map_name, 10)
    map_file.unlink()
    map_file.write_bytes(b"another")
    opened.close()
    assert map_file.read_bytes() == b"another"
    map_file.unlink()


def test_closing_a_map_whose_file_was_removed_is_not_an_error(map_name, map_file):
    opened = MemoryMappedFile.create_new(map_name, 10)
    map_file.unlink()
    opened.close()
    assert opened.closed


# --- other processes ---


def test_another_process_keeps_the_map(map_name, map_file, holder):
    process = holder(map_name, 64)
    with MemoryMappedFile.open_existing(map_name):
        pass
    assert map_file.exists()
    with pytest.raises(MapExistsError):
        MemoryMappedFile.create_new(map_name, 10)
    process.finish()
    assert not map_file.exists()


def test_a_map_stays_alive_after_the_process_that_created_it_ends(map_name, map_file, holder):
    process = holder(map_name, 64)
    with MemoryMappedFile.open_existing(map_name):
        process.finish()
        assert map_file.exists()
    assert not map_file.exists()


def test_a_map_stays_alive_after_one_holder_is_killed(map_name, map_file, holder):
    process = holder(map_name, 64)
    with MemoryMappedFile.open_existing(map_name):
        process.kill()
        MemoryMappedFile.open_existing(map_name).close()
    assert not map_file.exists()


def test_a_dead_file_is_not_found_and_the_message_has_its_path(dead_map):
    with pytest.raises(FileNotFoundError, match="no process holds it") as caught:
        MemoryMappedFile.open_existing(dead_map.name)
    assert type(caught.value) is MapNotFoundError
    assert str(dead_map) in str(caught.value)
    assert caught.value.filename == str(dead_map)


def test_opening_does_not_change_a_dead_file(dead_map):
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(dead_map.name)
    assert dead_map.stat().st_size == 64


def test_create_new_replaces_a_dead_file(dead_map, either_way):
    dead_map.write_bytes(b"old")
    with MemoryMappedFile.create_new(dead_map.name, 10):
        assert dead_map.read_bytes() == bytes(10)


def test_create_or_open_replaces_a_dead_file(dead_map):
    with MemoryMappedFile.create_or_open(dead_map.name, 10):
        assert dead_map.stat().st_size == 10


def test_a_file_without_locks_is_dead(map_name, map_file):
    put(map_file, b"another's")
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name)
    with MemoryMappedFile.create_new(map_name, 10):
        assert map_file.read_bytes() == bytes(10)


def test_a_shared_lock_makes_a_holder(map_name, map_file):
    put(map_file, b"0123456789")
    with map_file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with pytest.raises(MapExistsError):
            MemoryMappedFile.create_new(map_name, 10)
        with (
            MemoryMappedFile.open_existing(map_name) as opened,
            opened.create_view_accessor() as view,
        ):
            assert view.read_byte(9) == ord("9")
        assert map_file.exists()
    map_file.unlink()


def test_an_exclusively_locked_file_is_a_map_that_exists(map_name, map_file):
    put(map_file, b"0")
    with map_file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(MapExistsError):
            MemoryMappedFile.create_new(map_name, 10)
    map_file.unlink()


def test_an_exclusively_locked_file_can_not_be_opened(map_name, map_file, monkeypatch):
    monkeypatch.setattr(locks, "TIMEOUT", 0.02)
    put(map_file, b"0")
    with map_file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(MapIOError, match="kept changing, or was locked") as caught:
            MemoryMappedFile.open_existing(map_name)
    assert caught.value.errno == errno.EBUSY
    map_file.unlink()


TRANSITION = """
import fcntl, os, struct, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
request = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, request)
print("READY", flush=True)
sys.stdin.readline()
"""


@linux
def test_opening_waits_for_the_transition_lock_and_then_gives_up(
    map_name, map_file, child, monkeypatch
):
    monkeypatch.setattr(locks, "TIMEOUT", 0.02)
    with MemoryMappedFile.create_new(map_name, 10):
        process = child(TRANSITION, str(map_file))
        with pytest.raises(MapIOError, match="transition lock"):
            MemoryMappedFile.open_existing(map_name)
        process.finish()


@linux
def test_a_close_without_the_transition_lock_leaves_a_dead_file(
    map_name, map_file, child, monkeypatch
):
    monkeypatch.setattr(locks, "TIMEOUT", 0.02)
    opened = MemoryMappedFile.create_new(map_name, 10)
    with opened.create_view_accessor():  # has a descriptor of its own, which keeps nothing alive
        process = child(TRANSITION, str(map_file))
        opened.close()
        assert map_file.exists()
        process.finish()
        with pytest.raises(MapNotFoundError, match="no process holds it"):
            MemoryMappedFile.open_existing(map_name)
    MemoryMappedFile.create_new(map_name, 10).close()


@linux
def test_a_dead_file_is_not_replaced_without_the_transition_lock(dead_map, child, monkeypatch):
    monkeypatch.setattr(locks, "TIMEOUT", 0.02)
    with child(TRANSITION, str(dead_map)), pytest.raises(MapIOError, match="transition lock"):
        MemoryMappedFile.create_new(dead_map.name, 10)
    assert dead_map.stat().st_size == 64


@linux
def test_the_transition_lock_is_a_write_lock_on_byte_0(map_name, map_file):
    from struct import pack

    put(map_file, b"")
    with (
        map_file.open("r+b") as mine,
        map_file.open("r+b") as other,
        locks.transition_lock(mine, str(map_file)),
    ):
        for start, free in ((0, False), (1, True)):
            request = pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, 1, 0)
            try:
                fcntl.fcntl(other, fcntl.F_OFD_SETLK, request)
            except BlockingIOError:
                assert not free
            else:
                assert free
    map_file.unlink()


# --- other things at the path of the map ---


def test_a_symbolic_link_is_not_followed(map_name, map_file, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    map_file.symlink_to(target)
    for use in (
        lambda: MemoryMappedFile.open_existing(map_name),
        lambda: MemoryMappedFile.create_new(map_name, 10),
        lambda: MemoryMappedFile.create_or_open(map_name, 10),
    ):
        with pytest.raises(MapAccessError, match="not a regular file"):
            use()
    assert target.read_bytes() == b"precious"
    assert map_file.is_symlink()
    map_file.unlink()


def test_the_target_of_a_broken_link_is_not_created(map_name, map_file, tmp_path):
    map_file.symlink_to(tmp_path / "nowhere")
    with pytest.raises(MapAccessError):
        MemoryMappedFile.create_new(map_name, 10)
    assert list(tmp_path.iterdir()) == []
    map_file.unlink()


@pytest.mark.parametrize("use", ["open_existing", "create_new", "create_or_open"])
@pytest.mark.parametrize("make", ["mkdir", "mkfifo"])
def test_a_directory_or_fifo_is_not_a_map_and_stays(map_name, map_file, make, use):
    getattr(os, make)(map_file)
    arguments = () if use == "open_existing" else (10,)
    with pytest.raises(MapAccessError, match="not a regular file"):
        getattr(MemoryMappedFile, use)(map_name, *arguments)
    if make == "mkdir":
        map_file.rmdir()
    else:
        map_file.unlink()


# --- the directory ---


def test_the_environment_variable_sets_the_directory(folder, map_name):
    with MemoryMappedFile.create_new(map_name, 10):
        assert [path.name for path in folder.iterdir()] == [map_name]
    assert list(folder.iterdir()) == []


@linux
def test_without_the_variable_the_directory_is_dev_shm(monkeypatch):
    monkeypatch.delenv("PYSHM_DIRECTORY", raising=False)
    assert directory.shared_memory_directory() == "/dev/shm"


@pytest.mark.parametrize("chosen", ["relative", ".", "/no/such/directory", "/dev/null"])
def test_a_variable_that_is_not_an_absolute_directory_is_an_error(monkeypatch, map_name, chosen):
    with monkeypatch.context() as patch:
        patch.setenv("PYSHM_DIRECTORY", chosen)
        with pytest.raises(ArgumentError, match="PYSHM_DIRECTORY"):
            MemoryMappedFile.create_new(map_name, 10)


def test_a_system_without_a_directory_is_an_error(monkeypatch, map_name):
    with monkeypatch.context() as patch:
        patch.delenv("PYSHM_DIRECTORY", raising=False)
        patch.setattr(directory, "sys", SimpleNamespace(platform="freebsd14"))
        with pytest.raises(PlatformError, match="PYSHM_DIRECTORY"):
            MemoryMappedFile.create_new(map_name, 10)


def test_private_names_are_removed(folder, map_name, monkeypatch):
    monkeypatch.setattr(unnamed, "_O_TMPFILE", 0)
    with MemoryMappedFile.create_new(map_name, 10):
        assert [path.name for path in folder.iterdir()] == [map_name]
        with pytest.raises(MapExistsError):
            MemoryMappedFile.create_new(map_name, 10)
    assert list(folder.iterdir()) == []


def test_in_a_directory_without_o_tmpfile_a_private_name_is_used(folder, map_name, monkeypatch):
    real_open = os.open

    def refusing(path, flags, *arguments, **options):
        if unnamed._O_TMPFILE and flags & unnamed._O_TMPFILE == unnamed._O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real_open(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refusing)
    with MemoryMappedFile.create_new(map_name, 10):
        assert [path.name for path in folder.iterdir()] == [map_name]
    assert list(folder.iterdir()) == []


# --- not enough space ---


@pytest.mark.parametrize("capacity", [2**50, 2**63 - 1])
def test_the_error_for_a_map_that_is_too_large_has_the_free_space(folder, either_way, capacity):
    with pytest.raises(MapIOError, match="bytes are free there") as caught:
        MemoryMappedFile.create_new("large", capacity)
    error = caught.value
    assert (error.errno, error.field, error.value) == (errno.ENOSPC, "capacity", capacity)
    assert list(folder.iterdir()) == []


def test_a_nearly_full_directory_is_not_filled_before_the_error(folder, monkeypatch):
    monkeypatch.setattr(
        os,
        "fstatvfs",
        lambda _: SimpleNamespace(f_bavail=2, f_frsize=4096, f_blocks=1000),
    )
    with pytest.raises(MapIOError) as caught:
        MemoryMappedFile.create_new("large", 8193)
    assert (caught.value.errno, caught.value.limit) == (errno.ENOSPC, 8192)
    assert list(folder.iterdir()) == []
    MemoryMappedFile.create_new("fits", 8192).close()


def test_a_directory_without_a_limit_accepts_a_map(folder, monkeypatch):
    monkeypatch.setattr(
        os, "fstatvfs", lambda _: SimpleNamespace(f_bavail=0, f_frsize=4096, f_blocks=0)
    )
    MemoryMappedFile.create_new("fits", 8192).close()
    assert list(folder.iterdir()) == []


def test_no_space_during_the_allocation_is_the_same_error(folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    if sys.platform == "darwin":
        pytest.skip("macOS has no posix_fallocate")
    with pytest.raises(MapIOError) as caught:
        MemoryMappedFile.create_new("large", 10)
    assert caught.value.errno == errno.ENOSPC
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="macOS has no posix_fallocate")
def test_signals_do_not_keep_a_large_map_from_being_allocated(folder, monkeypatch):
    # Many kernels give up the call if a signal arrives, and Python begins it again. So it must be
    # short, as the timer of a profiler sends a signal every few milliseconds.
    really = os.posix_fallocate
    parts = []

    def allocate(number, offset, length):
        parts.append(length)
        really(number, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", allocate)
    size = (5 << 20) + 1
    with MemoryMappedFile.create_new("large", size):
        status = (folder / "large").stat()
    assert status.st_size == sum(parts) == size
    assert status.st_blocks * 512 >= size
    assert max(parts) <= 2 << 20


def test_failures_leak_no_descriptors(
    folder, map_name, either_way, monkeypatch, open_descriptors, tmp_path
):
    monkeypatch.setattr(locks, "TIMEOUT", 0.0)
    (folder / "directory").mkdir()
    (folder / "link").symlink_to(tmp_path)
    put(folder / "dead", b"x")
    put(folder / "locked", b"")
    os.mkfifo(folder / "fifo")
    with (
        MemoryMappedFile.create_new("alive", 10),
        (folder / "locked").open("r+b") as locked,
    ):
        fcntl.flock(locked, fcntl.LOCK_EX)
        before = open_descriptors()
        for _ in range(5):
            for name in ("directory", "link", "dead", "fifo", "locked", "none"):
                with pytest.raises(PyshmError):
                    MemoryMappedFile.open_existing(name)
            for name in ("directory", "link", "fifo", "locked", "alive"):
                with pytest.raises(PyshmError):
                    MemoryMappedFile.create_new(name, 10)
            with pytest.raises(PyshmError):
                MemoryMappedFile.create_new("large", 2**62)
        assert open_descriptors() == before


@linux
def test_a_failure_after_linking_removes_the_name(folder, either_way, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(named, "open_another_holder", refuse)
    with pytest.raises(MapIOError):
        MemoryMappedFile.create_new("name", 10, inheritability=HandleInheritability.INHERITABLE)
    assert list(folder.iterdir()) == []


# --- unclosed maps ---


def test_an_unclosed_map_is_released_with_its_last_reference(map_name, map_file):
    opened = MemoryMappedFile.create_new(map_name, 10)
    assert map_file.exists()
    del opened
    gc.collect()
    assert not map_file.exists()


def test_an_unclosed_map_in_a_cycle_is_released_by_the_collector(map_name, map_file):
    cycle = [MemoryMappedFile.create_new(map_name, 10)]
    cycle.append(cycle)
    del cycle
    gc.collect()
    assert not map_file.exists()


FORGETS = """
import sys
from pyshm import MemoryMappedFile
forgotten = MemoryMappedFile.create_new(sys.argv[1], 10)
view = forgotten.create_view_accessor()
print("READY", flush=True)
sys.stdin.readline()
if sys.argv[2] == "exit":
    sys.exit(3)
if sys.argv[2] == "raise":
    raise ValueError
"""


@pytest.mark.parametrize(("way", "status"), [("end", 0), ("exit", 3), ("raise", 1)])
def test_an_unclosed_map_is_released_when_its_program_ends(child, map_name, map_file, way, status):
    process = child(FORGETS, map_name, way)
    assert map_file.exists()
    assert process.finish() == status
    assert not map_file.exists()


# --- fork ---

FORKS = """
import os, sys
from pyshm import HandleInheritability, MemoryMappedFile
kind = HandleInheritability(int(sys.argv[2]))
opened = MemoryMappedFile.create_new(sys.argv[1], 16, inheritability=kind)
view = opened.create_view_accessor() if sys.argv[3] == "view" else None
down, up = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    os.close(down[1])
    os.write(up[1], b"1")
    os.read(down[0], 1)       # until the parent says so, or is gone
    opened.close()
    os._exit(0)
os.close(down[0])
os.read(up[0], 1)             # the child is its own holder now
print("READY", flush=True)
while True:
    word = sys.stdin.readline().strip()
    if word == "parent":
        opened.close()
    elif word == "child":
        os.write(down[1], b"1")
        assert os.waitpid(pid, 0)[1] == 0
    else:
        break
    print(word, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_holds_its_parents_map_at_once(map_name, map_file):
    shared = MemoryMappedFile.create_new(map_name, 64)
    go, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        # Waits until the parent says so, and does nothing else.
        os.close(done)
        os.read(go, 1)
        shared.close()
        os._exit(0)
    os.close(go)
    shared.close()
    kept = map_file.exists()
    os.close(done)
    os.waitpid(pid, 0)
    assert kept
    assert not map_file.exists()


@pytest.mark.parametrize("view", ["view", "no view"])
@pytest.mark.parametrize("kind", HandleInheritability)
@pytest.mark.parametrize(("first", "second"), [("parent", "child"), ("child", "parent")])
def test_a_forked_child_has_a_lock_of_its_own(child, map_name, map_file, first, second, kind, view):
    process = child(FORKS, map_name, str(int(kind)), view)
    assert process.ask(first) == first
    assert map_file.exists()
    MemoryMappedFile.open_existing(map_name).close()
    assert process.ask(second) == second
    assert not map_file.exists()
    assert process.finish() == 0


def test_a_child_that_ends_does_not_release_the_parents_map(child, map_name, map_file):
    script = """
import os, sys
from pyshm import MemoryMappedFile
opened = MemoryMappedFile.create_new(sys.argv[1], 16)
pid = os.fork()
if pid == 0:
    sys.exit(0)               # finalizers run, as at any normal end
os.waitpid(pid, 0)
print("READY", flush=True)
sys.stdin.readline()
"""
    process = child(script, map_name)
    assert map_file.exists()
    MemoryMappedFile.open_existing(map_name).close()
    process.finish()
    assert not map_file.exists()


# --- races ---

RACER = """
import os, sys
from pyshm import MemoryMappedFile
from pyshm.errors import MapExistsError, MapNotFoundError
name, mark, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("READY", flush=True)
sys.stdin.readline()
created = opened = 0
for index in range(rounds):
    way = (index + os.getpid()) % 3
    try:
        if way == 0:
            memory = MemoryMappedFile.create_new(name, 64)
            # Only one process can have created the map: the mark exists at most once.
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL, 0o600))
            created += 1
            os.unlink(mark)
        elif way == 1:
            memory = MemoryMappedFile.create_or_open(name, 64)
        else:
            memory = MemoryMappedFile.open_existing(name)
            opened += 1
    except (MapExistsError, MapNotFoundError):
        continue
    with memory, memory.create_view_accessor() as view:
        assert view.capacity == 64
        view.write_int32(0, index)
        view.read_int32(0)
print(created, opened, flush=True)
"""


@pytest.mark.parametrize("fallback", [False, True], ids=["O_TMPFILE", "private name"])
def test_processes_that_race_for_one_name_leave_nothing(
    child, map_name, map_file, tmp_path, fallback
):
    script = RACER
    if fallback:
        script = "from pyshm.maps.posix import unnamed\nunnamed._O_TMPFILE = 0\n" + script
    racers = [child(script, map_name, str(tmp_path / "mark"), "250") for _ in range(4)]
    for racer in racers:
        racer.say("go")
    results = [racer.line() for racer in racers]
    assert [racer.wait() for racer in racers] == [0] * 4, [racer.errors() for racer in racers]
    created = sum(int(result.split()[0]) for result in results)
    assert created > 0
    assert not map_file.exists()


CREATOR = """
import sys
from pyshm import MemoryMappedFile
from pyshm.errors import MapExistsError
print("READY", flush=True)
while sys.stdin.readline().strip() == "create":
    try:
        memory = MemoryMappedFile.create_new(sys.argv[1], 16)
        print("created", flush=True)
    except MapExistsError:
        memory = None
        print("exists", flush=True)
    sys.stdin.readline()
    if memory is not None:
        memory.close()
    print("closed", flush=True)
"""


def test_of_several_creators_exactly_one_succeeds(child, map_name):
    creators = [child(CREATOR, map_name) for _ in range(3)]
    for _ in range(50):
        for creator in creators:
            creator.say("create")
        assert sorted(creator.line() for creator in creators) == ["created", "exists", "exists"]
        for creator in creators:
            creator.say("close")
        assert [creator.line() for creator in creators] == ["closed"] * 3


def test_of_several_creators_exactly_one_replaces_a_dead_file(child, map_name, map_file):
    creators = [child(CREATOR, map_name) for _ in range(3)]
    for _ in range(50):
        put(map_file, b"dead")
        for creator in creators:
            creator.say("create")
        assert sorted(creator.line() for creator in creators) == ["created", "exists", "exists"]
        for creator in creators:
            creator.say("close")
        assert [creator.line() for creator in creators] == ["closed"] * 3


# --- a file truncated under its view ---


@pytest.fixture
def truncated(tmp_path):
    """A helper with a file of 100,000 bytes, which was truncated to 10 after that."""
    path = tmp_path / "file"
    path.write_bytes(bytes(100_000))
    with ShareMemoryHelper(None, 100_000).create_from_file(path) as memory:
        os.truncate(path, 10)
        yield memory
        os.truncate(path, 100_000)


@pytest.mark.parametrize(
    "use",
    [
        lambda memory: memory.accessor.read_array(0, bytearray(100_000)),
        lambda memory: memory.accessor.write_array(0, bytes(100_000)),
        lambda memory: memory.accessor.check_backed(),
        lambda memory: memory.read_bytes(),
        lambda memory: memory.write_bytes(bytes(100_000)),
        lambda memory: memory.read_image(),
        lambda memory: memory.write_image(ImageData("a", bytes(50_000))),
    ],
)
def test_a_truncated_file_is_an_error_and_not_a_crash(truncated, use):
    with pytest.raises(MapIOError, match="truncated to 10 bytes") as caught:
        use(truncated)
    assert (caught.value.value, caught.value.limit) == (10, 100_000)


@pytest.mark.parametrize("use", [lambda stream: stream.read(), lambda stream: stream.write(b"x")])
def test_a_stream_over_a_truncated_file_raises_an_error_and_does_not_crash(tmp_path, use):
    path = tmp_path / "file"
    path.write_bytes(bytes(100_000))
    with MemoryMappedFile.create_from_file(path) as opened, opened.create_view_stream() as stream:
        os.truncate(path, 10)
        with pytest.raises(MapIOError, match="truncated"):
            use(stream)
        os.truncate(path, 100_000)


def test_the_check_for_truncation_includes_the_offset_of_the_view(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(10_000))
    with (
        MemoryMappedFile.create_from_file(path) as opened,
        opened.create_view_accessor(8000, 1000) as view,
    ):
        os.truncate(path, 9000)
        view.check_backed()
        os.truncate(path, 8999)
        with pytest.raises(MapIOError):
            view.check_backed()


def test_a_view_of_truncated_bytes_is_an_error(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(10_000))
    with MemoryMappedFile.create_from_file(path, FileMode.OPEN) as opened:
        os.truncate(path, 10)
        with pytest.raises(MapIOError):
            opened.create_view_accessor(0, 0, MemoryMappedFileAccess.READ)


# --- the path leads to another file when the lock is taken ---


def test_opening_starts_again_if_the_name_leads_to_another_map(map_name, map_file, monkeypatch):
    old = MemoryMappedFile.create_new(map_name, 64)
    new = []
    really_open = named.open_map_file

    def open_slowly(path, name):
        descriptor = really_open(path, name)
        if not new:
            old.close()
            new.append(MemoryMappedFile.create_new(map_name, 128))
        return descriptor

    monkeypatch.setattr(named, "open_map_file", open_slowly)
    with MemoryMappedFile.open_existing(map_name) as opened:
        assert opened.create_view_accessor().capacity == 128
    new[0].close()
    assert not map_file.exists()


def test_creating_does_not_remove_a_live_map_that_replaced_a_dead_one(
    map_name, map_file, monkeypatch
):
    put(map_file, b"dead")
    new = []
    really_open = holding.open_map_file

    def open_slowly(path, name):
        descriptor = really_open(path, name)
        if not new:
            new.append(None)  # creating opens the dead file itself
            new[0] = MemoryMappedFile.create_new(map_name, 128)
        return descriptor

    monkeypatch.setattr(holding, "open_map_file", open_slowly)
    with pytest.raises(FileExistsError):
        MemoryMappedFile.create_new(map_name, 64)
    assert map_file.stat().st_size == 128
    new[0].close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root's chown")
def test_a_map_of_another_user_is_refused(map_name, map_file):
    with MemoryMappedFile.create_new(map_name, 64):
        os.chown(map_file, 65534, -1)
        with pytest.raises(PermissionError, match="another user"):
            MemoryMappedFile.open_existing(map_name)
        os.chown(map_file, 0, -1)
