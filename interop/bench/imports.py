"""Time of an import, measured in new interpreters."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyshm

from .measure import Aim, Effort, Topic, in_turn, make_row

__all__ = ["imports"]

HEAVY = ("PIL", "PIL.Image", "numpy", "multiprocessing", "cffi")
IMPORTS = (
    ("import pyshm", Aim("<= 5 ms", 5, of="value")),
    ("from pyshm import MemoryMappedFile", None),
    ("from pyshm import TestData", None),
    ("from pyshm import ImageData", None),
    ("from pyshm import ShareMemoryHelper", None),
)
_CHILD = """\
import sys
sys.path += {paths!r}
from time import perf_counter_ns
before = len(sys.modules)
start = perf_counter_ns()
{statement}
print(perf_counter_ns() - start, len(sys.modules) - before,
      *(name for name in {heavy!r} if name in sys.modules))
"""


class Child:
    """A statement that each run executes in a new interpreter."""

    def __init__(self, statement: str) -> None:
        """``statement`` may be ``pass``, for the baseline."""
        home = str(Path(pyshm.__file__).resolve().parent.parent)
        paths = [home, *(path for path in sys.path if path)]
        code = _CHILD.format(paths=paths, statement=statement, heavy=HEAVY)
        self.command = [sys.executable, "-I", "-S", "-c", code]
        self.modules = 0
        self.heavy: list[str] = []

    def run(self) -> tuple[float, float]:
        """Return the milliseconds of the whole process, and of the statement in it."""
        start = time.perf_counter_ns()
        printed = subprocess.run(self.command, check=True, capture_output=True).stdout
        whole = time.perf_counter_ns() - start
        inside, modules, *self.heavy = printed.decode("ascii").split()
        self.modules = int(modules)
        return whole / 1e6, int(inside) / 1e6

    def whole(self) -> float:
        """Return the milliseconds of the whole process."""
        return self.run()[0]

    def inside(self) -> float:
        """Return the milliseconds of the statement, without the interpreter's start and end."""
        return self.run()[1]


def imports(effort: Effort) -> Iterator[Topic]:
    """Measure imports in new interpreters, and the start and end of an interpreter."""
    baseline = Child("pass")
    children = [Child(statement) for statement, _ in IMPORTS]
    for child in children:
        child.run()  # writes the byte code
    measures = [baseline.whole, *(child.inside for child in children)]
    times = in_turn(measures, effort.processes)
    minima, medians = list(map(min, times)), list(map(statistics.median, times))
    named = [("an interpreter that does nothing (baseline)", None), *IMPORTS]
    rows = [
        make_row(what, "ms", [minima[i], minima[0]], [medians[i], medians[0]], aim)
        for i, (what, aim) in enumerate(named)
    ]
    notes = [
        f"{statement}: {child.modules} modules; of {', '.join(HEAVY)} it loads "
        f"{', '.join(child.heavy) or 'none'}"
        for (statement, _), child in zip(IMPORTS, children, strict=True)
    ]
    yield Topic("import, without the interpreter's start", rows, notes)
