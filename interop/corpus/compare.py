"""Every type with layout of real packages: what pyshm makes of it, and what .NET says.

pyshm reads an assembly's metadata and lays its types out; the .NET peer loads the same file and
asks the runtime. Each type has one verdict. docs/corpus.md is written from a run in both worlds.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from pyshm.assemblies import Assembly, Unbindable
from pyshm.layout.declarations import FieldDeclaration, TypeDeclaration
from pyshm.layout.layouts import Target, refusal
from pyshm.testing import build, sdk
from pyshm.testing.process import Peer
from pyshm.testing.questions import Definition, DotNetError, DotNetTypes, ReflectedType

from ..checkout import DOCS
from ..fuzz.differential import layout_differences
from ..worlds.world import NATIVE, WINDOWS, World, world_of
from . import packages

__all__ = [
    "FRAMEWORK",
    "TABLE",
    "Finding",
    "Row",
    "Verdict",
    "check",
    "compare",
    "names",
    "run",
    "run_in",
    "table",
    "text",
    "untrue",
    "write",
    "wrong",
]

TABLE = DOCS / "corpus.md"
FRAMEWORK = "Microsoft.NETCore.App"
"""The shared framework itself: the one that the peer runs on, in whatever version that is."""

# Not the type of any value: .NET itself can hardly be asked about it.
_NO_TYPES = frozenset({"System.Void"})
# A single answer tells of thousands of types.
_PATIENCE = 600.0
_TITLES = {NATIVE: "Linux", WINDOWS: "Windows"}

Say = Callable[[str], None]


class Verdict(Enum):
    """What comes of comparing one type."""

    EQUAL = "equal"
    """.NET marshals it, and every number is the same."""
    WRONG = "wrong"
    """Both know it, and say different numbers."""
    MISSED = "missed"
    """.NET marshals it, and pyshm does not."""
    MATCHED = "matched"
    """Both refuse it, at the same point."""
    UNMATCHED = "unmatched"
    """.NET refuses it, and pyshm does not or at another point."""


class Finding(NamedTuple):
    """A type whose verdict is bad, and why."""

    assembly: str
    type: str
    verdict: Verdict
    story: str

    def __str__(self) -> str:
        return f"{self.verdict.value}: {self.assembly}: {self.type}: {self.story}"


@dataclass
class Row:
    """The verdicts on one package's assemblies, as a line of the table. Times are in seconds."""

    world: str
    package: str
    version: str
    assemblies: list[str]
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    python_seconds: float = 0.0
    dotnet_seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """The numbers of the table, under their titles."""
        of = self.verdicts
        rejected = of[Verdict.MATCHED] + of[Verdict.UNMATCHED]
        return {
            "types": of.total(),
            "accepted by .NET": of.total() - rejected,
            "equal": of[Verdict.EQUAL],
            "wrong": of[Verdict.WRONG],
            "missed": of[Verdict.MISSED],
            "rejected by .NET": rejected,
            "rejections matched": of[Verdict.MATCHED],
        }

    @property
    def label(self) -> str:
        """Its assemblies: the one's name, or how many they are."""
        return self.assemblies[0] if len(self.assemblies) == 1 else f"{len(self.assemblies)} files"

    def to_json(self) -> dict[str, object]:
        """Everything, for a program."""
        return {
            "world": self.world,
            "package": self.package,
            "version": self.version,
            "assemblies": self.assemblies,
            **{title.replace(" ", "_").replace(".", ""): n for title, n in self.counts().items()},
            "python_seconds": round(self.python_seconds, 3),
            "dotnet_seconds": round(self.dotnet_seconds, 3),
            "findings": [
                {**finding._asdict(), "verdict": finding.verdict.value} for finding in self.findings
            ],
        }


class _Work(NamedTuple):
    """The assemblies of one row, and the folders where types that they need are found."""

    package: str
    version: str
    files: list[Path]
    references: list[Path]


def names() -> list[str]:
    """What can be compared, in the order of the table."""
    return [
        *(name for name, package in packages.listed().items() if not package.only_referenced),
        FRAMEWORK,
    ]


def run(
    world: World, peer: Peer, chosen: Iterable[str], say: Say = lambda _line: None
) -> Iterator[Row]:
    """Compare the packages ``chosen`` (of :func:`names`) with ``peer``, .NET in ``world``.

    A row for each. Raises packages.Unavailable where NuGet does not give one, PeerFailure if .NET
    dies of a type.
    """
    known = packages.listed()
    chosen = list(chosen)
    packages.fetch([known[name] for name in chosen if name != FRAMEWORK], say)
    peer.start().patience = _PATIENCE
    version, framework = _framework(world, peer)
    for name in chosen:
        say(f"comparing {name} ({_TITLES.get(world.name, world.name)})")
        if name == FRAMEWORK:
            work = _Work(name, version, framework, [])
        else:
            package = known[name]
            work = _Work(
                name,
                package.version,
                [file for path in package.assemblies for file in package.files(path)],
                [known[other].folder for other in package.references],
            )
        yield _compared(work, framework[0].parent, world, peer)


def run_in(worlds: Iterable[str], chosen: Iterable[str], say: Say) -> Iterator[Row]:
    """:func:`run` in each of ``worlds``, with a peer for each."""
    chosen = list(chosen)
    for name in worlds:
        world = world_of(name)
        peer = world.peer("dotnet", f"{name} dotnet")
        try:
            yield from run(world, peer, chosen, say)
        finally:
            peer.kill()
            world.close()


def _framework(world: World, peer: Peer) -> tuple[str, list[Path]]:
    """The version and the assemblies of the shared framework that ``peer`` runs on."""
    if world.name == NATIVE:
        shared = sdk.find_dotnet().path.parent / "shared" / FRAMEWORK
        folder = shared / peer.hello["runtime"].removeprefix(".NET ")
    else:
        # Its peer has the framework beside it.
        folder = Path((build.find_peer(windows=True) or [""])[-1]).parent
    (listing,) = folder.glob("*.deps.json")
    for target in json.loads(listing.read_text(encoding="utf-8"))["targets"].values():
        for library, content in target.items():
            if FRAMEWORK in library and "runtime" in content:
                files = [folder / Path(path).name for path in content["runtime"]]
                return library.rpartition("/")[2], sorted(files, key=lambda path: path.name)
    raise LookupError(f"{listing} does not tell what {FRAMEWORK} is made of")


def _compared(work: _Work, framework: Path, world: World, peer: Peer) -> Row:
    row = Row(world.name, work.package, work.version, [file.name for file in work.files])
    target = Target(8, world.name == WINDOWS)
    for file in work.files:
        began = time.perf_counter()
        assembly = Assembly.open(file, map(str, [*work.references, framework]))
        ours = assembly.declared_types()
        row.python_seconds += time.perf_counter() - began
        began = time.perf_counter()
        theirs = DotNetTypes(peer).reflect(
            world.path(str(file)), references=[world.path(str(path)) for path in work.references]
        )
        row.dotnet_seconds += time.perf_counter() - began
        began = time.perf_counter()
        for finding in compare(file.name, ours, theirs, target):
            row.verdicts[finding.verdict] += 1
            if finding.verdict not in (Verdict.EQUAL, Verdict.MATCHED):
                row.findings.append(finding)
        row.python_seconds += time.perf_counter() - began
    return row


def compare(
    assembly: str,
    ours: Iterable[TypeDeclaration | Unbindable],
    theirs: Iterable[ReflectedType],
    target: Target,
) -> Iterator[Finding]:
    """A verdict on every type of an assembly that either side knows."""
    declared = {_plain(item.name): item for item in ours if item.name not in _NO_TYPES}
    for reflected in theirs:
        if reflected.type in _NO_TYPES:
            continue
        mine = declared.pop(_plain(reflected.type), None)
        verdict, story = _verdict(mine, reflected, target)
        yield Finding(assembly, reflected.type, verdict, story)
    for name in declared:
        yield Finding(assembly, name, Verdict.WRONG, "not known to .NET")


def _plain(name: str) -> str:
    """A type's name without the backslashes that reflection puts before its own grammar."""
    return name.replace("\\", "")


def _error(reflected: ReflectedType) -> DotNetError | None:
    """Why .NET does not marshal the type; None if it does."""
    tried = reflected.structure_to_ptr_error
    if tried is not None and tried.type == "MemberAccessException":
        # Nothing can be an instance of an abstract class, but its derived classes are marshalled.
        tried = None
    return reflected.native_error or tried


def _verdict(
    mine: TypeDeclaration | Unbindable | None, reflected: ReflectedType, target: Target
) -> tuple[Verdict, str]:
    error = _error(reflected)
    if mine is None or isinstance(mine, Unbindable):
        if reflected.native_error is not None and mine is not None:
            return Verdict.MATCHED, mine.reason
        reason = "not found in the metadata" if mine is None else mine.reason
        return Verdict.MISSED if error is None else Verdict.UNMATCHED, reason
    differences = layout_differences(mine, _definition(reflected), target)
    story = "; ".join(map(str, differences))
    fields = [item.name for item in reflected.fields]
    if not story and fields != list(_field_names(mine)):
        story = f"fields: {fields} in .NET, {list(_field_names(mine))} here"
    if not story and error is None:
        story = _unanswered(mine, reflected, target)
    if not story:
        return (Verdict.EQUAL if error is None else Verdict.MATCHED), ""
    if differences and differences[0].what in ("loads", "has_size", "marshals"):
        return (Verdict.MISSED if error is None else Verdict.UNMATCHED), story
    return Verdict.WRONG, story


def _unanswered(mine: TypeDeclaration, reflected: ReflectedType, target: Target) -> str:
    """What is missing in the answer on a type that .NET marshals; "" if nothing is."""
    # .NET shows the alignment of a type in a struct around it, which it refuses for a few types.
    probe = TypeDeclaration("Probe", fields=(FieldDeclaration("value", mine),))
    refused = refusal(probe, target)
    if (reflected.native_alignment is None) != (refused is not None):
        return f"as a field: {reflected.native_alignment} in .NET, {refused or 'accepted'} here"
    if reflected.kind == "struct" and None in (reflected.managed_size, reflected.managed_alignment):
        return "no managed layout from .NET"
    return ""


def _definition(reflected: ReflectedType) -> Definition:
    """The same in the form that differential.py compares."""
    # No values were sent, so there are no answers about values.
    same: dict[str, Any] = {name: getattr(reflected, name, None) for name in Definition._fields}
    same["native_offsets"] = [item.native_offset for item in reflected.fields]
    same["managed_offsets"] = [item.managed_offset for item in reflected.fields]
    same["structure_to_ptr_error"] = _error(reflected)
    return Definition(**same)


def _field_names(declaration: TypeDeclaration) -> Iterator[str]:
    """A type's fields, its base class's first."""
    if declaration.base is not None:
        yield from _field_names(declaration.base)
    for item in declaration.fields:
        yield item.name


# --- the table ----------------------------------------------------------------------------


def wrong(row: Row) -> list[str]:
    """What is not as it has to be, a line each."""
    if not row.verdicts:
        return [f"{row.package} {row.version} ({row.world}): no types"]
    return [str(finding) for finding in row.findings]


def text(row: Row | None) -> str:
    """A line for a terminal; without a row, the line of titles."""
    cells: list[object] = ["world", "package", "version", "assemblies", *_SHORT, "seconds"]
    if row is not None:
        seconds = f"{row.python_seconds:.1f} + {row.dotnet_seconds:.1f}"
        cells = [row.world, row.package, row.version, row.label, *row.counts().values(), seconds]
    return "  ".join(f"{cell!s:{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))


_SHORT = ["types", "accepted", "equal", "wrong", "missed", "rejected", "matched"]
_WIDTHS = ["7", "44", "16", "46", *(">8" for _ in _SHORT), ">13"]


def markdown(row: Row) -> str:
    """A line of the document."""
    cells = [row.package, row.version, row.label, *row.counts().values()]
    return f"| {' | '.join(map(str, cells))} |"


def table(rows: Iterable[Row]) -> str:
    """The document."""
    rows = list(rows)
    head = ["package", "version", "assemblies", *rows[0].counts()]
    licences = ", ".join(
        f"{package.name} ({package.licence})" for package in packages.listed().values()
    )
    origin = (
        "Written by `python -m interop corpus --write` from a run of the real programs; `--check` "
        "runs them again and compares. Do not edit."
    )
    introduction = (
        "Every struct and every class with layout of these packages from NuGet, which nobody here "
        "wrote: pyshm reads the metadata and lays the type out, .NET loads the assembly and is "
        "asked. Compared are whether the type is accepted or rejected (it can't be loaded, "
        "Marshal.SizeOf refuses it, or Marshal.StructureToPtr does), the marshalled size, "
        "alignment and offsets of fields, and the managed ones with the stride of arrays. "
        f"{FRAMEWORK} is the shared framework itself. Windows is Wine where it is not Windows."
    )
    terms = f"Licences: {licences}. Fetched when they are needed, and no part of this repository."
    lines = ["# Real assemblies, every type", "", origin, "", introduction, "", terms]
    for world, title in _TITLES.items():
        lines += ["", f"## {title}", "", f"| {' | '.join(head)} |"]
        lines.append(f"| --- | --- | --- |{' ---: |' * (len(head) - 3)}")
        lines += [markdown(row) for row in rows if row.world == world]
    return "\n".join(lines) + "\n"


def _all_rows(say: Say) -> list[Row]:
    rows = []
    for row in run_in(_TITLES, names(), say):
        say(text(row))
        rows.append(row)
    return rows


def write(say: Say = lambda _line: None, path: Path = TABLE) -> list[str]:
    """Write the document; returns what is wrong with the run that it shows."""
    rows = _all_rows(say)
    path.write_text(table(rows), encoding="utf-8")
    return [line for row in rows for line in wrong(row)]


def check(say: Say = lambda _line: None, path: Path = TABLE) -> list[str]:
    """What is wrong: verdicts that are not good, and lines that are no longer true."""
    rows = _all_rows(say)
    found = [line for row in rows for line in wrong(row)]
    for line in untrue(path.read_text(encoding="utf-8"), table(rows)):
        found.append(f"{path.name} is not what the run gives: {line}")
    return found


def untrue(then: str, now: str) -> list[str]:
    """The lines in which the document ``then`` and that of a run ``now`` differ.

    The framework is the machine's own. The document shows one version of it, and says nothing of
    another.
    """
    before, after = then.splitlines(), now.splitlines()
    shared = [_head(line) for line in before if _head(line) in map(_head, after)]
    return [
        line
        for line in [*before, *after]
        if (line in before) != (line in after)
        if _head(line) in shared or not line.startswith(f"| {FRAMEWORK} |")
    ]


def _head(line: str) -> list[str]:
    """The package and version of a line of the table."""
    return line.split("|")[:3]
