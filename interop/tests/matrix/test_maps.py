"""How named maps live and die between two processes, in every combination of languages."""

from __future__ import annotations

import os
import signal
import stat
from typing import Any

import pytest

from interop.cases.case import STANDARD, struct_case
from interop.exchange.place import Place
from interop.oracle.memory import existing_maps, map_directory, struct_bytes
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
    """Each outcome's error kind; None for a value."""
    return [outcome["error"]["kind"] if "error" in outcome else None for outcome in outcomes]


def ids(outcomes: list[dict[str, Any]]) -> Any:
    """The Id that the last outcome read."""
    assert "value" in outcomes[-1], outcomes
    return outcomes[-1]["value"]["id"]


def test_a_reader_that_comes_first_finds_nothing_and_succeeds_once_the_writer_is_there(
    pair: Pair, place: Place
) -> None:
    name = place.name()
    assert kinds(pair.consumer.request(helper("open", name))) == ["not-found"]
    pair.producer.request(helper("create-or-open", name), WRITE)
    assert ids(pair.consumer.request(helper("open", name), READ)) == 100


def test_roles_reverse_within_one_map(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.consumer.request(helper("open", name), OTHER)
    assert ids(pair.producer.request(READ)) == -7
    pair.producer.request({**WRITE, "id": 5})
    assert ids(pair.consumer.request(READ)) == 5


def test_of_two_writers_the_last_one_counts(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.consumer.request(helper("create-or-open", name), OTHER)
    assert ids(pair.producer.request(READ)) == -7
    assert pair.world.read_map(name, 48) == struct_bytes(-7, 20, range(60, 70))


def test_an_existing_map_keeps_its_capacity_whatever_the_opener_asks_for(
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
def test_a_helper_reads_its_own_capacity_from_a_map_of_another(
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


def test_a_map_that_exists_can_not_be_created_anew(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name))
    assert kinds(pair.consumer.request(create(name))) == ["already-exists"]


def test_a_map_lives_until_the_last_of_its_holders_closes_it(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.consumer.request(helper("open", name))
    pair.producer.request({"do": "dispose", "target": "m"})
    assert ids(pair.consumer.request(READ)) == 100
    # The name is there for others, too, as long as one process holds it.
    assert ids(pair.producer.request(helper("open", name), READ)) == 100
    pair.producer.request({"do": "dispose", "target": "m"})
    pair.consumer.request({"do": "dispose", "target": "m"})
    assert kinds(pair.producer.request(helper("open", name))) == ["not-found"]
    assert kinds(pair.consumer.request(helper("open", name))) == ["not-found"]
    assert not pair.world.exists(name)


def test_a_map_made_again_under_the_same_name_holds_nothing_of_the_old_one(
    pair: Pair, place: Place
) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.producer.request({"do": "dispose", "target": "m"})
    assert ids(pair.consumer.request(helper("create-or-open", name), READ)) == 0


def test_a_view_keeps_its_memory_but_not_the_name(pair: Pair, place: Place) -> None:
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
    # Somebody else's map of that name is another one.
    pair.consumer.request(helper("create-or-open", name), OTHER)
    outcomes = pair.producer.request({"do": "read", "view": "v", "type": "int32", "position": 0})
    assert outcomes == [{"value": 9}]


def test_a_reader_reads_on_when_the_writer_is_killed(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.consumer.request(helper("open", name))
    pair.producer.kill()
    assert ids(pair.consumer.request(READ)) == 100
    # The dead writer's successor finds the map that the reader kept alive.
    assert ids(pair.producer.request(helper("open", name), READ)) == 100
    pair.producer.request({"do": "reset"})
    pair.consumer.request({"do": "reset"})
    assert not pair.world.exists(name)


def test_what_a_killed_last_holder_leaves_is_not_found_and_makes_way(
    pair: Pair, place: Place
) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.producer.kill()
    assert kinds(pair.consumer.request(helper("open", name))) == ["not-found"]
    assert kinds(pair.consumer.request(create(name))) == [None]
    assert ids(pair.producer.request(helper("open", name), READ)) == 0


def test_create_or_open_starts_afresh_after_a_killed_last_holder(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    pair.producer.kill()
    assert ids(pair.consumer.request(helper("create-or-open", name), READ)) == 0


@pytest.mark.posix
def test_a_stopped_holder_still_holds(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    os.kill(pair.producer.pid, signal.SIGSTOP)
    try:
        assert kinds(pair.consumer.request(create(name))) == ["already-exists"]
        assert ids(pair.consumer.request(helper("open", name), READ)) == 100
    finally:
        os.kill(pair.producer.pid, signal.SIGCONT)


@pytest.mark.posix
def test_the_file_of_a_map_belongs_to_its_user_alone(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, 12345))
    found = os.lstat(os.path.join(map_directory(), name))
    assert stat.S_ISREG(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_size == 12345


@pytest.mark.posix
@pytest.mark.parametrize("how", ["open", "create-or-open", "create-new"])
def test_a_symbolic_link_in_the_place_of_a_map_is_not_followed(
    pair: Pair, place: Place, how: str
) -> None:
    name, target = place.name(), place.name()
    path = os.path.join(map_directory(), name)
    pair.producer.request(helper("create-or-open", target), WRITE)
    os.symlink(os.path.join(map_directory(), target), path)
    try:
        step = create(name) if how == "create-new" else helper(how, name)
        assert kinds(pair.consumer.request(step)) == ["unauthorized"]
        assert os.path.islink(path)
    finally:
        os.unlink(path)
    assert ids(pair.producer.request(READ)) == 100


@pytest.mark.posix
@pytest.mark.parametrize("how", ["open", "create-or-open", "create-new"])
def test_a_map_that_another_user_put_there_is_not_trusted(
    pair: Pair, place: Place, how: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    name = place.name()
    path = os.path.join(map_directory(), name)
    pair.producer.request(helper("create-or-open", name), WRITE)
    os.chown(path, 65534, -1)
    step = create(name) if how == "create-new" else helper(how, name)
    assert kinds(pair.consumer.request(step)) == ["unauthorized"]


@pytest.mark.posix
def test_a_holder_that_only_locks_the_file_keeps_the_map_alive(pair: Pair, place: Place) -> None:
    import fcntl

    name = place.name()
    pair.producer.request(helper("create-or-open", name), WRITE)
    with open(os.path.join(map_directory(), name), "rb") as file:
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
        # There a file that was opened by its path is shared for reading only, as .NET does it.
        # Python's own open(), which the consumer uses, calls a sharing violation EACCES.
        assert kinds(outcomes) in (["io"], ["unauthorized"])
        return
    assert kinds(outcomes) == [None, None]
    pair.producer.request(write)
    assert pair.consumer.request(read) == [{"value": -5}]


@pytest.mark.posix
@pytest.mark.parametrize("how", ["open", "create-or-open"])
def test_an_empty_file_that_somebody_holds_is_an_io_error_and_is_let_go_of(
    pair: Pair, place: Place, how: str
) -> None:
    import fcntl

    name = place.name()
    path = os.path.join(map_directory(), name)
    with open(path, "xb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            assert kinds(pair.producer.request(helper(how, name))) == ["io"]
            assert kinds(pair.consumer.request(create(name))) == ["already-exists"]
            # Neither of the two holds it now, so the harness has it for itself.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.unlink(path)


@pytest.mark.posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_peer_that_a_signal_ends_lets_go_of_its_maps(
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
