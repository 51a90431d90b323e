"""Compares every type with a layout in real packages with .NET (docs/corpus.md).

pyshm reads the metadata of an assembly and computes the layout of its types. The .NET peer loads
the same file and asks the runtime. Each type gets one verdict. fixtures/corpus.jsonl has the
number of each verdict by package, from a run in both worlds.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from pyshm.assemblies import Assembly, Unbindable
from pyshm.layout.declarations import FieldDeclaration, TypeDeclaration
from pyshm.layout.forms import Target
from pyshm.layout.layouts import refusal
from pyshm.layout.traits import is_reordered
from pyshm.testing import build, sdk
from pyshm.testing.process import Peer
from pyshm.testing.questions import Definition, DotNetError, DotNetTypes, ReflectedType

from ..checkout import FIXTURES
from ..fuzz import whole_path
from ..fuzz.differential import layout_disagreements
from ..fuzz.whole_path import plain_name
from ..worlds.world import NATIVE, WINDOWS, World, world_of
from . import packages

__all__ = [
    "FRAMEWORK",
    "TABLE",
    "Finding",
    "Row",
    "Verdict",
    "changes",
    "check",
    "compare",
    "names",
    "run",
    "run_in",
    "text",
    "write",
    "wrong",
]

TABLE = FIXTURES / "corpus.jsonl"
FRAMEWORK = "Microsoft.NETCore.App"
"""The shared framework that the peer runs on, in the installed version."""

# It has no values, and .NET answers few questions about it.
_NO_TYPES = frozenset({"System.Void"})
# The runtime knows these by their names, so a copy is another type.
_SPECIAL = _NO_TYPES | {"System.Int128", "System.UInt128"}
# Seconds: one answer can describe thousands of types.
_PATIENCE = 600.0
_TITLES = {NATIVE: "Linux", WINDOWS: "Windows"}

Say = Callable[[str], None]


class Verdict(Enum):
    """The result of comparing one type."""

    EQUAL = "equal"
    """.NET marshals it, and every number is the same."""
    WRONG = "wrong"
    """Both marshal it, with different numbers."""
    MISSED = "missed"
    """.NET marshals it, and pyshm does not."""
    MATCHED = "matched"
    """Both refuse it, at the same point."""
    UNMATCHED = "unmatched"
    """.NET refuses it, and pyshm does not or at another point."""


class Finding(NamedTuple):
    """The verdict on a type, and the reason of a bad one."""

    assembly: str
    type: str
    verdict: Verdict
    detail: str

    def __str__(self) -> str:
        return f"{self.verdict.value}: {self.assembly}: {self.type}: {self.detail}"


@dataclass
class Row:
    """The verdicts on the assemblies of one package."""

    world: str
    package: str
    version: str
    assemblies: list[str]
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    python_seconds: float = 0.0
    dotnet_seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """Return the number of types with each verdict, and the sums."""
        of = self.verdicts
        rejected = of[Verdict.MATCHED] + of[Verdict.UNMATCHED]
        return {
            "types": of.total(),
            "accepted": of.total() - rejected,  # by .NET
            "equal": of[Verdict.EQUAL],
            "wrong": of[Verdict.WRONG],
            "missed": of[Verdict.MISSED],
            "rejected": rejected,  # by .NET
            "matched": of[Verdict.MATCHED],
        }

    @property
    def label(self) -> str:
        """The name of its assembly, or how many it has."""
        return self.assemblies[0] if len(self.assemblies) == 1 else f"{len(self.assemblies)} files"

    def summary(self) -> dict[str, object]:
        """Return what a run of the same versions has in common with this one."""
        return {
            "world": self.world,
            "package": self.package,
            "version": self.version,
            "assemblies": len(self.assemblies),
            **self.counts(),
        }

    def to_json(self) -> dict[str, object]:
        """Return everything, for a program."""
        return {
            **self.summary(),
            "assemblies": self.assemblies,
            "python_seconds": round(self.python_seconds, 3),
            "dotnet_seconds": round(self.dotnet_seconds, 3),
            "findings": [
                {**finding._asdict(), "verdict": finding.verdict.value} for finding in self.findings
            ],
        }


class _Work(NamedTuple):
    """The assemblies of one row, and the folders of the assemblies that they refer to."""

    package: str
    version: str
    files: list[Path]
    references: list[Path]


def names() -> list[str]:
    """Return the names of all packages to compare, in the order of the list."""
    return [
        *(name for name, package in packages.listed().items() if not package.only_referenced),
        FRAMEWORK,
    ]


def run(
    world: World, peer: Peer, chosen: Iterable[str], say: Say = lambda _line: None
) -> Iterator[Row]:
    """Compare the packages ``chosen`` (of :func:`names`) with ``peer``, .NET in ``world``.

    Yield a row for each. Raises packages.Unavailable if NuGet does not provide one, PeerFailure if
    a type crashes .NET.
    """
    known = packages.listed()
    chosen = list(chosen)
    packages.fetch([known[name] for name in chosen if name != FRAMEWORK], say)
    peer.start().timeout = _PATIENCE
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
    """Do :func:`run` in each of ``worlds``, with a peer for each."""
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
    """Return version and assemblies of the shared framework that ``peer`` runs on."""
    if world.name == NATIVE:
        shared = sdk.find_dotnet().path.parent / "shared" / FRAMEWORK
        folder = shared / peer.hello["runtime"].removeprefix(".NET ")
    else:
        # The peer is self-contained: the framework is in its folder.
        folder = Path((build.find_peer(windows=True) or [""])[-1]).parent
    (listing,) = folder.glob("*.deps.json")
    for target in json.loads(listing.read_text(encoding="utf-8"))["targets"].values():
        for library, content in target.items():
            if FRAMEWORK in library and "runtime" in content:
                files = [folder / Path(path).name for path in content["runtime"]]
                return library.rpartition("/")[2], sorted(files, key=lambda path: path.name)
    raise LookupError(f"{listing} does not list the files of {FRAMEWORK}")


def _compared(work: _Work, framework: Path, world: World, peer: Peer) -> Row:
    row = Row(world.name, work.package, work.version, [file.name for file in work.files])
    target = Target(8, world.name == WINDOWS)
    copies = _Copies()
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
        for problem in whole_path.problems(assembly, target):
            row.findings.append(_broken(file.name, problem, "bound"))
        row.python_seconds += time.perf_counter() - began
        if world.name == NATIVE:
            copies.add(f"A{len(copies.declarations)}_", ours, theirs, target)
    if copies.declarations:
        began = time.perf_counter()
        row.findings += [_broken(row.label, each, "C#") for each in copies.problems(peer)]
        row.dotnet_seconds += time.perf_counter() - began
    return row


def _broken(assembly: str, problem: whole_path.Problem, where: str) -> Finding:
    return Finding(assembly, problem.type, Verdict.WRONG, f"{where}: {problem.sentence}")


class _Copies:
    """Copies of the types that C# source can declare, for one library."""

    def __init__(self) -> None:
        self.declarations: list[TypeDeclaration] = []
        self.expected: dict[str, ReflectedType] = {}

    def add(
        self,
        prefix: str,
        ours: Iterable[TypeDeclaration | Unbindable],
        theirs: Iterable[ReflectedType],
        target: Target,
    ) -> None:
        """Add the types of an assembly, with ``prefix`` before their names."""
        known = {plain_name(item.type): item for item in theirs}
        types = whole_path.written(
            item
            for item in ours
            if not isinstance(item, Unbindable)
            and refusal(item, target) is None
            and item.name in known
            and item.name not in _SPECIAL
        )
        copies = whole_path.renamed(types, prefix)
        self.declarations += copies
        self.expected |= {
            copy.name: known[item.name] for item, copy in zip(types, copies, strict=True)
        }

    def problems(self, peer: Peer) -> Iterator[whole_path.Problem]:
        """Compile the C# that pyshm writes for the types, and compare it with them in .NET."""
        with tempfile.TemporaryDirectory() as folder:
            yield from whole_path.compiled_problems(
                "Copies", self.declarations, self.expected, Path(folder), DotNetTypes(peer)
            )


def compare(
    assembly: str,
    ours: Iterable[TypeDeclaration | Unbindable],
    theirs: Iterable[ReflectedType],
    target: Target,
) -> Iterator[Finding]:
    """Yield a verdict on every type of an assembly that either side knows."""
    declared = {plain_name(item.name): item for item in ours if item.name not in _NO_TYPES}
    for reflected in theirs:
        if reflected.type in _NO_TYPES:
            continue
        mine = declared.pop(plain_name(reflected.type), None)
        verdict, detail = _verdict(mine, reflected, target)
        yield Finding(assembly, reflected.type, verdict, detail)
    for name in declared:
        yield Finding(assembly, name, Verdict.WRONG, "not known to .NET")


def _error(reflected: ReflectedType) -> DotNetError | None:
    """Return the reason why .NET does not marshal the type, or None."""
    tried = reflected.structure_to_ptr_error
    if tried is not None and tried.type == "MemberAccessException":
        # An abstract class has no instances, but instances of derived classes are marshalled.
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
    found = layout_disagreements(mine, _definition(reflected), target)
    detail = "; ".join(map(str, found))
    fields = [item.name for item in reflected.fields]
    if not detail and fields != list(_field_names(mine)):
        detail = f"fields: {fields} in .NET, {list(_field_names(mine))} here"
    if not detail and error is None:
        detail = _unanswered(mine, reflected, target)
    if not detail:
        return (Verdict.EQUAL if error is None else Verdict.MATCHED), ""
    if found and found[0].is_refusal:
        return (Verdict.MISSED if error is None else Verdict.UNMATCHED), detail
    return Verdict.WRONG, detail


def _unanswered(mine: TypeDeclaration, reflected: ReflectedType, target: Target) -> str:
    """Return what is missing in the answer about a type that .NET marshals, or ""."""
    # .NET measures the alignment of a type in a struct around it. It refuses a few such structs,
    # and the peer does not try what could crash the runtime.
    if is_reordered(mine):
        return ""
    probe = TypeDeclaration("Probe", fields=(FieldDeclaration("value", mine),))
    refused = refusal(probe, target)
    if (reflected.native_alignment is None) != (refused is not None):
        return f"as a field: {reflected.native_alignment} in .NET, {refused or 'accepted'} here"
    if reflected.kind == "struct" and None in (reflected.managed_size, reflected.managed_alignment):
        return "no managed layout from .NET"
    return ""


def _definition(reflected: ReflectedType) -> Definition:
    """Return the answer in the form that differential.py compares."""
    # No values were sent, so the fields about values stay None.
    same: dict[str, Any] = {name: getattr(reflected, name, None) for name in Definition._fields}
    same["native_offsets"] = [item.native_offset for item in reflected.fields]
    same["managed_offsets"] = [item.managed_offset for item in reflected.fields]
    same["structure_to_ptr_error"] = _error(reflected)
    return Definition(**same)


def _field_names(declaration: TypeDeclaration) -> Iterator[str]:
    """Yield the names of the fields, those of the base class first."""
    if declaration.base is not None:
        yield from _field_names(declaration.base)
    for item in declaration.fields:
        yield item.name


# --- rows as text -------------------------------------------------------------------------


def wrong(row: Row) -> list[str]:
    """Return what is wrong in a row, a line each."""
    if not row.verdicts:
        return [f"{row.package} {row.version} ({row.world}): no types"]
    return [str(finding) for finding in row.findings]


def text(row: Row | None) -> str:
    """Return a line for a terminal; without a row, the header."""
    cells: list[object] = ["world", "package", "version", "assemblies", *_COUNTS, "seconds"]
    if row is not None:
        seconds = f"{row.python_seconds:.1f} + {row.dotnet_seconds:.1f}"
        cells = [row.world, row.package, row.version, row.label, *row.counts().values(), seconds]
    return "  ".join(f"{cell!s:{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))


_COUNTS = list(Row("", "", "", []).counts())
_WIDTHS = ["7", "44", "16", "46", *(">8" for _ in _COUNTS), ">13"]


def write(say: Say = lambda _line: None, path: Path = TABLE) -> list[str]:
    """Write the file from a run of everything. Return what is wrong with the run."""
    rows = _all_rows(say)
    lines = "".join(f"{line}\n" for line in _lines(rows))
    path.write_text(lines, encoding="ascii", newline="\n")
    return [line for row in rows for line in wrong(row)]


def check(say: Say = lambda _line: None, path: Path = TABLE) -> list[str]:
    """Compare the file with a run of everything. Return what is wrong, a line each."""
    rows = _all_rows(say)
    found = [line for row in rows for line in wrong(row)]
    return found + changes(path.read_text(encoding="ascii").splitlines(), _lines(rows), path.name)


def _all_rows(say: Say) -> list[Row]:
    rows = []
    for row in run_in(_TITLES, names(), say):
        say(text(row))
        rows.append(row)
    return rows


def _lines(rows: Iterable[Row]) -> list[str]:
    return [json.dumps(row.summary()) for row in rows]


def changes(file: list[str], run: list[str], name: str = TABLE.name) -> list[str]:
    """Return the lines that are only in the file or only in the run.

    Every machine has its own version of the framework. If the file has another version, the
    framework is not compared.
    """
    in_both = {_version(line) for line in file} & {_version(line) for line in run}
    return [
        f"only in {where}: {line}"
        for where, lines, others in ((name, file, run), ("this run", run, file))
        for line in lines
        if line not in others
        if _version(line) in in_both or json.loads(line)["package"] != FRAMEWORK
    ]


def _version(line: str) -> tuple[str, str, str]:
    row = json.loads(line)
    return row["world"], row["package"], row["version"]
