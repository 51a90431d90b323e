"""C# source for declared types. The compiled types have the same layouts.

The source includes every type that is needed: nested types, enums, delegates. It compiles without
a warning in a project that enables nullable references and unsafe blocks.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from .._support.names import is_of_property, written_name
from .._support.text import printable
from ..assemblies.framework import KNOWN_TYPES
from ..errors import LayoutError
from ..layout.builtins import BUILT_IN_TYPES, REFERENCES, fixed_buffer_element
from ..layout.declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
    needed_types,
)
from ..structs.declare import check_enum

__all__ = ["csharp_source", "source"]

_WIDTH = 100

_CHARSETS = {"unicode": "Unicode", "auto": "Auto"}
_LAYOUTS = {"auto": "Auto", "sequential": "Sequential", "explicit": "Explicit"}
_ENUM_TYPES = frozenset({"sbyte", "byte", "short", "ushort", "int", "uint", "long", "ulong"})
_OBSOLETE = frozenset({"Currency", "AsAny", "IDispatch", "SafeArray", "Struct", "VBByRefStr"})
# The type of an InlineArray that is declared in Python, by the name of its field.
_INLINE_ARRAY = re.compile(r"<([^+]+)>InlineArray")
_VECTOR = re.compile(
    r"(?P<name>System\.Runtime\.Intrinsics\.Vector(?:64|128|256|512))`1\[(?P<element>\w+)\]"
)

# https://learn.microsoft.com/dotnet/csharp/language-reference/keywords/
_KEYWORDS = frozenset(
    """abstract as base bool break byte case catch char checked class const continue decimal
    default delegate do double else enum event explicit extern false finally fixed float for
    foreach goto if implicit in int interface internal is lock long namespace new null object
    operator out override params private protected public readonly ref return sbyte sealed short
    sizeof stackalloc static string struct switch this throw true try typeof uint ulong unchecked
    unsafe ushort using virtual void volatile while
    __arglist __makeref __reftype __refvalue""".split()  # noqa: SIM905 - a list of names
)
# Words that mean a type of .NET only where no type has that name.
_NATIVE = {"nint": "IntPtr", "nuint": "UIntPtr"}
# The members that each type inherits: a member with such a name hides it.
_INHERITED = frozenset(
    {"Equals", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals", "ToString"}
)
_LETTERS = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nl")
_LATER = (*_LETTERS, "Mn", "Mc", "Nd", "Pc")


def csharp_source(
    types: Iterable[TypeDeclaration], *, namespace: str = "", comment: str = ""
) -> str:
    """Return the C# source of ``types`` and of all types that they need.

    ``namespace`` is for types whose names have no namespace. ``comment`` is in the first line of
    the source.

    Raises LayoutError for a type that C# can't declare.
    """
    needed: dict[TypeDeclaration, None] = {}
    for root in types:
        needed.update(dict.fromkeys(needed_types(root)))
    # The C# compiler generates the structs of fixed buffers, and .NET has its own types.
    written = [
        declaration
        for declaration in needed
        if not declaration.fixed_buffer and _of_dotnet(declaration) is None
    ]
    return _File(written, namespace, comment).text()


source = csharp_source
"""The name of :func:`csharp_source` in version 0.1.0."""


def _fixed(reference: TypeReference) -> TypeDeclaration | None:
    if isinstance(reference, TypeDeclaration) and reference.fixed_buffer:
        return reference
    return None


@dataclass
class _Scope:
    """What is within the braces of a namespace or type."""

    types: dict[str, _Scope] = field(default_factory=dict)
    declaration: TypeDeclaration | None = None


class _File:
    def __init__(self, types: list[TypeDeclaration], namespace: str, comment: str) -> None:
        self._types = types
        self._comment = comment
        self._paths: dict[TypeDeclaration, tuple[str, list[str]]] = {}
        self._namespaces: dict[str, _Scope] = {}
        self._undocumented = False
        for declaration in types:
            place, path = _path(declaration.name)
            place = place or namespace
            self._paths[declaration] = place, path
            scope = self._namespaces.setdefault(place, _Scope())
            for name in path:
                scope = scope.types.setdefault(name, _Scope())
            if scope.declaration is not None:
                raise LayoutError(f"two different types have the name {declaration.name}")
            scope.declaration = declaration
        self._check_namespaces()
        # Names that hide those of the namespace System here. A field hides the type of an argument.
        self._own = {name for _, path in self._paths.values() for name in path}
        self._own.update(part for place in self._namespaces for part in place.split("."))
        fields = {written_name(each.name) for declaration in types for each in declaration.fields}
        self._own |= fields & _OF_ARGUMENTS
        # Within some type they hide the type of the same name beside it.
        self._nested = {name for _, path in self._paths.values() for name in path[1:]}

    def _check_namespaces(self) -> None:
        """Raise LayoutError if a type has the name of a namespace, which C# does not allow."""
        parts = [namespace.split(".") for namespace in self._namespaces]
        taken = {".".join(words[: end + 1]) for words in parts for end in range(len(words))}
        for place, path in self._paths.values():
            name = f"{place}.{path[0]}" if place else path[0]
            if name in taken:
                raise LayoutError(f"in C#, {name} can't be a type and a namespace", value=name)

    def text(self) -> str:
        body: list[str] = []
        for namespace, scope in self._namespaces.items():
            lines = list(self._scope(scope, namespace))
            if namespace and len(self._namespaces) == 1:
                body += [f"namespace {_dotted(namespace)};", "", *lines]
            elif namespace:
                body += [f"namespace {_dotted(namespace)}", "{", *_indented(lines), "}", ""]
            else:
                body += [*lines, ""]
        while body and not body[-1]:
            body.pop()
        # The first line turns off code analysis, which would complain about names.
        head = [f"// <auto-generated>{_escaped(printable(self._comment))}</auto-generated>"]
        head += ["#nullable enable", *self._pragmas(), ""]
        head += [
            "using System;",
            "using System.Runtime.CompilerServices;",
            "using System.Runtime.InteropServices;",
            "",
        ]
        return "\n".join(head + body) + "\n"

    def _pragmas(self) -> Iterator[str]:
        used = {
            name
            for declaration in self._types
            for each in declaration.fields
            if each.marshal_as is not None
            for name in (each.marshal_as.unmanaged_type, each.marshal_as.array_sub_type)
        }
        if used & _OBSOLETE:
            yield "#pragma warning disable CS0618 // some ways to marshal are marked as obsolete"
        if any(
            declaration.inline_array is not None and _is_unsafe(each.type)
            for declaration in self._types
            for each in declaration.fields
        ):
            yield "#pragma warning disable CS9184 // an inline array of pointers has no indexer"
        if self._undocumented:
            yield "#pragma warning disable CS1591 // not everything has a documentation comment"

    def _scope(self, scope: _Scope, namespace: str, *, nested: bool = False) -> Iterator[str]:
        first = True
        for name, inner in scope.types.items():
            if name in inner.types:
                raise LayoutError(f"in C#, a type can't contain another type {name}", value=name)
            if not first:
                yield ""
            first = False
            if inner.declaration is None:
                self._undocumented = True
                lines = [f"public static partial class {_type_name(name)}", "{"]
            else:
                lines = list(self._opening(inner.declaration, name))
            if nested and name in _INHERITED:
                lines = [re.sub("^public ", "public new ", line) for line in lines]
            yield from lines
            if lines[-1] == "{":
                members = list(self._members(inner.declaration, namespace, inner.types))
                within = list(self._scope(inner, namespace, nested=True))
                gap = [""] if members and within else []
                yield from _indented([*members, *gap, *within])
                yield "}"

    def _opening(self, declaration: TypeDeclaration, name: str) -> Iterator[str]:
        yield from self._summary(declaration.documentation)
        identifier = _type_name(name)
        if declaration.kind == "delegate":
            yield f"public delegate void {identifier}();"
            return
        if declaration.kind == "enum":
            if declaration.flags:
                yield f"[{self._system('Flags')}]"
            if declaration.underlying not in _ENUM_TYPES:
                raise LayoutError(f"{declaration.name}: C# has no enum of {declaration.underlying}")
            check_enum(declaration)
            yield f"public enum {identifier} : {declaration.underlying}"
        elif declaration.kind == "interface":
            yield f"public interface {identifier}"
        else:
            yield from self._attributes(declaration)
            yield self._struct(declaration, identifier)
        yield "{"

    def _struct(self, declaration: TypeDeclaration, identifier: str) -> str:
        words = ["public"]
        if any(_is_unsafe(each.type) for each in declaration.fields):
            words.append("unsafe")
        if declaration.by_ref_like:
            if declaration.kind == "class":
                raise LayoutError("C# source can't have a field that is a reference (ref T)")
            words.append("ref")
        words += [declaration.kind, identifier]
        if declaration.base is not None:
            words += [":", self._name(declaration.base, self._paths[declaration][0])]
        return " ".join(words)

    def _attributes(self, declaration: TypeDeclaration) -> Iterator[str]:
        if declaration.inline_array is not None:
            yield f"[{self._system('InlineArray')}({declaration.inline_array})]"
        if declaration.kind == "class" and declaration.layout == "auto":
            return
        if not declaration.best_fit or declaration.throw_on_unmappable:
            given = "true" if declaration.best_fit else "false"
            if declaration.throw_on_unmappable:
                given += ", ThrowOnUnmappableChar = true"
            yield f"[{self._system('BestFitMapping')}({given})]"
        kind = f"{self._system('LayoutKind')}.{_LAYOUTS[declaration.layout]}"
        parts = [kind]
        if declaration.pack:
            parts.append(f"Pack = {declaration.pack}")
        if declaration.size and not declaration.inline_array:
            parts.append(f"Size = {declaration.size}")
        if declaration.charset in _CHARSETS:
            charset = self._system("CharSet")
            parts.append(f"CharSet = {charset}.{_CHARSETS[declaration.charset]}")
        yield f"[{self._system('StructLayout')}({', '.join(parts)})]"

    def _members(
        self, declaration: TypeDeclaration | None, namespace: str, nested: Iterable[str]
    ) -> Iterator[str]:
        if declaration is None:
            return
        if declaration.kind == "enum":
            _check_members(declaration)
            for name, value in declaration.members:
                self._undocumented = True
                yield f"{_identifier(name)} = {value},"
            return
        self._check_names(declaration, nested)
        for index, each in enumerate(declaration.fields):
            attributes = list(self._field_attributes(each))
            if index and attributes:
                yield ""
            self._undocumented = True
            automatic = _is_automatic(each)
            for attribute in attributes:
                yield f"[{'field: ' if automatic else ''}{attribute}]"
            yield self._field(declaration, each, namespace, automatic=automatic)

    def _check_names(self, declaration: TypeDeclaration, nested: Iterable[str]) -> None:
        """Raise LayoutError if two members have the same name, which C# does not allow."""
        taken = {self._paths[declaration][1][-1], *nested}
        for each in declaration.fields:
            name = written_name(each.name)
            names = {name, f"get_{name}", f"set_{name}"} if _is_automatic(each) else {name}
            if not taken.isdisjoint(names):
                raise LayoutError(
                    f"{declaration.name}.{name}: in C#, a field can't have the name of its type, "
                    "of a nested type, of another field or of a property's method",
                    field=name,
                )
            taken |= names

    def _field(
        self, owner: TypeDeclaration, each: FieldDeclaration, namespace: str, *, automatic: bool
    ) -> str:
        name = written_name(each.name)
        words = "public new" if name in _hidden(owner) else "public"
        name = _identifier(name)
        buffer = _fixed(each.type)
        if buffer is not None:
            if owner.kind == "class" or owner.inline_array is not None:
                raise LayoutError(
                    f"{owner.name}.{each.name}: C# allows a fixed buffer only in a struct that is "
                    "not an InlineArray; use a ByValArray or an InlineArray",
                    field=each.name,
                )
            element, count = fixed_buffer_element(buffer)
            return f"{words} fixed {element} {name}[{count}];"
        kind = self._type(each.type, namespace, f"{owner.name}.{each.name}")
        return f"{words} {kind} {name}{' { get; set; }' if automatic else ';'}"

    def _field_attributes(self, each: FieldDeclaration) -> Iterator[str]:
        if each.offset is not None:
            yield f"{self._system('FieldOffset')}({each.offset})"
        if each.marshal_as is not None:
            yield self._marshal_as(each.marshal_as)

    def _marshal_as(self, marshal_as: MarshalAs) -> str:
        parts = [self._unmanaged_type(marshal_as.unmanaged_type)]
        if marshal_as.size_const is not None:
            parts.append(f"SizeConst = {marshal_as.size_const}")
        if marshal_as.array_sub_type is not None:
            parts.append(f"ArraySubType = {self._unmanaged_type(marshal_as.array_sub_type)}")
        return f"{self._system('MarshalAs')}({', '.join(parts)})"

    def _unmanaged_type(self, name: str) -> str:
        kind = self._system("UnmanagedType")
        number = re.fullmatch(r"UnmanagedType\((\d+)\)", name)
        return f"({kind}){number[1]}" if number else f"{kind}.{name}"

    def _type(self, reference: TypeReference, namespace: str, where: str) -> str:
        if isinstance(reference, BuiltIn):
            return self._built_in(reference.name) + "?" * (reference.name in REFERENCES)
        if isinstance(reference, Pointer):
            target = reference.target
            if isinstance(target, Pointer):
                return self._type(target, namespace, where) + "*"
            if isinstance(target, BuiltIn) and target.name not in REFERENCES:
                return self._type(target, namespace, where) + "*"
            return "void*"
        if isinstance(reference, FunctionPointer):
            return "delegate* unmanaged<void>"
        if isinstance(reference, Array):
            element = self._type(reference.element, namespace, where)
            return f"{element}[{',' * (reference.rank - 1)}]?"
        if isinstance(reference, Nullable):
            return self._type(reference.value, namespace, where) + "?"
        if reference.fixed_buffer:
            raise LayoutError(
                f"{where}: C# has no name for a fixed buffer, which must be a field itself; use an "
                "InlineArray",
                field=where.rpartition(".")[2],
            )
        name = self._name(reference, namespace)
        return name if reference.kind in ("struct", "enum") else name + "?"

    def _built_in(self, name: str) -> str:
        if name in _NATIVE and name in self._own:
            return f"global::System.{_NATIVE[name]}"
        if name[0].islower():
            return name
        full_name = BUILT_IN_TYPES[name].dotnet_name
        return self._system(name) if full_name == f"System.{name}" else f"global::{full_name}"

    def _name(self, declaration: TypeDeclaration, namespace: str) -> str:
        of_dotnet = _of_dotnet(declaration)
        if of_dotnet is not None:
            name, less, element = of_dotnet.partition("<")
            element = self._built_in(element[:-1]) if less else ""
            return f"global::{name}" + (f"<{element}>" if less else "")
        place, path = self._paths[declaration]
        name = ".".join(map(_type_name, path))
        if place == namespace and path[0] not in self._nested:
            return name
        return f"global::{_dotted(place)}.{name}" if place else f"global::{name}"

    def _system(self, name: str) -> str:
        """Return the name of a .NET type, with its namespace only if another type hides it."""
        suffix = "Attribute" * (name in _ATTRIBUTES)  # C# looks for both names
        if self._own.isdisjoint({name, f"{name}{suffix}"}):
            return name
        return f"global::{_SYSTEM.get(name, 'System')}.{name}{suffix}"

    def _summary(self, documentation: str) -> Iterator[str]:
        if not documentation:
            self._undocumented = True
            return
        yield "/// <summary>"
        for number, paragraph in enumerate(_escaped(documentation).split("\n\n")):
            lines = textwrap.wrap(paragraph, _WIDTH - 12, break_long_words=False)
            if number:
                lines = ["<para>", *lines, "</para>"]
            yield from (f"/// {line}" for line in lines)
        yield "/// </summary>"


_INTEROP = "System.Runtime.InteropServices"
_SYSTEM = {
    "CharSet": _INTEROP,
    "FieldOffset": _INTEROP,
    "InlineArray": "System.Runtime.CompilerServices",
    "LayoutKind": _INTEROP,
    "MarshalAs": _INTEROP,
    "BestFitMapping": _INTEROP,
    "StructLayout": _INTEROP,
    "UnmanagedType": _INTEROP,
}
_ATTRIBUTES = frozenset(
    {"BestFitMapping", "FieldOffset", "Flags", "InlineArray", "MarshalAs", "StructLayout"}
)
_OF_ARGUMENTS = frozenset({"CharSet", "LayoutKind", "UnmanagedType"})


def _of_dotnet(declaration: TypeDeclaration) -> str | None:
    """Return the C# name of a type of .NET itself, which the source does not declare."""
    if declaration.name in KNOWN_TYPES:
        return declaration.name
    vector = _VECTOR.fullmatch(declaration.name)
    if vector is None:
        return None
    row = BUILT_IN_TYPES.get(vector["element"])
    if row is None or row.kind != "primitive":
        raise LayoutError(f"{declaration.name}: the elements of a vector must be numbers")
    return f"{vector['name']}<{vector['element']}>"


def _path(name: str) -> tuple[str, list[str]]:
    """Return the namespace of a reflection full name, and its types, the outermost first."""
    if "`" in name:
        # An instance of a generic type has no name of its own in C#.
        return "", [re.sub(r"\W+", "_", name).strip("_")]
    # The names that pyshm gives to inline arrays have brackets, which C# does not allow.
    plain = _INLINE_ARRAY.sub(lambda found: f"{written_name(found[1])}InlineArray", name)
    outer, *inner = plain.split("+")
    namespace, _, simple = outer.rpartition(".")
    return namespace, [simple, *inner]


def _hidden(declaration: TypeDeclaration) -> frozenset[str]:
    """Return the names of the members that the type inherits."""
    base = declaration.base
    if base is None:
        return _INHERITED
    return _hidden(base).union(written_name(each.name) for each in base.fields)


def _is_automatic(each: FieldDeclaration) -> bool:
    """Return whether the field is written as an automatic property."""
    return is_of_property(each.name) and _fixed(each.type) is None


def _check_members(enum: TypeDeclaration) -> None:
    """Raise LayoutError if C# can't have a member of the enum."""
    taken = {"value__"}
    for name, _ in enum.members:
        if name in taken:
            what = "is reserved" if name == "value__" else "is the name of two members"
            raise LayoutError(f"{enum.name}.{name}: in C# this name {what}", field=name)
        taken.add(name)


def _escaped(text: str) -> str:
    return escape(printable(text, keep="\n"), quote=False)


def _dotted(namespace: str) -> str:
    return ".".join(map(_identifier, namespace.split(".")))


def _identifier(name: str) -> str:
    """Return the name in C#, with ``@`` if it is a keyword. Raises LayoutError for other text.

    The compiler ignores formatting characters (Cf), so that two names could become one.
    """
    kinds = [unicodedata.category(char) if char <= "\uffff" else "" for char in name]
    begins = name.startswith("_") or bool(kinds and kinds[0] in _LETTERS)
    if not begins or not all(kind in _LATER for kind in kinds):
        raise LayoutError(f"{name!r} is not a valid name in C#", value=name)
    return f"@{name}" if name in _KEYWORDS else name


def _type_name(name: str) -> str:
    """Return the name of a type in C#.

    A word of small letters can be a keyword of a later version, about which the compiler warns.
    """
    return f"@{name}" if re.fullmatch("[a-z]+|_", name) else _identifier(name)


def _is_unsafe(reference: TypeReference) -> bool:
    if isinstance(reference, Array):
        return _is_unsafe(reference.element)
    return isinstance(reference, Pointer | FunctionPointer) or _fixed(reference) is not None


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]
