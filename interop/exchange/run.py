"""Run one case with two peers that run at the same time and both hold the map."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyshm.testing.process import Peer, PeerFailure

from ..cases.case import Case, matches
from ..oracle.format import read_image, read_struct
from ..oracle.memory import describe_difference, read_file
from ..worlds.world import NATIVE, WINDOWS, World, world_of
from .place import Place
from .record import CONSUMER, PRODUCER, Record

__all__ = ["disposing", "run_case"]


def run_case(
    case: Case,
    producer: Peer,
    consumer: Peer,
    place: Place,
    worlds: tuple[World, World] | None = None,
    record: Record | None = None,
) -> None:
    """Run ``case``. The consumer must report what the case expects, and the bytes must be right.

    The harness reads the bytes itself, while both peers hold the map.

    Args:
        case: what is written, read and expected.
        producer: the peer that writes.
        consumer: the peer that reads.
        place: gives names and paths.
        worlds: the worlds of the producer and of the consumer, both native by default. Two
            different worlds have no named maps in common.
        record: gets what is expected, and the bytes that were found.

    Raises:
        AssertionError: an outcome or the bytes are wrong.
        PeerFailure: a peer failed.
    """
    record = record or Record(place)
    theirs, ours = worlds or (world_of(NATIVE), world_of(NATIVE))
    if case.backing == "named":
        plain = place.name(case.extra.get("suffix", ""))
        name = case.extra.get("prefix", "") + plain
        produce: list[dict[str, Any]] = [_helper("create-or-open", name, case.capacity)]
        consume: list[dict[str, Any]] = [_helper("open", name, case.capacity)]
    else:
        path = place.path()
        produce = _file_steps(case, theirs.path(path))
        consume = _file_steps(case, ours.path(path))
    writes, reads = [_in_world(step, theirs) for step in case.writes], list(case.reads)
    expected = list(case.expected)
    if case.backing == "named":
        expected = [
            _in_view(step, outcome, case, ours.view_size(case.capacity))
            for step, outcome in zip(reads, expected, strict=True)
        ]
    if case.backing == "stream":
        writes, reads = _through_accessor(writes), _through_accessor(reads)
    wanted = case.written or (None,) * len(writes)

    def read_memory() -> bytes:
        if case.backing == "named":
            return ours.read_map(_seen_as(name, plain, ours), len(case.memory))
        return read_file(path, len(case.memory))

    with disposing(producer, consumer), record.reading_on_failure(read_memory, case.memory):
        record.expect(PRODUCER, [*[None] * len(produce), *wanted])
        written = producer.request(*produce, *writes, on_error="continue")
        _expect(case, producer, "opening", produce, [None] * len(produce), written)
        _expect(case, producer, "writing", writes, list(wanted), written[len(produce) :])

        record.expect(CONSUMER, [*[None] * len(consume), *expected])
        read = consumer.request(*consume, *reads, on_error="continue")
        _expect(case, consumer, "opening", consume, [None] * len(consume), read)
        _expect(case, consumer, "reading", reads, expected, read[len(consume) :])

        found = read_memory()
        record.memory(found, case.memory)
        difference = describe_difference(case.memory, found)
        assert difference is None, (
            f"{case.id}: the bytes in the map, written by {producer.name}, are wrong\n{difference}"
        )
    if case.backing == "named":
        assert not ours.exists(_seen_as(name, plain, ours)), (
            f"{case.id}: the map still exists, although neither peer holds it"
        )
    else:
        os.unlink(path)


@contextmanager
def disposing(*peers: Peer) -> Iterator[None]:
    """Let the peers dispose of everything at the end, all at the same time."""
    try:
        yield
    finally:
        asked = [peer for peer in peers if peer.pid]
        for peer in asked:
            peer.send({"do": "reset"})
        failures = []
        for peer in asked:
            try:
                peer.receive()
            except PeerFailure as failure:
                failures.append(failure)
        if failures:
            raise failures[0]


def _helper(how: str, name: str, capacity: int) -> dict[str, Any]:
    return {"do": "helper", "as": "m", "how": how, "name": name, "capacity": capacity}


def _file_steps(case: Case, path: str) -> list[dict[str, Any]]:
    if case.backing == "file":
        step = {"do": "helper", "as": "m", "how": "create-from-file", "path": path}
        return [{**step, "capacity": case.capacity}]
    opened = {"do": "create-from-stream", "as": "f", "path": path, "mode": 4}
    return [{**opened, "capacity": case.capacity}, {"do": "view", "as": "m", "map": "f"}]


def _seen_as(name: str, plain: str, world: World) -> str:
    """Return the name that the system uses: only Windows has the prefix of a namespace."""
    return name if world.name == WINDOWS else plain


def _in_world(step: dict[str, Any], world: World) -> dict[str, Any]:
    return {**step, "file": world.path(step["file"])} if "file" in step else step


def _in_view(step: dict[str, Any], outcome: Any, case: Case, size: int) -> Any:
    """Return what to expect if the view has more bytes than the case wrote (oracle/format.py)."""
    if size == case.capacity or case.group != "malformed":
        return outcome
    data = case.memory.ljust(size, b"\0")
    if step["do"] == "read-image":
        return read_image(data, replace=step.get("replace", False))
    return read_struct(data) if step["do"] == "read-struct" else outcome


def _through_accessor(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {("map" if key == "helper" else key): item for key, item in step.items()} for step in steps
    ]


def _expect(
    case: Case,
    peer: Peer,
    phase: str,
    steps: list[dict[str, Any]],
    wanted: list[Any],
    found: list[dict[str, Any]],
) -> None:
    for step, expected, outcome in zip(steps, wanted, found, strict=False):
        assert matches(expected, outcome), (
            f"{case.id}: {peer.name} {phase}: {_short(step)}\n"
            f"  expected {_short(expected) if expected is not None else 'no error'}\n"
            f"  found    {_short(outcome)}"
        )


def _short(item: Any) -> str:
    text = repr(item)
    return text if len(text) <= 400 else f"{text[:300]} … {text[-80:]}"
