"""What .NET and pyshm do with the same calls, on Windows and on Linux: fixtures/semantics.jsonl.

The file has a line for each call. ``python -m interop semantics`` makes all calls again and
compares. A call whose outcomes differ needs an entry in :data:`EXPLANATIONS`, which names a heading
of docs/semantics.md. A difference without an entry is an error, and so is an entry that explains
no difference.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ..checkout import FIXTURES
from ..exchange.place import Place
from ..worlds.world import NATIVE, WINDOWS, Endpoint, remove_maps, world_of
from .microsoft import demanded
from .named import LIFETIMES
from .run import Outcome, labels, lifetime, outcomes
from .sequences import SEQUENCES
from .steps import Lifetime, Sequence

__all__ = [
    "ENDPOINTS",
    "EXPLANATIONS",
    "TABLE",
    "WINE",
    "Explanation",
    "check",
    "endpoints_of",
    "explain",
    "recorded",
    "run",
    "write",
]

TABLE = FIXTURES / "semantics.jsonl"
ENDPOINTS = {
    "windows dotnet": Endpoint(WINDOWS, "dotnet"),
    "windows NamedMap": Endpoint(WINDOWS, "dotnet"),
    "windows pyshm": Endpoint(WINDOWS, "python"),
    "linux pyshm": Endpoint(NATIVE, "python"),
    "linux NamedMap": Endpoint(NATIVE, "dotnet"),
    "linux dotnet": Endpoint(NATIVE, "dotnet"),
}
# .NET itself has named maps on Windows only. Who makes the calls of a sequence:
_UNNAMED = ("windows dotnet", "windows pyshm", "linux pyshm", "linux dotnet")
_NAMED = ("windows dotnet", "windows NamedMap", "windows pyshm", "linux pyshm", "linux NamedMap")
_SHOWN = 5  # changed rows in a message

Row = dict[str, Any]


class Explanation(NamedTuple):
    """Why some calls differ: a heading of docs/semantics.md, and patterns of sequence and call."""

    heading: str
    sequences: str
    calls: str = ""


# The first that matches is the explanation.
EXPLANATIONS = [
    Explanation("Mode CREATE in a call that fails", "file-mode-2-ten-(0|named)", "afterwards"),
    Explanation("A map name for a file", "map-name-.*|file-mode-2-ten-named"),
    Explanation("Global names", "namespace-global", "^open-existing as=q"),
    Explanation(
        "Names that a file can't have",
        "named-name-.*|namespace-(?!(unicode|local|global|trailing-space|white)$).*",
    ),
    Explanation("A file that is opened twice", "file-twice"),
    Explanation(
        "Maps that can't grow their file",
        "(file|stream)-access-[34]-20|file-mode-[124]-access-3|stream-file-access-3-access-3-20",
    ),
    Explanation(
        "Access beyond that of the open file",
        "stream-file-access-[12]-.*",
        "create|view|afterwards",
    ),
    Explanation(
        "Views past the end of the capacity",
        "(view|stream)-(max-.*|0-11|1-10|10-1|11-0|5-6|9-2)|order-(view|stream)-of-open-map",
    ),
    Explanation("A view of a closed map", "order-(view|stream)-of-disposed-map"),
    Explanation("Where a view begins", "view-far-.*|(view|stream)-10-0", "pointer_offset"),
    Explanation(
        "Where reads, writes and seeks end",
        "stream-.*|view-after-map|file-.*",
        "^stream-(read|write|seek|set)|^get .*property=(position|capacity|length)$|^read-array",
    ),
    Explanation("Capacity of a view", ".*", "^get .*property=(capacity|length)$"),
]

# Where Wine does something else than Windows, in the same form.
WINE = [
    Explanation("Views with more access than the creator's", "create-or-open-[0-4]", "^view"),
    Explanation("A right that needs a privilege", "named-rights-16777216", "^open-existing"),
    Explanation("Execution of a file's pages", "(file|stream)-access-[45]-.*", "^create"),
]


def run() -> list[Row]:
    """Make all calls, in every endpoint; return a row for each call."""
    cases: list[Sequence | Lifetime] = [*LIFETIMES, *SEQUENCES]
    found: dict[str, dict[str, list[Outcome]]] = {case.name: {} for case in cases}
    prefix = "pyshm-semantics-"
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        place = Place(f"{prefix}{Path(folder).name}-", folder)
        for endpoint in ENDPOINTS:
            chosen = [case for case in cases if endpoint in endpoints_of(case)]
            for case, answers in zip(chosen, _column(chosen, endpoint, place), strict=True):
                found[case.name][endpoint] = answers
    return [
        _row(case.name, text, {endpoint: column[at] for endpoint, column in answers.items()})
        for case in cases
        for answers in (found[case.name],)
        for at, text in enumerate(labels(case))
    ]


def endpoints_of(case: Sequence | Lifetime) -> tuple[str, ...]:
    """Return the endpoints that make the calls of ``case``."""
    return _NAMED if case.names_maps else _UNNAMED


def _row(sequence: str, call: str, cells: dict[str, Outcome]) -> Row:
    row: Row = {"sequence": sequence, "call": call}
    first, *others = cells.values()
    if all(cell == first for cell in others):
        row["all"] = first
    else:
        row |= {**cells, "why": _heading(explain(sequence, call))}
    demand = demanded(sequence, call, "windows")
    if demand is not None and demand.outcome != cells["windows dotnet"]:
        wine = _heading(explain(sequence, call, WINE))
        row |= {"windows": demand.outcome, "source": demand.source, "wine": wine}
    return row


def _heading(explanation: Explanation | None) -> str | None:
    return explanation.heading if explanation is not None else None


def _column(cases: Iterable[Sequence | Lifetime], name: str, place: Place) -> list[list[Outcome]]:
    endpoint = ENDPOINTS[name]
    world = world_of(endpoint.world)
    first, second = (
        world.peer(endpoint.language, f"{endpoint.label} {process}") for process in "AB"
    )
    found = []
    try:
        for item in cases:
            case = item.of_named_map() if name == "windows NamedMap" else item
            if isinstance(case, Lifetime):
                found.append(lifetime(case, first, second, place))
            else:
                found.append(outcomes(case, first, place, world))
    finally:
        first.kill()
        second.kill()
        remove_maps(place.prefix)
    return found


def explain(
    sequence: str, call: str, explanations: Iterable[Explanation] = tuple(EXPLANATIONS)
) -> Explanation | None:
    """Return the explanation of a difference in that call, or None."""
    for item in explanations:
        if re.fullmatch(item.sequences, sequence) and re.search(item.calls, call):
            return item
    return None


def unexplained(rows: Iterable[Row]) -> list[str]:
    """Return a line for each difference without explanation, and each unused explanation."""
    wrong = []
    for key, explanations in (("why", EXPLANATIONS), ("wine", WINE)):
        differences = [row for row in rows if key in row]
        wrong += [f"not explained: {_text(row)}" for row in differences if row[key] is None]
        used = {row[key] for row in differences}
        wrong += [
            f"explains no difference: {item}" for item in explanations if item.heading not in used
        ]
    return wrong


def recorded(world: str) -> dict[str, list[Outcome]]:
    """Return what the file says of .NET in a world: the outcomes of each sequence, by its name.

    Where .NET has no named maps, they are those of NamedMap.
    """
    found: dict[str, list[Outcome]] = {}
    for line in TABLE.read_text(encoding="ascii").splitlines():
        row = json.loads(line)
        keys = ("all", f"{world} dotnet", f"{world} NamedMap")
        outcome = next(row[key] for key in keys if key in row)
        found.setdefault(row["sequence"], []).append(outcome)
    return found


def write(path: Path = TABLE) -> list[str]:
    """Write the file from a run. Return what is wrong with the run, a line each."""
    rows = run()
    path.write_text("".join(f"{_text(row)}\n" for row in rows), encoding="ascii", newline="\n")
    return unexplained(rows)


def check(path: Path = TABLE) -> list[str]:
    """Compare the file with a run. Return what is wrong, a line each."""
    rows = run()
    now, then = list(map(_text, rows)), path.read_text(encoding="ascii").splitlines()
    wrong = unexplained(rows)
    if now != then:
        for title, ours, theirs in (("in the file", then, now), ("in this run", now, then)):
            only = [line for line in ours if line not in set(theirs)]
            wrong += [f"only {title}: {line}" for line in only[:_SHOWN]]
            if len(only) > _SHOWN:
                wrong.append(f"only {title}: {len(only) - _SHOWN} more rows")
        wrong.append(f"{path.name} is not what this run gives")
    return wrong


def _text(row: Row) -> str:
    return json.dumps(row)
