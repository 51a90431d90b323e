"""Files and locks that a map finds: of other users and programs, and of its own thread."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import time
from multiprocessing import shared_memory
from pathlib import Path

import pytest

from pyshm import MemoryMappedFile
from pyshm.errors import MapAccessError, MapIOError, MapNotFoundError

if sys.platform == "win32":
    pytest.skip("on Windows the kernel keeps the named maps", allow_module_level=True)

from pyshm.maps.posix import holding, processes, unnamed

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
USES = {
    "open": MemoryMappedFile.open_existing,
    "create": lambda name: MemoryMappedFile.create_new(name, 64),
    "create or open": lambda name: MemoryMappedFile.create_or_open(name, 64),
}


# --- files of another user ---


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640, 0o700, 0o400])
def test_a_file_with_another_mode_is_refused(map_name: str, map_file: Path, mode: int, use: str):
    with MemoryMappedFile.create_new(map_name, 64):
        map_file.chmod(mode)
        with pytest.raises(MapAccessError, match=r"0400|mode|Permission"):
            USES[use](map_name)
        map_file.chmod(0o600)
        MemoryMappedFile.open_existing(map_name).close()


@pytest.mark.parametrize("use", USES)
def test_a_file_with_two_names_is_refused(map_name: str, map_file: Path, use: str):
    secret = map_file.with_name(map_name + "-secret")
    secret.write_bytes(b"secret")
    secret.chmod(0o600)
    os.link(secret, map_file)
    with pytest.raises(MapAccessError, match="hard links"):
        USES[use](map_name)
    assert secret.read_bytes() == b"secret"
    map_file.unlink()
    secret.unlink()


def test_a_file_that_is_being_created_has_a_private_name(map_name, map_file, monkeypatch):
    monkeypatch.setattr(unnamed, "_O_TMPFILE", 0)
    opened = []
    remove = unnamed.UnnamedFile.remove_private_name

    def open_first(self):
        if not opened:
            assert map_file.stat().st_nlink == 2
            opened.append(MemoryMappedFile.open_existing(map_name))
        remove(self)

    monkeypatch.setattr(unnamed.UnnamedFile, "remove_private_name", open_first)
    MemoryMappedFile.create_new(map_name, 64).close()
    opened[0].close()


# --- files of other programs ---


@linux
@pytest.mark.parametrize("use", ["create", "create or open"])
def test_a_segment_of_multiprocessing_is_not_replaced(map_name: str, use: str):
    segment = shared_memory.SharedMemory(map_name, create=True, size=64)
    try:
        segment.buf[0] = 7
        with pytest.raises(MapAccessError, match=f"process {os.getpid()} "):
            USES[use](map_name)
        with pytest.raises(MapNotFoundError, match="but not as a map"):
            MemoryMappedFile.open_existing(map_name)
        again = shared_memory.SharedMemory(map_name)
        assert again.buf[0] == 7
        again.close()
    finally:
        segment.close()
        segment.unlink()


@linux
def test_a_file_that_another_process_has_open_is_not_replaced(map_name, map_file, child):
    map_file.write_bytes(b"0")
    map_file.chmod(0o600)
    script = "import sys; f = open(sys.argv[1]); print('READY', flush=True); sys.stdin.read()"
    process = child(script, str(map_file))
    with pytest.raises(MapAccessError, match=f"process {process.pid} "):
        MemoryMappedFile.create_new(map_name, 64)
    process.finish()
    MemoryMappedFile.create_new(map_name, 64).close()


# --- the thread's own lock ---


class Inside:
    """Runs an action once inside a transition lock, as a signal handler would."""

    def __init__(self, action) -> None:
        self.action = action
        self.done = False
        self.seconds = 0.0
        self._leads_to = holding.leads_to

    def __call__(self, path, file):
        if not self.done:
            self.done = True
            begin = time.monotonic()
            self.action()
            self.seconds = time.monotonic() - begin
        return self._leads_to(path, file)


def test_a_finalizer_inside_the_lock_does_not_wait_for_it(map_name, map_file, monkeypatch):
    keeper = MemoryMappedFile.create_new(map_name, 64)
    forgotten = [MemoryMappedFile.open_existing(map_name) for _ in range(3)]
    forgotten.append(forgotten)  # a cycle: only the collector releases the maps
    inside = Inside(gc.collect)
    del forgotten
    monkeypatch.setattr(holding, "leads_to", inside)
    MemoryMappedFile.open_existing(map_name).close()
    assert inside.done
    assert inside.seconds < 5
    keeper.close()
    assert not map_file.exists()


def test_a_finalizer_inside_the_lock_leaves_no_dead_file(map_name, map_file, monkeypatch):
    gc.disable()
    try:
        forgotten = [MemoryMappedFile.create_new(map_name, 64)]
        forgotten.append(forgotten)
        inside = Inside(gc.collect)
        del forgotten
        monkeypatch.setattr(holding, "leads_to", inside)
        with MemoryMappedFile.open_existing(map_name):
            assert inside.done
            assert map_file.exists()
    finally:
        gc.enable()
    assert not map_file.exists()


@pytest.mark.parametrize("use", USES)
def test_a_signal_handler_inside_the_lock_does_not_wait_for_it(
    map_name, map_file, monkeypatch, use
):
    found: list[BaseException] = []

    def handle(*_):
        try:
            USES[use](map_name)
        except OSError as error:
            found.append(error)

    before = signal.signal(signal.SIGUSR1, handle)
    inside = Inside(lambda: os.kill(os.getpid(), signal.SIGUSR1))
    try:
        with MemoryMappedFile.create_new(map_name, 64):
            monkeypatch.setattr(holding, "leads_to", inside)
            MemoryMappedFile.open_existing(map_name).close()
            monkeypatch.undo()
            USES["open"](map_name).close()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [type(error) for error in found] == [MapIOError]
    assert "this very thread" in str(found[0])
    assert inside.seconds < 5
    assert not map_file.exists()


def test_a_signal_handler_inside_the_lock_can_close_a_map(map_name, map_file, monkeypatch):
    keeper = MemoryMappedFile.create_new(map_name, 64)
    other = MemoryMappedFile.open_existing(map_name)
    inside = Inside(other.close)
    monkeypatch.setattr(holding, "leads_to", inside)
    MemoryMappedFile.open_existing(map_name).close()
    assert other.closed
    assert inside.seconds < 5
    keeper.close()
    assert not map_file.exists()


@linux
@pytest.mark.parametrize("call", ["listdir", "open"])
@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_without_descriptors_a_file_in_use_is_not_replaced(
    map_name, map_file, monkeypatch, call, number
):
    map_file.write_bytes(b"used")
    map_file.chmod(0o600)

    def refuse(path, *arguments, **more):
        if str(path).startswith("/proc/"):
            raise OSError(number, os.strerror(number))
        return real(path, *arguments, **more)

    with map_file.open("rb"), monkeypatch.context() as patch:
        real = os.listdir if call == "listdir" else open
        if call == "listdir":
            patch.setattr(os, call, lambda path: refuse(path) if path != "/proc" else real(path))
        else:
            patch.setattr(processes, call, refuse, raising=False)
        for use in ("create", "create or open"):
            with pytest.raises(MapIOError, match=os.strerror(number)):
                USES[use](map_name)
    assert map_file.read_bytes() == b"used"
    map_file.unlink()


IMPORTS = """
import os, sys
from pyshm import MemoryMappedFile

MemoryMappedFile.create_new(None, 1).close()
name, path = sys.argv[1:]
before = set(sys.modules)
for _ in range(2):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(descriptor, 64)
    os.close(descriptor)
    try:
        MemoryMappedFile.open_existing(name)
    except OSError:
        MemoryMappedFile.create_or_open(name, 64).close()
print(sorted(set(sys.modules) - before))
"""


def test_opening_a_map_imports_nothing_that_a_signal_handler_could_find_unfinished(
    child, map_name, map_file
):
    process = child(IMPORTS, map_name, str(map_file), ready=False)
    assert (process.line(), process.line()) == ("[]", "")
    assert (process.wait(), process.errors()) == (0, "")


# --- the end of the interpreter ---

DAEMON = """
import sys, threading
from pyshm import MemoryMappedFile

def use():
    while True:
        try:
            MemoryMappedFile.create_or_open(sys.argv[1], 64).close()
        except OSError:
            return

for _ in range(3):
    threading.Thread(target=use, daemon=True).start()
print("READY", flush=True)
sys.stdin.readline()
"""


def test_daemon_threads_leave_no_dead_file(child, map_name, map_file):
    for _ in range(5):
        assert child(DAEMON, map_name).finish() == 0
        assert not map_file.exists()
