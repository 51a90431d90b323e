"""The explorer allows what x86-64 and ARMv8 allow, and nothing else.

The programs are the well-known small ones ("litmus tests") of two papers: Sewell and others,
x86-TSO (2010), and Maranget and others, A Tutorial Introduction to the ARM and POWER Relaxed Memory
Models (2012). On ARMv8, other than in the second paper, all processors see a store at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from interop.models.explorer import (
    ARMV8,
    X86_64,
    End,
    Operation,
    Program,
    explore,
    fence,
    futex_wait,
    futex_wake,
    load,
    store,
)


def outcomes(architecture: str, *threads: Sequence[Operation]) -> set[str]:
    """All final values of the registers, each execution as a text such as "a=0 b=1"."""
    variables = {one.variable for thread in threads for one in thread if one.variable}

    def registers(end: End) -> str:
        merged = {name: value for each in end.registers for name, value in each.items()}
        return " ".join(f"{name}={value}" for name, value in sorted(merged.items()))

    return set(explore(Program(threads, dict.fromkeys(variables, 0), registers), architecture)[0])


def store_buffering(*between: Operation) -> list[list[Operation]]:
    return [
        [store("", "x", 1), *between, load("", "a", "y")],
        [store("", "y", 1), *between, load("", "b", "x")],
    ]


@pytest.mark.parametrize("architecture", [X86_64, ARMV8])
def test_a_load_passes_an_earlier_store_unless_there_is_a_fence(architecture: str) -> None:
    every = {"a=0 b=0", "a=0 b=1", "a=1 b=0", "a=1 b=1"}
    assert outcomes(architecture, *store_buffering()) == every
    assert outcomes(architecture, *store_buffering(fence(""))) == every - {"a=0 b=0"}


def message_passing(*, release: bool = False, acquire: bool = False) -> list[list[Operation]]:
    return [
        [store("", "data", 1), store("", "flag", 1, release=release)],
        [load("", "flag", "flag", acquire=acquire), load("", "data", "data")],
    ]


def test_only_armv8_reorders_two_stores_or_two_loads() -> None:
    unordered = "data=0 flag=1"
    assert unordered not in outcomes(X86_64, *message_passing())
    assert unordered in outcomes(ARMV8, *message_passing())
    assert unordered in outcomes(ARMV8, *message_passing(release=True))
    assert unordered in outcomes(ARMV8, *message_passing(acquire=True))
    assert unordered not in outcomes(ARMV8, *message_passing(release=True, acquire=True))


def test_only_armv8_performs_a_store_before_an_earlier_load() -> None:
    threads = [
        [load("", "a", "x"), store("", "y", 1)],
        [load("", "b", "y"), store("", "x", 1)],
    ]
    assert "a=1 b=1" not in outcomes(X86_64, *threads)
    assert "a=1 b=1" in outcomes(ARMV8, *threads)


def test_a_store_waits_for_the_loads_that_it_needs() -> None:
    by_value = [
        [load("", "a", "x"), store("", "y", lambda r: r["a"], needs=("a",))],
        [load("", "b", "y"), store("", "x", 1, condition=lambda r: r["b"] == 1, needs=("b",))],
    ]
    assert outcomes(ARMV8, *by_value) == {"a=0 b=0"}


@pytest.mark.parametrize("architecture", [X86_64, ARMV8])
def test_one_variable_is_coherent(architecture: str) -> None:
    threads = [
        [store("", "x", 1), store("", "x", 2)],
        [load("", "a", "x"), load("", "b", "x")],
    ]
    assert outcomes(architecture, *threads) == {
        "a=0 b=0", "a=0 b=1", "a=0 b=2", "a=1 b=1", "a=1 b=2", "a=2 b=2",
    }  # fmt: skip


@pytest.mark.parametrize("architecture", [X86_64, ARMV8])
def test_all_processors_see_stores_in_one_order(architecture: str) -> None:
    readers = [
        [load("", "a", "x", acquire=True), load("", "b", "y")],
        [load("", "c", "y", acquire=True), load("", "d", "x")],
    ]
    found = outcomes(architecture, [store("", "x", 1)], [store("", "y", 1)], *readers)
    assert "a=1 b=0 c=1 d=0" not in found
    assert "a=1 b=0 c=0 d=1" in found


def sleeping(*threads: Sequence[Operation]) -> set[tuple[bool, ...]]:
    ends: set[tuple[bool, ...]] = set()

    def remember(end: End) -> None:
        ends.add(tuple(end.sleeping))

    explore(Program(threads, {"word": 0, "other": 0}, remember), ARMV8)
    return ends


def test_a_futex_sleeps_only_on_the_value_and_until_a_wake_of_its_word() -> None:
    sleeper = [futex_wait("", "word", 0)]
    assert sleeping(sleeper) == {(True,)}
    assert sleeping([futex_wait("", "word", 1)]) == {(False,)}
    assert sleeping(sleeper, [futex_wake("", "other")]) == {(True, False)}
    # The wake may come before the sleep. After a store it does not matter.
    assert sleeping(sleeper, [futex_wake("", "word")]) == {(True, False), (False, False)}
    assert sleeping(sleeper, [store("", "word", 1), futex_wake("", "word")]) == {(False, False)}


def test_the_number_of_states_is_that_of_two_independent_threads() -> None:
    # Each thread is before, between or after its two stores; the order of a thread is fixed.
    thread = [store("", "x", 1), fence(""), store("", "y", 1)]
    program = Program([thread], {"x": 0, "y": 0}, lambda end: None)
    assert explore(program, ARMV8) == (frozenset(), 4)
    pair = Program([thread, [fence("")]], {"x": 0, "y": 0}, lambda end: None)
    assert explore(pair, ARMV8) == (frozenset(), 8)
