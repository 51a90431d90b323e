"""``python -m interop.bench``: the speed of pyshm and of the plainest ways (docs/speed.md).

The exit status is 0 even if an aim is missed: speed depends on the machine, so it is not a test.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pyshm

from .blobs import blobs
from .channels import channels
from .copies import copies
from .imports import imports
from .matrix import matrix
from .measure import FULL, QUICK, RATES, Effort, Row, Topic, Unit
from .structs import large_numbers, nested, structs

__all__ = ["main", "table", "topics"]


def table(topic: Topic) -> Iterator[str]:
    """Yield the lines of a Markdown table with aligned columns, then the notes."""
    yield f"### {topic.title}"
    yield ""
    if topic.rows:
        rate = topic.rows[0].unit in RATES
        ratio = "rate / baseline" if rate else "time / baseline"
        cells = [["what", "best", "median", f"{ratio}, best", f"{ratio}, median", "aim", "met"]]
        cells += [_cells(row) for row in topic.rows]
        widths = [max(len(line[column]) for line in cells) for column in range(7)]
        cells.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
        for line in cells:
            first, *others = zip(line, widths, strict=True)
            padded = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
            yield f"| {' | '.join(padded)} |"
        yield ""
    for note in topic.notes:
        yield f"- {note}"
    if topic.notes:
        yield ""


def _cells(row: Row) -> list[str]:
    return [
        row.what,
        _shown(row.best, row.unit),
        _shown(row.median, row.unit),
        f"{row.ratio_of_minima:.2f}",
        f"{row.ratio_of_medians:.2f}",
        row.aim.text if row.aim is not None else "",
        {True: "yes", False: "no", None: ""}[row.met],
    ]


def _shown(value: float, unit: Unit) -> str:
    digits = {"ns": 0, "ms": 2, "GB/s": 2, "cases/s": 0}[unit]
    return f"{value:.{digits}f} {unit}"


def _as_json(topic: Topic) -> dict[str, Any]:
    rows = [
        {**asdict(row), "aim": row.aim.text if row.aim is not None else None, "met": row.met}
        for row in topic.rows
    ]
    return {"title": topic.title, "rows": rows, "notes": topic.notes}


def _about() -> dict[str, Any]:
    return {
        "pyshm": pyshm.__version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


def topics(effort: Effort) -> Iterator[Topic]:
    """Measure everything; yield each topic when it is finished."""
    for measure in (structs, large_numbers, nested, blobs, copies, channels, imports, matrix):
        yield from measure(effort)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print each topic when it is finished. Return 0."""
    parser = argparse.ArgumentParser(prog="python -m interop.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="take seconds instead of a minute")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead of tables"
    )
    options = parser.parse_args(argv)
    effort = QUICK if options.quick else FULL
    about = {**_about(), "quick": options.quick}
    if options.json:
        found = [_as_json(topic) for topic in topics(effort)]
        print(json.dumps({**about, "topics": found}, indent=2))
        return 0
    print(", ".join(f"{name} {value}" for name, value in about.items()) + "\n", flush=True)
    for topic in topics(effort):
        print("\n".join(table(topic)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
