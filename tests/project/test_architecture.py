"""Imports go one way: each leads to a lower layer, and no files import each other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

# CONTRIBUTING.md has the same table, with what is in each place. A place imports only places of
# lower layers; its own files import each other in any order that has no cycle.
PYSHM = (
    ("errors", "_version"),
    ("_support",),
    ("layout",),
    ("types", "assemblies"),
    ("structs",),
    ("maps", "formats", "codegen"),
    ("helper", "channels", "dump"),
    ("listing", "doctor", "apps"),
    ("cli", "testing"),
    ("_moved",),
    ("__init__", "__main__"),
)
INTEROP = (
    ("checkout",),
    ("oracle", "peers"),
    ("cases", "worlds", "desktop"),
    ("exchange", "fuzz"),
    ("semantics", "corpus", "bench", "models", "mutants", "nuget"),
    ("report",),
    ("plugin", "doc_examples", "doctor"),
    ("__init__", "__main__"),
    ("tests",),
)
LAYERS = {
    **{f"pyshm.{place}": n for n, places in enumerate(PYSHM) for place in places},
    **{f"interop.{place}": 100 + n for n, places in enumerate(INTEROP) for place in places},
}


class Import(NamedTuple):
    """One import: the module that imports, the one that it imports, and the line."""

    importer: str
    imported: str
    line: int


def module_name(path: Path, root: Path) -> str:
    """The dotted name of a file; a package's face is named ``package.__init__``."""
    return ".".join(path.relative_to(root).with_suffix("").parts)


def imports_of(name: str, source: str, modules: Mapping[str, Path]) -> Iterator[Import]:
    """Every import in a file: at the top, in functions, and for type checkers alone."""
    package = name.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            targets = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            for candidate in (target, f"{target}.__init__", *_parents(target)):
                if candidate in modules:
                    if candidate != name:
                        yield Import(name, candidate, node.lineno)
                    break


def _parents(target: str) -> tuple[str, str]:
    """Where a name is that is not a module itself: in a module, or in a package's face."""
    parent = target.rpartition(".")[0]
    return parent, f"{parent}.__init__"


def place_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def upward(imports: list[Import]) -> list[str]:
    """Imports that lead to a place of the same or of a higher layer."""
    return [
        f"{found.importer}:{found.line} imports {found.imported}, which is not below it"
        for found in imports
        if place_of(found.importer) != place_of(found.imported)
        and LAYERS[place_of(found.importer)] <= LAYERS[place_of(found.imported)]
    ]


def cycles(imports: list[Import]) -> list[str]:
    """Files that import each other, directly or through others: one shortest way round for each."""
    graph: dict[str, set[str]] = {}
    for found in imports:
        graph.setdefault(found.importer, set()).add(found.imported)
    rings = {}
    for start in sorted(graph):
        ring = _way_back(graph, start)
        if ring and frozenset(ring) not in rings:
            rings[frozenset(ring)] = " -> ".join([*ring, start])
    return list(rings.values())


def _way_back(graph: dict[str, set[str]], start: str) -> list[str]:
    ways = [[start]]
    seen = set()
    for way in ways:
        for following in sorted(graph.get(way[-1], ())):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def all_imports(root: Path) -> list[Import]:
    files = [path for top in ("pyshm", "interop") for path in sorted((root / top).rglob("*.py"))]
    modules = {module_name(path, root): path for path in files}
    return [
        found
        for name, path in modules.items()
        for found in imports_of(name, path.read_text(encoding="utf-8"), modules)
    ]


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return all_imports(ROOT)


def test_every_import_leads_to_a_lower_layer(imports):
    assert upward(imports) == []


def test_no_files_import_each_other(imports):
    assert cycles(imports) == []


def test_the_table_for_contributors_has_every_place():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = re.findall(r"`((?:pyshm|interop)/\w+)(?:/|\.py)`", page)
    places = {place.replace(".", "/") for place in LAYERS}
    unlisted = {"pyshm/_moved", "pyshm/_version", "interop/checkout"}
    assert {place for place in places if "__" not in place} - unlisted == set(listed)


def test_every_file_is_in_a_place_of_the_table(imports):
    assert {place_of(found.importer) for found in imports} - set(LAYERS) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "from ..cli import program",
        "from pyshm.cli.program import main",
        "import pyshm.cli.program",
        "def later():\n    from ..cli.program import main",
        "if TYPE_CHECKING:\n    from ..cli.program import main",
    ],
)
def test_an_upward_import_is_found_wherever_it_is_written(statement):
    modules = dict.fromkeys(("pyshm.maps.mapping", "pyshm.cli.program", "pyshm.cli.__init__"), ROOT)
    (complaint,) = upward(list(imports_of("pyshm.maps.mapping", statement, modules)))
    assert complaint.startswith("pyshm.maps.mapping:")
    assert "pyshm.cli" in complaint


def test_a_cycle_names_its_files():
    three = [Import("a", "b", 1), Import("b", "c", 1), Import("c", "a", 1), Import("c", "d", 1)]
    assert cycles(three) == ["a -> b -> c -> a"]
