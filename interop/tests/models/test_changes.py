"""Changes of the explorer's programs."""

from __future__ import annotations

import pytest

from interop.models.changes import ChangeError, changed
from interop.models.explorer import Program, fence, futex_wake, load, store

WRITER = [
    load("W7", "z", "sleepers"),
    store("W7", "sleepers", 0, condition=lambda r: r["z"] == 1, needs=("z",)),
    store("W8", "latest", 1, release=True),
    fence("W9"),
    futex_wake("W10", "latest"),
]
READER = [load("R1", "w", "latest", acquire=True)]
PROGRAM = Program([WRITER, READER], {}, lambda end: None)


def steps(*changes: str) -> list[str]:
    return [f"{one.step} {one.kind.value}" for one in changed(PROGRAM, changes).threads[0]]


def test_steps_are_removed_and_moved() -> None:
    assert steps("remove W9", "remove W7 store") == ["W7 load", "W8 store", "W10 wake"]
    assert steps("move W7 after W8") == [
        "W8 store", "W7 load", "W7 store", "W9 fence", "W10 wake",
    ]  # fmt: skip


def test_an_order_or_a_condition_is_dropped() -> None:
    writer, reader = changed(PROGRAM, ["plain W8", "plain R1", "always W7"]).threads
    assert not any(one.ordered for one in [*writer, *reader])
    assert not any(one.condition for one in writer)
    assert [one.step for one in writer] == [one.step for one in WRITER]


@pytest.mark.parametrize(
    "change",
    [
        "remove W1",
        "plain W9",
        "always W8",
        "plain W7",
        "forget W7",
        "move W7",
        "remove W7 after W8",
        "W7",
        "move W7 after W1",
        "move W9 after W7",
    ],
)
def test_a_change_without_effect_is_refused(change: str) -> None:
    with pytest.raises(ChangeError):
        changed(PROGRAM, [change])
