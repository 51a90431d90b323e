"""The whole path of a type: C# source, an assembly, ``pyshm bind``, a Python class, C# source.

The layout of the Python class, and of the C# that ``pyshm csharp`` writes for it, must be that of
the type in the assembly.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

from pyshm import Struct
from pyshm.assemblies import Assembly, Unbindable
from pyshm.codegen import bind, csharp_source
from pyshm.errors import LayoutError
from pyshm.layout.compare import Sides, differences
from pyshm.layout.declarations import Array, Nullable, TypeDeclaration, TypeReference, needed_types
from pyshm.layout.forms import Layout, Target
from pyshm.layout.layouts import managed, native, refusal
from pyshm.structs.struct import StructType
from pyshm.testing.questions import DotNetTypes, ReflectedType

from ..peers.compile import compile_library

__all__ = [
    "BOTH",
    "Problem",
    "bound_classes",
    "compiled_problems",
    "plain_name",
    "problems",
    "renamed",
    "written",
]

BOTH = (Target(8, windows=False), Target(8, windows=True))
_SIDES = Sides("in the assembly", "in the bound module")
_ONLY_WINDOWS = 'if sys.platform == "win32":'


class Problem(NamedTuple):
    """A type that is not the same at the end of the path as at the beginning."""

    type: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.type}: {self.sentence}"


# --- bind ---------------------------------------------------------------------------------


def bound_classes(source: str, target: Target) -> dict[str, type[Struct]]:
    """Run the module that ``bind`` wrote as on ``target``; return its classes by .NET names."""
    module = ModuleType("pyshm_bound_for_a_comparison")
    source = source.replace(_ONLY_WINDOWS, f"if {target.windows}:")
    options: Any = StructType.__new__.__kwdefaults__
    # get_type_hints looks the names of the annotations up in the module of the class.
    with patch.dict(options, target=target), patch.dict(sys.modules, {module.__name__: module}):
        exec(compile(source, module.__name__, "exec"), module.__dict__)  # noqa: S102 - that is the test
    return {
        item.layout.declaration.name: item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Struct) and item is not Struct
    }


def problems(assembly: Assembly, target: Target, source: str | None = None) -> Iterator[Problem]:
    """Bind every type of ``assembly``, and compare the Python classes with the types.

    ``source`` is what ``bind`` wrote for all types, if the caller has it already.
    """
    source = source or bind(assembly, everything=True).source
    classes = bound_classes(source, target)
    for item in assembly.declared_types():
        if isinstance(item, Unbindable) or refusal(item, target) is not None:
            continue
        if item.inline_array or item.fixed_buffer:
            continue  # a list in Python; the structs that have such fields are compared
        found = classes.get(item.name)
        if found is None:
            yield Problem(item.name, "it is not in the bound module")
            continue
        declaration = found.layout.declaration
        yield from _compared(item.name, native(item, target), found.layout)
        yield from _compared(item.name, managed(item, target), managed(declaration, target))


def _compared(name: str, expected: Layout, found: Layout) -> Iterator[Problem]:
    for difference in differences(expected, found, _SIDES):
        yield Problem(name, str(difference))
    if expected.alignment != found.alignment:
        sentence = _SIDES.two("alignment", expected.alignment, found.alignment)
        yield Problem(name, sentence)


# --- C# -----------------------------------------------------------------------------------


def written(declarations: Iterable[TypeDeclaration]) -> list[TypeDeclaration]:
    """Return those of ``declarations`` that C# source can declare as they are."""
    found = []
    for declaration in declarations:
        if any(part.generic for part in needed_types(declaration)):
            continue  # C# source declares an instance as a type that is not generic
        try:
            csharp_source([declaration])
        except LayoutError:
            continue
        found.append(declaration)
    return found


def compiled_problems(
    name: str,
    declarations: Iterable[TypeDeclaration],
    expected: Mapping[str, ReflectedType],
    folder: Path,
    dotnet: DotNetTypes,
) -> Iterator[Problem]:
    """Compile the C# of ``declarations`` as the library ``name``, and compare it in .NET.

    ``expected`` is what .NET reported about the types of those names, which are without escapes.
    """
    declarations = list(declarations)
    library = compile_library(name, csharp_source(declarations), folder)
    # The compiler gives the struct of a fixed buffer a name of its own.
    missing = {each.name for each in declarations if not each.fixed_buffer}
    for found in dotnet.reflect(library):
        type_name = plain_name(found.type)
        missing.discard(type_name)
        if type_name not in expected:
            continue
        one, other = (_facts(item) for item in (expected[type_name], found))
        for key in one:
            if one[key] != other[key]:
                yield Problem(found.type, f"{key}: {one[key]} at first, {other[key]} in the end")
    for type_name in missing:
        yield Problem(type_name, "it is not in the compiled library")


def _facts(reflected: ReflectedType) -> dict[str, object]:
    facts = reflected._asdict()
    del facts["type"]  # a copy has another name
    for error in ("native_error", "managed_error", "structure_to_ptr_error"):
        facts[error] = facts[error] is not None
    return facts


# --- names --------------------------------------------------------------------------------


def plain_name(name: str) -> str:
    """Return the name of a type without the backslashes that escape it in reflection."""
    return name.replace("\\", "")


def renamed(declarations: Iterable[TypeDeclaration], prefix: str) -> list[TypeDeclaration]:
    """Return copies of types; their names, and those of their parts, begin with ``prefix``."""
    done: dict[TypeDeclaration, TypeDeclaration] = {}
    names: set[str] = set()

    def of(reference: TypeReference) -> TypeReference:
        if isinstance(reference, Array):
            return replace(reference, element=of(reference.element))
        if isinstance(reference, Nullable):
            return Nullable(of(reference.value))
        return copied(reference) if isinstance(reference, TypeDeclaration) else reference

    def copied(original: TypeDeclaration) -> TypeDeclaration:
        if original not in done:
            fields = tuple(replace(field, type=of(field.type)) for field in original.fields)
            base = copied(original.base) if original.base is not None else None
            name = prefix + original.name
            while name in names:  # two assemblies have a type of this name
                name += "_"
            names.add(name)
            done[original] = replace(original, name=name, fields=fields, base=base)
        return done[original]

    return [copied(declaration) for declaration in declarations]
