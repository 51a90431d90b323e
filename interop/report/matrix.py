"""The matrix: how many cases passed, of how many, by pair of peers and group of cases."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pyshm.testing.process import Outcome

from ..cases.catalog import GROUPS

__all__ = ["MARKUP", "Cell", "Cells", "Matrix", "State"]

State = str  # "passed", "failed", "skipped" or "none"

# The markup of a state for pytest's terminal reporter, which omits it where colors are off.
MARKUP: Mapping[State, Mapping[str, bool]] = {
    "passed": {"green": True},
    "failed": {"red": True, "bold": True},
    "skipped": {"yellow": True},
    "none": {"light": True},
}
_CORNER = "producer -> consumer"
_NARROWEST = 9


@dataclass
class Cells:
    """The number of each outcome in one cell."""

    counts: Counter[Outcome] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """The number of runs."""
        return self.counts.total()

    @property
    def state(self) -> State:
        """Failed if one run failed; else skipped if one was skipped."""
        if not self.total:
            return "none"
        if self.total > self.counts[Outcome.PASSED] + self.counts[Outcome.SKIPPED]:
            return "failed"
        return "skipped" if self.counts[Outcome.SKIPPED] else "passed"

    def __str__(self) -> str:
        """Return ``47/49``, ``skip 49`` if all were skipped, or ``-`` if there are none."""
        if not self.total:
            return "-"
        if self.counts[Outcome.SKIPPED] == self.total:
            return f"skip {self.total}"
        return f"{self.counts[Outcome.PASSED]}/{self.total}"


class Cell(NamedTuple):
    """A padded part of a line of text, and its state (None: a title)."""

    text: str
    state: State | None


class Matrix:
    """All counts. ``rows`` are the pairs and ``groups`` the columns, in the order to show."""

    def __init__(self, runs: Iterable[tuple[str, str, str, Outcome]]) -> None:
        """``runs`` are producer, consumer, group and outcome."""
        self._cells: defaultdict[tuple[str, str, str], Cells] = defaultdict(Cells)
        for producer, consumer, group, outcome in runs:
            self._cells[producer, consumer, group].counts[outcome] += 1
        found = {group for _, _, group in self._cells}
        self.groups = [group for group in GROUPS if group in found]
        self.groups += sorted(found - set(self.groups))
        self.rows = sorted(
            {(producer, consumer) for producer, consumer, _ in self._cells}, key=_reading_order
        )

    def cell(self, producer: str, consumer: str, group: str | None = None) -> Cells:
        """Return the counts of a pair in one group, or in all groups."""
        groups = self.groups if group is None else [group]
        total = Cells()
        for name in groups:
            total.counts += self._cells.get((producer, consumer, name), Cells()).counts
        return total

    @property
    def total(self) -> Cells:
        """The counts of all pairs and groups."""
        total = Cells()
        for cells in self._cells.values():
            total.counts += cells.counts
        return total

    def lines(self) -> Iterator[list[Cell]]:
        """Yield the lines of the table; every cell is as wide as its column."""
        titles = [_CORNER, *self.groups, "all"]
        names = [f"{producer} -> {consumer}" for producer, consumer in self.rows]
        widths = [
            max(len(title), _NARROWEST if column else max(map(len, names), default=0))
            for column, title in enumerate(titles)
        ]
        yield [Cell(_padded(title, widths, i), None) for i, title in enumerate(titles)]
        for name, row in zip(names, self.rows, strict=True):
            cells = [self.cell(*row, group) for group in (*self.groups, None)]
            yield [
                Cell(_padded(name, widths, 0), None),
                *(Cell(_padded(str(c), widths, i), c.state) for i, c in enumerate(cells, 1)),
            ]


def _padded(text: str, widths: list[int], column: int) -> str:
    return "  " + text.rjust(widths[column]) if column else text.ljust(widths[0])


def _reading_order(row: tuple[str, str]) -> tuple[bool, bool, list[bool]]:
    """Sort native pairs first, then the other world, then pairs across; Python before .NET."""
    one, two = (" " in label for label in row)
    return one != two, one, ["dotnet" in label for label in row]
