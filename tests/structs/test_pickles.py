"""Pickles and copies: of values as their bytes, and of parts of memory not at all."""

from __future__ import annotations

import copy
import pickle
from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import PyshmError
from pyshm.layout.forms import Target
from pyshm.structs import for_target, snapshot


class Point(Struct):
    x: t.Int32
    where: t.NInt


class Car(Struct):
    wet: t.Bool
    at: Point
    laps: Annotated[list[int], t.ByValArray(t.Int16, 3)]
    points: Annotated[list[Point], t.ByValArray(Point, 2)]
    price: t.Decimal


DATA = bytes(range(100))
COPIES = [
    copy.copy,
    copy.deepcopy,
    *(
        (lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol)))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ),
]


@pytest.mark.parametrize("copied", COPIES)
def test_a_snapshot_is_pickled_as_its_bytes(copied):
    taken = snapshot(Car, DATA)
    found = copied(taken)
    assert type(found) is type(taken)
    assert found == taken
    assert (found.at.x, found.laps) == (taken.at.x, taken.laps)
    assert bytes(copied(taken.at)) == bytes(taken.at)


@pytest.mark.parametrize("copied", COPIES)
def test_a_snapshot_of_another_layout_keeps_it(copied):
    for codec in (for_target(Point, Target(4)), Point.managed):
        found = copied(snapshot(codec, DATA))
        assert type(found) is type(snapshot(codec, DATA))
        assert found.where == codec.from_bytes(DATA).where
        assert copied(codec) is codec


def test_the_pickle_of_a_snapshot_is_not_much_longer_than_its_bytes():
    assert len(pickle.dumps(snapshot(Car, DATA))) < Car.layout.size + 200


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("wrap", [bytearray, bytes])
@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (lambda view: view, r"Car\.unpack_from\(view\)"),
        (lambda view: view.at, r"Point\.unpack_from\(view\)"),
        (lambda view: view.points[0], r"Point\.unpack_from\(view\)"),
        (lambda view: view.laps, r"array\.tolist\(\)"),
        (lambda view: view.points, r"array\.tolist\(\)"),
    ],
)
def test_a_part_of_memory_says_what_to_send_instead(part, instead, wrap, copied):
    with pytest.raises(PyshmError, match=f"can't be pickled or copied.* {instead}") as caught:
        copied(part(Car.view(wrap(DATA))))
    assert isinstance(caught.value, TypeError)
