"""Channels between the languages: all kinds of values, both disciplines, the bytes in the map."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

import pytest

from interop.cases.channel_values import ARRAYS, BYTES, STRUCTS, ChannelCase, all_channels, of
from interop.exchange.place import Place
from interop.oracle.channel import locked_bytes, read_channel, type_hash
from interop.plugin.hooks import Pair
from pyshm.testing.process import Peer

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(sys.platform != "linux", reason="channels need Linux"),
]
GROUP = "channels"

CASES = [
    pytest.param(
        case,
        id=case.name,
        marks=pytest.mark.skipif(
            case.content == "array" and find_spec("numpy") is None, reason="arrays need NumPy"
        ),
    )
    for case in all_channels()
]
DISCIPLINES = ["latest", "queue"]


def create(name: str, discipline: str, case: ChannelCase, **sizes: Any) -> dict[str, Any]:
    """Return the step that creates the channel ``c``."""
    step = {"do": "channel-create", "as": "c", "name": name, "discipline": discipline}
    return {**step, **case.options, "capacity": case.capacity, **sizes}


def opened(name: str, discipline: str, case: ChannelCase, **options: Any) -> dict[str, Any]:
    """Return the step that opens the channel ``c``."""
    step = {"do": "channel-open", "as": "c", "name": name, "discipline": discipline}
    return {**step, **case.options, **options}


WRITER = {"do": "channel-writer", "as": "w", "channel": "c"}
READER = {"do": "channel-reader", "as": "r", "channel": "c"}
VIEWER = {"do": "channel-viewer", "as": "v", "channel": "c"}
READ = {"do": "channel-read", "reader": "r"}


def publish(value: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"do": "channel-publish", "writer": "w", **value, **options}


def kind(peer: Peer, *steps: dict[str, Any]) -> Any:
    """Return the error of the last of these steps."""
    return peer.request(*steps, on_error="continue")[-1]["error"]


@pytest.fixture(autouse=True)
def _has_arrays_of_bytes(request: pytest.FixtureRequest) -> None:
    """Skip what C# can't carry: there, a channel of byte[] is one of bytes."""
    if "array-u1" in request.node.name and "dotnet" in request.node.name:
        pytest.skip("in C#, a channel of byte[] is one of bytes")


# --- values ---


@pytest.mark.parametrize("discipline", DISCIPLINES)
@pytest.mark.parametrize("carried", CASES)
def test_every_value_arrives(
    pair: Pair, place: Place, carried: ChannelCase, discipline: str
) -> None:
    name = place.name()
    pair.producer.request(create(name, discipline, carried), WRITER)
    pair.consumer.request(opened(name, discipline, carried), READER)
    for number, (value, slot) in enumerate(zip(carried.values, carried.slots, strict=True), 1):
        assert pair.producer.request(publish(value, tag=number + 2**31)) == [{"value": number}]
        newest = read_channel(name).newest
        assert newest is not None
        assert newest.stamp == 2 * number
        assert newest.length == len(slot)
        assert newest.data == slot
        assert newest.tag == number + 2**31
        assert newest.published
        if carried.content == "array":
            assert newest.dtype.decode() == value["dtype"]
            assert list(newest.shape) == value["shape"]
        expected = {"number": number, "tag": number + 2**31, **value}
        assert pair.consumer.request(READ, READ) == [{"value": expected}, {"value": None}]


@pytest.mark.parametrize("discipline", DISCIPLINES)
@pytest.mark.parametrize("carried", CASES)
def test_a_value_is_used_in_its_slot(
    pair: Pair, place: Place, carried: ChannelCase, discipline: str
) -> None:
    name = place.name()
    holder = {**VIEWER, "as": "r"} if discipline == "latest" else READER
    pair.producer.request(create(name, discipline, carried), WRITER)
    pair.consumer.request(opened(name, discipline, carried), holder)
    for number, (value, slot) in enumerate(zip(carried.values, carried.slots, strict=True), 1):
        shape = {"shape": value["shape"]} if "shape" in value else {}
        pair.producer.request(
            {"do": "channel-loan", "writer": "w", "bytes": slot.hex(), "tag": 5, **shape}
        )
        newest = read_channel(name).newest
        assert newest is not None
        assert newest.data == slot
        assert newest.length == len(slot)
        assert list(newest.shape) == value.get("shape", [])
        if discipline == "queue" and pair.consumer.hello["language"] == "dotnet":
            # A consumer in C# copies.
            expected = {"number": number, "tag": 5, **value}
            assert pair.consumer.request(READ) == [{"value": expected}]
            continue
        outcomes = pair.consumer.request(
            {"do": "channel-hold", "reader": "r"}, {"do": "channel-release", "reader": "r"}
        )
        expected = {"number": number, "tag": 5, "bytes": slot.hex()}
        assert outcomes == [{"value": expected}, {"value": None}]


@pytest.mark.parametrize("carried", CASES)
def test_the_type_text_is_that_of_the_page(peer: Peer, place: Place, carried: ChannelCase) -> None:
    name = place.name()
    peer.request(create(name, "latest", carried))
    found = read_channel(name)
    assert found.text.decode() == carried.text
    assert found.type == type_hash(carried.text)
    assert found.content == ("bytes", "image", "struct", "array").index(carried.content)
    assert found.capacity == carried.capacity


# --- what is shared: the writer, the entries, the end ---


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_a_channel_has_one_writer(pair: Pair, place: Place, discipline: str) -> None:
    name = place.name()
    pair.producer.request(create(name, discipline, BYTES), WRITER)
    assert locked_bytes(name) == {1}
    found = kind(pair.consumer, opened(name, discipline, BYTES), WRITER)
    assert found["kind"] == "writer-alive"
    state = {"do": "channel-state", "target": "r"}
    assert pair.consumer.request(READER, state)[1]["value"]["writer"] == "alive"
    expected = {"published": 0, "epoch": 1}
    assert pair.producer.request({**state, "target": "w"}) == [{"value": expected}]
    pair.producer.request({"do": "dispose", "target": "w"})
    assert 1 not in locked_bytes(name)
    assert pair.consumer.request(state)[0]["value"]["writer"] == "closed"
    pair.consumer.request(WRITER)
    assert read_channel(name).epoch == 2
    assert kind(pair.producer, WRITER)["kind"] == "writer-alive"


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_readers_get_the_last_value_and_then_the_end(
    pair: Pair, place: Place, discipline: str
) -> None:
    name = place.name()
    pair.producer.request(create(name, discipline, BYTES), WRITER)
    pair.consumer.request(opened(name, discipline, BYTES), READER)
    pair.producer.request(publish({"bytes": "07"}), {"do": "dispose", "target": "w"})
    outcomes = pair.consumer.request(
        {**READ, "timeout": 30},
        {"do": "channel-wait", "reader": "r", "timeout": 30},
        {**READ, "timeout": 30},
        on_error="continue",
    )
    assert outcomes[0]["value"] == {"number": 1, "tag": 0, "bytes": "07"}
    assert outcomes[1]["value"] is False
    assert outcomes[2]["error"]["kind"] == "channel-ended"
    # Another writer begins where the last one has stopped.
    pair.producer.request(WRITER, publish({"bytes": "08"}))
    assert pair.consumer.request(READ)[0]["value"]["number"] == 2


def test_as_many_viewers_as_pins(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES, pins=2), VIEWER)
    found = read_channel(name)
    assert (found.count, found.viewers) == (4, 2)
    pair.consumer.request(opened(name, "latest", BYTES), VIEWER)
    assert locked_bytes(name) == {16, 17}
    full = kind(pair.consumer, {**VIEWER, "as": "v2"})
    assert full["kind"] == "channel-full"
    pair.producer.request({"do": "dispose", "target": "v"})
    pair.consumer.request({**VIEWER, "as": "v2"})
    assert [entry.mode for entry in read_channel(name).entries[:3]] == [1, 1, 0]


def test_as_many_consumers_as_entries(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "queue", BYTES, readers=2), READER)
    pair.consumer.request(opened(name, "queue", BYTES), READER)
    assert locked_bytes(name) == {16, 17}
    assert kind(pair.consumer, {**READER, "as": "r2"})["kind"] == "channel-full"
    pair.producer.request({"do": "dispose", "target": "r"})
    pair.consumer.request({**READER, "as": "r2"})
    assert [entry.mode for entry in read_channel(name).entries] == [2, 2]


def test_a_held_value_does_not_change(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    pair.consumer.request(opened(name, "latest", BYTES), VIEWER, READER)
    hold = {"do": "channel-hold", "reader": "v"}
    assert pair.consumer.request(hold)[0]["value"]["bytes"] == "01"
    held = read_channel(name)
    assert held.pinners == 1
    assert held.entries[0].pin == held.latest
    for number in range(2, 12):
        pair.producer.request(publish({"bytes": f"{number:02x}"}))
        assert pair.consumer.request({**hold, "again": True}, READ) == [
            {"value": {"number": 1, "tag": 0, "bytes": "01"}},
            {"value": {"number": number, "tag": 0, "bytes": f"{number:02x}"}},
        ]
    pair.consumer.request({"do": "channel-release", "reader": "v"})
    assert read_channel(name).entries[0].pin == 0
    assert pair.consumer.request(hold)[0]["value"]["number"] == 11


def test_a_full_queue_lets_its_writer_wait(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "queue", BYTES, slots=2), WRITER)
    pair.consumer.request(opened(name, "queue", BYTES), READER)
    pair.producer.request(*[publish({"bytes": "01"}, timeout=0)] * 2)
    full = kind(pair.producer, publish({"bytes": "03"}, timeout=0.01))
    assert full["kind"] == "timeout"
    found = read_channel(name)
    assert found.number == 2
    assert sorted(slot.stamp for slot in found.slots) == [2, 4]
    pair.producer.send(publish({"bytes": "03"}, timeout=30))
    assert pair.consumer.request(READ)[0]["value"]["number"] == 1
    assert pair.producer.receive() == [{"value": 3}]


# --- channels that are something else ---


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_the_other_discipline_is_refused(pair: Pair, place: Place, discipline: str) -> None:
    name = place.name()
    other = DISCIPLINES[1 - DISCIPLINES.index(discipline)]
    pair.producer.request(create(name, discipline, BYTES))
    for step in (opened(name, other, BYTES), create(name, other, BYTES, how="create-or-open")):
        found = kind(pair.consumer, step)
        assert found["kind"] == "channel-type"
        for word in ("LatestChannel", "QueueChannel"):
            assert word in found["message"]


@pytest.mark.skipif(find_spec("numpy") is None, reason="arrays need NumPy")
def test_another_content_is_refused_with_both_named(pair: Pair, place: Place) -> None:
    cases = [BYTES, of("image"), STRUCTS[0], STRUCTS[1], ARRAYS[0], ARRAYS[2]]
    words = ["bytes", "image", "topspeed", "9 i2 c", "<f4", "<f8"]
    names = [place.name() for _ in cases]
    for number, (name, case) in enumerate(zip(names, cases, strict=True)):
        pair.producer.request({**create(name, "latest", case), "as": f"c{number}"})
    for here, name in enumerate(names):
        for there, case in enumerate(cases):
            outcome = pair.consumer.request(opened(name, "latest", case), on_error="continue")[0]
            if here == there:
                assert outcome == {"value": None}
                continue
            assert outcome["error"]["kind"] == "channel-type"
            for word in (words[here], words[there]):
                assert word in outcome["error"]["message"], outcome


def test_fields_that_have_changed_places_are_refused(pair: Pair, place: Place) -> None:
    name = place.name()
    case = STRUCTS[1]
    pair.producer.request(create(name, "latest", case))
    (declared,) = case.options["types"]
    changed = [{**declared, "fields": list(reversed(declared["fields"]))}]
    assert kind(pair.consumer, opened(name, "latest", case, types=changed))["kind"] == (
        "channel-type"
    )
    renamed = [
        {
            **declared,
            "name": "Other",
            "fields": [{**field, "name": f"_{field['name']}_"} for field in declared["fields"]],
        }
    ]
    pair.consumer.request(opened(name, "latest", case, types=renamed))


def test_a_larger_capacity_than_there_is_is_refused(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES))
    step = create(name, "latest", BYTES, how="create-or-open")
    pair.consumer.request({**step, "capacity": BYTES.capacity})
    found = kind(pair.consumer, {**step, "capacity": BYTES.capacity + 1})
    assert found["kind"] == "channel-type"
    assert str(BYTES.capacity + 1) in found["message"]
    assert f" {BYTES.capacity} " in found["message"]


def test_a_value_that_is_too_large_is_refused(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    found = kind(pair.producer, publish({"bytes": "00" * (BYTES.capacity + 1)}))
    assert found["kind"] == "does-not-fit"
    pair.consumer.request(opened(name, "latest", BYTES), READER)
    assert pair.consumer.request(READ)[0]["value"]["number"] == 1
    assert pair.producer.request(publish({"bytes": "02"})) == [{"value": 2}]
    assert pair.consumer.request(READ)[0]["value"]["bytes"] == "02"


def test_a_map_that_is_no_channel_is_refused(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(
        {"do": "create-new", "as": "m", "name": name, "capacity": 65536},
        {"do": "view", "as": "a", "map": "m"},
        {"do": "write-array", "view": "a", "type": "byte", "position": 61440, "items": "50" * 8},
    )
    found = kind(pair.consumer, opened(name, "latest", BYTES))
    assert found["kind"] == "not-a-channel"


def test_a_plain_area_has_each_value(pair: Pair, place: Place) -> None:
    name = place.name()
    case = of("image")
    pair.producer.request(create(name, "latest", case, plain=True), WRITER)
    helper = {"do": "helper", "as": "m", "how": "open", "name": name, "capacity": 0}
    for value, blob in zip(case.values, case.slots, strict=True):
        pair.producer.request(publish(value))
        assert read_channel(name).area[: len(blob)] == blob
        helper["capacity"] = read_channel(name).size
        read = pair.consumer.request(helper, {"do": "read-image", "helper": "m"})[1]["value"]
        assert read["path"] == value["path"]
        assert read["length"] == len(value["bytes"]) // 2


def test_a_value_that_is_not_finished_is_not_seen(pair: Pair, place: Place) -> None:
    name = place.name()
    pair.producer.request(create(name, "latest", BYTES), WRITER, publish({"bytes": "01"}))
    pair.consumer.request(opened(name, "latest", BYTES), READER)
    loan = {"do": "channel-loan", "writer": "w", "bytes": "eeee"}
    for end in ("keep", "abandon"):
        pair.producer.request({**loan, "end": end})
        assert 3 in {slot.stamp for slot in read_channel(name).slots}
    assert pair.consumer.request(READ)[0]["value"]["bytes"] == "01"
    assert pair.producer.request(publish({"bytes": "02"})) == [{"value": 2}]
    assert pair.consumer.request(READ)[0]["value"]["bytes"] == "02"
