"""What holding a named map means to the system: descriptors, locks and files, in both languages."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from interop.exchange.place import Place
from interop.oracle.memory import existing_maps, map_directory, path_of
from pyshm.testing.process import Peer

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system has no /proc"),
]

PATIENCE = 30.0  # seconds
DELAYED = 0x4000000  # DelayAllocatePages
CLOSE_ON_EXEC = os.O_CLOEXEC
# <fcntl.h>; Python has no names for the locks of open file descriptions
SET_OPEN_FILE_LOCK = 37


def step(do: str, name: str, **more: Any) -> dict[str, Any]:
    """Return a step that makes the map ``m``."""
    size = {} if do == "open-existing" else {"capacity": 4096}
    return {"do": do, "as": "m", "name": name, **size, **more}


def dispose(target: str = "m") -> dict[str, Any]:
    return {"do": "dispose", "target": target}


def kind(peer: Peer, *steps: dict[str, Any]) -> str | None:
    """Return the kind of the error of the last of these steps; None if there is none."""
    outcome = peer.request(*steps, on_error="continue")[-1]
    return outcome["error"]["kind"] if "error" in outcome else None


def descriptors(peer: Peer, path: Path) -> list[int]:
    """Return the flags of each of the peer's descriptors of a file."""
    file = path.stat()
    flags = []
    for link in Path(f"/proc/{peer.pid}/fd").iterdir():
        try:
            if not os.path.samestat(link.stat(), file):
                continue
            text = Path(f"/proc/{peer.pid}/fdinfo/{link.name}").read_text()
        except OSError:
            continue  # it was closed meanwhile
        flags.append(int(text.split("flags:")[1].split()[0], 8))
    return flags


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"in {PATIENCE:.0f} seconds, {what} did not happen"
        time.sleep(0.001)


# --- what child processes inherit ---


@pytest.mark.parametrize("how", ["create-new", "create-or-open", "open-existing"])
@pytest.mark.parametrize("inheritability", [0, 1])
def test_only_an_inheritable_map_has_a_descriptor_for_children(
    peer: Peer, place: Place, how: str, inheritability: int
) -> None:
    name = place.name()
    if how == "open-existing":
        peer.request({**step("create-new", name), "as": "first"})
        before = len(descriptors(peer, path_of(name)))
    else:
        before = 0
    assert kind(peer, step(how, name, inheritability=inheritability)) is None
    found = descriptors(peer, path_of(name))
    assert len(found) > before
    inherited = [flags for flags in found if not flags & CLOSE_ON_EXEC]
    assert len(inherited) == inheritability
    for flags in inherited:
        assert flags & os.O_ACCMODE == os.O_RDWR


def test_the_descriptor_for_children_has_a_lock_of_its_own(peer: Peer, place: Place) -> None:
    name = place.name()
    assert kind(peer, step("create-new", name, inheritability=1)) is None
    inode = f":{path_of(name).stat().st_ino} "
    locks = [line for line in Path("/proc/locks").read_text().splitlines() if inode in line]
    assert [line.split()[1:4] for line in locks] == [["FLOCK", "ADVISORY", "READ"]] * 2


@pytest.mark.parametrize("how", ["create-new", "create-or-open", "open-existing"])
def test_disposing_of_an_inheritable_map_frees_its_name(peer: Peer, place: Place, how: str) -> None:
    name = place.name()
    if how == "open-existing":
        peer.request({**step("create-new", name), "as": "first"})
    assert kind(peer, step(how, name, inheritability=1)) is None
    if how == "open-existing":
        peer.request(dispose("first"))
        assert path_of(name).exists()
    peer.request(dispose())
    assert existing_maps(name) == []


# --- the end of a map ---


@pytest.mark.parametrize("how", ["create-new", "create-or-open", "open-existing"])
@pytest.mark.parametrize("inheritability", [0, 1])
def test_a_map_that_nothing_refers_to_is_released(
    peer: Peer, place: Place, how: str, inheritability: int
) -> None:
    name = place.name()
    if how == "open-existing":
        peer.request({**step("create-new", name), "as": "first"})
    peer.request(step(how, name, inheritability=inheritability))
    if how == "open-existing":
        peer.request(dispose("first"))
    assert path_of(name).exists()
    assert kind(peer, {"do": "forget", "target": "m"}) is None
    assert existing_maps(name) == []


def test_a_helper_that_nothing_refers_to_is_released(peer: Peer, place: Place) -> None:
    name = place.name()
    peer.request({"do": "helper", "as": "h", "how": "create-or-open", "name": name})
    assert path_of(name).exists()
    assert kind(peer, {"do": "forget", "target": "h"}) is None
    assert existing_maps(name) == []


def test_disposing_twice_does_nothing(peer: Peer, place: Place) -> None:
    name = place.name()
    assert kind(peer, step("create-new", name), dispose(), dispose()) is None
    assert kind(peer, step("create-new", name)) is None
    assert path_of(name).exists()


@pytest.mark.parametrize("other", ["file", "none"])
def test_disposing_leaves_another_file_at_the_path_of_the_map(
    peer: Peer, place: Place, other: str
) -> None:
    name = place.name()
    path = path_of(name)
    peer.request(step("create-new", name))
    path.unlink()
    try:
        if other == "file":
            path.write_bytes(b"another file")
        assert kind(peer, dispose()) is None
        if other == "file":
            assert path.read_bytes() == b"another file"
    finally:
        path.unlink(missing_ok=True)


def test_after_a_peer_ends_its_maps_are_gone(peer: Peer, place: Place) -> None:
    name = place.name()
    peer.request(step("create-new", name), {**step("create-new", f"{name}-2"), "as": "n"})
    assert len(existing_maps(name)) == 2
    peer.close()
    assert existing_maps(name) == []


# --- the transition lock ---


@contextmanager
def locked(path: Path, kind: int, start: int, length: int) -> Iterator[None]:
    """Hold a lock on bytes of a file, as another process would."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        request = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)
        fcntl.fcntl(descriptor, SET_OPEN_FILE_LOCK, request)
        yield
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("lock", [fcntl.F_WRLCK, fcntl.F_RDLCK], ids=["write", "read"])
@pytest.mark.parametrize("how", ["create-or-open", "open-existing"])
def test_opening_waits_for_the_transition_lock_and_looks_at_the_path_again(
    peer: Peer, place: Place, how: str, lock: int
) -> None:
    name, other = place.name(), place.name()
    old = {**step("create-new", name), "as": "old"}
    new = {**step("create-new", other), "as": "new"}
    mark = {"do": "write", "view": "v", "type": "int32", "position": 0, "value": 7}
    peer.request(old, new, {"do": "view", "as": "v", "map": "new"}, mark)
    before = len(descriptors(peer, path_of(name)))
    with locked(path_of(name), lock, 0, 1):
        peer.send(
            step(how, name),
            {"do": "view", "as": "w", "map": "m"},
            {**mark, "do": "read", "view": "w"},
        )
        wait_until(
            lambda: len(descriptors(peer, path_of(name))) > before,
            "opening the file",
        )
        # Another map takes the name while the peer waits.
        path_of(name).unlink()
        path_of(other).rename(path_of(name))
    try:
        assert peer.receive()[-1] == {"value": 7}
    finally:
        path_of(name).unlink(missing_ok=True)


@pytest.mark.parametrize("lock", [fcntl.F_WRLCK, fcntl.F_RDLCK], ids=["write", "read"])
def test_disposing_waits_for_the_transition_lock(peer: Peer, place: Place, lock: int) -> None:
    name = place.name()
    peer.request(step("create-new", name))
    with locked(path_of(name), lock, 0, 1):
        before = _pauses(peer)
        peer.send(dispose())
        # A peer that does not wait removes the file, and pauses once, for the next request.
        wait_until(
            lambda: not path_of(name).exists() or _pauses(peer) > before + 20,
            "an attempt to take the lock",
        )
        assert path_of(name).exists()
    assert "value" in peer.receive()[-1]
    assert existing_maps(name) == []


def _pauses(peer: Peer) -> int:
    """Return how often the main thread of the peer has paused."""
    text = Path(f"/proc/{peer.pid}/status").read_text()
    return int(text.split("nonvoluntary_ctxt_switches")[0].split("voluntary_ctxt_switches:")[1])


@pytest.mark.slow
@pytest.mark.parametrize("how", ["create-or-open", "open-existing", "create-new"])
def test_the_wait_for_the_transition_lock_ends_after_ten_seconds(
    peer: Peer, place: Place, how: str
) -> None:
    name = place.name()
    peer.request({**step("create-new", name), "as": "first"})
    with locked(path_of(name), fcntl.F_WRLCK, 0, 1):
        outcome = peer.request(step(how, name), on_error="continue", timeout=30)[0]
    assert outcome["error"]["kind"] == "io"
    assert "10 seconds" in outcome["error"]["message"]


@pytest.mark.parametrize("how", ["create-or-open", "open-existing"])
def test_locks_on_other_bytes_are_not_the_transition_lock(
    peer: Peer, place: Place, how: str
) -> None:
    name = place.name()
    peer.request({**step("create-new", name), "as": "first"})
    with locked(path_of(name), fcntl.F_WRLCK, 1, 0):
        began = time.monotonic()
        assert kind(peer, step(how, name)) is None
        assert kind(peer, dispose()) is None
        assert kind(peer, dispose("first")) is None
        assert time.monotonic() - began < 10  # the time after which a peer stops to wait
    assert existing_maps(name) == []


# --- files that are not maps ---


def _directory(path: Path) -> None:
    path.mkdir()


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        # The path of a socket has at most 107 bytes, so it is bound in its directory.
        before = os.open(".", os.O_RDONLY)
        try:
            os.chdir(path.parent)
            bound.bind(path.name)
        finally:
            os.fchdir(before)
            os.close(before)


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("how", ["create-new", "create-or-open", "open-existing"])
@pytest.mark.parametrize("make", [_directory, os.mkfifo, _socket, _loop])
def test_what_is_not_a_regular_file_is_refused_and_stays(
    peer: Peer, place: Place, how: str, make: Callable[[Path], None]
) -> None:
    name = place.name()
    path = path_of(name)
    make(path)
    before = path.lstat()
    try:
        outcome = peer.request(step(how, name), on_error="continue")[0]
        assert outcome["error"]["kind"] == "unauthorized"
        assert "not a regular file" in outcome["error"]["message"]
        assert os.path.samestat(path.lstat(), before)
    finally:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


# --- failures ---


@pytest.mark.parametrize("how", ["create-new", "create-or-open"])
def test_a_map_that_is_too_large_leaves_nothing(peer: Peer, place: Place, how: str) -> None:
    name = place.name()
    peer.request(step("create-new", name), dispose())  # what is opened once is open now
    before = open_files(peer)
    space = os.statvfs(map_directory())
    too_large = space.f_bavail * space.f_frsize + (1 << 30)
    for capacity in (too_large, 1 << 50, 2**63 - 1):
        outcome = peer.request(step(how, name, capacity=capacity), on_error="continue")[0]
        assert outcome["error"]["kind"] == "io"
        assert "bytes are free" in outcome["error"]["message"]
    assert open_files(peer) == before
    assert existing_maps(name) == []


def open_files(peer: Peer) -> list[str]:
    """Return what the peer's descriptors refer to."""
    found = []
    for link in Path(f"/proc/{peer.pid}/fd").iterdir():
        try:
            found.append(os.readlink(link))
        except OSError:
            pass  # it was closed meanwhile
    return sorted(found)


@pytest.mark.parametrize("how", ["create-new", "create-or-open", "open-existing"])
def test_a_call_that_runs_out_of_descriptors_leaves_nothing(
    peer: Peer, place: Place, how: str
) -> None:
    name, keeper = place.name(), None
    call = step(how, name, inheritability=1)
    if how == "open-existing":
        keeper = os.open(path_of(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.truncate(keeper, 4096)
        fcntl.flock(keeper, fcntl.LOCK_SH)
    view = {"do": "view", "as": "v", "map": "m"}
    assert kind(peer, call, view, dispose("v"), dispose()) is None  # what is opened once is open
    before = open_files(peer)
    outcomes = []
    try:
        for _ in ever_more_descriptors(peer):
            outcomes.append(kind(peer, call))
            if outcomes[-1] is None:
                peer.request(dispose())
            assert open_files(peer) == before, f"after {outcomes}"
            if keeper is None:
                assert existing_maps(name) == [], f"after {outcomes}"
            else:
                # No lock is left beside the one of this process.
                fcntl.flock(keeper, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(keeper, fcntl.LOCK_SH)
    finally:
        if keeper is not None:
            os.close(keeper)
            path_of(name).unlink(missing_ok=True)
    assert set(outcomes) == {"io", None}
    assert outcomes == sorted(outcomes, key=lambda outcome: outcome is None)


def ever_more_descriptors(peer: Peer) -> Iterator[int]:
    """Let the peer have no new descriptor, then one, then two, and so on."""
    resource = pytest.importorskip("resource")
    used = {int(link.name) for link in Path(f"/proc/{peer.pid}/fd").iterdir()}
    free = [number for number in range(max(used) + 16) if number not in used]
    limits = resource.prlimit(peer.pid, resource.RLIMIT_NOFILE)
    try:
        for count, limit in enumerate(free[:12]):
            resource.prlimit(peer.pid, resource.RLIMIT_NOFILE, (limit, limits[1]))
            yield count
    finally:
        resource.prlimit(peer.pid, resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize(
    "call",
    [
        {"do": "create-from-file", "mode": 4, "capacity": 4096},
        {"do": "create-from-stream", "mode": 4, "capacity": 4096},
        {"do": "create-from-stream", "mode": 4, "capacity": 4096, "inheritability": 1},
        {"do": "helper", "how": "create-from-file", "capacity": 4096},
        {"do": "helper", "how": "create-or-open", "capacity": 4096},
    ],
    ids=lambda call: "-".join(map(str, call.values())),
)
def test_a_file_or_helper_without_descriptors_leaves_nothing_open(
    peer: Peer, place: Place, tmp_path: Path, call: dict[str, Any], exists: bool
) -> None:
    name, path = place.name(), tmp_path / "file"
    call = {**call, "as": "m", "name": name, "path": str(path)}
    content = b"content" if exists else b""
    assert kind(peer, call, dispose()) is None  # what is opened once is open now
    peer.request({"do": "reset"})
    before = open_files(peer)
    outcomes = []
    for _ in ever_more_descriptors(peer):
        path.unlink(missing_ok=True)
        if exists:
            path.write_bytes(content)
        outcomes.append(kind(peer, call))
        if outcomes[-1] is None:
            peer.request(dispose())
            peer.request({"do": "reset"})
        elif exists:
            assert path.read_bytes().rstrip(b"\0") == content
        assert open_files(peer) == before, f"after {outcomes}"
        assert existing_maps(name) == [], f"after {outcomes}"
    assert set(outcomes) == {"io", None}
    assert outcomes == sorted(outcomes, key=lambda outcome: outcome is None)
    if path.exists():
        # No lock is left.
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# --- a peer in another environment ---


def started_peer(peer: Peer, environment: dict[str, str]) -> Peer:
    """Return a new peer of the same language, with other variables."""
    return Peer(peer.name, peer.command, environment={**peer.environment, **environment})


@pytest.mark.parametrize("umask", [0, 0o777])
def test_the_mode_of_the_file_does_not_depend_on_the_umask(
    peer: Peer, place: Place, umask: int
) -> None:
    name = place.name()
    another = started_peer(peer, {})
    before = os.umask(umask)
    try:
        another.start()
    finally:
        os.umask(before)
    try:
        assert kind(another, step("create-new", name)) is None
        assert path_of(name).stat().st_mode & 0o7777 == 0o600
    finally:
        another.close()


def test_the_variable_sets_the_directory(peer: Peer, tmp_path: Path) -> None:
    another = started_peer(peer, {"PYSHM_DIRECTORY": str(tmp_path)})
    try:
        assert kind(another, step("create-new", "x")) is None
        assert (tmp_path / "x").stat().st_size == 4096
    finally:
        another.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("chosen", ["relative", "missing", "file"])
@pytest.mark.parametrize("how", ["create-new", "create-or-open", "open-existing"])
def test_a_variable_that_is_not_an_absolute_directory_is_an_error(
    peer: Peer, tmp_path: Path, chosen: str, how: str
) -> None:
    (tmp_path / "file").touch()
    path = os.path.relpath(tmp_path) if chosen == "relative" else str(tmp_path / chosen)
    another = started_peer(peer, {"PYSHM_DIRECTORY": path})
    try:
        outcome = another.request(step(how, "x"), on_error="continue")[0]
    finally:
        another.close()
    assert outcome["error"]["kind"] == "argument"
    assert "PYSHM_DIRECTORY" in outcome["error"]["message"]
