"""``list``, ``clean``, ``dump``, ``watch`` where files are odd: bounded, one line for each."""

from __future__ import annotations

import os
import signal
import socket
import sys
import types
from pathlib import Path

import pytest

from pyshm import ImageData, TestData
from pyshm.cli import main, watch
from pyshm.listing.inventory import clean, list_maps

if sys.platform == "win32":
    pytest.skip("named maps are not files on Windows", allow_module_level=True)

from pyshm.listing import content, scan
from pyshm.maps import copying
from pyshm.maps.posix import locks
from pyshm.maps.posix.directory import shared_memory_directory

pytestmark = pytest.mark.posix
GIB = 1 << 30


@pytest.fixture
def folder(map_name, monkeypatch):
    """A folder of the test in the memory of the shared-memory directory."""
    path = Path(shared_memory_directory()) / map_name
    path.mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(path))
    yield path
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            entry.rmdir()
        else:
            entry.unlink()
    path.rmdir()


def sparse(path, size, begin=b""):
    """Create a file with a hole of ``size`` bytes after ``begin``."""
    path.write_bytes(begin)
    path.chmod(0o600)
    os.truncate(path, size)
    return path


def allocated(path):
    return path.stat().st_blocks * 512


# Linux's tmpfs allows files of this size; no process can map them.
HUGE = 1 << 47

ODD = {
    "sparse": lambda path: sparse(path, GIB),
    "begun": lambda path: sparse(path, GIB, TestData.standard().to_bytes()),
    "picture": lambda path: sparse(path, GIB, ImageData("p", b"\x89PNG\r\n\x1a\n").to_bytes()),
    "huge": lambda path: sparse(path, HUGE),
    "huge-picture": lambda path: sparse(path, HUGE, ImageData("p", b"GIF89a").to_bytes()),
    "nothing": lambda path: sparse(path, 0),
    "one": lambda path: sparse(path, 1, b"x"),
    "dense": lambda path: sparse(path, 3_000_000, bytes(3_000_000)),
    "long-path": lambda path: sparse(path, 100_000, ImageData("é" * 40_000, b"GIF89a").to_bytes()),
    "a\nb\x1b[31m\u202e": lambda path: sparse(path, 10, b"x"),
    "tab\tname": lambda path: sparse(path, 10, b"x"),
    os.fsdecode(b"\xff\xfe"): lambda path: sparse(path, 10, b"x"),
    "unreadable": lambda path: sparse(path, 10, b"x").chmod(0),
    "readable": lambda path: sparse(path, 10, b"x").chmod(0o644),
    "pipe": lambda path: os.mkfifo(path, 0o600),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(f"/proc/self/cwd/{path.name}"),
    "link": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path),
    "to-pipe": lambda path: path.symlink_to("pipe"),
    "folder": lambda path: path.mkdir(0o600),
}


@pytest.fixture
def odd(folder, monkeypatch):
    """The folder with an odd file of each kind."""
    monkeypatch.chdir(folder)
    for name, create in ODD.items():
        if name == "socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(name)
        else:
            create(folder / name)
    if os.geteuid() == 0:
        os.chown(sparse(folder / "foreign", 10, b"x"), 12345, 12345)
    return folder


def test_the_list_has_one_line_for_each_file(odd, run):
    result = run("list", "--all")
    assert (result.status, result.errors) == (0, "")
    assert len(result.out) == 1 + len(list(odd.iterdir()))
    assert not [line for line in result.out if "\x1b" in line or "\u202e" in line]


def test_looking_at_a_sparse_map_allocates_nothing(odd, one_look, tmp_path):
    before = {path.name: allocated(path) for path in odd.iterdir() if path.is_file()}
    list_maps()
    clean(dry_run=True)
    for name in ("sparse", "begun", "picture", "huge", "huge-picture"):
        for more in ([], ["--as", "TestData"], ["--json"], ["--html", str(tmp_path / "page")]):
            main(["dump", name, "--file", *more])
        main(["watch", name, "--file"])
    assert {path.name: allocated(path) for path in odd.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("more", [[], ["--file"]])
def test_a_dump_of_an_odd_file_ends_with_at_most_one_line_of_error(odd, more, capsys):
    for name in ODD:
        status = main(["dump", name, *more])
        out, errors = capsys.readouterr()
        assert status in (0, 1)
        assert errors.count("\n") == status, name
        assert bool(out) == (status == 0)


@pytest.fixture
def one_look(monkeypatch):
    """Let ``watch`` end after its first look."""

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(watch, "time", types.SimpleNamespace(sleep=interrupt))
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("more", [[], ["--file"]])
def test_watching_an_odd_file_shows_it_waits_or_ends(odd, one_look, more, capsys):
    for name in ODD:
        status = main(["watch", name, "--json", *more])
        out, errors = capsys.readouterr()
        assert out.count("\n") == (status == 0), name
        assert errors.count("\n") == status or "not read" in errors, name


def test_cleaning_removes_dead_maps_only(odd, folder):
    removed = {item.name for item in clean() if item.removed}
    assert removed == {
        "sparse", "begun", "picture", "huge", "huge-picture", "one", "dense", "long-path",
        "a\nb\x1b[31m\u202e", "tab\tname", os.fsdecode(b"\xff\xfe"),
    } - {path.name for path in folder.iterdir()}  # fmt: skip
    assert {"unreadable", "readable", "pipe", "socket", "link", "loop", "to-pipe", "folder"} <= {
        path.name for path in folder.iterdir()
    }


def test_a_file_that_can_not_be_examined_is_in_the_list(folder, monkeypatch):
    def scandir(path):
        def refuse(**_):
            raise PermissionError(13, "Permission denied")

        return [types.SimpleNamespace(name="x", path=str(folder / "x"), stat=refuse)]

    monkeypatch.setattr(scan, "_entries", lambda: scandir(folder))
    (found,) = list_maps()
    assert (found.state, found.size) == ("other", 0)
    assert "Permission denied" in found.reason


def test_content_that_can_not_be_read_is_unknown(folder, monkeypatch):
    def refuse(*_):
        raise OSError(5, "Input/output error")

    sparse(folder / "x", 10, b"x")
    monkeypatch.setattr(scan, "content_of", refuse)
    (found,) = list_maps()
    assert (found.kind, found.detail) == ("unknown", "it can't be read: Input/output error")


# --- locked files ---


def test_locked_files_are_waited_for_together_and_not_one_after_the_other(folder, monkeypatch):
    clock = types.SimpleNamespace(now=0.0)

    def sleep(seconds):
        clock.now += seconds

    clock.monotonic, clock.sleep, clock.time = lambda: clock.now, sleep, lambda: 0.0
    files = [sparse(folder / f"{number}", 10, b"x").open("r+b") for number in range(20)]
    try:
        for file in files:
            assert locks.try_lock_byte(file, 0)
        monkeypatch.setattr(locks, "time", clock)
        monkeypatch.setattr(scan, "time", clock)
        found = list_maps()
    finally:
        for file in files:
            file.close()
    assert len(found) == 20
    assert {item.state for item in found} == {"alive"}
    assert all("locked" in item.reason for item in found)
    assert clock.now < 2 * scan._PATIENCE


# --- how much is read ---


@pytest.fixture
def reads(monkeypatch):
    """The number of bytes that pread returned."""
    total = types.SimpleNamespace(size=0)
    pread = os.pread

    def counted(*arguments):
        data = pread(*arguments)
        total.size += len(data)
        return data

    monkeypatch.setattr(os, "pread", counted)
    return total


def test_a_listing_reads_a_part_of_many_zeros(folder, reads, monkeypatch):
    monkeypatch.setattr(content, "_OF_ONE_FILE", 1 << 20)
    monkeypatch.setattr(content, "_OF_ALL_FILES", 5 << 20)
    for number in range(8):
        sparse(folder / f"{number}", 4 << 20, bytes(4 << 20))
    found = list_maps()
    assert reads.size <= (5 << 20) + 8 * (content.HEAD + (1 << 20))
    assert {(item.kind, "not all of its bytes" in item.detail) for item in found} == {
        ("unknown", True)
    }


def test_a_copy_reads_a_part_of_a_dense_file(folder, reads, monkeypatch):
    monkeypatch.setattr(copying, "MOST_DATA", 2 << 20)
    path = sparse(folder / "x", 8 << 20, b"\1" * (8 << 20))
    with path.open("rb") as file:
        copy = copying.copy_of_file(file.fileno(), 100, None)
    assert reads.size <= 4 << 20
    assert copy.size == 8 << 20
    assert copy.missing.startswith("the bytes from 2,097,252 to 8,388,608 were not read")
    assert bytes(copy.data).rstrip(b"\0") == b"\1" * (2 << 20)


def test_a_copy_has_a_largest_size(folder, monkeypatch):
    monkeypatch.setattr(copying, "MOST_SIZE", 1000)
    with sparse(folder / "x", HUGE, b"abc").open("rb") as file:
        copy = copying.copy_of_file(file.fileno(), 1, None)
        small = copying.copy_of_file(file.fileno(), HUGE - 5, None)
        none = copying.copy_of_file(file.fileno(), HUGE + 5, None)
    assert (copy.data, copy.size) == (b"bc" + bytes(998), HUGE)
    assert f"from 1,001 to {HUGE:,} were not read" in copy.missing
    assert (small.data, small.missing) == (bytes(5), "")
    assert (none.data, none.missing) == (b"", "")


@pytest.mark.parametrize(("offset", "length"), [(0, 3), (1, 3), (2, None), (0, 0), (5, 1), (4, 9)])
def test_a_copy_has_the_bytes_that_were_asked_for(tmp_path, offset, length):
    path = tmp_path / "x"
    path.write_bytes(b"abcde")
    expected = b"abcde"[offset : None if length is None else offset + length]
    with path.open("rb") as file:
        assert copying.copy_of_file(file.fileno(), offset, length) == (expected, 5, "")
    assert copying.copy_of_memory(memoryview(b"abcde"), offset, length) == (expected, 5, "")


def test_a_copy_of_memory_has_a_bound(monkeypatch):
    monkeypatch.setattr(copying, "MOST_DATA", 2)
    copy = copying.copy_of_memory(memoryview(b"abcde"), 1, None)
    assert copy[:2] == (b"bc", 5)
    assert copy.missing.startswith("the bytes from 3 to 5 were not read")


def test_a_copy_of_a_file_that_is_truncated_meanwhile_has_its_new_size(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"abcde")
    pread = os.pread

    def shrinking(*arguments):
        data = pread(*arguments)
        os.truncate(path, 2)
        return data

    monkeypatch.setattr(os, "pread", shrinking)
    with path.open("rb") as file:
        assert copying.copy_of_file(file.fileno(), 0, None) == (b"ab", 2, "")


def test_a_copy_keeps_the_place_of_data_after_a_hole(folder):
    path = sparse(folder / "x", 3 << 20)
    with path.open("r+b") as file:
        file.seek(2 << 20)
        file.write(b"there")
        file.flush()
        copy = copying.copy_of_file(file.fileno(), 0, None)
    assert bytes(copy.data).index(b"there") == 2 << 20
    assert bytes(copy.data).count(0) == (3 << 20) - 5


def test_a_dump_says_which_bytes_it_did_not_read(folder, run):
    sparse(folder / "x", HUGE, b"abc")
    result = run("dump", "x", "--file", cwd=folder)
    assert result.status == 0
    assert f"to {HUGE:,} were not read" in result.out[0]


# --- files that are truncated while they are looked at ---

TRUNCATED = """
import os, sys, threading
path, size = sys.argv[1], 1 << 20
from pyshm.cli import main
from pyshm.listing import list_maps
from pyshm.dump.watching import watch

def change():
    while not done.is_set():
        os.truncate(path, 1)
        os.truncate(path, size)

done = threading.Event()
thread = threading.Thread(target=change)
thread.start()
try:
    for _ in range(15):
        list_maps()
        main(["dump", path, "--file"])
finally:
    done.set()
    thread.join()
print("SURVIVED")
"""


def test_a_file_that_is_truncated_all_the_time_crashes_nothing(folder, child):
    begin = ImageData("p" * 5000, b"x" * 500_000).to_bytes()
    path = sparse(folder / "x", 1 << 20, begin)
    process = child(TRUNCATED, str(path), ready=False)
    lines = []
    while line := process.line():
        lines.append(line)
    assert process.wait() == 0
    assert lines[-1] == "SURVIVED"


@pytest.mark.parametrize("use", [list_maps, clean, *(
    lambda command=command: main([command, "x", "--file"]) for command in ("dump", "watch")
)])  # fmt: skip
def test_a_look_maps_no_file(folder, one_look, monkeypatch, use):
    import mmap

    def only_memory(descriptor, *arguments, **options):
        assert descriptor == -1, "a file was mapped"
        return mapped(descriptor, *arguments, **options)

    sparse(folder / "x", 1 << 20, ImageData("p", b"GIF89a").to_bytes())
    monkeypatch.chdir(folder)
    mapped = mmap.mmap
    monkeypatch.setattr(mmap, "mmap", only_memory)
    use()
