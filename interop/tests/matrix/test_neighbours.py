"""Files of other users and programs that have the name of a map, in both languages."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import pytest

from interop.exchange.place import Place
from interop.oracle.memory import existing_maps, map_directory, path_of
from pyshm.testing.process import Peer
from tests.conftest import Child

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system has no /proc"),
]

CREATE = ["create-new", "create-or-open"]
ALL = [*CREATE, "open-existing"]


def error(peer: Peer, do: str, name: str) -> dict[str, Any] | None:
    """Return the error of one step; None if there is none."""
    size = {} if do == "open-existing" else {"capacity": 64}
    step = {"do": do, "as": "m", "name": name, **size}
    return peer.request(step, on_error="continue")[0].get("error")


# --- files of another user ---


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640, 0o700])
def test_a_file_with_another_mode_is_refused(peer: Peer, place: Place, how: str, mode: int) -> None:
    name = place.name()
    peer.request({"do": "create-new", "as": "first", "name": name, "capacity": 64})
    path_of(name).chmod(mode)
    found = error(peer, how, name)
    assert found is not None
    assert found["kind"] == "unauthorized"
    assert f"mode {mode:04o}" in found["message"]
    path_of(name).chmod(0o600)
    assert error(peer, "open-existing", name) is None


@pytest.mark.parametrize("how", ALL)
def test_a_file_with_two_names_is_refused(peer: Peer, place: Place, how: str) -> None:
    name, secret = place.name(), path_of(place.name())
    secret.write_bytes(b"secret")
    secret.chmod(0o600)
    os.link(secret, path_of(name))
    try:
        found = error(peer, how, name)
        assert found is not None
        assert found["kind"] == "unauthorized"
        assert "2 names (hard links)" in found["message"]
        assert secret.read_bytes() == b"secret"
        assert secret.stat().st_nlink == 2
    finally:
        path_of(name).unlink(missing_ok=True)
        secret.unlink()


# --- files of other programs ---


@contextmanager
def segment(name: str) -> Iterator[shared_memory.SharedMemory]:
    """Create shared memory of Python's multiprocessing that a map of this name would replace."""
    if map_directory() != "/dev/shm":
        pytest.skip("multiprocessing.shared_memory uses /dev/shm only")
    created = shared_memory.SharedMemory(name, create=True, size=64)
    try:
        yield created
    finally:
        created.close()
        created.unlink()


@pytest.mark.parametrize("how", CREATE)
def test_a_segment_of_multiprocessing_is_not_replaced(peer: Peer, place: Place, how: str) -> None:
    name = place.name()
    with segment(name) as own:
        assert own.buf is not None
        own.buf[0] = 7
        found = error(peer, how, name)
        assert found is not None
        assert found["kind"] == "unauthorized"
        assert f"is not replaced: process {os.getpid()} (" in found["message"]
        other = shared_memory.SharedMemory(name)
        assert other.buf is not None
        assert other.buf[0] == 7
        other.close()
    assert error(peer, how, name) is None


def test_a_segment_of_multiprocessing_is_not_a_map(peer: Peer, place: Place) -> None:
    name = place.name()
    with segment(name):
        found = error(peer, "open-existing", name)
    assert found is not None
    assert found["kind"] == "not-found"
    assert re.search(rf"process {os.getpid()} \(.+\) uses it, but not as a map", found["message"])


VIEWING = """
import sys
from pyshm import MemoryMappedFile
with MemoryMappedFile.create_new(sys.argv[1], 64) as map:
    view = map.create_view_accessor()
    view.write_int32(0, 7)
    print("READY", flush=True)
    sys.stdin.readline()
print("CLOSED", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such mark")
@pytest.mark.parametrize("how", CREATE)
def test_a_view_does_not_keep_the_name_of_a_map_whose_holder_was_killed(
    peer: Peer, place: Place, how: str, child: Callable[..., Child]
) -> None:
    name = place.name()
    with child(VIEWING, name) as reader:
        peer.request({"do": "open-existing", "as": "killed", "name": name})
        assert reader.ask("close") == "CLOSED"
        peer.kill()
        peer.start()
        found = error(peer, "open-existing", name)
        assert found is not None
        assert "uses it" not in found["message"]
        assert error(peer, how, name) is None


MAPPED = """
import mmap, os, sys
with open(sys.argv[1], "r+b") as file:
    view = mmap.mmap(file.fileno(), 64)
# CPython's mmap keeps a descriptor of its own, which only this closes.
os.closerange(3, 1000)
print("READY", flush=True)
sys.stdin.read()
"""
OPENED = """
import sys
file = open(sys.argv[1], "rb")
print("READY", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", CREATE)
@pytest.mark.parametrize("script", [MAPPED, OPENED], ids=["mapped", "opened"])
def test_a_file_that_another_process_uses_is_not_replaced(
    peer: Peer, place: Place, how: str, script: str, child: Callable[..., Child]
) -> None:
    name = place.name()
    path_of(name).write_bytes(bytes(64))
    path_of(name).chmod(0o600)
    before = path_of(name).stat()
    with child(script, str(path_of(name))) as process:
        found = error(peer, how, name)
        assert found is not None
        assert found["kind"] == "unauthorized"
        assert f"process {process.pid} (" in found["message"]
        assert os.path.samestat(path_of(name).stat(), before)
    assert error(peer, how, name) is None
    assert not os.path.samestat(path_of(name).stat(), before)


@pytest.mark.parametrize("how", CREATE)
def test_a_process_that_examines_a_dead_file_does_not_keep_it(
    peer: Peer, place: Place, how: str
) -> None:
    name = place.name()
    path_of(name).write_bytes(bytes(64))
    path_of(name).chmod(0o600)
    before = path_of(name).stat()
    examining = os.open(path_of(name), os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        assert error(peer, how, name) is None
        assert not os.path.samestat(path_of(name).stat(), before)
    finally:
        os.close(examining)
    peer.request({"do": "dispose", "target": "m"})
    assert existing_maps(name) == []


# A line break, an escape sequence, marks of bidirectional text, what is invisible.
ODD_COMMAND = "a\nb\r\tc\x1b[31m\x7f\x85\u2028\u202e\u200b\xa0\U000e0001\ue000 ä😀"
SHOWN_COMMAND = r"a\nb\r\tc\x1b[31m\x7f\x85\u2028\u202e\u200b\xa0\U000e0001\ue000 ä😀"


@pytest.fixture
def message(
    peer: Peer, place: Place, how: str, child: Callable[..., Child]
) -> Iterator[Callable[[str], str]]:
    """Return the error for a file that a process with that argument has open."""
    name = place.name()
    path_of(name).write_bytes(bytes(64))
    path_of(name).chmod(0o600)

    def refused(argument: str) -> str:
        with child(OPENED, str(path_of(name)), argument) as process:
            found = error(peer, how, name)
            assert found is not None
            assert f"process {process.pid} (" in found["message"]
            return str(found["message"])

    yield refused
    path_of(name).unlink()


@pytest.mark.parametrize("how", ALL)
def test_the_command_line_of_another_process_is_shown_on_one_line(
    message: Callable[[str], str],
) -> None:
    shown = message(ODD_COMMAND)
    assert SHOWN_COMMAND in shown
    assert shown.isprintable()


@pytest.mark.parametrize("how", ALL)
def test_a_long_command_line_of_another_process_is_cut(message: Callable[[str], str]) -> None:
    shown = message("x" * 100_000)
    assert "xxx…) uses it" in shown
    assert len(shown) < 1500
