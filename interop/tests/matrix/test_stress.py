"""Many processes of both languages use one name: there are never two maps of that name."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from interop.exchange.place import Place
from interop.oracle.memory import existing_maps, path_of
from interop.worlds.world import NATIVE, world_of
from pyshm.testing.process import Peer

ROUNDS = 1000  # for each of the peers
SEEDS = range(5)
WAITING = 60.0  # seconds

LANGUAGES = pytest.mark.parametrize(
    "languages",
    [
        pytest.param(("python", "python", "python", "python"), id="python"),
        pytest.param(("python", "python", "dotnet", "dotnet"), id="both", marks=pytest.mark.dotnet),
    ],
)


@contextmanager
def running(languages: tuple[str, ...]) -> Iterator[list[Peer]]:
    """Start a process for each of ``languages``."""
    peers = []
    for number, language in enumerate(languages):
        name = f"{language} ({number})"
        peers.append(world_of(NATIVE).peer(language, name))
    try:
        for peer in peers:
            peer.start()
        yield peers
        for peer in peers:
            peer.close()
    finally:
        for peer in peers:
            peer.kill()


def begin(peers: list[Peer], name: str, seed: int, rounds: int = ROUNDS) -> None:
    for slot, peer in enumerate(peers):
        step = {"do": "stress", "name": name, "rounds": rounds, "slot": slot}
        peer.send({**step, "seed": seed * len(peers) + slot})


def results(peers: list[Peer]) -> list[dict[str, Any]]:
    """Return the value that each peer answers."""
    outcomes = [peer.receive(WAITING)[0] for peer in peers]
    for peer, outcome in zip(peers, outcomes, strict=True):
        assert "value" in outcome, f"{peer.name}: {outcome}"
    return [outcome["value"] for outcome in outcomes]


def wrong(peers: list[Peer], found: list[dict[str, Any]]) -> list[str]:
    """Return all that was wrong, each with the peer's name."""
    return [
        f"{peer.name}: {what}"
        for peer, value in zip(peers, found, strict=True)
        for what in value["wrong"]
    ]


@LANGUAGES
def test_processes_that_use_one_name_at_once_share_one_map(
    languages: tuple[str, ...], place: Place
) -> None:
    totals = [dict.fromkeys(("created", "opened", "either"), 0) for _ in languages]
    with running(languages) as peers:
        for seed in SEEDS:
            name = place.name()
            begin(peers, name, seed)
            found = results(peers)
            left = existing_maps(name)
            remove(left)
            assert wrong(peers, found) == [], f"seed {seed}"
            assert left == [], f"seed {seed}"
            for value, total in zip(found, totals, strict=True):
                assert value["rounds"] == ROUNDS
                for key in total:
                    total[key] += value[key]
    for total in totals:
        assert min(total.values()) > 0, f"a peer never succeeded: {totals}"


@LANGUAGES
@pytest.mark.parametrize("after", [0.05, 0.15])
def test_a_killed_process_does_not_disturb_the_others(
    languages: tuple[str, ...], place: Place, after: float
) -> None:
    name = place.name()
    with running(languages) as peers:
        begin(peers, name, seed=1)
        time.sleep(after)
        victim = peers[-1]
        victim.kill()
        survivors = peers[:-1]
        found = results(survivors)
        left = existing_maps(name)
        created = victim.request(
            {"do": "create-new", "as": "map", "name": name, "capacity": 64},
            {"do": "view", "as": "v", "map": "map"},
            {"do": "read", "view": "v", "type": "uint64", "position": 8 * len(survivors)},
        )
        opened = survivors[0].request({"do": "open-existing", "as": "map", "name": name})
        for peer in (victim, survivors[0]):
            peer.request({"do": "dispose", "target": "map"})
    still = existing_maps(name)
    remove(still)
    assert wrong(survivors, found) == []
    assert left in ([], [name])
    assert created == [{"value": None}, {"value": None}, {"value": 0}]
    assert opened == [{"value": None}]
    assert still == []


def test_a_process_killed_alone_leaves_at_most_one_dead_file(place: Place) -> None:
    with running(("python",)) as peers:
        for attempt in range(8):
            name = place.name()
            begin(peers, name, seed=attempt, rounds=1_000_000)
            time.sleep(0.02 + 0.003 * attempt)
            peers[0].kill()
            left = existing_maps(name)
            peers[0].request(
                {"do": "create-new", "as": "map", "name": name, "capacity": 64},
                {"do": "dispose", "target": "map"},
            )
            still = existing_maps(name)
            remove(still)
            assert left in ([], [name])
            assert still == []


def remove(names: list[str]) -> None:
    """Remove the files that a test found, so that only this test fails."""
    for name in names:
        os.unlink(path_of(name))
