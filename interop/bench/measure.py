"""Timing: statements are timed in turn, and compared with the first of them, the baseline.

The speed of a machine changes during a run, so only ratios are comparable. Each round times every
statement of a topic once, in a new random order. A result is the minimum and the median over the
rounds, and the ratio of each to the baseline's, from the same rounds.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from timeit import Timer
from typing import Any, Literal

from pyshm import PyshmError, ShareMemoryHelper

__all__ = [
    "FULL",
    "QUICK",
    "RATES",
    "Aim",
    "Effort",
    "Row",
    "Statement",
    "Topic",
    "Unit",
    "at_most",
    "in_turn",
    "make_row",
    "open_helper",
    "race",
]

Unit = Literal["ns", "ms", "GB/s", "cases/s"]
RATES = ("GB/s", "cases/s")


@dataclass(frozen=True)
class Aim:
    """A limit for a result: for the ratio of the best values, or for the best value itself."""

    text: str
    limit: float
    of: Literal["ratio", "value"] = "ratio"
    at_least: bool = False

    def met(self, ratio: float, value: float) -> bool:
        """Return whether the result is within the limit."""
        number = ratio if self.of == "ratio" else value
        return number >= self.limit if self.at_least else number <= self.limit


@dataclass(frozen=True)
class Row:
    """The result of one statement. The ratios are own time (or rate) / the baseline's."""

    what: str
    unit: Unit
    best: float
    median: float
    ratio_of_minima: float
    ratio_of_medians: float
    aim: Aim | None = None

    @property
    def met(self) -> bool | None:
        """Whether the result meets its aim; None without an aim."""
        return None if self.aim is None else self.aim.met(self.ratio_of_minima, self.best)


@dataclass(frozen=True)
class Topic:
    """A table of results, the baseline first, with notes."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Effort:
    """How many rounds a run makes."""

    rounds: int  # of statements that take nanoseconds
    slice_ns: int  # time of one such statement in one round
    copies: int  # rounds of statements that copy megabytes
    processes: int  # rounds that start an interpreter
    matrix: int  # runs of all cases


QUICK = Effort(rounds=100, slice_ns=100_000, copies=25, processes=8, matrix=3)
FULL = Effort(rounds=1500, slice_ns=200_000, copies=400, processes=80, matrix=10)


@dataclass(frozen=True)
class Statement:
    """A Python statement to time. Its topic defines the names in it.

    ``needs`` is a name that is defined only where an optional module is installed.
    """

    what: str
    code: str
    aim: Aim | None = None
    needs: str = ""


def at_most(ratio: float) -> Aim:
    """Return the aim to take at most ``ratio`` times as long as the baseline."""
    return Aim(f"<= {ratio}x", ratio)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Collect garbage now, and not during the context."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def in_turn(
    measures: Sequence[Callable[[], float]], rounds: int, seed: int = 0
) -> list[list[float]]:
    """Call each measure once a round; return the results of each, in the order of the rounds."""
    order = list(range(len(measures)))
    shuffle = random.Random(seed).shuffle
    results: list[list[float]] = [[] for _ in measures]
    with _without_collection():
        for _ in range(rounds):
            # In a fixed order, a measure would always find the caches that the same one left.
            shuffle(order)
            for index in order:
                results[index].append(measures[index]())
    return results


def _stopwatch(code: str, names: Mapping[str, Any], slice_ns: int) -> Callable[[], float]:
    """Return a function that measures one execution of ``code`` in nanoseconds, loop included."""
    # Local variables are the fastest to read.
    setup = "\n".join(f"{name} = _names[{name!r}]" for name in names)
    timer = Timer(code, setup, time.perf_counter_ns, {"_names": names})
    number = 1
    while (taken := timer.timeit(number)) < slice_ns / 4:
        number *= 2
    number = max(1, round(number * slice_ns / taken))

    def measure() -> float:
        timer.timeit(1)  # not counted: loads its memory into the caches
        return timer.timeit(number) / number

    return measure


def race(
    statements: Sequence[Statement],
    names: Mapping[str, Any],
    rounds: int,
    slice_ns: int,
    *,
    size: int = 0,
) -> list[Row]:
    """Time the statements; the first is the baseline. With ``size`` bytes, return bandwidths.

    Statements whose needs are missing are left out. The time of an empty loop, from the same
    rounds, is subtracted from each.
    """
    statements = [item for item in statements if not item.needs or item.needs in names]
    codes = ["pass", *(statement.code for statement in statements)]
    times = in_turn([_stopwatch(code, names, slice_ns) for code in codes], rounds)
    loop, *minima = map(min, times)
    median_loop, *medians = map(statistics.median, times)
    return [
        make_row(
            statement.what,
            "GB/s" if size else "ns",
            [_net(best - loop, size) for best in (minima[index], minima[0])],
            [_net(median - median_loop, size) for median in (medians[index], medians[0])],
            statement.aim,
        )
        for index, statement in enumerate(statements)
    ]


def _net(nanoseconds: float, size: int) -> float:
    # A statement that is as fast as the empty loop has no measurable time; 0 can't be divided by.
    nanoseconds = max(nanoseconds, 0.1)
    return size / nanoseconds if size else nanoseconds


def make_row(
    what: str, unit: Unit, best: Sequence[float], median: Sequence[float], aim: Aim | None
) -> Row:
    """Return a row. ``best`` and ``median`` are pairs: its own value and the baseline's."""
    return Row(what, unit, best[0], median[0], best[0] / best[1], median[0] / median[1], aim)


@contextmanager
def open_helper() -> Iterator[ShareMemoryHelper]:
    """Open a helper of the default capacity: a named map, or a file where there are none."""
    with ExitStack() as stack:
        helper = ShareMemoryHelper(f"pyshm-bench-{os.getpid()}-{uuid.uuid4().hex[:8]}")
        try:
            helper.create_or_open()
        except PyshmError:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            helper.create_from_file(Path(folder, "map.bin"))
        yield stack.enter_context(helper)
