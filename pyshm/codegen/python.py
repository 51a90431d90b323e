"""Python source for the types of an assembly: one readable module of Struct classes.

The text depends on the assembly only, not on the system, the date or the folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..assemblies import Assembly, Unbindable
from ..errors import LayoutError
from ..layout.declarations import TypeDeclaration, needed_types
from ..layout.forms import Target
from ..layout.layouts import refusal
from ..layout.refusals import Refusal
from ..layout.traits import has_layout
from ..structs.declare import check_declaration, dotnet_name
from .spelling import (
    WIDTH,
    Spelled,
    class_names,
    comment,
    docstring,
    field_names,
    member_names,
    quoted,
    spelled_enum_without_members,
    spelled_field,
    spelled_inline_array,
    wrapped,
)

__all__ = ["Binding", "bind"]

_UNIX, _WINDOWS = Target(8, False), Target(8, True)
_ONLY_WINDOWS = ".NET marshals these types on Windows only"


class Binding(NamedTuple):
    """The ``source`` of a module, and the types that are ``not_bound`` in it."""

    source: str
    not_bound: list[Unbindable]


def bind(assembly: Assembly, names: Iterable[str] = (), *, everything: bool = False) -> Binding:
    """Return Python source for the types of ``assembly`` that .NET can marshal.

    ``names`` are reflection full names: the source has these types and the types that they need.
    Without names it has all structs and all classes with layout, except those that other code
    can't use by name (private nested types and types that the compiler generated);
    ``everything`` includes these. Types that .NET marshals on Windows only are in a block that
    tests the platform.

    Raises ArgumentError for a name that the assembly doesn't have, and AssemblyError for a
    damaged file.
    """
    not_bound = []
    everywhere: dict[TypeDeclaration, None] = {}
    windows: dict[TypeDeclaration, None] = {}
    for item in _wanted(assembly, list(names), everything):
        if isinstance(item, Unbindable):
            not_bound.append(item)
            continue
        undeclarable = _undeclarable(item)
        if undeclarable:
            not_bound.append(Unbindable(item.name, undeclarable))
            continue
        refused = _refusal(item, _UNIX)
        if refused is None:
            everywhere.update(dict.fromkeys(needed_types(item)))
        elif _refusal(item, _WINDOWS) is None:
            windows.update(dict.fromkeys(needed_types(item)))
        else:
            not_bound.append(Unbindable(item.name, _reason(item, refused)))
    for declaration in everywhere:
        windows.pop(declaration, None)
    module = _Module(assembly, [*everywhere, *windows])
    return Binding(module.text(list(everywhere), list(windows), not_bound), not_bound)


def _wanted(
    assembly: Assembly, names: list[str], everything: bool
) -> Iterator[TypeDeclaration | Unbindable]:
    if names:
        yield from map(assembly.find, names)
        return
    for item in assembly.declared_types():
        if everything or assembly.is_visible(item.name):
            yield item


def _refusal(declaration: TypeDeclaration, target: Target) -> Refusal | None:
    """Return why .NET does not marshal the type; None also for an enum, which has no layout."""
    return None if declaration.kind == "enum" else refusal(declaration, target)


def _undeclarable(declaration: TypeDeclaration) -> str:
    """Return why no Python class can declare the type or a type in it; "" if one can."""
    for needed in needed_types(declaration):
        try:
            check_declaration(needed)
        except LayoutError as error:
            return error.message.removeprefix(f"{declaration.name}: ")
    return ""


def _reason(declaration: TypeDeclaration, refused: Refusal) -> str:
    """Return why a type is refused, without its name."""
    if refused.type != declaration.name:
        return str(refused)
    return f"{refused.field}: {refused.reason}" if refused.field else refused.reason


class _Module:
    """The text of one module."""

    def __init__(self, assembly: Assembly, types: Iterable[TypeDeclaration]) -> None:
        self._assembly = assembly
        self._names = class_names(filter(_is_class, types))
        self._aliases: dict[str, str] = {}

    def text(
        self,
        everywhere: Iterable[TypeDeclaration],
        windows: Iterable[TypeDeclaration],
        not_bound: list[Unbindable],
    ) -> str:
        """Return the source: types for every system, for Windows only, then a list of the rest."""
        parts = [*self._classes(everywhere, "")]
        guarded = list(self._classes(windows, "    "))
        if guarded:
            # Python formatters put one empty line between the classes of a block.
            block = "\n\n".join(guarded)
            parts.append(f'if sys.platform == "win32":  # {_ONLY_WINDOWS}\n\n{block}')
        if not_bound:
            parts.append("\n".join(_list_of(not_bound)))
        return "\n\n\n".join([self._head("\n".join(parts)), *parts]) + "\n"

    def _head(self, body: str) -> str:
        title = " ".join(filter(None, [self._assembly.name, self._assembly.version]))
        imports = [["import sys"] if "sys.platform" in body else []]
        enums = [name for name in ("IntEnum", "IntFlag") if f"({name}):" in body]
        if enums:
            imports[0].append(f"from enum import {', '.join(enums)}")
        if "Annotated[" in body:
            imports[0].append("from typing import Annotated")
        own = []
        if "(Struct" in body or "    Struct,\n" in body:
            own.append("from pyshm import Struct")
        if re.search(r"\bt\.[A-Z]", body):
            own.append("from pyshm import types as t")
        imports.append(own)
        head = [
            *docstring(
                f"The structs of the .NET assembly {title}.\n\n"
                "Generated from its metadata by `pyshm bind`. Change the C# source, not this file.",
                "",
            )
        ]
        return "\n\n".join(["\n".join(head), *("\n".join(lines) for lines in imports if lines)])

    def _classes(self, types: Iterable[TypeDeclaration], indent: str) -> Iterator[str]:
        """Yield the text of each class."""
        for declaration in types:
            if declaration not in self._names:
                continue
            alias = self._alias(declaration)
            if alias is not None:
                name = self._names[declaration]
                lines = list(wrapped(f"{indent}{name} = ", alias, indent))
            elif declaration.kind == "enum":
                lines = list(self._enum(declaration, indent))
            else:
                hidden = self._hidden(declaration)
                if hidden:
                    yield "\n".join(f"{indent}{alias} = {name}" for name, alias in hidden.items())
                lines = list(self._class(declaration, indent))
            yield "\n".join(lines)

    def _alias(self, declaration: TypeDeclaration) -> Spelled | None:
        """Return the annotation of a type that is a list or an int in Python; else None."""
        if declaration.inline_array is not None:
            return spelled_inline_array(declaration, self._names)
        if declaration.kind == "enum" and not declaration.members:
            return spelled_enum_without_members(declaration)
        return None

    def _enum(self, declaration: TypeDeclaration, indent: str) -> Iterator[str]:
        base = "IntFlag" if declaration.flags else "IntEnum"
        yield f"{indent}class {self._names[declaration]}({base}):"
        indent += "    "
        yield from docstring(declaration.documentation or declaration.name, indent)
        yield ""
        names = member_names(declaration)
        for name, (real, value) in zip(names, declaration.members, strict=True):
            yield f"{indent}{name} = {value}"
            yield from self._summary(declaration, real, indent)

    def _hidden(self, declaration: TypeDeclaration) -> dict[str, str]:
        """Return new aliases for types that have the name of a field of ``declaration``.

        In the class body such a name is the field, so the type needs a second name.
        """
        names = set(field_names(declaration))
        used = {word for _, spelled in self._fields(declaration) for word in spelled.words()}
        found = {}
        for name in sorted(names & used - self._aliases.keys()):
            found[name] = f"_{name}"
        self._aliases.update(found)
        return found

    def _class(self, declaration: TypeDeclaration, indent: str) -> Iterator[str]:
        yield from self._opening(declaration, indent)
        indent += "    "
        yield from docstring(declaration.documentation or declaration.name, indent)
        names = field_names(declaration)
        if names:
            yield ""
        aliases = {name: self._aliases[name] for name in names if name in self._aliases}
        fields = zip(declaration.fields, self._fields(declaration), strict=True)
        for field, (name, spelled) in fields:
            yield from wrapped(f"{indent}{name}: ", spelled.renamed(aliases), indent)
            yield from self._summary(declaration, field.name, indent)

    def _fields(self, declaration: TypeDeclaration) -> Iterator[tuple[str, Spelled]]:
        for name, field in zip(field_names(declaration), declaration.fields, strict=True):
            yield name, spelled_field(field, name, self._names)

    def _opening(self, declaration: TypeDeclaration, indent: str) -> Iterator[str]:
        arguments = ["Struct" if declaration.base is None else self._names[declaration.base]]
        if declaration.kind == "class":
            arguments.append('kind="class"')
        if declaration.layout != "sequential":
            arguments.append(f'layout="{declaration.layout}"')
        if declaration.pack:
            arguments.append(f"pack={declaration.pack}")
        if declaration.size:
            arguments.append(f"size={declaration.size}")
        if declaration.charset != "ansi":
            arguments.append(f'charset="{declaration.charset}"')
        if not declaration.best_fit:
            arguments.append("best_fit=False")
        if declaration.throw_on_unmappable:
            arguments.append("throw_on_unmappable=True")
        arguments.append(f"name={quoted(declaration.name)}")
        if any(dotnet_name(name) != name for name in field_names(declaration)):
            arguments.append("verbatim=True")
        name = self._names[declaration]
        line = f"{indent}class {name}({', '.join(arguments)}):"
        if len(line) <= WIDTH:
            yield line
            return
        yield f"{indent}class {name}("
        yield from (f"{indent}    {argument}," for argument in arguments)
        yield f"{indent}):"

    def _summary(self, declaration: TypeDeclaration, member: str, indent: str) -> Iterator[str]:
        """Yield the summary of a field or member in the C# source, to be written below it."""
        summary = self._assembly.field_summary(declaration.name.partition("[")[0], member)
        if summary:
            yield from docstring(summary, indent)


def _is_class(declaration: TypeDeclaration) -> bool:
    """Return whether the type is a class or a list in Python, not an address."""
    if declaration.kind == "enum":
        return True
    return has_layout(declaration) and not declaration.fixed_buffer


def _list_of(not_bound: list[Unbindable]) -> Iterator[str]:
    yield "# Not bound:"
    for item in not_bound:
        yield from comment(f"{item.name}: {item.reason}", "#   ", "#       ")
