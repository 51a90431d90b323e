"""The golden channels in fixtures/channels: the whole map of each, as docs/channels.md has it.

The bytes are those of interop/oracle/channel.py. Each language must write the same bytes, but for
the numbers that differ in each run, and must read the values of the file.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from pyshm.testing.process import Peer

from ..oracle.channel import Description, Value, channel_bytes, without_chance
from ..oracle.memory import describe_difference, read_map
from .channel_values import ARRAYS, BYTES, IMAGES, STRUCTS, ChannelCase

__all__ = ["CHANNELS", "GoldenChannel", "wrong_with"]

_CLOSED = 2
_counter = itertools.count(1)


class GoldenChannel(NamedTuple):
    """A channel whose writer has published values, and has closed it."""

    name: str
    case: ChannelCase
    discipline: str
    slots: int
    readers: int
    pins: int = 0
    plain: bool = False

    @property
    def description(self) -> dict[str, Any]:
        """The content of the JSON file beside the bytes."""
        return {
            "format": "channel",
            "discipline": self.discipline,
            "content": self.case.content,
            "type": self.case.text,
            "capacity": self.case.capacity,
            "slots": self.slots,
            "readers": self.readers,
            "pins": self.pins,
            "plain": self.plain,
            "values": [
                {"tag": tag, **value, "slot": slot.hex()}
                for tag, (value, slot) in enumerate(
                    zip(self.case.values, self.case.slots, strict=True), 1
                )
            ],
        }

    @property
    def data(self) -> bytes:
        """The bytes of the map."""
        description = Description(
            self.discipline, self.case.content, self.case.capacity, self.slots, self.readers,
            self.pins, self.plain, self.case.text,
        )  # fmt: skip
        values = [
            Value(slot, tag, value.get("dtype", ""), tuple(value.get("shape", ())))
            for tag, (value, slot) in enumerate(
                zip(self.case.values, self.case.slots, strict=True), 1
            )
        ]
        return channel_bytes(description, values, _CLOSED)


CHANNELS = [
    GoldenChannel("latest-bytes", BYTES, "latest", slots=3, readers=32, pins=1),
    GoldenChannel("latest-struct", STRUCTS[0], "latest", slots=4, readers=2, pins=2),
    GoldenChannel("latest-image", IMAGES, "latest", slots=3, readers=1, pins=0, plain=True),
    GoldenChannel("latest-array", ARRAYS[0], "latest", slots=3, readers=32, pins=1),
    GoldenChannel("queue-bytes", BYTES, "queue", slots=2, readers=1),
    GoldenChannel("queue-struct", STRUCTS[2], "queue", slots=8, readers=32),
]


def wrong_with(golden: GoldenChannel, data: bytes, peer: Peer) -> Iterator[str]:
    """Yield what is wrong with the bytes that ``peer`` writes, and with what it reads of a file."""
    file = f"channels/{golden.name}.bin"
    try:
        difference = describe_difference(data, _written(golden, peer))
        if difference is not None:
            yield f"{file}: {peer.name} writes other bytes\n{difference}"
        yield from (f"{file}: {peer.name} {text}" for text in _misread(golden, data, peer))
    except AssertionError as error:
        yield f"{file}: {peer.name}: {error}"
    finally:
        peer.request({"do": "reset"})


def _name() -> str:
    return f"pyshm-golden-{os.getpid()}-{next(_counter)}"


def _request(peer: Peer, *steps: dict[str, Any]) -> list[Any]:
    outcomes = peer.request(*steps)
    errors = [outcome["error"] for outcome in outcomes if "error" in outcome]
    assert not errors, errors[0]
    return [outcome["value"] for outcome in outcomes]


def _opened(golden: GoldenChannel, name: str, do: str, **more: Any) -> dict[str, Any]:
    step = {"do": do, "as": "c", "name": name, "discipline": golden.discipline}
    return {**step, **golden.case.options, **more}


_WRITER = {"do": "channel-writer", "as": "w", "channel": "c"}
_READER = {"do": "channel-reader", "as": "r", "channel": "c"}


def _written(golden: GoldenChannel, peer: Peer) -> bytes:
    """Return the bytes of the map that a peer makes."""
    name = _name()
    sizes: dict[str, Any] = {
        "slots": golden.slots,
        "readers": golden.readers,
        "plain": golden.plain,
    }
    if golden.discipline == "latest":
        sizes["pins"] = golden.pins
    create = _opened(golden, name, "channel-create", capacity=golden.case.capacity, **sizes)
    values = [
        {"do": "channel-publish", "writer": "w", "tag": tag, **value}
        for tag, value in enumerate(golden.case.values, 1)
    ]
    _request(peer, create, _WRITER, *values, {"do": "dispose", "target": "w"})
    return without_chance(read_map(name, 1 << 24))


def _misread(golden: GoldenChannel, data: bytes, peer: Peer) -> Iterator[str]:
    """Yield what a peer reads wrong of a map that has the golden bytes."""
    name = _name()
    _request(
        peer,
        {"do": "create-new", "as": "m", "name": name, "capacity": len(data)},
        {"do": "view", "as": "a", "map": "m"},
        {"do": "write-array", "view": "a", "type": "byte", "position": 0, "items": data.hex()},
        _opened(golden, name, "channel-open"),
        _READER,
    )
    state = _request(peer, {"do": "channel-state", "target": "r"})[0]["writer"]
    if state != "closed":
        yield f"says that the writer is {state}, not closed"
    count = len(golden.case.values)
    if golden.discipline == "latest":
        expected = {"number": count, "tag": count, **golden.case.values[-1]}
        found = _request(peer, {"do": "channel-read", "reader": "r"})[0]
        if found != expected:
            yield f"reads {found}, not {expected}"
    # The next writer goes on after the last value.
    first = golden.case.values[0]
    _request(peer, _WRITER, {"do": "channel-publish", "writer": "w", **first})
    found = _request(peer, {"do": "channel-read", "reader": "r"})[0]
    expected = {"number": count + 1, "tag": 0, **first}
    if found != expected:
        yield f"reads {found} of the next writer, not {expected}"
