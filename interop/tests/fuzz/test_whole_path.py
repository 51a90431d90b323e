"""The whole path: C#, an assembly, ``pyshm bind``, Python classes, ``pyshm csharp``, .NET.

The types are those of fixtures/types.jsonl, the test assembly, and random ones: a third as many as
the option ``--types`` says, and at most 2,000.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("dnfile")

from interop.checkout import CHECKOUT, FIXTURES
from interop.fuzz import whole_path
from interop.fuzz.whole_path import BOTH
from interop.peers.compile import compile_library
from interop.plugin.hooks import Peers
from interop.worlds.world import NATIVE, Endpoint
from pyshm.assemblies import Assembly
from pyshm.codegen import bind, csharp_source
from pyshm.layout.declarations import TypeDeclaration
from pyshm.layout.forms import HOST, Target
from pyshm.layout.layouts import refusal
from pyshm.layout.schema import from_json
from pyshm.testing.questions import DotNetTypes, ReflectedType

pytestmark = pytest.mark.dotnet

MOST = 2000
SHAPES = CHECKOUT / "tests" / "assemblies" / "data" / "Shapes.dll"


class Compiled(NamedTuple):
    """An assembly with the types, what ``bind`` writes for it, and what .NET reports of it."""

    declarations: dict[str, TypeDeclaration]
    assembly: Assembly
    source: str
    reflected: dict[str, ReflectedType]


@pytest.fixture(scope="module")
def dotnet(peers: Peers) -> DotNetTypes:
    return DotNetTypes(peers.get(Endpoint(NATIVE, "dotnet"), "whole path"))


@pytest.fixture(scope="module")
def compiled(
    dotnet: DotNetTypes, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Compiled:
    kept = (FIXTURES / "types.jsonl").read_text(encoding="utf-8").splitlines()
    drawn = [from_json(json.loads(line)["types"]) for line in kept]
    count = min(request.config.getoption("--types") // 3, MOST)
    drawn += random_types(count, request.config.getoption("--seed"))
    # Each type is one of several with its name, until it has a prefix.
    all_types = [
        type_
        for index, each in enumerate(drawn)
        for type_ in whole_path.renamed([each], f"N{index}_")
    ]
    accepted = [each for each in all_types if not all(refusal(each, target) for target in BOTH)]
    types = whole_path.written(accepted)
    assert len(types) > len(accepted) // 2
    library = compile_library("Whole", csharp_source(types), tmp_path_factory.mktemp("whole"))
    assembly = Assembly.open(library)
    return Compiled(
        {each.name: each for each in types},
        assembly,
        bind(assembly, everything=True).source,
        {item.type: item for item in dotnet.reflect(library)},
    )


def random_types(count: int, first_seed: int) -> list[TypeDeclaration]:
    """Return ``count`` random types; none without hypothesis."""
    try:
        from hypothesis import HealthCheck, Phase, given, seed, settings
    except ImportError:
        return []
    from interop.fuzz.random_types import declarations

    drawn: list[TypeDeclaration] = []

    @seed(first_seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(declarations())
    def draw(declaration: TypeDeclaration) -> None:
        drawn.append(declaration)

    draw()
    return drawn[:count]


def text_of(found: Iterator[whole_path.Problem]) -> str:
    return "\n".join(map(str, found))


def test_the_compiled_types_have_the_declared_layouts(compiled: Compiled) -> None:
    from interop.corpus.compare import Verdict, compare

    found = compare("Whole.dll", compiled.declarations.values(), known(compiled), HOST)
    bad = [each for each in found if each.verdict not in (Verdict.EQUAL, Verdict.MATCHED)]
    assert not bad, "\n".join(map(str, bad))


def known(compiled: Compiled) -> list[ReflectedType]:
    """Return .NET's answers about the types themselves, without those that they consist of."""
    return [item for name, item in compiled.reflected.items() if name in compiled.declarations]


@pytest.mark.parametrize("target", BOTH, ids=["unix", "windows"])
def test_each_bound_class_has_the_layout_of_its_type(compiled: Compiled, target: Target) -> None:
    assert not text_of(whole_path.problems(compiled.assembly, target, compiled.source))


@pytest.mark.parametrize("target", BOTH, ids=["unix", "windows"])
def test_each_bound_class_of_the_test_assembly_has_the_layout_of_its_type(target: Target) -> None:
    assert not text_of(whole_path.problems(Assembly.open(SHAPES), target))


def test_the_csharp_of_the_bound_classes_has_the_layouts_of_the_types(
    compiled: Compiled, dotnet: DotNetTypes, tmp_path: Path
) -> None:
    classes = whole_path.bound_classes(compiled.source, HOST)
    types = [each.layout.declaration for each in classes.values()]
    assert len(whole_path.written(types)) == len(types)
    assert not text_of(
        whole_path.compiled_problems("Again", types, compiled.reflected, tmp_path, dotnet)
    )


@pytest.mark.slow
def test_the_bound_module_has_no_error_of_types(compiled: Compiled, tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    module = tmp_path / "bound.py"
    module.write_text(compiled.source, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(module)]
    checked = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert checked.returncode == 0, checked.stdout
