"""A Windows program under Wine and a native program map the same file at the same time."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interop.cases.case import STANDARD, TINY, blob_case, picture_case, struct_case
from interop.cases.catalog import all_cases
from interop.cases.pictures import make_picture
from interop.exchange.place import Place
from interop.exchange.run import run_case
from interop.plugin.hooks import Pair
from pyshm.testing.process import Peer

GROUP = "by file"

CASES = [
    replace(case, backing=backing)
    for case in [
        struct_case("standard", *STANDARD, capacity=4096),
        struct_case("min", -(2**31), -(2**31), (-(2**31),) * 10, capacity=48),
        blob_case("path-emoji", "🛰️ orbit.png", TINY, capacity=10_000),
        blob_case("path-empty", "", TINY, capacity=132_880),
        *(case for case in all_cases() if case.group == "stale" or case.id.endswith("200-kB")),
    ]
    for backing in ("file", "stream")
    # One case needs write-bytes, a step of the helper, which can't open a stream.
    if not (backing == "stream" and "interrupted" in case.id)
]


@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{c.id}-{c.backing}" for c in CASES])
def test_a_file_is_one_map_in_both_worlds(index: int, crossing: Pair, place: Place) -> None:
    run_case(
        CASES[index], crossing.producer, crossing.consumer, place, crossing.worlds, crossing.record
    )


@pytest.mark.parametrize("name", ["icon.png", "photo-2-megapixels.jpg"])
def test_a_picture_is_exchanged_between_two_worlds(
    name: str, crossing: Pair, place: Place, picture_folder: str
) -> None:
    file = make_picture(name, picture_folder)
    case = replace(picture_case(name, file, Path(file).read_bytes()), backing="file")
    run_case(case, crossing.producer, crossing.consumer, place, crossing.worlds, crossing.record)


def test_each_program_sees_the_writes_of_the_other_while_both_hold_the_file(
    crossing: Pair, place: Place
) -> None:
    path = place.path()
    for peer, world in zip((crossing.producer, crossing.consumer), crossing.worlds, strict=True):
        peer.request(
            {"do": "create-from-stream", "as": "f", "path": world.path(path), "mode": 4,
             "capacity": 8192},
            {"do": "view", "as": "v", "map": "f"},
        )  # fmt: skip
    for number in range(200):
        one, two = (
            (crossing.producer, crossing.consumer)
            if number % 2
            else (crossing.consumer, crossing.producer)
        )
        position = number * 40
        step = {"view": "v", "type": "int32", "position": position}
        assert one.request({"do": "write", "value": number, **step}) == [{"value": None}]
        assert two.request({"do": "read", **step}) == [{"value": number}]


@pytest.mark.parametrize("access", range(6))
def test_a_view_of_every_access_shows_the_bytes_of_the_file_and_of_the_other_world(
    crossing: Pair, place: Place, access: int
) -> None:
    """docs/named-maps.md, "Windows programs under Wine"."""
    copy_on_write, readable, writable = access == 3, access != 2, access not in (1, 4)
    path = place.path()
    Path(path).write_bytes(bytes(3 * 4096))
    writer, viewer = crossing.producer, crossing.consumer
    for peer, world, view in (
        (writer, crossing.worlds[0], 0),
        (viewer, crossing.worlds[1], access),
    ):
        step = {"do": "create-from-stream", "as": "f", "path": world.path(path), "mode": 3}
        peer.request(
            {**step, "access": 5 if view > 3 else 0},
            {"do": "view", "as": "v", "map": "f", "offset": 0, "size": 3 * 4096, "access": view},
        )

    def put(peer: Peer, position: int, value: int) -> None:
        step = {"do": "write", "view": "v", "type": "int32", "position": position, "value": value}
        assert peer.request(step) == [{"value": None}]

    def shown(peer: Peer, position: int) -> Any:
        step = {"do": "read", "view": "v", "type": "int32", "position": position}
        return peer.request(step)[0].get("value")

    with open(path, "r+b", buffering=0) as file:
        for number in (1, 2):
            put(writer, 0, number)
            assert os.pread(file.fileno(), 4, 0) == number.to_bytes(4, "little")
            os.pwrite(file.fileno(), (number * 16).to_bytes(4, "little"), 4)
            assert shown(writer, 4) == number * 16
            if readable:
                assert (shown(viewer, 0), shown(viewer, 4)) == (number, number * 16)
        if writable:
            put(viewer, 4096, 7)
            theirs = 0 if copy_on_write else 7
            assert shown(writer, 4096) == theirs
            assert os.pread(file.fileno(), 4, 4096) == theirs.to_bytes(4, "little")
        if copy_on_write:
            put(writer, 4096, 8)  # the viewer has its own copy of this page, and none of the next
            put(writer, 8192, 9)
            assert (shown(viewer, 4096), shown(viewer, 8192)) == (7, 9)
        assert viewer.request({"do": "flush", "target": "v"}) == [{"value": None}]


def test_a_file_that_grows_in_one_world_is_longer_in_the_other(
    crossing: Pair, place: Place
) -> None:
    path = place.path()
    Path(path).write_bytes(bytes(4096))
    one, two = crossing.worlds
    opened = {"do": "create-from-stream", "as": "f", "mode": 3}
    view = {"do": "view", "as": "v", "map": "f"}
    crossing.consumer.request({**opened, "path": two.path(path)}, {**view, "as": "old"})
    crossing.producer.request(
        {**opened, "path": one.path(path), "capacity": 200_000}, view,
        {"do": "write", "view": "v", "type": "int32", "position": 150_000, "value": 5},
        {"do": "write", "view": "v", "type": "int32", "position": 0, "value": 6},
    )  # fmt: skip
    old, _, _, new = crossing.consumer.request(
        {"do": "read", "view": "old", "type": "int32", "position": 0},
        {**opened, "as": "g", "path": two.path(path)},
        {**view, "as": "new", "map": "g"},
        {"do": "read", "view": "new", "type": "int32", "position": 150_000},
    )
    assert (old, new) == ({"value": 6}, {"value": 5})
    assert os.path.getsize(path) == 200_000
