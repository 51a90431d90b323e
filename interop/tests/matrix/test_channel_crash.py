"""A writer is stopped, and killed, after each store of a publish: the crash matrix of the page.

The writer that is killed is the producer. Readers of the other peer go on, and a writer of each
language is the next one.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

from interop.cases.channel_values import BYTES
from interop.exchange.place import Place
from interop.exchange.stepping import (
    go_on,
    is_asleep,
    last_places,
    places,
    stopping,
    wait_until_asleep,
    wait_until_stopped,
)
from interop.oracle.channel import read_channel
from interop.oracle.memory import path_of
from interop.plugin.hooks import Pair
from pyshm.testing.process import Peer

from .test_channels import (
    DISCIPLINES,
    READ,
    READER,
    VIEWER,
    WRITER,
    create,
    opened,
    publish,
)

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(sys.platform != "linux", reason="channels need Linux"),
    pytest.mark.limit(300),
]
GROUP = "channels"

# Both publish a value when a reader sleeps. LATEST also has W1 and W4, which store nothing here.
STORES = {"W2", "W3", "W5", "W6", "W7", "W8", "W9", "W10"}
UNFINISHED = {"W1", "W2", "W3", "W4", "W5"}
FINISHED = {"W6", "W7"}
BIG = 200  # bytes


def data(number: int) -> str:
    return f"{number:02x}" * BIG


def value(number: int, bytes_: str | None = None) -> dict[str, Any]:
    return {"number": number, "tag": 0, "bytes": bytes_ or data(number)}


def hold(reader: str, **more: Any) -> dict[str, Any]:
    return {"do": "channel-hold", "reader": reader, **more}


def release(reader: str) -> dict[str, Any]:
    return {"do": "channel-release", "reader": reader}


STATE = {"do": "channel-state", "target": "r"}
NO_WAIT = {"do": "channel-wait", "reader": "r", "timeout": 0.01}


def begin(writer: Peer, reader: Peer, name: str, discipline: str) -> None:
    """Publish the first value; let readers read and hold it, and one has slept."""
    more = {"pins": 2} if discipline == "latest" else {"slots": 2}
    if discipline == "queue":
        writer.request(create(name, discipline, BYTES, **more), WRITER)
        reader.request(opened(name, discipline, BYTES), READER, {**READER, "as": "r2"})
        writer.request(publish({"bytes": data(1)}))
        assert reader.request(READ)[0]["value"] == value(1)
    else:
        writer.request(create(name, discipline, BYTES, **more), WRITER)
        writer.request(publish({"bytes": data(1)}))
        reader.request(opened(name, discipline, BYTES), READER, VIEWER, {**VIEWER, "as": "v2"})
        outcomes = reader.request(READ, hold("v"))
        assert outcomes == [{"value": value(1)}] * 2
    assert reader.request(NO_WAIT) == [{"value": False}]
    assert read_channel(name).sleepers == 1


def all_places(pair: Pair, place: Place, discipline: str) -> list[tuple[int, str]]:
    """Return the places where a publish is stopped. Every store of the page is among them."""
    begin(pair.producer, pair.consumer, place.name(), discipline)
    found = last_places(places(pair.producer, publish({"bytes": data(2)})))
    labels = [label for _, label in found]
    assert set(labels) >= STORES
    order = [label for label in dict.fromkeys(labels) if label in STORES]
    assert order == sorted(STORES, key=lambda label: int(label[1:]))
    return found


def reset(*peers: Peer) -> None:
    for peer in peers:
        peer.request({"do": "reset"})


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_readers_beside_a_writer_that_is_stopped(pair: Pair, place: Place, discipline: str) -> None:
    for stop, label in all_places(pair, place, discipline):
        reset(pair.consumer, pair.producer)
        name = place.name()
        begin(pair.producer, pair.consumer, name, discipline)
        done = int(label[1:])
        with stopping(pair.producer, stop, publish({"bytes": data(2)})):
            check_stores(name, done, discipline)
            seen = see(pair.consumer, discipline)
            assert seen == (2 if done >= 8 else 1), label
        assert "value" in go_on(pair.producer)[0]
        assert read_channel(name).number == 2
        after = pair.consumer.request(READ)[0]["value"]
        assert after == (None if seen == 2 else value(2)), label
        if discipline == "latest":
            assert pair.consumer.request(hold("v", again=True))[0]["value"] == value(1)
        found = read_channel(name)
        assert found.sleepers == 0
        assert found.newest is not None
        assert found.newest.stamp == 4


def check_stores(name: str, done: int, discipline: str) -> None:
    """Check the words of a channel whose writer has stopped after a step, past both libraries."""
    found = read_channel(name)
    slot = found.slots[2 % found.count]
    if 2 <= done < 6:
        assert slot.stamp == 3, done
    if done >= 6:
        assert slot.stamp == 4
        assert slot.data.hex() == data(2)
        assert slot.published
    if done >= 7:
        assert found.sleepers == 0, "W7 comes before W8"
    assert found.number == (2 if done >= 8 else 1)
    assert found.state == 1


def see(reader: Peer, discipline: str) -> int:
    """Return the newest value that readers of a stopped channel see: all of them the same."""
    if discipline == "queue":
        outcomes = reader.request({**READ, "reader": "r2"}, READ)
        assert outcomes[0]["value"] == value(1)
        if outcomes[1]["value"] is None:
            return 1
        assert outcomes[1]["value"] == value(2)
        return 2
    read, held, again, _ = (
        outcome["value"]
        for outcome in reader.request(READ, hold("v2"), hold("v", again=True), release("v2"))
    )
    assert again == value(1), "a held value has changed"
    assert held == value(held["number"])
    assert read == (None if held["number"] == 1 else value(2))
    number: int = held["number"]
    return number


@pytest.mark.slow
@pytest.mark.parametrize("following", ["same-language", "reader's-language"])
@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_a_writer_that_is_killed_is_followed_by_another(
    pair: Pair, place: Place, discipline: str, following: str
) -> None:
    reader = pair.consumer
    for stop, label in all_places(pair, place, discipline):
        reset(reader, pair.producer)
        name = place.name()
        begin(pair.producer, reader, name, discipline)
        with stopping(pair.producer, stop, publish({"bytes": data(2)})):
            pair.producer.kill()
        assert reader.request(STATE)[0]["value"]["writer"] == "died"
        seen = see(reader, discipline)
        delivered = label not in UNFINISHED
        assert seen == (2 if delivered and label not in FINISHED else 1), label
        writer = pair.producer if following == "same-language" else reader
        if writer is not reader:
            writer.request(opened(name, discipline, BYTES))
        writer.request(WRITER)
        found = read_channel(name)
        assert (found.number, found.epoch, found.state) == (2 if delivered else 1, 2, 1), label
        if discipline == "latest":
            check_latest(writer, reader, seen, found.number)
        else:
            check_queue(writer, reader, seen, delivered)
        assert reader.request(STATE)[0]["value"]["writer"] == "alive"


def check_latest(writer: Peer, reader: Peer, seen: int, published: int) -> None:
    """The reader gets what the dead writer has finished, and then the values of the next one."""
    expected = value(2) if published == 2 and seen == 1 else None
    assert reader.request(READ)[0]["value"] == expected
    for number in range(published + 1, published + 7):
        new = f"{0xA0 + number:02x}" * BIG
        assert writer.request(publish({"bytes": new})) == [{"value": number}]
        outcomes = reader.request(READ, hold("v", again=True), hold("v2"), release("v2"))
        expected_now = value(number, new)
        assert [outcome["value"] for outcome in outcomes[:3]] == [
            expected_now, value(1), expected_now,
        ]  # fmt: skip
    reader.request(release("v"))


def check_queue(writer: Peer, reader: Peer, seen: int, delivered: bool) -> None:
    """Both consumers get each value once and in order, whoever has published it."""
    # r has read what was there, r2 only the first one.
    wanted = {2: value(2)} if delivered else {}
    last = {"r": seen, "r2": 1}
    got: dict[str, list[Any]] = {"r": [], "r2": []}
    first = 3 if delivered else 2
    for number in range(first, first + 5):
        for consumer, values in got.items():
            values.extend(take(reader, consumer))
        new = f"{0xA0 + number:02x}" * BIG
        assert writer.request(publish({"bytes": new}, timeout=30)) == [{"value": number}]
        wanted[number] = value(number, new)
    for consumer, values in got.items():
        values.extend(take(reader, consumer))
        assert values == [wanted[number] for number in wanted if number > last[consumer]]


def take(reader: Peer, consumer: str) -> list[Any]:
    """Return the values that a consumer has not read yet."""
    found = []
    while (one := reader.request({**READ, "reader": consumer})[0]["value"]) is not None:
        found.append(one)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_a_writer_that_is_killed_in_its_takeover_is_followed_by_another(
    pair: Pair, place: Place, discipline: str
) -> None:
    """The first writer dies with a value that is finished; the next one while it delivers it."""
    stops: list[tuple[int, str]] = []
    while not stops or stops[0][1] != "done":
        reset(pair.consumer, pair.producer)
        name = place.name()
        begin(pair.producer, pair.consumer, name, discipline)
        steps = places(pair.producer, publish({"bytes": data(2)}))
        finished = max(index for index, label in enumerate(steps, 1) if label == "W6")
        reset(pair.consumer, pair.producer)
        begin(pair.producer, pair.consumer, name, discipline)
        with stopping(pair.producer, finished, publish({"bytes": data(2)})):
            pair.producer.kill()
        pair.producer.request(opened(name, discipline, BYTES))
        if not stops:
            done = places(pair.producer, WRITER)
            assert set(done) >= {"T1", "T3", "T4", "T5"}
            stops = [*last_places(done), (0, "done")]
        else:
            with stopping(pair.producer, stops[0][0], WRITER):
                pair.producer.kill()
            stops.pop(0)
        if pair.producer.pid:
            pair.producer.kill()
        pair.consumer.request(WRITER)
        assert read_channel(name).number == 2
        assert take(pair.consumer, "r") == [value(2)]
        if discipline == "queue":
            assert take(pair.consumer, "r2") == [value(1), value(2)]
        assert pair.consumer.request(publish({"bytes": "aa"})) == [{"value": 3}]


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_a_finished_value_of_a_dead_writer_is_delivered(
    pair: Pair, place: Place, discipline: str
) -> None:
    begin(pair.producer, pair.consumer, place.name(), discipline)
    steps = places(pair.producer, publish({"bytes": data(2)}))
    finished = max(index for index, label in enumerate(steps, 1) if label == "W6")
    reset(pair.consumer, pair.producer)
    name = place.name()
    begin(pair.producer, pair.consumer, name, discipline)
    with stopping(pair.producer, finished, publish({"bytes": data(2)})):
        pair.producer.kill()
    assert take(pair.consumer, "r") == []
    pair.consumer.request(WRITER)
    assert read_channel(name).number == 2
    assert take(pair.consumer, "r") == [value(2)]


def test_a_reader_learns_once_that_the_writer_died(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    pair.consumer.request(opened(name, "latest", BYTES), READER, READ)
    pair.consumer.send({**READ, "timeout": 60}, STATE)
    wait_until_asleep(pair.consumer)
    pair.producer.kill()
    other = {**READER, "as": "other"}
    pair.producer.request(opened(name, "latest", BYTES), other, {**READ, "reader": "other"})
    # The next writer comes when this reader has learned of the death: within a second.
    died = {"do": "channel-wait", "reader": "other", "timeout": 1.5}
    assert pair.producer.request(died, {**STATE, "target": "other"})[1]["value"]["deaths"] == 1
    pair.producer.request(died, WRITER, publish({"bytes": "02"}))
    read, state = (outcome["value"] for outcome in pair.consumer.receive())
    assert read["bytes"] == "02"
    assert state["deaths"] == 1
    assert state["writer"] == "alive"


# --- readers that are killed or stopped ---


def test_a_value_that_is_overwritten_while_it_is_copied_is_not_returned(
    pair: Pair, place: Place
) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": data(1)}))
    pair.consumer.request(opened(name, "latest", BYTES), READER)
    copied = places(pair.consumer, READ)
    stop = max(index for index, label in enumerate(copied, 1) if label == "R3")
    pair.producer.request(publish({"bytes": data(2)}))
    pair.consumer.send({"do": "channel-step", "after": stop, "step": READ}, STATE)
    wait_until_stopped(pair.consumer)
    for number in range(3, 9):
        pair.producer.request(publish({"bytes": data(number)}))
    state = go_on(pair.consumer)[1]["value"]
    assert state["number"] == 8
    assert state["retries"] >= 1
    assert state["skipped"] == 6


def test_a_copying_reader_that_is_killed_changes_nothing(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    for wait in (True, False):
        pair.consumer.request(opened(name, "latest", BYTES), READER, READ)
        if wait:
            pair.consumer.send({"do": "channel-wait", "reader": "r", "timeout": 60})
            wait_until_asleep(pair.consumer)
        pair.consumer.kill()
        pair.producer.request(*[publish({"bytes": "02"})] * 5)
    assert read_channel(name).number == 11


def test_the_slot_of_a_viewer_that_is_killed_is_not_used(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    pair.consumer.request(opened(name, "latest", BYTES), VIEWER)
    pair.consumer.request(hold("v"))
    pin = read_channel(name).entries[0].pin
    pair.consumer.kill()
    for number in range(2, 9):
        assert pair.producer.request(publish({"bytes": f"{number:02x}"})) == [{"value": number}]
        found = read_channel(name)
        assert found.latest >> 56 != pin >> 56
        assert found.slots[pin >> 56].data == b"\1"
    # Another viewer takes the entry, and the slot is free again.
    pair.consumer.request(opened(name, "latest", BYTES), VIEWER)
    assert read_channel(name).entries[0].pin == 0
    used = set()
    for _ in range(6):
        pair.producer.request(publish({"bytes": "aa"}))
        used.add(read_channel(name).latest >> 56)
    assert used == {0, 1, 2}


def test_a_pin_that_comes_between_two_looks_is_seen(pair: Pair, place: Place) -> None:
    """A viewer pins the slot that the writer has just chosen: the writer takes another one."""
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    pair.consumer.request(opened(name, "latest", BYTES), VIEWER)
    pair.consumer.request(hold("v"), release("v"))
    done = places(pair.consumer, hold("v"))
    pair.consumer.request(release("v"))
    stop = max(index for index, label in enumerate(done, 1) if label == "P3")
    # The viewer stops with its pin on value 1, before it looks at the stamp.
    with stopping(pair.consumer, stop, hold("v")):
        pin = read_channel(name).entries[0].pin
        assert pin & (1 << 56) - 1 == 1
        for number in range(2, 6):
            pair.producer.request(publish({"bytes": f"{number:02x}"}))
            assert read_channel(name).latest >> 56 != pin >> 56
    assert "value" in go_on(pair.consumer)[0]
    assert pair.consumer.request(hold("v", again=True))[0]["value"]["bytes"] == "01"


def test_a_pin_that_comes_between_two_looks_of_the_writer_is_seen(pair: Pair, place: Place) -> None:
    """A viewer has read `latest` long ago, and pins its slot after the writer has chosen that."""
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    pair.consumer.request(opened(name, "latest", BYTES), VIEWER)
    pair.consumer.request(hold("v"), release("v"))
    look = places(pair.consumer, hold("v"))
    pair.consumer.request(release("v"))
    before = max(index for index, label in enumerate(look, 1) if label == "P2")
    steps = places(pair.producer, publish({"bytes": "02"}))
    mark = max(index for index, label in enumerate(steps, 1) if label == "W2")
    with stopping(pair.consumer, before, hold("v")):
        old = read_channel(name).latest >> 56
        pair.producer.request(publish({"bytes": "03"}), publish({"bytes": "04"}))
        with stopping(pair.producer, mark, publish({"bytes": "05"})):
            assert read_channel(name).slots[old].stamp == 9
            # The harness takes the viewer's part: its pin is stored, but it does not look yet.
            store_pin(name, old << 56 | 2)
        assert "value" in go_on(pair.producer)[0]
        found = read_channel(name)
        assert found.number == 5
        assert found.latest >> 56 != old
        assert found.slots[old].stamp == 4, "the old stamp is back"
    go_on(pair.consumer)


def store_pin(name: str, word: int) -> None:
    """Store the pin of the first viewer, as it does itself after P2."""
    with path_of(name).open("r+b") as file:
        file.seek(read_channel(name).readers_at + 8)
        file.write(word.to_bytes(8, "little"))


def test_a_pin_that_comes_after_the_choice_moves_the_writer(pair: Pair, place: Place) -> None:
    """A viewer holds value 1 while the writer has stopped after it has marked that slot."""
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    pair.consumer.request(opened(name, "latest", BYTES), VIEWER)
    pair.consumer.request(hold("v"), release("v"))
    pair.producer.request(publish({"bytes": "02"}), publish({"bytes": "03"}))
    done = places(pair.producer, publish({"bytes": "04"}))
    mark = max(index for index, label in enumerate(done, 1) if label == "W2")
    look = places(pair.consumer, hold("v"))
    pair.consumer.request(release("v"))
    pin = max(index for index, label in enumerate(look, 1) if label == "P2")
    # The viewer has read `latest` = 4 and stops; three values later the ring is at its slot again.
    with stopping(pair.consumer, pin, hold("v")):
        old = read_channel(name).latest >> 56
        pair.producer.request(publish({"bytes": "05"}), publish({"bytes": "06"}))
        with stopping(pair.producer, mark, publish({"bytes": "07"})):
            assert read_channel(name).slots[old].stamp == 13
            outcome = go_on(pair.consumer)[0]
            assert "value" in outcome
            held = pair.consumer.request(hold("v", again=True))[0]["value"]
            assert held["bytes"] == f"{held['number']:02x}"
            assert held["number"] == 6
        go_on(pair.producer)
    for number in range(8, 14):
        pair.producer.request(publish({"bytes": f"{number:02x}"}))
    assert pair.consumer.request(hold("v", again=True))[0]["value"] == held


def test_a_consumer_that_is_killed_is_forgotten(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "queue", BYTES, slots=2), WRITER, {**READER, "as": "own"})
    for in_place in (False, True):
        pair.consumer.request(opened(name, "queue", BYTES), READER)
        pair.producer.request(*[publish({"bytes": "01"}, timeout=0)] * 2)
        take(pair.producer, "own")
        if in_place and pair.consumer.hello["language"] == "python":
            pair.consumer.request(hold("r"))
        pair.producer.send(publish({"bytes": "02"}, timeout=20))
        wait_until_asleep(pair.producer)
        assert read_channel(name).writer_waits == 1
        assert [entry.mode for entry in read_channel(name).entries[:3]] == [2, 2, 0]
        pair.consumer.kill()
        assert "value" in pair.producer.receive()[0]
        found = read_channel(name)
        assert [entry.mode for entry in found.entries[:3]] == [2, 0, 0]
        assert found.writer_waits == 0
        assert len(take(pair.producer, "own")) == 1


def test_a_consumer_that_is_stopped_lets_the_writer_wait(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "queue", BYTES, slots=2), WRITER)
    pair.consumer.request(opened(name, "queue", BYTES), READER)
    pair.producer.request(*[publish({"bytes": "01"}, timeout=0)] * 2)
    done = places(pair.consumer, READ)
    assert "C3" in done
    pair.producer.request(publish({"bytes": "02"}, timeout=30))
    os.kill(pair.consumer.pid, signal.SIGSTOP)
    try:
        full = pair.producer.request(publish({"bytes": "03"}, timeout=0.5), on_error="continue")
        assert full[0]["error"]["kind"] == "timeout"
        assert read_channel(name).entries[0].mode == 2
        pair.producer.send(publish({"bytes": "03"}, timeout=60))
        wait_until_asleep(pair.producer)
        assert read_channel(name).writer_waits == 1
    finally:
        os.kill(pair.consumer.pid, signal.SIGCONT)
    assert pair.consumer.request(READ)[0]["value"]["number"] == 2
    assert pair.producer.receive() == [{"value": 4}]
    assert [one["number"] for one in take(pair.consumer, "r")] == [3, 4]


# --- wake-ups ---


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_no_store_of_a_publish_leaves_a_reader_asleep(
    pair: Pair, place: Place, discipline: str
) -> None:
    """A reader that falls asleep beside a stopped writer is marked as asleep when that is done."""
    for stop, label in all_places(pair, place, discipline):
        reset(pair.consumer, pair.producer)
        name = place.name()
        begin(pair.producer, pair.consumer, name, discipline)
        with stopping(pair.producer, stop, publish({"bytes": data(2)})):
            take(pair.consumer, "r")
            if discipline == "queue":
                take(pair.consumer, "r2")
            pair.consumer.send({"do": "channel-wait", "reader": "r", "timeout": 60})
            wait_until_asleep(pair.consumer)
        go_on(pair.producer)
        if int(label[1:]) >= 8:  # it has read value 2, and sleeps until the next one
            assert read_channel(name).sleepers == 1, label
            wait_until_asleep(pair.consumer)
            pair.producer.request(publish({"bytes": data(3)}))
        assert pair.consumer.receive() == [{"value": True}]
        assert not is_asleep(pair.consumer.pid)
