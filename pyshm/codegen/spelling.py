"""The parts of Python source for declared types: names, annotations, docstrings.

pyshm/structs/declare.py does the opposite: it reads annotations.
"""

from __future__ import annotations

import builtins
import keyword
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from .. import types
from .._support.names import identifier
from .._support.text import printable
from ..layout.builtins import fixed_buffer_element
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
)
from ..layout.traits import has_text, is_handle
from ..structs.struct import python_names

__all__ = [
    "WIDTH",
    "Spelled",
    "class_names",
    "comment",
    "docstring",
    "field_names",
    "member_names",
    "quoted",
    "spelled_enum_without_members",
    "spelled_field",
    "spelled_inline_array",
    "wrapped",
]

WIDTH = 100

# Names that a generated module uses itself.
_MODULE_NAMES = frozenset({"Annotated", "IntEnum", "IntFlag", "Struct", "sys", "t"})
_TAKEN_BY_CLASSES = _MODULE_NAMES | frozenset(dir(builtins))
_TAKEN_BY_FIELDS = _MODULE_NAMES | {"bool", "float", "int", "list", "self", "str"}
# Attributes of int that a member would hide, and names that Enum reserves.
_TAKEN_BY_MEMBERS = frozenset(dir(int)) | {"mro", "name", "value"}

# A string, or a name with the names before and after its dots. Not every letter of a name is \\w.
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s\[\](),|="]+')


@cache
def _aliases() -> dict[tuple[str, str | None], str]:
    """Return the names that pyshm.types has for built-in types, by C# type and [MarshalAs]."""
    found: dict[tuple[str, str | None], str] = {("Array", None): "Object"}
    for alias in types.__all__:
        for item in getattr(getattr(types, alias), "__metadata__", ()):
            if isinstance(item, types.FieldType) and isinstance(item.type, BuiltIn):
                unmanaged = item.marshal_as.unmanaged_type if item.marshal_as is not None else None
                found[item.type.name, unmanaged] = alias
    return found


@cache
def _spelled_built_in(name: str, unmanaged: str | None) -> Spelled | None:
    """Return the annotation of a built-in type with that [MarshalAs]; None if it has no alias."""
    alias = _aliases().get((name, unmanaged))
    if alias is None:
        return None
    plain_alias = _aliases()[name, None]
    python_type = getattr(types, plain_alias).__origin__
    builtin = python_type.__module__ == "builtins"
    return Spelled(f"t.{alias}", python_type.__name__ if builtin else f"t.{plain_alias}")


class Spelled(NamedTuple):
    """A type as an annotation.

    ``type`` is the whole annotation, or the first part of ``Annotated`` if there is ``metadata``.
    ``plain`` is the type that a type checker sees.
    """

    type: str
    plain: str
    metadata: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The annotation on one line."""
        if not self.metadata:
            return self.type
        return f"Annotated[{', '.join([self.type, *self.metadata])}]"

    def with_metadata(self, items: Iterable[str]) -> Spelled:
        """Return the annotation with further metadata at the end."""
        return self._replace(metadata=(*self.metadata, *items))

    def renamed(self, names: Mapping[str, str]) -> Spelled:
        """Return the annotation with names replaced, except in strings and after a dot."""
        if not names:
            return self

        def replaced(text: str) -> str:
            return _WORD.sub(lambda found: names.get(found[0], found[0]), text)

        return Spelled(replaced(self.type), self.plain, tuple(map(replaced, self.metadata)))

    def words(self) -> set[str]:
        """Return the names in the annotation."""
        found: set[str] = set()
        for text in (self.type, *self.metadata):
            found.update(_WORD.findall(text))
        return found


# --- types --------------------------------------------------------------------------------

ClassNames = Mapping[TypeDeclaration, str]


def spelled_field(field: FieldDeclaration, name: str, classes: ClassNames) -> Spelled:
    """Return the annotation of a field with the name ``name`` in a ``verbatim`` struct."""
    spelled = _marshalled(field.type, field.marshal_as, classes)
    more = []
    if field.offset is not None:
        more.append(f"t.FieldOffset({field.offset})")
    if name != field.name:
        more.append(f"t.FieldName({quoted(field.name)})")
    return spelled.with_metadata(more)


def spelled_inline_array(declaration: TypeDeclaration, classes: ClassNames) -> Spelled:
    """Return the annotation of a struct with [InlineArray], which is a list in Python."""
    (field,) = declaration.fields
    element = _marshalled(field.type, field.marshal_as, classes)
    arguments = [element.text, str(declaration.inline_array)]
    if declaration.pack:
        arguments.append(f"pack={declaration.pack}")
    if has_text(declaration):
        arguments.append(f"charset={quoted(declaration.charset)}")
    return _list(element, f"t.InlineArray({', '.join(arguments)})")


def _list(element: Spelled, given: str) -> Spelled:
    """Return the annotation of a list, which ``given`` declares in C#."""
    kind = f"list[{element.plain}]"
    return Spelled(kind, kind, (given,))


def spelled_enum_without_members(declaration: TypeDeclaration) -> Spelled:
    """Return the annotation of an enum that is only a type: its values are ints in Python."""
    underlying = _type(BuiltIn(declaration.underlying), {})
    given = f"t.Enum({underlying.text}, {quoted(declaration.name)})"
    return Spelled("int", "int", (given,))


def _array(array: Array, marshal_as: MarshalAs | None, classes: ClassNames) -> Spelled:
    if marshal_as is None or marshal_as.unmanaged_type != "ByValArray":
        # On Windows it is the address of a SAFEARRAY, with the attribute or without.
        element = _type(array.element, classes)
        return Spelled("int", "int", (f"t.SafeArray({element.text})",))
    sub_type = marshal_as.array_sub_type
    element = _marshalled(array.element, MarshalAs(sub_type) if sub_type else None, classes)
    return _list(element, f"t.ByValArray({element.text}, {marshal_as.size_const})")


def _marshalled(kind: TypeReference, marshal_as: MarshalAs | None, classes: ClassNames) -> Spelled:
    """Return the annotation of a type with its [MarshalAs]."""
    if isinstance(kind, Array):
        return _array(kind, marshal_as, classes)
    if marshal_as is None:
        return _type(kind, classes)
    unmanaged = marshal_as.unmanaged_type
    if unmanaged == "ByValTStr":
        return Spelled("str", "str", (f"t.ByValTStr({marshal_as.size_const})",))
    if isinstance(kind, BuiltIn):
        spelled = _spelled_built_in(kind.name, unmanaged)
        if spelled is not None:
            return spelled
    return _type(kind, classes).with_metadata([f"t.MarshalAs({quoted(unmanaged)})"])


def _type(kind: TypeReference, classes: ClassNames) -> Spelled:
    if isinstance(kind, BuiltIn):
        spelled = _spelled_built_in(kind.name, None)
        assert spelled is not None, kind
        return spelled
    if isinstance(kind, Pointer):
        return Spelled("t.Pointer", "int")
    if isinstance(kind, FunctionPointer):
        return Spelled("t.FunctionPointer", "int")
    if isinstance(kind, Nullable):
        value = _type(kind.value, classes)
        plain = f"{value.plain} | None"
        return Spelled(plain, plain, (f"t.Nullable({value.text})",))
    if isinstance(kind, Array):
        return _array(kind, None, classes)
    return _declared(kind, classes)


def _declared(kind: TypeDeclaration, classes: ClassNames) -> Spelled:
    if kind.kind == "enum":
        name = classes[kind]
        if kind.underlying == "int" or not kind.members:
            return Spelled(name, name)
        underlying = _type(BuiltIn(kind.underlying), classes)
        return Spelled(name, name, (f"t.Enum({underlying.text}, {quoted(kind.name)})",))
    if kind.fixed_buffer:
        element, count = fixed_buffer_element(kind)
        spelled = _type(element, classes)
        return _list(spelled, f"t.FixedBuffer({spelled.text}, {count})")
    if kind in classes:
        return Spelled(classes[kind], classes[kind])
    if kind.kind == "delegate":
        return Spelled("t.Delegate", "int")
    if is_handle(kind):
        return Spelled("t.Pointer", "int")
    return Spelled("t.Object", "int")  # as an interface pointer, on Windows


# --- names --------------------------------------------------------------------------------


def class_names(types: Iterable[TypeDeclaration]) -> dict[TypeDeclaration, str]:
    """Return a name for each type: its own, with the namespace if two types have the same."""
    short = {declaration: _class_name(_local(declaration.name)) for declaration in types}
    shared = {name for name, count in Counter(short.values()).items() if count > 1}
    taken: set[str] = set()
    return {
        declaration: _unique(_class_name(declaration.name) if name in shared else name, taken)
        for declaration, name in short.items()
    }


@lru_cache(maxsize=1024)
def field_names(declaration: TypeDeclaration) -> tuple[str, ...]:
    """Return a name for each field: its own, or a similar one that Python and Struct allow."""
    taken = set(_TAKEN_BY_FIELDS)
    if declaration.base is not None:
        taken.update(field_names(declaration.base))
    names = []
    for allowed in python_names(field.name for field in declaration.fields):
        name = allowed
        while name in taken:
            name = f"{name}_"
        taken.add(name)
        names.append(name)
    return tuple(names)


def member_names(declaration: TypeDeclaration) -> list[str]:
    """Return a name for each member of an enum."""
    taken: set[str] = set()
    return [
        _unique(_identifier(name, _TAKEN_BY_MEMBERS.__contains__), taken)
        for name, _ in declaration.members
    ]


def _local(name: str) -> str:
    """Return a name without namespaces: ``Pair`1[Place]`` of ``Common.Pair`1[Common.Place]``."""
    return re.sub(r"[^\[\],+.]*\.", "", name)


def _class_name(name: str) -> str:
    return _identifier(re.sub(r"`\d+", "", name).strip("]"), _TAKEN_BY_CLASSES.__contains__)


def _identifier(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return a valid Python name similar to ``name``, without a leading underscore."""
    name = identifier(identifier(name, "x").lstrip("_"), "x")
    if keyword.iskeyword(name) or is_taken(name):
        name += "_"
    return name


def _unique(name: str, taken: set[str]) -> str:
    """Return ``name``, with a number at the end if it is already taken."""
    candidate = name
    number = 2
    while candidate in taken:
        candidate = f"{name}_{number}"
        number += 1
    taken.add(candidate)
    return candidate


# --- text ---------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """Return a string literal with double quotes."""
    if '"' not in text and text.isprintable() and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join('\\"' if char == '"' else repr(char)[1:-1] for char in text) + '"'


def docstring(text: str, indent: str) -> Iterator[str]:
    """Yield the lines of a docstring; an empty line separates paragraphs."""
    text = printable(text, keep="\n").replace("\\", "\\\\").replace('"""', "'''").strip()
    if text.endswith('"'):
        text += "."
    if "\n" not in text and len(text) + len(indent) + 6 <= WIDTH:
        yield f'{indent}"""{text}"""'
        return
    opening = '"""'
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ""
        yield from textwrap.wrap(
            opening * (not number) + paragraph,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    yield f"{indent}{opening}"


def comment(text: str, begin: str, further: str) -> Iterator[str]:
    """Yield the lines of a comment."""
    yield from textwrap.wrap(
        printable(text, "?"),
        WIDTH,
        initial_indent=begin,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def wrapped(begin: str, spelled: Spelled, indent: str) -> Iterator[str]:
    """Yield ``begin`` and the annotation, in several lines if one line would be too long."""
    line = begin + spelled.text
    if len(line) <= WIDTH or not spelled.metadata:
        yield line
        return
    yield f"{begin}Annotated["
    yield from (f"{indent}    {item}," for item in (spelled.type, *spelled.metadata))
    yield f"{indent}]"
