"""Writers and readers of both languages are killed at random moments, beside others that go on.

The option ``--storm`` says how many writers are killed. A storm counts: no frame is torn and none
goes backwards. It is void, and fails, if too little has happened in it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from interop.exchange.place import Place
from interop.exchange.storm import Storm, Tally
from interop.oracle.channel import read_channel
from interop.worlds.world import LANGUAGES, NATIVE, world_of
from pyshm.testing.process import Peer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.posix,
    pytest.mark.skipif(sys.platform != "linux", reason="channels need Linux"),
    pytest.mark.limit(0),
]

needs_two = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="a storm needs two processors, one for the writer and one for its readers",
)


@pytest.fixture
def languages() -> tuple[str, ...]:
    """Return the languages of the writers and of the readers."""
    return tuple(one for one in LANGUAGES if world_of(NATIVE).missing(one) is None)


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """Return the size of a storm."""
    number: int = request.config.getoption("--storm")
    if not number:
        # Two storms at the same time on two processors would be none.
        pytest.skip("the option --storm is not given; ./toxw -e channels has it")
    return number


def start(language: str, name: str) -> Peer:
    return world_of(NATIVE).peer(language, name)


@pytest.fixture
def holder(place: Place) -> Iterator[Callable[..., str]]:
    """Return a function that creates a channel, which the test holds, and returns its name."""
    from pyshm import LatestChannel, QueueChannel

    channels: list[LatestChannel | QueueChannel] = []

    def create(discipline: str, size: int) -> str:
        name = place.name()
        if discipline == "latest":
            channels.append(LatestChannel.create(name, capacity=size, pins=4))
        else:
            channels.append(QueueChannel.create(name, capacity=size, slots=4))
        return name

    yield create
    for channel in channels:
        channel.close()


def readers(languages: tuple[str, ...], *roles: str) -> dict[str, tuple[str, str]]:
    return {f"{role} {language}": (role, language) for role in roles for language in languages}


def check(tally: Tally, kills: int, victim: str, **least: int) -> None:
    """Check that no frame was wrong, and that the storm was one."""
    print(tally)
    counts = tally.counts
    for wrong in ("torn", "backwards", "gaps"):
        assert counts[wrong] == 0, f"{wrong}\n{tally}"
    assert tally.kills["writer"] >= kills
    assert tally.kills[victim] >= kills // 3, f"void: too few readers were killed\n{tally}"
    for name, found in tally.by_reader.items():
        assert found["distinct"] >= 10 * kills, f"void: {name} saw too few values\n{tally}"
    for count, number in least.items():
        assert counts[count] >= number, f"void: too few {count}\n{tally}"


@needs_two
@pytest.mark.parametrize("size", [48, 65536])
def test_readers_and_viewers_beside_writers_that_are_killed(
    languages: tuple[str, ...], holder: Callable[..., str], kills: int, size: int
) -> None:
    name = holder("latest", size)
    storm = Storm(start, languages, name, "latest", size, seed=size)
    tally = storm.run(kills, readers(languages, "read", "hold"), victim="hold")
    check(tally, kills, "hold", reads=500 * kills, retries=kills // 2)


@needs_two
def test_consumers_beside_writers_and_consumers_that_are_killed(
    languages: tuple[str, ...], holder: Callable[..., str], kills: int
) -> None:
    name = holder("queue", 1024)
    storm = Storm(start, languages, name, "queue", 1024, seed=7)
    tally = storm.run(kills, readers(languages, "consume"), victim="consume")
    check(tally, kills, "consume", reads=20 * kills)
    assert read_channel(name).number == tally.published
