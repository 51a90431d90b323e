"""Two worlds, one file: a Windows program under Wine and a native one map it at the same time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from interop.cases import STANDARD, TINY, all_cases, blob_case, picture_case, struct_case
from interop.exchange import Place, run_case
from interop.pictures import make_picture
from interop.plugin import Pair

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
    # write-bytes, which one of them needs, is the helper's.
    if not (backing == "stream" and "interrupted" in case.id)
]


@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{c.id}-{c.backing}" for c in CASES])
def test_a_file_is_one_map_in_both_worlds(index: int, crossing: Pair, place: Place) -> None:
    run_case(CASES[index], crossing.producer, crossing.consumer, place, crossing.worlds)


@pytest.mark.parametrize("name", ["icon.png", "photo-2-megapixels.jpg"])
def test_a_picture_crosses(name: str, crossing: Pair, place: Place, picture_folder: str) -> None:
    file = make_picture(name, picture_folder)
    case = replace(picture_case(name, file, Path(file).read_bytes()), backing="file")
    run_case(case, crossing.producer, crossing.consumer, place, crossing.worlds)


def test_both_see_what_the_other_writes_while_both_hold_the_file(
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
