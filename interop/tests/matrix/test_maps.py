"""The lifetime of named maps in two processes, in every combination of languages."""

from __future__ import annotations

import os
import signal
import stat
from typing import Any

import pytest

from interop.cases.case import STANDARD, struct_case
from interop.exchange.place import Place
from interop.oracle.memory import existing_maps, path_of, struct_bytes
from interop.plugin.hooks import Pair
from interop.worlds.world import WINDOWS
from pyshm.testing.process import PeerFailure

GROUP = "maps"

WRITE = struct_case("standard", *STANDARD).writes[0]
OTHER = {**WRITE, "id": -7}
READ = {"do": "read-struct", "helper": "m"}


def create(name: str, capacity: int = 4096) -> dict[str, Any]:
    return {"do": "create-new", "as": "map", "name": name, "capacity": capacity}


def helper(how: str, name: str, capacity: int = 4096) -> dict[str, Any]:
    return {"do": "helper", "as": "m", "how": how, "name": name, "capacity": capacity}


def kinds(outcomes: list[dict[str, Any]]) -> list[str | None]:
    """Return the kind of each outcome's error; None for a value."""
    return [outcome["error"]["kind"] if "error" in outcome else None for outcome in outcomes]


def ids(outcomes: list[dict[str, Any]]) -> Any:
    """Return the Id in the last outcome."""
    assert "value" in outcomes[-1], outcomes
    return outcomes[-1]["value"]["id"]


def test_a_reader_finds_the_map_only_after_a_writer_created_it(pair: Pair, place: Place) -> None:
    name = place.name()
    assert kinds(pair.consumer.request(helper("open", name))) == ["not-found"]
    pair.producer.request(helper("create-or-open", name), WRITE)
    assert ids(pair.consumer.request(helper("open", name), READ)) == 100


def test_both_processes_can_write_and_read_one_map(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.consumer.request(helper("open", name), OTHER)
    assert ids(pair.producer.request(READ)) == -7
    pair.producer.request({**WRITE, "id": 5})
    assert ids(pair.consumer.request(READ)) == 5


def test_the_last_of_two_writers_overwrites_the_first(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.consumer.request(helper("create-or-open", name), OTHER)
    assert ids(pair.producer.request(READ)) == -7
    assert pair.world.read_map(name, 48) == struct_bytes(-7, 20, range(60, 70))


def test_create_or_open_does_not_change_the_capacity_of_an_existing_map(
    pair: Pair, place: Place
) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name, 4096), WRITE)
    outcomes = pair.consumer.request(
        {"do": "create-or-open", "as": "map", "name": name, "capacity": 1 << 20},
        {"do": "view", "as": "v", "map": "map"},
        {"do": "get", "target": "v", "property": "capacity"},
        {"do": "read", "view": "v", "type": "int32", "position": 0},
        {"do": "view", "as": "w", "map": "map", "offset": 0, "size": 1 << 20},
        on_error="continue",
    )
    assert outcomes[2] == {"value": 4096}
    assert outcomes[3] == {"value": 100}
    assert kinds(outcomes)[4] == "unauthorized"


@pytest.mark.parametrize("capacity", [64, 4096, 20_000_000])
def test_a_helper_reads_its_own_capacity_from_a_map_with_another_capacity(
    pair: Pair, place: Place, capacity: int
) -> None:
    from hashlib import sha256

    name = place.name()
    pair.producer.request(helper("create-or-open", name, capacity), WRITE)
    outcomes = pair.consumer.request(
        helper("create-or-open", name, 100_000), {"do": "read-bytes", "helper": "m"}
    )
    data = struct_bytes(*STANDARD).ljust(100_000, b"\0")
    assert outcomes[-1] == {"value": {"length": 100_000, "sha256": sha256(data).hexdigest()}}


def test_create_new_refuses_the_name_of_an_existing_map(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name))
    assert kinds(pair.consumer.request(create(name))) == ["already-exists"]


def test_a_map_exists_until_its_last_holder_closes_it(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.consumer.request(helper("open", name))
    pair.producer.request({"do": "dispose", "target": "m"})
    assert ids(pair.consumer.request(READ)) == 100
    # Other processes can open the name while one process holds the map.
    assert ids(pair.producer.request(helper("open", name), READ)) == 100
    pair.producer.request({"do": "dispose", "target": "m"})
    pair.consumer.request({"do": "dispose", "target": "m"})
    assert kinds(pair.producer.request(helper("open", name))) == ["not-found"]
    assert kinds(pair.consumer.request(helper("open", name))) == ["not-found"]
    assert not pair.world.exists(name)


def test_a_new_map_of_the_same_name_has_none_of_the_old_bytes(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.producer.request({"do": "dispose", "target": "m"})
    assert ids(pair.consumer.request(helper("create-or-open", name), READ)) == 0


def test_a_view_keeps_the_memory_but_not_the_name(pair: Pair, place: Place) -> None:
    name = place.name()
    outcomes = pair.producer.request(
        create(name),
        {"do": "view", "as": "v", "map": "map"},
        {"do": "write", "view": "v", "type": "int32", "position": 0, "value": 9},
        {"do": "dispose", "target": "map"},
        {"do": "read", "view": "v", "type": "int32", "position": 0},
    )
    assert outcomes[-1] == {"value": 9}
    assert kinds(pair.consumer.request(helper("open", name))) == ["not-found"]
    # A new map of that name has other memory.
    pair.consumer.request(helper("create-or-open", name), OTHER)
    outcomes = pair.producer.request({"do": "read", "view": "v", "type": "int32", "position": 0})
    assert outcomes == [{"value": 9}]


def test_a_reader_still_reads_after_the_writer_was_killed(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.consumer.request(helper("open", name))
    pair.producer.kill()
    assert ids(pair.consumer.request(READ)) == 100
    # A new writer finds the map that the reader kept alive.
    assert ids(pair.producer.request(helper("open", name), READ)) == 100
    pair.producer.request({"do": "reset"})
    pair.consumer.request({"do": "reset"})
    assert not pair.world.exists(name)


def test_the_file_of_a_killed_last_holder_is_not_a_map_and_can_be_replaced(
    pair: Pair, place: Place
) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.producer.kill()
    assert kinds(pair.consumer.request(helper("open", name))) == ["not-found"]
    assert kinds(pair.consumer.request(create(name))) == [None]
    assert ids(pair.producer.request(helper("open", name), READ)) == 0


def test_create_or_open_creates_a_new_map_after_a_killed_last_holder(
    pair: Pair, place: Place
) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.producer.kill()
    assert ids(pair.consumer.request(helper("create-or-open", name), READ)) == 0


@pytest.mark.posix
def test_a_stopped_process_still_holds_its_map(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    os.kill(pair.producer.pid, signal.SIGSTOP)
    try:
        assert kinds(pair.consumer.request(create(name))) == ["already-exists"]
        assert ids(pair.consumer.request(helper("open", name), READ)) == 100
    finally:
        os.kill(pair.producer.pid, signal.SIGCONT)


@pytest.mark.posix
def test_only_its_user_can_open_the_file_of_a_map(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, 12345))
    found = os.lstat(path_of(name))
    assert stat.S_ISREG(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_size == 12345


@pytest.mark.posix
@pytest.mark.parametrize(("options", "allocated"), [(0, True), (0x4000000, False)])
def test_the_memory_of_a_new_map_is_allocated(
    pair: Pair, place: Place, options: int, allocated: bool
) -> None:
    name, capacity = place.name(), 1_000_000
    assert kinds(pair.producer.request({**create(name, capacity), "options": options})) == [None]
    found = os.lstat(path_of(name))
    assert found.st_size == capacity
    assert found.st_blocks * 512 >= capacity if allocated else found.st_blocks == 0


@pytest.mark.posix
@pytest.mark.parametrize("capacity", [4 << 20, (4 << 20) + 1])
def test_the_memory_of_a_large_map_is_allocated(pair: Pair, place: Place, capacity: int) -> None:
    # It is allocated in parts of 2 MiB.
    name = place.name()
    assert kinds(pair.producer.request(create(name, capacity))) == [None]
    found = os.lstat(path_of(name))
    assert found.st_size == capacity
    assert found.st_blocks * 512 >= capacity


@pytest.mark.posix
@pytest.mark.parametrize("how", ["open", "create-or-open", "create-new"])
def test_a_symbolic_link_with_the_name_of_a_map_is_not_followed(
    pair: Pair, place: Place, how: str
) -> None:
    name, target = place.name(), place.name()
    path = path_of(name)
    pair.producer.request(helper("create-or-open", target), WRITE)
    os.symlink(path_of(target), path)
    try:
        step = create(name) if how == "create-new" else helper(how, name)
        assert kinds(pair.consumer.request(step)) == ["unauthorized"]
        assert os.path.islink(path)
    finally:
        os.unlink(path)
    assert ids(pair.producer.request(READ)) == 100


@pytest.mark.posix
@pytest.mark.parametrize("how", ["open", "create-or-open", "create-new"])
def test_a_map_of_another_user_is_refused(pair: Pair, place: Place, how: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    name = place.name()
    path = path_of(name)
    pair.producer.request(helper("create-or-open", name), WRITE)
    os.chown(path, 65534, -1)
    step = create(name) if how == "create-new" else helper(how, name)
    assert kinds(pair.consumer.request(step)) == ["unauthorized"]


@pytest.mark.posix
def test_a_process_that_only_locks_the_file_keeps_the_map_alive(pair: Pair, place: Place) -> None:
    import fcntl

    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    with open(path_of(name), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        pair.producer.request({"do": "dispose", "target": "m"})
        assert ids(pair.consumer.request(helper("open", name), READ)) == 100
    pair.consumer.request({"do": "dispose", "target": "m"})
    assert not pair.world.exists(name)


def test_a_file_is_shared_while_both_have_it_open(pair: Pair, place: Place) -> None:
    path = pair.world.path(place.path())
    steps: list[dict[str, Any]] = [
        {"do": "create-from-file", "as": "f", "path": path, "mode": 4, "capacity": 4096},
        {"do": "view", "as": "v", "map": "f"},
    ]
    stream: list[dict[str, Any]] = [
        {"do": "create-from-stream", "as": "f", "path": path, "mode": 3},
        {"do": "view", "as": "v", "map": "f"},
    ]
    write = {"do": "write", "view": "v", "type": "int64", "position": 8, "value": -5}
    read = {"do": "read", "view": "v", "type": "int64", "position": 8}
    pair.producer.request(*steps)
    outcomes = pair.consumer.request(*stream)
    if pair.world.name == WINDOWS:
        # On Windows, .NET and pyshm share a file that they opened by its path for reading only.
        # Python's own open(), which the consumer uses, reports a sharing violation as EACCES.
        assert kinds(outcomes) in (["io"], ["unauthorized"])
        return
    assert kinds(outcomes) == [None, None]
    pair.producer.request(write)
    assert pair.consumer.request(read) == [{"value": -5}]


@pytest.mark.posix
@pytest.mark.parametrize("how", ["open", "create-or-open"])
def test_a_locked_empty_file_is_an_io_error_and_is_not_held_afterwards(
    pair: Pair, place: Place, how: str
) -> None:
    import fcntl

    name = place.name()
    path = path_of(name)
    # The mode is that of a map's file.
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            assert kinds(pair.producer.request(helper(how, name))) == ["io"]
            assert kinds(pair.consumer.request(create(name))) == ["already-exists"]
            # Neither peer holds it now, so the harness gets the exclusive lock.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.unlink(path)


@pytest.mark.posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_peer_that_is_ended_by_a_signal_releases_its_maps(
    pair: Pair, place: Place, number: signal.Signals
) -> None:
    name, other = place.name(), place.name()
    pair.producer.request(create(name), helper("create-or-open", other), WRITE)
    os.kill(pair.producer.pid, number)
    with pytest.raises(PeerFailure, match=f"status {128 + number}"):
        pair.producer.receive()
    assert existing_maps(name) == []
    assert existing_maps(other) == []
    assert kinds(pair.consumer.request(create(name))) == [None]
