"""Three waiters of both languages are woken by each of many values; no wake-up is lost.

The option ``--publishes`` is the number of values. A waiter that was not woken finds the value when
its sleep ends by its time. That counts as lost, although the program gets the value.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from interop.exchange.place import Place
from interop.plugin.hooks import Peers
from interop.worlds.world import LANGUAGES, NATIVE, Endpoint, world_of
from pyshm.testing.process import Peer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.posix,
    pytest.mark.skipif(sys.platform != "linux", reason="channels need Linux"),
    pytest.mark.limit(0),
]

WAITERS = 3
BYTES = {"discipline": "latest", "content": "bytes"}
PATIENCE = 20.0  # seconds of one wait


def part(do: str, name: str, channel: str) -> dict[str, Any]:
    return {"do": do, "as": name, "channel": channel}


@pytest.mark.parametrize("asker", [pytest.param(language, id=language) for language in LANGUAGES])
def test_no_wake_up_is_lost(
    peers: Peers, place: Place, request: pytest.FixtureRequest, asker: str
) -> None:
    languages = [one for one in LANGUAGES if world_of(NATIVE).missing(one) is None]
    if asker not in languages:
        pytest.skip("no .NET")
    count = request.config.getoption("--publishes")
    names = [place.name() for _ in range(WAITERS + 1)]
    publisher = peers.get(Endpoint(NATIVE, asker), "asker")
    waiters = [
        peers.get(Endpoint(NATIVE, languages[index % len(languages)]), f"waiter {index}")
        for index in range(WAITERS)
    ]
    ask(publisher, names)
    for index, waiter in enumerate(waiters):
        answer(waiter, names[0], names[1 + index])
    for index in range(WAITERS):
        part_of = part("channel-reader", f"r{index}", f"c{index + 1}")
        publisher.request(part_of)
    limits = {"until": count, "timeout": PATIENCE}
    for waiter in waiters:
        waiter.send(
            {"do": "channel-run", "role": "answer", "target": "r", "answers": "w", **limits}
        )
    answers = [f"r{index}" for index in range(WAITERS)]
    run = {"do": "channel-run", "role": "ask", "target": "w", "answers": answers, **limits}
    found = [publisher.request(run, timeout=count / 10 + 60)[0]]
    found += [waiter.receive()[0] for waiter in waiters]
    for peer in (publisher, *waiters):
        peer.request({"do": "reset"})
    wrong = [outcome["error"]["message"] for outcome in found if "error" in outcome]
    assert not wrong, wrong
    counts = [outcome["value"] for outcome in found]
    print(*counts, sep="\n")
    for one in counts:
        assert one["last"] == count
        assert one["lost"] == 0, counts
        assert one["late"] == 0, counts
    # Only Python counts its sleeps.
    assert sum(one["sleeps"] for one in counts) >= count // 4, f"void: too few sleeps: {counts}"


def ask(publisher: Peer, names: list[str]) -> None:
    """Create all channels, and become the writer of the first one."""
    for index, name in enumerate(names):
        create = {"do": "channel-create", "as": f"c{index}", "name": name, "capacity": 8, **BYTES}
        publisher.request(create)
    publisher.request(part("channel-writer", "w", "c0"))


def answer(waiter: Peer, values: str, answers: str) -> None:
    """Become a reader of the values, and the writer of the answers."""
    outcomes = waiter.request(
        {"do": "channel-open", "as": "values", "name": values, **BYTES},
        part("channel-reader", "r", "values"),
        {"do": "channel-open", "as": "answers", "name": answers, **BYTES},
        part("channel-writer", "w", "answers"),
    )
    assert all("value" in outcome for outcome in outcomes), outcomes
