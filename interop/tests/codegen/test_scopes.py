"""C# source in which several things have one name, compiled by the real compiler."""

from __future__ import annotations

import pytest

pytest.importorskip("dnfile")

from pathlib import Path

from interop.peers.compile import compile_library
from pyshm.assemblies import Assembly
from pyshm.codegen import csharp_source
from pyshm.layout.declarations import TypeDeclaration
from tests.codegen.test_scopes import FILES

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]


def test_each_name_means_to_the_compiler_what_the_declaration_means(tmp_path: Path) -> None:
    types = [declaration for declarations in FILES.values() for declaration in declarations]
    compiled = Assembly.open(compile_library("Scopes", csharp_source(types), tmp_path))
    for declaration in types:
        found = compiled.find(declaration.name)
        assert isinstance(found, TypeDeclaration)
        assert _described(found) == _described(declaration)
        assert (found.flags, found.charset) == (declaration.flags, declaration.charset)


def _described(declaration: TypeDeclaration) -> list[tuple[str, str, object, object]]:
    return [
        (
            each.name,
            str(each.type),
            each.marshal_as,
            _described(each.type) if isinstance(each.type, TypeDeclaration) else None,
        )
        for each in declaration.fields
    ]
