"""pyshm.listing: the named maps, their content, their holders, and the removal of dead ones."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pyshm import (
    ImageData,
    MemoryMappedFile,
    MemoryMappedFileOptions,
    ShareMemoryHelper,
    TestData,
)
from pyshm.errors import (
    ArgumentError,
    MapAccessError,
    MapIOError,
    MapNotFoundError,
    NameRuleError,
    PlatformError,
)
from pyshm.listing.entries import Holder
from pyshm.listing.inventory import clean, list_maps, map_names

if sys.platform == "win32":
    pytest.skip("Windows has no way to list named maps", allow_module_level=True)

import fcntl

from pyshm.listing import scan as _scan
from pyshm.maps.posix import directory, holding, locks, processes, unnamed

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
SIZE = 4096


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A shared-memory directory for this test, set by PYSHM_DIRECTORY."""
    directory = tmp_path / "maps"
    directory.mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(directory))
    return directory


@pytest.fixture
def common_folder(folder, monkeypatch):
    """The same, but treated as a directory that all programs use, such as /dev/shm."""
    monkeypatch.setattr(directory, "directory_is_chosen", lambda: False)
    return folder


def dead(folder, name, content=b"\x01" * 64):
    """Create the file that a killed process leaves."""
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def the_only():
    [found] = list_maps()
    return found


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- the list ---


def test_without_maps_the_lists_are_empty(folder):
    assert list_maps() == []
    assert map_names() == []
    assert clean() == []


def test_a_held_map_is_alive_and_has_its_size(folder):
    with MemoryMappedFile.create_new("x", 100):
        found = the_only()
    assert (found.name, found.path, found.size) == ("x", str(folder / "x"), 100)
    assert (found.state, found.reason) == ("alive", "")


def test_a_file_that_no_process_holds_is_dead(folder, holder):
    holder("x").kill()
    assert the_only().state == "dead"


def test_maps_are_sorted_by_name(folder):
    for name in ("b", "C", "a"):
        dead(folder, name)
    assert [found.name for found in list_maps()] == ["C", "a", "b"]


def test_listing_does_not_hold_a_map(folder):
    with MemoryMappedFile.create_new("x", 100):
        list_maps()
        map_names()
        clean()
        assert names(folder) == ["x"]
    assert names(folder) == []


def test_listing_leaks_no_descriptors(folder, open_descriptors):
    dead(folder, "dead")
    dead(folder, "psm_x")
    (folder / "directory").mkdir()
    with ShareMemoryHelper("x", SIZE).create_or_open() as memory:
        memory.write_image(ImageData("p", b"xyz"))
        before = open_descriptors()
        for _ in range(3):
            list_maps()
            map_names()
            clean(dry_run=True)
        assert open_descriptors() == before


def test_map_names_lists_maps_that_are_alive(folder):
    dead(folder, "dead")
    (folder / "other").write_bytes(b"x")
    with MemoryMappedFile.create_new("b", 10), MemoryMappedFile.create_new("a", 10):
        assert map_names() == ["a", "b"]


def test_private_files_are_not_listed(folder):
    dead(folder, ".pyshm-123")
    assert list_maps() == []


def test_a_map_that_stays_locked_counts_as_alive(folder, monkeypatch):
    monkeypatch.setattr(_scan, "_PATIENCE", 0.0)
    path = dead(folder, "x")
    with path.open("r+b") as other, locks.transition_lock(other, str(path)):
        found = the_only()
    assert (found.state, found.kind) == ("alive", None)
    assert "locked" in found.reason


def test_a_file_that_is_removed_meanwhile_is_left_out(folder, monkeypatch):
    dead(folder, "x")

    def gone(path, name, timeout):
        Path(path).unlink()
        return examine(path, name, timeout)

    examine = holding.examine
    monkeypatch.setattr(holding, "examine", gone)
    assert list_maps() == []


def test_a_directory_that_does_not_exist_is_an_error(monkeypatch):
    monkeypatch.setenv("PYSHM_DIRECTORY", "/no/such/directory")
    with pytest.raises(ArgumentError, match="PYSHM_DIRECTORY"):
        list_maps()


@pytest.mark.parametrize("use", [list_maps, map_names, clean])
def test_a_directory_that_cant_be_read_is_an_error(folder, monkeypatch, use):
    def refuse(path):
        raise PermissionError(errno.EACCES, "no", path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(MapAccessError, match=f"listing the maps in {folder}"):
        use()


def test_without_descriptors_listing_raises_an_io_error(folder, monkeypatch):
    def refuse(files):
        raise OSError(errno.EMFILE, "no")

    dead(folder, "x")
    monkeypatch.setattr(processes, "uses", refuse)
    with pytest.raises(MapIOError, match="looking for the processes"):
        clean()
    assert (folder / "x").exists()


@pytest.mark.parametrize("use", [list_maps, map_names, clean])
def test_on_windows_listing_raises_a_platform_error(monkeypatch, use):
    monkeypatch.setattr("pyshm.listing.inventory.sys", SimpleNamespace(platform="win32"))
    with pytest.raises(PlatformError, match="Windows has no documented way"):
        use()


# --- the content ---

PICTURE = ImageData("é.png", b"\x89PNG\r\n\x1a\n").to_bytes()


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        (PICTURE + bytes(50), "blob", "é.png, 8 bytes"),
        (PICTURE[:-1], "unknown", ""),
        (ImageData("é.png", b"xyz").to_bytes() + bytes(50), "unknown", ""),
        (b"\xff\xff\xff\xff" + b"half" * 30, "unknown", ""),
        (TestData.standard().to_bytes() + bytes(50), "unknown", ""),
        (TestData(7, 20, [0] * 10).to_bytes(), "unknown", ""),
        (b"a text that is not a struct, but has the size of one", "unknown", ""),
        (bytes(48) + b"\x01" + bytes(100), "unknown", ""),
        (bytes(3_000_000), "empty", "all bytes are 0"),
        (bytes(2_999_999) + b"\x01", "unknown", ""),
        (b"x", "unknown", ""),
    ],
)
def test_what_a_map_seems_to_hold(folder, content, kind, detail):
    dead(folder, "x", content)
    found = the_only()
    assert found.kind == kind
    assert found.detail.startswith(detail)


def test_listing_allocates_no_memory_for_a_map(folder):
    options = MemoryMappedFileOptions.DELAY_ALLOCATE_PAGES
    with MemoryMappedFile.create_new("x", 5_000_000_000, options=options):
        found = the_only()
        assert (found.size, found.kind) == (5_000_000_000, "empty")
        assert (folder / "x").stat().st_blocks == 0


# --- the holders ---


@linux
def test_the_holders_are_listed_with_their_commands(folder, holder):
    process = holder("x")
    with MemoryMappedFile.open_existing("x"):
        found = the_only()
    assert {pid for pid, _ in found.holders} == {process.pid, os.getpid()}
    command = next(command for pid, command in found.holders if pid == process.pid)
    assert command.startswith(f"{sys.executable} -c")
    assert command.endswith("x 64")
    assert found.users == ()


@linux
def test_a_view_of_a_closed_map_uses_the_file_and_does_not_hold_it(folder, child):
    script = """
import sys
from pyshm import ImageData, ShareMemoryHelper, MemoryMappedFile
with ShareMemoryHelper("x", 4096).create_or_open() as memory:
    memory.write_image(ImageData("p", bytes.fromhex("89504e470d0a1a0a")))
    opened = MemoryMappedFile.open_existing("x")
    view = opened.create_view_accessor()
    print("READY", flush=True)
    sys.stdin.readline()
    opened._handle.path = None  # leaves the file, as a kill would
    memory._map._handle.path = None
    opened.close()
print("closed", flush=True)
sys.stdin.readline()
"""
    process = child(script)
    assert process.ask("close") == "closed"
    found = the_only()
    assert (found.state, found.holders) == ("dead", ())
    assert [user.pid for user in found.users] == [process.pid]
    [kept] = clean()
    assert (kept.removed, kept.reason) == (False, f"process {process.pid} uses its memory")
    process.finish()
    assert [item.removed for item in clean()] == [True]


@linux
def test_a_process_that_only_maps_the_file_is_a_user(folder, child):
    script = """
import mmap, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
from ctypes import CDLL, c_void_p, c_size_t, c_int, c_long
libc = CDLL(None)
libc.mmap.restype = c_void_p
libc.mmap.argtypes = [c_void_p, c_size_t, c_int, c_int, c_int, c_long]
assert libc.mmap(None, 64, 1, 1, descriptor, 0) not in (None, 2**64 - 1)
os.close(descriptor)
print("READY", flush=True)
sys.stdin.readline()
"""
    path = dead(folder, "x", TestData.standard().to_bytes())
    process = child(script, str(path))
    assert [user.pid for user in the_only().users] == [process.pid]
    process.finish()
    assert the_only().users == ()


@linux
def test_a_forked_child_is_a_holder(folder, child):
    script = """
import os, sys
from pyshm import MemoryMappedFile
opened = MemoryMappedFile.create_new("x", 64)
down, up = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    os.close(down[1])
    os.write(up[1], b"1")
    os.read(down[0], 1)
    os._exit(0)
os.read(up[0], 1)
print("READY", flush=True)
print(pid, flush=True)
sys.stdin.readline()
os.close(down[1])
os.waitpid(pid, 0)
"""
    process = child(script)
    forked = int(process.line())
    assert {pid for pid, _ in the_only().holders} == {process.pid, forked}
    process.finish()


@linux
def test_a_map_is_alive_also_if_its_holders_are_invisible(folder, monkeypatch):
    monkeypatch.setattr(
        "pyshm.maps.posix.processes.uses", lambda files, **_: {file: [] for file in files}
    )  # as for a container's processes
    with MemoryMappedFile.create_new("x", 10):
        found = the_only()
    assert (found.state, found.holders) == ("alive", ())


def test_on_systems_other_than_linux_the_holders_are_none(folder, monkeypatch):
    monkeypatch.setattr(_scan, "sys", SimpleNamespace(platform="darwin"))
    with MemoryMappedFile.create_new("x", 10):
        found = the_only()
    assert (found.state, found.holders, found.users) == ("alive", None, None)


# --- files that are not maps ---


def others(folder, tmp_path):
    """Create files that are not maps. Return a part of the reason for each name."""
    dead(folder, "readable").chmod(0o644)
    dead(folder, "sem.lock")
    dead(folder, "psm_12345")
    dead(folder, ".hidden")
    dead(folder, "nothing", b"")
    (folder / "directory").mkdir()
    os.mkfifo(folder / "fifo", 0o600)
    target = dead(tmp_path, "target")
    (folder / "link").symlink_to(target)
    (folder / "broken").symlink_to(tmp_path / "nowhere")
    return {
        "readable": "its mode is 0644, a map's is 0600",
        "sem.lock": "must not begin with 'sem.'",
        "psm_12345": "multiprocessing",
        ".hidden": "must not begin with '.'",
        "nothing": "at least one byte",
        "directory": "not a regular file",
        "fifo": "not a regular file",
        "link": "not a regular file",
        "broken": "not a regular file",
    }


def test_a_file_that_is_not_a_map_has_a_reason(folder, tmp_path):
    expected = others(folder, tmp_path)
    found = {item.name: item for item in list_maps()}
    assert found.keys() == expected.keys()
    assert {item.state for item in found.values()} == {"other"}
    for name, reason in expected.items():
        assert reason in found[name].reason


def test_a_file_that_is_not_a_map_is_never_changed(folder, tmp_path):
    expected = others(folder, tmp_path)
    assert clean() == []
    assert names(folder) == sorted(expected)
    for name in expected:
        with pytest.raises((MapAccessError, NameRuleError)):
            clean([name])
    assert names(folder) == sorted(expected)
    assert (tmp_path / "target").exists()


def test_a_held_map_is_a_map_with_any_name(folder):
    with MemoryMappedFile.create_new("psm_mine", 10):
        assert the_only().state == "alive"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users here")
def test_another_users_file_is_not_a_map(folder, monkeypatch):
    path = dead(folder, "x")
    monkeypatch.setattr(_scan.os, "geteuid", lambda: path.stat().st_uid + 1)
    monkeypatch.setattr(holding, "examine", None)  # it is not even opened
    assert "belongs to another user" in the_only().reason
    assert clean() == []
    assert path.exists()


@linux
def test_a_file_that_another_program_uses_without_a_lock_is_not_a_map(folder):
    path = dead(folder, "x")
    with path.open("rb"):
        found = the_only()
        assert (found.state, found.users) == ("other", (Holder(os.getpid(), found.users[0][1]),))
        assert clean() == []
    assert path.exists()


# --- cleaning ---


def test_clean_removes_only_dead_maps(folder, holder):
    holder("dead").kill()
    with MemoryMappedFile.create_new("alive", 10):
        assert [(item.name, item.removed) for item in clean()] == [("dead", True)]
        assert names(folder) == ["alive"]


def test_a_dry_run_removes_nothing(folder):
    dead(folder, "x")
    assert [(item.name, item.size, item.removed) for item in clean(dry_run=True)] == [
        ("x", 64, True)
    ]
    assert names(folder) == ["x"]


def test_unknown_content_in_a_common_directory_is_kept_unless_it_is_named(common_folder):
    dead(common_folder, "unknown")
    dead(common_folder, "struct", TestData.standard().to_bytes())
    dead(common_folder, "picture", PICTURE)
    dead(common_folder, "empty", bytes(10))
    done = {item.name: (item.removed, item.reason) for item in clean()}
    assert done.keys() == {"unknown", "struct", "picture", "empty"}
    assert done["picture"] == done["empty"] == (True, "")
    for name in ("unknown", "struct"):
        assert not done[name][0]
        assert "may be another program's" in done[name][1]
        assert done[name][1].endswith(f"'pyshm clean {name}' removes it")
    assert names(common_folder) == ["struct", "unknown"]
    assert [item.removed for item in clean(["unknown", "struct"])] == [True, True]
    assert names(common_folder) == []


def test_with_names_only_those_maps_are_removed(folder):
    for name in "abc":
        dead(folder, name)
    assert [item.name for item in clean(["b", "Local\\b", "a"])] == ["b", "b", "a"]
    assert names(folder) == ["c"]


def test_a_name_that_does_not_exist_is_an_error_and_nothing_is_removed(folder):
    dead(folder, "a")
    with pytest.raises(MapNotFoundError, match="no map named 'b'"):
        clean(["a", "b"])
    assert names(folder) == ["a"]


def test_the_name_of_a_map_that_is_alive_is_an_error(folder):
    with MemoryMappedFile.create_new("a", 10):
        with pytest.raises(MapAccessError, match="a process holds it"):
            clean(["a"])
        assert names(folder) == ["a"]


def test_a_map_that_is_created_again_before_its_removal_stays(folder, monkeypatch):
    dead(folder, "x")
    remove = holding.remove_if_dead
    taken = []

    def take_first(*arguments):
        taken.append(MemoryMappedFile.create_new("x", 10))
        return remove(*arguments)

    monkeypatch.setattr(holding, "remove_if_dead", take_first)
    [kept] = clean()
    assert (kept.removed, kept.reason) == (
        False,
        "a process has opened it or created a new one meanwhile",
    )
    assert names(folder) == ["x"]
    taken[0].close()


def test_another_dead_file_with_the_same_name_stays(folder, monkeypatch):
    dead(folder, "x")
    remove = holding.remove_if_dead

    def replace_first(*arguments):
        dead(folder, "new", b"new").rename(folder / "x")
        return remove(*arguments)

    monkeypatch.setattr(holding, "remove_if_dead", replace_first)
    assert [item.removed for item in clean()] == [False]
    assert (folder / "x").read_bytes() == b"new"


def test_the_map_of_a_holder_without_the_transition_lock_stays(folder):
    path = dead(folder, "x")
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert clean() == []
    assert names(folder) == ["x"]


# --- private files ---


def old(path):
    os.utime(path, (time.time() - 100, time.time() - 100))
    return path


def test_old_private_files_are_removed(folder):
    old(dead(folder, ".pyshm-1"))
    old(dead(folder, ".pyshm-2", b""))
    assert [(item.name, item.removed) for item in clean()] == [
        (".pyshm-1", True),
        (".pyshm-2", True),
    ]
    assert names(folder) == []


def test_a_young_private_file_stays_because_it_may_not_be_locked_yet(folder):
    dead(folder, ".pyshm-1")
    assert clean() == []
    assert names(folder) == [".pyshm-1"]
    assert [item.removed for item in clean(private_age=-1)] == [True]


def test_a_private_file_that_a_process_holds_stays(folder):
    path = old(dead(folder, ".pyshm-1"))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert clean() == []
    assert names(folder) == [".pyshm-1"]


@linux
def test_a_private_file_that_a_process_has_open_stays(folder):
    path = old(dead(folder, ".pyshm-1"))
    with path.open("rb"):
        assert [item.removed for item in clean()] == [False]
    assert names(folder) == [".pyshm-1"]


def test_a_private_link_or_directory_stays(folder, tmp_path):
    (folder / ".pyshm-1").symlink_to(old(dead(tmp_path, "target")))
    (folder / ".pyshm-2").mkdir()
    assert clean(private_age=-1) == []
    assert names(folder) == [".pyshm-1", ".pyshm-2"]


def test_with_names_private_files_stay(folder):
    old(dead(folder, ".pyshm-1"))
    dead(folder, "x")
    clean(["x"])
    assert names(folder) == [".pyshm-1"]


# --- races ---

USER = """
import random, sys, threading
import pyshm.maps.posix.locks, pyshm.maps.posix.unnamed
from pyshm import MemoryMappedFile
from pyshm.errors import MapExistsError, MapNotFoundError
name, seed, fallback = sys.argv[1], *map(int, sys.argv[2:4])
if fallback:
    pyshm.maps.posix.unnamed._O_TMPFILE = 0
# A process that a busy machine stops for long may have the lock.
pyshm.maps.posix.locks.TIMEOUT = 300.0
dice = random.Random(seed)
print("READY", flush=True)
sys.stdin.readline()
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
held = []
slot = 8 * (seed % 8)
token = 0
while not stop.is_set():
    for opened, view in held:
        assert view.read_int64(slot) == token, "another map has the name"
    if held:
        # While it is held, the name leads to it.
        with MemoryMappedFile.open_existing(name) as again, again.create_view_accessor() as seen:
            assert seen.read_int64(slot) == token, "the map was lost"
        try:
            MemoryMappedFile.create_new(name, 4096).close()
            raise AssertionError("a second map was created")
        except MapExistsError:
            pass
    if held and (len(held) == 3 or dice.random() < 0.5):
        opened, view = held.pop(dice.randrange(len(held)))
        view.close()
        opened.close()
        continue
    try:
        way = dice.randrange(3)
        if way == 0:
            opened = MemoryMappedFile.create_new(name, 4096)
        elif way == 1:
            opened = MemoryMappedFile.create_or_open(name, 4096)
        else:
            opened = MemoryMappedFile.open_existing(name)
    except (MapExistsError, MapNotFoundError):
        continue
    view = opened.create_view_accessor()
    if not held:
        token = dice.getrandbits(62) + 1
        view.write_int64(slot, token)
    held.append((opened, view))
for opened, view in held:
    view.close()
    opened.close()
print("DONE", flush=True)
"""


CLEANER = """
import sys
from pyshm.listing import clean, list_maps, map_names
print("READY", flush=True)
for number in range(int(sys.stdin.readline())):
    clean()
    list_maps()
    map_names()
    print(number, flush=True)
"""


@pytest.mark.parametrize("fallback", [0, 1], ids=["O_TMPFILE", "private name"])
def test_continuous_cleaning_loses_no_map(folder, child, fallback):
    if not fallback and not unnamed._O_TMPFILE:
        pytest.skip("this system has no O_TMPFILE")
    cleaner = child(CLEANER)
    users = [child(USER, "stress", str(seed), str(fallback)) for seed in range(3)]
    for user in users:
        user.say("go")
    cleaner.say("40")
    for number in range(40):  # each round has its own patience, so a slow machine needs no other
        assert cleaner.line() == str(number), cleaner.errors()
    assert [user.ask("stop") for user in users] == ["DONE"] * 3, [user.errors() for user in users]
    assert names(folder) == []


KILLED = """
import sys
from pyshm import ImageData, ShareMemoryHelper
with ShareMemoryHelper(sys.argv[1], 4096).create_or_open() as memory:
    memory.write_image(ImageData("p", bytes.fromhex("89504e470d0a1a0a")))
    print("READY", flush=True)
    sys.stdin.readline()
"""


def test_only_the_maps_of_killed_processes_are_removed(common_folder, child):
    living = [child(KILLED, f"living-{number}") for number in range(2)]
    killed = [child(KILLED, f"killed-{number}") for number in range(2)]
    for process in killed:
        process.kill()
    assert [item.name for item in clean() if item.removed] == ["killed-0", "killed-1"]
    assert names(common_folder) == ["living-0", "living-1"]
    for process in living:
        process.finish()
    assert names(common_folder) == []


def test_importing_listing_loads_no_posix_module():
    program = (
        "import sys; sys.modules['fcntl'] = sys.modules['pwd'] = None; import pyshm.listing;"
        "print('pyshm.maps.posix' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == "False"
