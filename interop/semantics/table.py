"""One behaviour on every system: what each seat makes of the same calls, as a table.

docs/semantics.md is written from a run of all sequences in both worlds; ``--check`` runs them again
and compares. Where seats differ, a line of :data:`EXPLANATIONS` says why; a difference without
one, and one that is explained but gone, are errors.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..checkout import DOCS
from ..exchange.place import Place
from ..worlds.world import NATIVE, WINDOWS, Seat, remove_left_over, world_of
from .run import label, lifetime, outcomes
from .sequences import DIFFERENCES, LIFETIMES, SEQUENCES, Lifetime, Sequence

__all__ = ["EXPLANATIONS", "TABLE", "Explanation", "check", "run", "write"]

TABLE = DOCS / "semantics.md"
SEATS = [
    Seat(WINDOWS, "dotnet"),
    Seat(WINDOWS, "python"),
    Seat(NATIVE, "python"),
    Seat(NATIVE, "dotnet"),
]
TITLES = [".NET on Windows", "pyshm on Windows", "pyshm on Linux", ".NET on Linux"]
_SHORT = 44


class Explanation(NamedTuple):
    """Sequences (by a pattern of their names), the calls in them, and why seats differ there."""

    sequences: str
    calls: str
    why: str


EXPLANATIONS = [
    Explanation(
        "file-mode-2-ten-0",
        "afterwards",
        DIFFERENCES["file-mode-2-ten-0"],
    ),
    Explanation(
        "map-name-.*",
        "",
        "A map name for a file exists on Windows only; elsewhere .NET refuses it, and so does "
        "pyshm.",
    ),
    Explanation(
        "namespace-global",
        "^open-existing as=q",
        "Windows keeps `Global` names apart from the session's own; elsewhere there is one "
        "namespace, and the prefix is dropped.",
    ),
    Explanation(
        "named-name-.*|namespace-local-slash",
        "",
        "Outside Windows a named map is a file, so what no file may be called is no name there: "
        "`/`, `.`, `..`, a leading `.` or `sem.`, more than 255 bytes.",
    ),
    Explanation(
        "file-twice",
        "",
        "A file that is opened by its path is shared for reading only (FileShare.Read). Windows "
        "enforces that; elsewhere it is advice, which both languages give and neither needs.",
    ),
    Explanation(
        "(file|stream)-access-[34]-20|file-mode-[124]-access-3|stream-file-access-3-access-3-20",
        "",
        "Windows does not let a copy-on-write or read-and-execute map grow its file, nor map an "
        "empty one so; Linux does.",
    ),
    Explanation(
        "stream-file-access-[12]-.*",
        "create|view|afterwards",
        "Windows compares the map's access with that of the open file when the map is made, "
        "Linux when a view is.",
    ),
    Explanation(
        "(view|stream)-(max-.*|0-11|1-10|10-1|11-0|5-6|9-2)",
        "",
        "Windows rounds a map up to whole pages, so a view that ends in the last page fits; what "
        "begins behind it is refused by the kernel, with its own error.",
    ),
    Explanation(
        "view-far-.*|(view|stream)-10-0",
        "pointer_offset",
        "A view begins at a page, on Windows at a unit of 64 KiB; `pointer_offset` counts from "
        "there. An empty view, which Linux has and Windows rounds up, counts from itself.",
    ),
    Explanation(
        "stream-.*|view-after-map|file-.*",
        "^stream-(read|write|seek|set)|^get .*property=(position|capacity|length)$|^read-array",
        "A view is as long as its pages on Windows, and exact elsewhere; so are the ends that "
        "reads, writes and seeks meet.",
    ),
    Explanation(
        ".*",
        "^get .*property=(capacity|length)$",
        "Windows rounds a view's capacity up to whole pages; elsewhere it is exact.",
    ),
]

Run = dict[str, list[list[Any]]]


def run(seats: list[Seat] = SEATS) -> Run:
    """All sequences by name: for each seat the outcomes of their calls and files."""
    found: Run = {case.name: [] for case in _all()}
    prefix = "pyshm-behaviour-"
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        place = Place(f"{prefix}{Path(folder).name}-", folder)
        for seat in seats:
            world = world_of(seat.world)
            first, second = (world.peer(seat.language, f"{seat.label} {who}") for who in "AB")
            try:
                for sequence in SEQUENCES:
                    found[sequence.name].append(outcomes(sequence, first, place, world))
                for case in LIFETIMES:
                    found[case.name].append(lifetime(case, first, second, place))
            finally:
                first.kill()
                second.kill()
                remove_left_over(place.prefix)
    return found


def _all() -> list[Sequence | Lifetime]:
    return [*LIFETIMES, *SEQUENCES]


def differences(found: Run) -> Iterator[tuple[Sequence | Lifetime, str, list[Any]]]:
    """Every call that the seats do not agree on: its sequence, its label, the outcomes."""
    for sequence in _all():
        for text, row in rows(sequence, found[sequence.name]):
            if any(cell != row[0] for cell in row):
                yield sequence, text, row


def rows(
    sequence: Sequence | Lifetime, columns: list[list[Any]]
) -> Iterator[tuple[str, list[Any]]]:
    """The calls of a sequence and what lies in its files afterwards, with each seat's outcome."""
    if isinstance(sequence, Lifetime):
        labels = [
            f"{who}: {'is killed' if step is None else label(step)}" for who, step in sequence.steps
        ]
    else:
        labels = [*(label(step) for step in sequence.steps), *_files(sequence)]
    for index, text in enumerate(labels):
        yield text, [column[index] for column in columns]


def unexplained(found: Run) -> list[str]:
    """Differences that nobody explained, and explanations of nothing."""
    wrong = []
    used = set()
    for sequence, text, row in differences(found):
        reason = explain(sequence, text)
        if reason is None:
            cells = ", ".join(
                f"{title}: {_cell(cell)}" for title, cell in zip(TITLES, row, strict=True)
            )
            wrong.append(f"{sequence.name}: {text}: {cells}")
        else:
            used.add(reason)
    idle = [item for item in EXPLANATIONS if item not in used]
    return wrong + [f"explains no difference any more: {item}" for item in idle]


def explain(sequence: Sequence | Lifetime, text: str) -> Explanation | None:
    """The explanation for a difference in that call, if there is one."""
    for item in EXPLANATIONS:
        if re.fullmatch(item.sequences, sequence.name) and re.search(item.calls, text):
            return item
    return None


def table(found: Run) -> str:
    """The document."""
    total = sum(len(case.steps) for case in _all())
    differing = sum(1 for _ in differences(found))
    introduction = (
        f"{len(_all())} sequences, {total} calls, each made by .NET and by pyshm, on Windows "
        f"and on Linux. In {differing} of them the four do not agree; each such row ends with the "
        "number of its explanation. A cell is the value, or the kind of the error "
        "([protocol.md](protocol.md)); `=` is the same as the first column. .NET on Linux has no "
        "named maps; there the C# class `NamedMap` answers. Windows is Wine where it is not "
        "Windows itself. The first sequences are about the life of a named map, between two "
        "processes, A and B."
    )
    origin = (
        "Written by `python -m interop semantics --write` from a run of the real programs; "
        "`--check` runs them again and compares. Do not edit."
    )
    lines = [
        "# One behaviour on every system",
        "",
        origin,
        "",
        introduction,
        "",
        "## Why they differ",
        "",
        *(f"{number}. {item.why}" for number, item in enumerate(EXPLANATIONS, 1)),
        "",
        "## The calls",
        "",
        f"| call | {' | '.join(TITLES)} | |",
        f"| --- |{' --- |' * (len(TITLES) + 1)}",
    ]
    for sequence in _all():
        lines.append(f"| **{sequence.name}** | | | | | |")
        for text, row in rows(sequence, found[sequence.name]):
            first = _cell(row[0])
            cells = [first, *("=" if cell == row[0] else _cell(cell) for cell in row[1:])]
            reason = explain(sequence, text) if any(cell != row[0] for cell in row) else None
            number = f"{EXPLANATIONS.index(reason) + 1}" if reason is not None else ""
            lines.append(f"| {_escaped(text)} | {' | '.join(cells)} | {number} |")
    return "\n".join(lines) + "\n"


def write(path: Path = TABLE) -> list[str]:
    """Write the document; returns what is wrong with the run it shows."""
    found = run()
    path.write_text(table(found), encoding="utf-8")
    return unexplained(found)


def check(path: Path = TABLE) -> list[str]:
    """What is wrong: differences that are not explained, and lines that are no longer true."""
    found = run()
    wrong = unexplained(found)
    now, then = table(found).splitlines(), path.read_text(encoding="utf-8").splitlines()
    if now != then:
        changed = [line for line in now if line not in set(then)]
        wrong.append(f"{path.name} is not what the run gives; new lines: {changed[:5]}")
    return wrong


def _files(sequence: Sequence) -> list[str]:
    return [f"the file `{key}` afterwards" for key in {"a": None, **sequence.files}]


def _cell(item: Any) -> str:
    if isinstance(item, str):
        return item  # the kind of an error
    if isinstance(item, bytes):
        return f"`{item.decode('latin-1')!r}`".replace("|", "\\|")
    if item is None:
        return "not there"
    value = item["value"]
    if value is None:
        return "done"
    text = str(value)
    return _escaped(f"`{text if len(text) <= _SHORT else text[: _SHORT - 1] + '…'}`")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\0", "\\0").replace("\n", " ")
