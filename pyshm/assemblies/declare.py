"""Declarations of types, made from the rows of metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from ..layout.builtins import BUILT_IN_TYPES, FIXED_BUFFER_ELEMENTS, SCALARS
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
from .framework import BUILT_IN_NAMES, is_framework, known_type, the_real_one
from .metadata import LONGEST_NAME, Metadata
from .resolver import CannotBind, Place, Resolver
from .rows import AssemblyRef, ClassLayout, TypeDef, TypeRef
from .signatures import ArrayOf, Instance, Named, Parameter, PointerTo, ReferenceTo, Signature
from .type_names import TypeName

__all__ = ["Declarer"]

_DEEPEST = 48
_MOST_INSTANCES = 20_000
_MOST_SPECIFIED = 20_000  # uses of a TypeSpec in signatures; compilers write hardly any

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

# The type of a field ``ref T``: in memory a reference, and refused by the marshaller like a
# generic class.
_REFERENCE = TypeDeclaration("ref", "class", "auto", generic=True, by_ref_like=True)

Arguments: TypeAlias = tuple[TypeReference, ...]


class Cycle(CannotBind):
    """A type contains itself, directly or in a type of one of its fields."""


class Declarer:
    """Makes a declaration of each type that ``resolver`` finds, once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._documentations: dict[int, Documentation] = {}
        self._cache: dict[tuple[int, int, Arguments], TypeDeclaration | str] = {}
        self._in_progress: set[tuple[int, int, Arguments]] = set()
        self._specs: set[tuple[int, int]] = set()
        self._specified_types = 0
        self._instances = 0

    def attributes(self, metadata: Metadata) -> Attributes:
        """Return the facts in the custom attributes of an assembly."""
        return self._resolver.attributes(metadata)

    def _documentation(self, metadata: Metadata) -> Documentation:
        if id(metadata) not in self._documentations:
            self._documentations[id(metadata)] = Documentation(metadata.path)
        return self._documentations[id(metadata)]

    def field_summary(self, type_name: str, field: str) -> str:
        """Return the summary of a field of a type that was declared; "" if there is none."""
        found = (each.of_field(type_name, field) for each in self._documentations.values())
        return next(filter(None, found), "")

    def ignored_documentation(self) -> list[str]:
        """Return why .xml files are not used, of the assemblies whose types were declared."""
        return [each.ignored for each in self._documentations.values() if each.ignored]

    def kind(self, place: Place) -> TypeKind:
        """Return the kind of the type at ``place``."""
        metadata, row = place
        found = metadata.row(TypeDef, row)
        if found.flags & _INTERFACE:
            return "interface"
        table, base = found.extends & 3, found.extends >> 2
        if not base or table == _TYPE_SPEC:
            return "class"
        if metadata.is_core and metadata.full_name(row) in _BASES:
            return "class"  # System.Enum derives from ValueType, but is a class
        is_here = table == _TYPE_DEF
        name = metadata.full_name(base) if is_here else metadata.outermost(base)[1]
        return _BASES.get(name, "class")

    def declaration(self, place: Place, arguments: Arguments = ()) -> TypeDeclaration:
        """Return the type at ``place``, with its type parameters replaced by ``arguments``.

        Raises CannotBind, and AssemblyError for damaged metadata.
        """
        key = (id(place.metadata), place.row, arguments)
        known = self._cache.get(key)
        if isinstance(known, TypeDeclaration):
            return known
        if known is not None:
            raise CannotBind(known)
        name = place.metadata.full_name(place.row)
        if key in self._in_progress:
            raise Cycle(f"{name} contains itself")
        if len(self._in_progress) >= _DEEPEST:
            # This is not cached: the type may be less deep within another root.
            raise CannotBind(f"{name} is nested more than {_DEEPEST} types deep")
        if arguments:
            self._instances += 1
            if self._instances > _MOST_INSTANCES:
                raise place.metadata.damage(f"it has more than {_MOST_INSTANCES} generic instances")
        depth = len(self._in_progress)
        self._in_progress.add(key)
        try:
            result = self._declare(place, arguments)
        except CannotBind as error:
            if depth == 0:
                self._cache[key] = str(error)
            raise
        finally:
            self._in_progress.discard(key)
        self._cache[key] = result
        return result

    def named(self, metadata: Metadata, wanted: TypeName) -> TypeReference:
        """Return the type of that name, as ``metadata`` or an assembly that it uses declares it.

        Raises CannotBind.
        """
        arguments = tuple(self.named(metadata, each) for each in wanted.arguments)
        found = self._of_name(metadata, wanted.name, arguments)
        for suffix in wanted.suffixes:
            if suffix == "*":
                found = Pointer(found)
            elif suffix == "?":
                found = Nullable(found)
            else:
                found = Array(found, suffix.count(",") + 1)
        return found

    def _of_name(self, metadata: Metadata, name: str, arguments: Arguments) -> TypeReference:
        row = metadata.rows_by_name.get(name)
        if row is not None:
            return self.declaration(Place(metadata, row), arguments)
        built_in = BUILT_IN_NAMES.get(name, name)
        if built_in in BUILT_IN_TYPES and not arguments:
            return BuiltIn(built_in)
        if name == _NULLABLE and len(arguments) == 1:
            return Nullable(arguments[0])
        known = known_type(name, arguments)
        if known is not None:
            return known
        for reference in metadata.rows(AssemblyRef):
            try:
                place = self._resolver.in_assembly(metadata.string(reference.name), name)
            except CannotBind:
                continue
            return self.declaration(place, arguments)
        raise CannotBind(f"{name} is not in {metadata.file}, nor in an assembly that it uses")

    # --- one type -----------------------------------------------------------------------

    def _declare(self, place: Place, arguments: Arguments) -> TypeDeclaration:
        metadata, row = place
        parameters = metadata.open_generics.get(row, 0)
        name = _whole(metadata, metadata.full_name(row))
        if parameters != len(arguments):
            raise CannotBind(
                "open generic" if not arguments else f"{name} has {parameters} parameters"
            )
        if arguments:
            name = f"{name}[{','.join(map(str, arguments))}]"
            if len(name) > LONGEST_NAME:
                raise CannotBind(f"a generic instance with a name of {len(name)} characters")
        kind = self.kind(place)
        head = TypeDeclaration(
            name,
            kind,
            generic=bool(arguments),
            documentation=self._documentation(metadata).of_type(metadata.full_name(row)),
        )
        if kind == "enum":
            return self._enum(place, head)
        if kind in ("delegate", "interface"):
            return head
        return self._laid_out(place, head, arguments)

    def _laid_out(
        self, place: Place, head: TypeDeclaration, arguments: Arguments
    ) -> TypeDeclaration:
        metadata, row = place
        found = metadata.row(TypeDef, row)
        layout = _LAYOUTS.get(found.flags & _LAYOUT)
        if layout is None:
            raise CannotBind("an unknown kind of layout")
        attributes = self.attributes(metadata)
        given = metadata.class_layouts.get(row)
        base = self._base(place, head.kind, arguments, needed=layout != "auto")
        if head.kind == "class" and layout == "auto":
            # An ordinary class is a reference in memory, so that its fields do not matter.
            return replace(head, layout=layout, base=base)
        if attributes.is_reference:
            raise CannotBind(
                f"{head.name} is in {metadata.file}, a reference assembly, which does not have the "
                f"real fields; {the_real_one(metadata.path)}"
            )
        fields = tuple(self._fields(place, layout, arguments))
        return replace(
            head,
            layout=layout,
            pack=given.pack if given else 0,
            size=given.size if given else 0,
            charset=_CHARSETS.get(found.flags & _CHARSET, "ansi"),
            best_fit=attributes.best_fit(row).best_fit,
            throw_on_unmappable=attributes.best_fit(row).throw_on_unmappable,
            fields=fields,
            base=base,
            inline_array=attributes.inline_arrays.get(row),
            by_ref_like=row in attributes.by_ref_like,
            fixed_buffer=row in attributes.fixed_buffers and _is_buffer(fields, given),
        )

    def _base(
        self, place: Place, kind: TypeKind, arguments: Arguments, *, needed: bool
    ) -> TypeDeclaration | None:
        if kind != "class":
            return None
        metadata, row = place
        extends = metadata.row(TypeDef, row).extends
        table, base = extends & 3, extends >> 2
        if not base:
            return None
        signature: Signature = Named(table, base, value_type=False)
        if table == _TYPE_SPEC:
            signature = metadata.type_spec(base)
        try:
            found = self.reference(metadata, signature, arguments)
        except CannotBind as error:
            if needed:
                raise CannotBind(f"its base: {error}") from error
            return None
        return found if isinstance(found, TypeDeclaration) else None

    def _fields(
        self, place: Place, layout: LayoutKind, arguments: Arguments
    ) -> Iterator[FieldDeclaration]:
        metadata, row = place
        for number, field in metadata.fields_of(row):
            if field.flags & _STATIC:
                continue
            name = _whole(metadata, metadata.string(field.name))
            marshal_as = self._marshal_as(metadata, number)
            signature = metadata.field_type(number, field)
            try:
                kind = self.reference(metadata, signature, arguments)
            except Cycle as error:
                named = signature.definition if isinstance(signature, Instance) else signature
                if not isinstance(named, Named) or named.value_type:
                    raise Cycle(f"{name}: {error}") from error
                # In memory it is a reference, whatever its fields are.
                full_name = self._identity(metadata, named)[0]
                kind = TypeDeclaration(full_name, "class", "auto", recursive=True)
            except CannotBind as error:
                raise CannotBind(f"{name}: {error}") from error
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
            raise metadata.damage(f"Field {field}: its [MarshalAs]: {error}") from error

    def _enum(self, place: Place, head: TypeDeclaration) -> TypeDeclaration:
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
                    members.append((_whole(metadata, metadata.string(field.name)), value))
        if not isinstance(underlying, BuiltIn):
            raise CannotBind("the enum has no field with an underlying type")
        return replace(
            head,
            underlying=underlying.name,
            members=tuple(members),
            flags=row in self.attributes(metadata).flags,
        )

    # --- types in signatures ------------------------------------------------------------

    def reference(
        self,
        metadata: Metadata,
        signature: Signature,
        arguments: Arguments = (),
    ) -> TypeReference:
        """Return the type that ``signature`` refers to in ``metadata``. Raises CannotBind."""
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
                # An array is a reference, so that a type can contain an array of itself.
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
        known = known_type(name, arguments) if framework else None
        if known is not None:
            return known
        return self.declaration(self._place(metadata, named), arguments)

    def _specified(self, metadata: Metadata, row: int, arguments: Arguments) -> TypeReference:
        """Return the type in the signature of a TypeSpec."""
        key = (id(metadata), row)
        if key in self._specs:
            raise metadata.damage(f"TypeSpec {row} refers to itself")
        self._specified_types += 1
        if self._specified_types > _MOST_SPECIFIED:
            # Each can refer to another one twice, and so on.
            raise metadata.damage(f"its signatures use more than {_MOST_SPECIFIED} TypeSpecs")
        self._specs.add(key)
        try:
            return self.reference(metadata, metadata.type_spec(row), arguments)
        finally:
            self._specs.discard(key)

    @staticmethod
    def _identity(metadata: Metadata, named: Named) -> tuple[str, bool]:
        """Return the full name of a type, and whether the type is part of .NET."""
        if named.table == _TYPE_DEF:
            return metadata.full_name(named.row), metadata.is_core
        outermost, name = metadata.outermost(named.row)
        scope = metadata.row(TypeRef, outermost).scope
        if scope & 3 != 2 or not scope >> 2:
            return name, metadata.is_core
        return name, is_framework(metadata.string(metadata.row(AssemblyRef, scope >> 2).name))

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
        """Return an instance of a class without layout; None for a class with a layout.

        Such a class is a reference. Its arguments are not resolved, as they often refer to the
        type that contains it: ``List<Node>`` in a Node.
        """
        name, framework = self._identity(metadata, named)
        try:
            place = self._place(metadata, named)
        except CannotBind:
            if framework:
                return known_type(name, ()) or TypeDeclaration(name, "class", "auto", generic=True)
            raise
        kind = self.kind(place)
        if kind == "class" and place.metadata.row(TypeDef, place.row).flags & _LAYOUT:
            return None
        return TypeDeclaration(name, kind, "auto", generic=True)

    def _target(self, metadata: Metadata, signature: Signature | None) -> TypeReference | None:
        """Return the target of a pointer; of a struct only its name, as it can contain itself."""
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
            pass  # the layout of a pointer does not depend on its target
        return TypeDeclaration(name, layout="auto")


def _whole(metadata: Metadata, name: str) -> str:
    """Return ``name``. Raises CannotBind for one that was cut."""
    if name in metadata.cut:
        raise CannotBind(f"the name {name} is longer than {LONGEST_NAME} bytes")
    return name


def _is_buffer(fields: tuple[FieldDeclaration, ...], given: ClassLayout | None) -> bool:
    """Return whether the C# compiler could have made these fields for ``fixed T x[n]``."""
    if len(fields) != 1 or given is None or given.pack or given.size <= 0:
        return False
    element = fields[0].type
    if not isinstance(element, BuiltIn) or element.name not in FIXED_BUFFER_ELEMENTS:
        return False
    return fields[0].offset is None and given.size % SCALARS[element.name].size == 0
