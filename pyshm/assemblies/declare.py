"""From rows of metadata to declarations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from ..layout.builtins import FIXED_BUFFER_ELEMENTS
from ..layout.declarations import (
    Array,
    BuiltIn,
    CharSet,
    FieldDeclaration,
    FunctionPointer,
    LayoutKind,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeKind,
    TypeReference,
)
from . import signatures
from .attributes import Attributes
from .documentation import Documentation
from .framework import BUILT_IN_NAMES, is_framework, known_type
from .reader import LONGEST_NAME, Metadata
from .resolver import CannotBind, Place, Resolver
from .signatures import ArrayOf, Instance, Named, Parameter, PointerTo, ReferenceTo, Signature

__all__ = ["Declarer"]

_DEEPEST = 48
_MOST_INSTANCES = 20_000

# TypeAttributes, ECMA-335 II.23.1.15
_LAYOUT = 0x18
_LAYOUTS: dict[int, LayoutKind] = {0: "auto", 0x08: "sequential", 0x10: "explicit"}
_INTERFACE = 0x20
_CHARSET = 0x30000
_CHARSETS: dict[int, CharSet] = {0x10000: "unicode", 0x20000: "auto"}
# FieldAttributes, II.23.1.5
_STATIC = 0x10
_LITERAL = 0x40

_TYPE_DEF, _TYPE_REF, _TYPE_SPEC = 0, 1, 2
_BASES: dict[str, TypeKind] = {
    "System.Enum": "enum",
    "System.ValueType": "struct",
    "System.MulticastDelegate": "delegate",
}
_NULLABLE = "System.Nullable`1"

# ``ref T`` as a field: a reference in memory that no marshaller takes, as a generic class is.
_REFERENCE = TypeDeclaration("ref", "class", "auto", generic=True, by_ref_like=True)

Arguments: TypeAlias = tuple[TypeReference, ...]


class Cycle(CannotBind):
    """A type that has itself as a field, or as a field of a field."""


class Declarer:
    """Makes declarations of the types that ``resolver`` finds, each once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._documentations: dict[int, Documentation] = {}
        self._made: dict[tuple[int, int, Arguments], TypeDeclaration | str] = {}
        self._in_progress: set[tuple[int, int, Arguments]] = set()
        self._specs: set[tuple[int, int]] = set()
        self._instances = 0
        self._attributes: dict[int, Attributes] = {}

    def attributes(self, metadata: Metadata) -> Attributes:
        """What that assembly's custom attributes say."""
        if id(metadata) not in self._attributes:
            self._attributes[id(metadata)] = Attributes(metadata)
        return self._attributes[id(metadata)]

    def _documentation(self, metadata: Metadata) -> Documentation:
        if id(metadata) not in self._documentations:
            self._documentations[id(metadata)] = Documentation(metadata.path)
        return self._documentations[id(metadata)]

    def field_summary(self, type_name: str, field: str) -> str:
        """What is written of a field of a type that was declared; "" if nothing is."""
        found = (each.of_field(type_name, field) for each in self._documentations.values())
        return next(filter(None, found), "")

    def kind(self, place: Place) -> TypeKind:
        """What sort of type it is."""
        metadata, row = place
        found = metadata.type_def(row)
        if found.flags & _INTERFACE:
            return "interface"
        table, base = found.extends & 3, found.extends >> 2
        if not base or table == _TYPE_SPEC:
            return "class"
        if table == _TYPE_DEF:
            metadata.type_def(base)
            name = metadata.full_names[base - 1]
        else:
            name = metadata.outermost(base)[1]
        if metadata.is_core and metadata.full_names[row - 1] in _BASES:
            return "class"  # System.Enum itself, which derives from ValueType
        return _BASES.get(name, "class")

    def declaration(self, place: Place, arguments: Arguments = ()) -> TypeDeclaration:
        """The type at ``place``, with its type parameters replaced by ``arguments``.

        Raises CannotBind, and AssemblyError for damaged metadata.
        """
        key = (id(place.metadata), place.row, arguments)
        made = self._made.get(key)
        if isinstance(made, TypeDeclaration):
            return made
        if made is not None:
            raise CannotBind(made)
        name = place.metadata.full_names[place.row - 1]
        if key in self._in_progress:
            raise Cycle(f"{name} contains itself")
        if len(self._in_progress) >= _DEEPEST:
            # Not remembered: what is too deep from here may be told from nearer.
            raise CannotBind(f"{name} is nested deeper than {_DEEPEST} types")
        if arguments:
            self._instances += 1
            if self._instances > _MOST_INSTANCES:
                raise place.metadata.damage(f"more than {_MOST_INSTANCES} generic instances")
        depth = len(self._in_progress)
        self._in_progress.add(key)
        try:
            result = self._declare(place, arguments)
        except CannotBind as refusal:
            if depth == 0:
                self._made[key] = str(refusal)
            raise
        finally:
            self._in_progress.discard(key)
        self._made[key] = result
        return result

    # --- one type -----------------------------------------------------------------------

    def _declare(self, place: Place, arguments: Arguments) -> TypeDeclaration:
        metadata, row = place
        wanted = metadata.open_generics.get(row, 0)
        name = metadata.full_names[row - 1]
        if wanted != len(arguments):
            raise CannotBind("open generic" if not arguments else f"{name}: {wanted} parameters")
        if arguments:
            name = f"{name}[{','.join(map(str, arguments))}]"
            if len(name) > LONGEST_NAME:
                raise CannotBind("a generic instance with an endless name")
        kind = self.kind(place)
        made = TypeDeclaration(
            name,
            kind,
            generic=bool(arguments),
            documentation=self._documentation(metadata).of_type(metadata.full_names[row - 1]),
        )
        if kind == "enum":
            return self._enum(place, made)
        if kind in ("delegate", "interface"):
            return made
        return self._laid_out(place, made, arguments)

    def _laid_out(
        self, place: Place, made: TypeDeclaration, arguments: Arguments
    ) -> TypeDeclaration:
        metadata, row = place
        found = metadata.type_def(row)
        layout = _LAYOUTS.get(found.flags & _LAYOUT)
        if layout is None:
            raise CannotBind("a layout kind newer than this program")
        attributes = self.attributes(metadata)
        given = metadata.class_layouts.get(row)
        base = self._base(place, made.kind, arguments, needed=layout != "auto")
        if made.kind == "class" and layout == "auto":
            # An ordinary class: a reference in memory, whatever is in it.
            return replace(made, layout=layout, base=base)
        fields = tuple(self._fields(place, layout, arguments))
        return replace(
            made,
            layout=layout,
            pack=given.pack if given else 0,
            size=given.size if given else 0,
            charset=_CHARSETS.get(found.flags & _CHARSET, "ansi"),
            fields=fields,
            base=base,
            inline_array=attributes.inline_arrays.get(row),
            by_ref_like=row in attributes.by_ref_like,
            fixed_buffer=row in attributes.fixed_buffers and _is_buffer(fields),
        )

    def _base(
        self, place: Place, kind: TypeKind, arguments: Arguments, *, needed: bool
    ) -> TypeDeclaration | None:
        if kind != "class":
            return None
        metadata, row = place
        extends = metadata.type_def(row).extends
        table, base = extends & 3, extends >> 2
        if not base:
            return None
        signature: Signature = Named(table, base, value_type=False)
        if table == _TYPE_SPEC:
            signature = metadata.type_spec(base)
        try:
            found = self.reference(metadata, signature, arguments)
        except CannotBind as refusal:
            if needed:
                raise CannotBind(f"its base: {refusal}") from refusal
            return None
        return found if isinstance(found, TypeDeclaration) else None

    def _fields(
        self, place: Place, layout: LayoutKind, arguments: Arguments
    ) -> Iterator[FieldDeclaration]:
        metadata, row = place
        for number, field in metadata.fields_of(row):
            if field.flags & _STATIC:
                continue
            name = metadata.string(field.name)
            marshal_as = self._marshal_as(metadata, number)
            signature = metadata.field_type(number, field)
            try:
                kind = self.reference(metadata, signature, arguments)
            except CannotBind as refusal:
                raise type(refusal)(f"{name}: {refusal}") from refusal
            offset = metadata.field_offsets.get(number) if layout == "explicit" else None
            yield FieldDeclaration(name, kind, offset, marshal_as)

    @staticmethod
    def _marshal_as(metadata: Metadata, field: int) -> MarshalAs | None:
        index = metadata.field_marshals.get(field)
        if index is None:
            return None
        try:
            return signatures.marshal_as(metadata.blob(index))
        except signatures.Damaged as error:
            raise metadata.damage(f"Field {field}: its MarshalAs: {error}") from error

    def _enum(self, place: Place, made: TypeDeclaration) -> TypeDeclaration:
        metadata, row = place
        underlying = None
        members = []
        for number, field in metadata.fields_of(row):
            if not field.flags & _STATIC:
                underlying = metadata.field_type(number, field)
            elif field.flags & _LITERAL and number in metadata.constants:
                constant = metadata.constants[number]
                try:
                    value = signatures.constant(constant.type, metadata.blob(constant.value))
                except signatures.Damaged as error:
                    raise metadata.damage(f"Field {number}: {error}") from error
                if value is not None:
                    members.append((metadata.string(field.name), value))
        if not isinstance(underlying, BuiltIn):
            raise CannotBind("an enum without an underlying type")
        return replace(
            made,
            underlying=underlying.name,
            members=tuple(members),
            flags=row in self.attributes(metadata).flags,
        )

    # --- what a signature means ---------------------------------------------------------

    def reference(
        self,
        metadata: Metadata,
        signature: Signature,
        arguments: Arguments = (),
    ) -> TypeReference:
        """The type that ``signature`` means in ``metadata``. Raises CannotBind."""
        if isinstance(signature, BuiltIn | FunctionPointer | TypeDeclaration):
            return signature
        if isinstance(signature, Named):
            return self._named(metadata, signature, ())
        if isinstance(signature, Parameter):
            if signature.number >= len(arguments):
                raise CannotBind(f"there is no type parameter {signature.number}")
            return arguments[signature.number]
        if isinstance(signature, PointerTo):
            return Pointer(self._target(metadata, signature.target))
        if isinstance(signature, ReferenceTo):
            return _REFERENCE
        if isinstance(signature, ArrayOf):
            try:
                element = self.reference(metadata, signature.element, arguments)
            except Cycle:
                # An array is a reference, which may well lead back here.
                element = BuiltIn("object")
            return Array(element, signature.rank)
        return self._instance(metadata, signature, arguments)

    def _named(self, metadata: Metadata, named: Named, arguments: Arguments) -> TypeReference:
        if named.table == _TYPE_SPEC:
            return self._specified(metadata, named.row, arguments)
        name, framework = self._identity(metadata, named)
        if framework and name in BUILT_IN_NAMES and not arguments:
            return BuiltIn(BUILT_IN_NAMES[name])
        if framework and name == _NULLABLE and len(arguments) == 1:
            return Nullable(arguments[0])
        try:
            place = self._place(metadata, named)
        except CannotBind:
            known = known_type(name) if framework else None
            if known is None:
                raise
            return known
        return self.declaration(place, arguments)

    def _specified(self, metadata: Metadata, row: int, arguments: Arguments) -> TypeReference:
        """The type that a TypeSpec stands for."""
        key = (id(metadata), row)
        if key in self._specs:
            raise metadata.damage(f"TypeSpec {row} stands for itself")
        self._specs.add(key)
        try:
            return self.reference(metadata, metadata.type_spec(row), arguments)
        finally:
            self._specs.discard(key)

    @staticmethod
    def _identity(metadata: Metadata, named: Named) -> tuple[str, bool]:
        """The type's full name, and whether that is .NET's own type."""
        if named.table == _TYPE_DEF:
            metadata.type_def(named.row)
            return metadata.full_names[named.row - 1], metadata.is_core
        outermost, name = metadata.outermost(named.row)
        scope = metadata.type_ref(outermost).scope
        if scope & 3 != 2 or not scope >> 2:
            return name, metadata.is_core
        return name, is_framework(metadata.string(metadata.assembly_ref(scope >> 2).name))

    def _place(self, metadata: Metadata, named: Named) -> Place:
        if named.table == _TYPE_DEF:
            return Place(metadata, named.row)
        return self._resolver.find(metadata, named.row)

    def _instance(
        self, metadata: Metadata, signature: Instance, arguments: Arguments
    ) -> TypeReference:
        definition = signature.definition
        if not definition.value_type and definition.table != _TYPE_SPEC:
            opaque = self._opaque(metadata, definition)
            if opaque is not None:
                return opaque
        given = tuple(
            self.reference(metadata, argument, arguments) for argument in signature.arguments
        )
        return self._named(metadata, definition, given)

    def _opaque(self, metadata: Metadata, named: Named) -> TypeDeclaration | None:
        """An instance of a class whose inside does not matter; None for one with a layout.

        Its arguments are not looked at, as they often lead back: ``List<Node>`` in a Node.
        """
        name, framework = self._identity(metadata, named)
        try:
            place = self._place(metadata, named)
        except CannotBind:
            if framework:
                return known_type(name) or TypeDeclaration(name, "class", "auto", generic=True)
            raise
        kind = self.kind(place)
        if kind == "class" and place.metadata.type_def(place.row).flags & _LAYOUT:
            return None
        return TypeDeclaration(name, kind, "auto", generic=True)

    def _target(self, metadata: Metadata, signature: Signature | None) -> TypeReference | None:
        """What a pointer leads to; of a struct, the name alone, for it may lead back."""
        if isinstance(signature, BuiltIn):
            return signature
        if isinstance(signature, PointerTo):
            return Pointer(self._target(metadata, signature.target))
        if not isinstance(signature, Named) or signature.table == _TYPE_SPEC:
            return None
        name, framework = self._identity(metadata, signature)
        if framework and name in BUILT_IN_NAMES:
            return BuiltIn(BUILT_IN_NAMES[name])
        try:
            place = self._place(metadata, signature)
            if self.kind(place) == "enum":
                return self.declaration(place)
        except CannotBind:
            pass  # nobody needs to know it
        return TypeDeclaration(name, layout="auto")


def _is_buffer(fields: tuple[FieldDeclaration, ...]) -> bool:
    """Whether C#'s compiler could have made these fields for ``fixed T x[n]``."""
    return (
        len(fields) == 1
        and isinstance(fields[0].type, BuiltIn)
        and fields[0].type.name in FIXED_BUFFER_ELEMENTS
    )
