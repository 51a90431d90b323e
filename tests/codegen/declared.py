"""An assembly of types that no compiler makes, and its bound module."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

from pyshm.assemblies import Unbindable
from pyshm.codegen import bind, csharp_source
from pyshm.layout.declarations import BuiltIn, FieldDeclaration, TypeDeclaration

__all__ = ["Declared", "bound", "csharp", "enum", "field", "struct"]


class Declared:
    """What ``bind`` uses of an Assembly, for declarations that are given."""

    name = "Declared"
    version = "1.0.0.0"

    def __init__(
        self, *declarations: TypeDeclaration, summaries: Mapping[tuple[str, str], str] | None = None
    ) -> None:
        self._declarations = list(declarations)
        self._summaries = summaries or {}

    def declared_types(self) -> list[TypeDeclaration]:
        return self._declarations

    def find(self, name: str) -> TypeDeclaration:
        return next(each for each in self._declarations if each.name == name)

    def is_visible(self, name: str) -> bool:
        return bool(name)

    def field_summary(self, type_name: str, field: str) -> str:
        return self._summaries.get((type_name, field), "")


def field(name: str, kind: Any = "int", **more: Any) -> FieldDeclaration:
    return FieldDeclaration(name, BuiltIn(kind) if isinstance(kind, str) else kind, **more)


def struct(*fields: str | FieldDeclaration, name: str = "X", **more: Any) -> TypeDeclaration:
    declared = tuple(field(each) if isinstance(each, str) else each for each in fields)
    return TypeDeclaration(name, fields=declared, **more)


def enum(*members: tuple[str, int], name: str = "E", **more: Any) -> TypeDeclaration:
    return TypeDeclaration(name, "enum", members=members, **more)


def bound(
    *declarations: TypeDeclaration, name: str = "bound_for_a_test", **more: Any
) -> tuple[Any, str, list[Unbindable]]:
    """Bind the types; return the imported module, its source, and the types that are not bound.

    The source has only the statements of a bound module: a name or text from the assembly must not
    become another one.
    """
    assembly: Any = Declared(*declarations, **more)
    binding = bind(assembly, everything=True)
    source = binding.source
    source.encode("utf-8")  # can be written to a file
    tree = ast.parse(source)
    for node in _nested(tree.body):
        assert isinstance(
            node,
            ast.ClassDef
            | ast.Import
            | ast.ImportFrom
            | ast.Assign
            | ast.AnnAssign
            | ast.If
            | ast.Expr,
        ), ast.dump(node)
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant), ast.dump(node)
            assert isinstance(node.value.value, str)
        if isinstance(node, ast.If):
            assert ast.unparse(node.test) == "sys.platform == 'win32'"
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            assert not any(isinstance(inner, ast.Lambda) for inner in ast.walk(node.value))
    module = types.ModuleType(name)
    sys.modules[name] = module  # get_type_hints looks for the module of a class
    try:
        exec(compile(source, f"<{name}>", "exec"), module.__dict__)
    finally:
        del sys.modules[name]
    return module, source, binding.not_bound


def _nested(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        yield from _nested(getattr(node, "body", []))


def csharp(*declarations: TypeDeclaration) -> str:
    return csharp_source(declarations, namespace="Made")
