"""Names and documentation that pyshm writes as C#, compiled by the real compiler."""

from __future__ import annotations

import pytest

pytest.importorskip("dnfile")

from pathlib import Path

from interop.peers.compile import compile_library
from pyshm._support.names import written_name
from pyshm.assemblies import Assembly
from pyshm.codegen import bind, csharp_source
from pyshm.errors import LayoutError
from pyshm.layout.declarations import FieldDeclaration, TypeDeclaration
from tests.codegen.declared import enum, field, struct
from tests.codegen.odd_names import NAMES, TEXTS

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]

INHERITED = ["ToString", "Equals", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals"]
MORE = ["System", "Int32", "Car", "car", "I", "Flags"]
BACKING = "<{}>k__BackingField"


def accepted(declaration: TypeDeclaration) -> bool:
    """Return whether ``pyshm csharp`` writes the type; if not, C# can't have one of its names."""
    try:
        csharp_source([declaration])
    except LayoutError:
        return False
    return True


def candidates() -> list[TypeDeclaration]:
    """Return types that have each name in every place."""
    found = []
    for number, name in enumerate([*NAMES, *INHERITED, *MORE]):
        if "`" in name:
            continue  # the name of a generic instance, which gets another one in C#
        place = f"N{number}"
        part = struct("x", name=f"{place}.{name}")
        base = struct(name, name=f"{place}.Ancestor", kind="class")
        found += [
            struct(name, name=f"{place}.Holder"),
            struct(BACKING.format(name), name=f"{place}.Properties"),
            part,
            struct(field("part", part), field("pointer", "nint"), name=f"{place}.User"),
            struct("x", name=f"{place}.Outer+{name}"),
            struct("x", name=f"Inside{number}.{name}.Inside.Deep"),
            enum((name, 1), ("Other_", -2), name=f"{place}.Gear", flags=True),
            struct(name, name=f"{place}.Derived", kind="class", base=base),
        ]
    return [each for each in found if accepted(each)]


def documented() -> list[TypeDeclaration]:
    return [
        struct("x", name=f"Documented.D{number}", documentation=f"{text} words")
        for number, text in enumerate(TEXTS)
    ]


@pytest.fixture(scope="module")
def types() -> list[TypeDeclaration]:
    return [*candidates(), *documented()]


@pytest.fixture(scope="module")
def compiled(types: list[TypeDeclaration], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library of all types. A warning of the compiler is an error."""
    folder = tmp_path_factory.mktemp("names")
    return compile_library("Names", csharp_source(types, comment="\u2028 } \x85"), folder)


def test_each_name_is_the_name_that_the_compiler_writes(
    compiled: Path, types: list[TypeDeclaration]
) -> None:
    assembly = Assembly.open(compiled)
    assert len(types) > 1500
    for declaration in types:
        found = assembly.find(declaration.name)
        assert isinstance(found, TypeDeclaration), found
        if declaration.kind == "enum":
            assert found.members == declaration.members
        else:
            assert _names(found) == _names(declaration)


def _names(declaration: TypeDeclaration) -> list[str]:
    fields: tuple[FieldDeclaration, ...] = declaration.fields
    return [written_name(each.name) for each in fields]


def test_nothing_but_the_types_is_compiled(compiled: Path, types: list[TypeDeclaration]) -> None:
    names = {item.name for item in Assembly.open(compiled).declared_types()}
    assert names <= {declaration.name for declaration in types} | {
        declaration.base.name for declaration in types if declaration.base is not None
    }


def test_documentation_comes_back_as_text(compiled: Path, types: list[TypeDeclaration]) -> None:
    assembly = Assembly.open(compiled)
    for declaration in documented():
        found = assembly.find(declaration.name)
        assert isinstance(found, TypeDeclaration)
        paragraphs = declaration.documentation.split("\n\n")
        expected = (
            " ".join("".join(char if char.isprintable() else " " for char in part).split())
            for part in paragraphs
        )
        assert found.documentation == "\n\n".join(expected)


def test_the_types_are_bound_again(compiled: Path) -> None:
    binding = bind(Assembly.open(compiled), everything=True)
    assert binding.not_bound == []
    compile(binding.source, "<names>", "exec")
