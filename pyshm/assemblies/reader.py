"""The metadata of one .dll, as its tables' rows: ECMA-335, partition II, chapters 22 to 24.

dnfile opens the file and knows what a row of each table looks like. The rows themselves are
decoded here, a whole table at once, because an object for each row of a large assembly takes
minutes, and because a count in a damaged file must be compared with the bytes that are there
before anything is made of it.
"""

from __future__ import annotations

import logging
import os
import re
import struct
from collections.abc import Callable, Iterator
from functools import cached_property
from inspect import isabstract
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from ..errors import AssemblyError, PlatformError
from . import signatures

__all__ = ["Metadata"]

LARGEST_FILE = 1 << 29
"""Bytes of a file that is read at all; the largest assembly of .NET itself has 20 MB."""

LONGEST_NAME = 4096
# https://learn.microsoft.com/dotnet/fundamentals/reflection/specifying-fully-qualified-type-names
_GRAMMAR = re.compile(r"[\\,+&*\[\]]")
_STREAMS = 64  # there are five, and a few that tools add
_CLR_HEADER = 14  # IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR
_ROOT_SIGNATURE = 0x424A5342
_TABLES_HEADER = struct.Struct("<IBBBBQQ")
_EXTRA_DATA = 0x40
_CODES = {1: "B", 2: "H", 4: "I"}


class TypeRef(NamedTuple):
    """A type of another assembly."""

    scope: int
    name: int
    namespace: int


class TypeDef(NamedTuple):
    """A type of this assembly."""

    flags: int
    name: int
    namespace: int
    extends: int
    first_field: int
    first_method: int


class Field(NamedTuple):
    """A field of a type."""

    flags: int
    name: int
    signature: int


class MemberRef(NamedTuple):
    """A member of a type elsewhere; here, the constructor of an attribute."""

    parent: int
    name: int
    signature: int


class Constant(NamedTuple):
    """The value of a literal field."""

    type: int
    padding: int
    parent: int
    value: int


class CustomAttribute(NamedTuple):
    """An attribute, and what carries it."""

    parent: int
    constructor: int
    value: int


class FieldMarshal(NamedTuple):
    """[MarshalAs] of a field or parameter."""

    parent: int
    native_type: int


class ClassLayout(NamedTuple):
    """Pack and Size of a type."""

    pack: int
    size: int
    parent: int


class FieldLayout(NamedTuple):
    """[FieldOffset] of a field."""

    offset: int
    field: int


class TypeSpec(NamedTuple):
    """A type that only a signature can tell: an instance of a generic one."""

    signature: int


class AssemblyRow(NamedTuple):
    """This assembly's own name and version."""

    hash_algorithm: int
    major: int
    minor: int
    build: int
    revision: int
    flags: int
    public_key: int
    name: int
    culture: int


class AssemblyRef(NamedTuple):
    """An assembly that this one uses."""

    major: int
    minor: int
    build: int
    revision: int
    flags: int
    public_key: int
    name: int
    culture: int
    hash_value: int


class ExportedType(NamedTuple):
    """A type that moved elsewhere, or lies in another file of this assembly."""

    flags: int
    type_def: int
    name: int
    namespace: int
    implementation: int


class NestedClass(NamedTuple):
    """Which type a nested type stands in."""

    nested: int
    enclosing: int


class GenericParam(NamedTuple):
    """A type parameter."""

    number: int
    flags: int
    owner: int
    name: int


Row = TypeVar("Row", bound=NamedTuple)

TYPE_DEF_OR_REF = (TypeDef, TypeRef, TypeSpec)


class Metadata:
    """The tables and heaps of the assembly in the file ``path``.

    Raises AssemblyError for a file that is no .NET assembly or a damaged one, OSError for one
    that can't be read, and PlatformError where dnfile is missing. Row numbers count from 1, as
    everywhere in the format; what reads a row that isn't there raises AssemblyError.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = os.path.basename(path)
        root = self._root(_read(path))
        streams = self._streams(root)
        self._strings = streams.get(b"#Strings", b"")
        self._blobs = streams.get(b"#Blob", b"")
        tables = streams.get(b"#~", streams.get(b"#-"))
        if tables is None:
            raise self.damage("no stream of tables (#~)")
        self._tables = self._split(tables)
        self._names: dict[int, str] = {}
        self._fields: dict[int, signatures.Signature] = {}

    def damage(self, what: str) -> AssemblyError:
        """The error for what is wrong with this file."""
        return AssemblyError(f"{self.file}: {what}")

    # --- the file -----------------------------------------------------------------------

    def _root(self, data: bytes) -> bytes:
        """The metadata, from its signature on."""
        dnfile = _dnfile()
        try:
            pe = dnfile.dnPE(data=data, fast_load=True)
            directories = pe.OPTIONAL_HEADER.DATA_DIRECTORY
            if len(directories) <= _CLR_HEADER or not directories[_CLR_HEADER].VirtualAddress:
                raise self.damage("no .NET assembly: a program or library without metadata")
            header = pe.get_data(directories[_CLR_HEADER].VirtualAddress, 16)
            address, size = struct.unpack("<II", header[8:16])
            root = bytes(pe.get_data(address, size))
        except (dnfile.PEFormatError, struct.error, AttributeError) as error:
            raise self.damage(f"no .NET assembly: {str(error).strip(chr(39))}") from error
        if len(root) < size:
            raise self.damage(f"metadata of {size} bytes, of which {len(root)} are there")
        return root

    def _streams(self, root: bytes) -> dict[bytes, bytes]:
        """Each heap by its name. The last of one name counts, as in .NET."""
        try:
            signature, _, _, version = struct.unpack_from("<IIII", root)
            if signature != _ROOT_SIGNATURE:
                raise self.damage(f"metadata begins with {signature:#010x}")
            at = 16 + version
            (count,) = struct.unpack_from("<2xH", root, at)
            if count > _STREAMS:
                raise self.damage(f"{count} streams of metadata")
            at += 4
            found = {}
            for _ in range(count):
                offset, size = struct.unpack_from("<II", root, at)
                end = root.find(b"\0", at + 8, at + 8 + 32)
                if end < 0:
                    raise self.damage(f"the name of a stream at {at + 8:#x} has no end")
                name = root[at + 8 : end]
                if offset + size > len(root):
                    raise self.damage(f"stream {name!r} ends at {offset + size:#x}, beyond all")
                found[name] = root[offset : offset + size]
                at = at + 8 + (end - at - 8) // 4 * 4 + 4
        except struct.error as error:
            raise self.damage(f"the metadata's root ends too early: {error}") from error
        return found

    def _split(self, stream: bytes) -> dict[str, tuple[struct.Struct, bytes]]:
        """Each table's row format and bytes, by the table's name."""
        if len(stream) < _TABLES_HEADER.size:
            raise self.damage("the stream of tables ends too early")
        _, _, _, heaps, _, valid, _ = _TABLES_HEADER.unpack_from(stream)
        present = [number for number in range(64) if valid >> number & 1]
        at = _TABLES_HEADER.size + 4 * len(present)
        if len(stream) < at:
            raise self.damage("the stream of tables ends in its counts of rows")
        counts = [0] * 64
        for index, number in enumerate(present):
            (counts[number],) = struct.unpack_from("<I", stream, _TABLES_HEADER.size + 4 * index)
        if heaps & _EXTRA_DATA:
            at += 4
        widths = [4 if heaps & bit else 2 for bit in (1, 2, 4)]
        tables = {}
        for number in present:
            if not counts[number]:
                continue
            name, codec = self._format(number, counts, widths)
            end = at + counts[number] * codec.size
            if end > len(stream):
                raise self.damage(
                    f"table {name} has {counts[number]} rows of {codec.size} bytes, "
                    f"but only {max(len(stream) - at, 0)} bytes are left"
                )
            tables[name] = (codec, stream[at:end])
            at = end
        if "FieldPtr" in tables:
            raise self.damage("its fields are listed through a FieldPtr table, which is not read")
        return tables

    def _format(
        self, number: int, counts: list[int], widths: list[int]
    ) -> tuple[str, struct.Struct]:
        tables = _dnfile_tables()
        if number not in tables:
            raise self.damage(f"a table of the unknown number {number:#x}")
        name, row_class = tables[number]
        if name == "CustomAttribute":
            # dnfile's list of what can carry an attribute lacks MethodSpec.
            counts = list(counts)
            counts[_GENERIC_PARAM_CONSTRAINT] = max(
                counts[_METHOD_SPEC], counts[_GENERIC_PARAM_CONSTRAINT]
            )
        shape = row_class(counts, *widths, None, None, None).struct
        offsets = [shape.get_field_relative_offset(key[0]) for key in shape.__keys__]
        code = "".join(_CODES[end - begin] for begin, end in pairwise([*offsets, shape.sizeof()]))
        return name, struct.Struct("<" + code)

    # --- heaps and rows -----------------------------------------------------------------

    def string(self, index: int) -> str:
        """A name of the #Strings heap. What is no UTF-8 is spelled with backslashes."""
        if index not in self._names:
            end = self._strings.find(b"\0", index, index + LONGEST_NAME)
            if end < 0:
                raise self.damage(f"the string at {index:#x} has no end")
            self._names[index] = self._strings[index:end].decode("utf-8", "backslashreplace")
        return self._names[index]

    def blob(self, index: int) -> bytes:
        """The bytes of a #Blob entry, without their length."""
        try:
            length, begin = signatures.compressed(self._blobs, index)
        except signatures.Damaged as error:
            raise self.damage(f"the blob at {index:#x}: {error}") from error
        if begin + length > len(self._blobs):
            raise self.damage(f"the blob at {index:#x} has {length} bytes, more than there are")
        return self._blobs[begin : begin + length]

    def _rows(self, table: type[Row], name: str | None = None) -> list[Row]:
        name = name or table.__name__
        if name not in self._tables:
            return []
        codec, data = self._tables[name]
        make: Callable[[Any], Row] = table._make
        return list(map(make, codec.iter_unpack(data)))

    @cached_property
    def type_refs(self) -> list[TypeRef]:
        """The table TypeRef."""
        return self._rows(TypeRef)

    @cached_property
    def type_defs(self) -> list[TypeDef]:
        """The table TypeDef."""
        return self._rows(TypeDef)

    @cached_property
    def fields(self) -> list[Field]:
        """The table Field."""
        return self._rows(Field)

    @cached_property
    def member_refs(self) -> list[MemberRef]:
        """The table MemberRef."""
        return self._rows(MemberRef)

    @cached_property
    def type_specs(self) -> list[TypeSpec]:
        """The table TypeSpec."""
        return self._rows(TypeSpec)

    @cached_property
    def assembly_refs(self) -> list[AssemblyRef]:
        """The table AssemblyRef."""
        return self._rows(AssemblyRef)

    @cached_property
    def forwarders(self) -> dict[str, int]:
        """The AssemblyRef of each type that moved elsewhere, by the type's full name."""
        # Implementation: File, AssemblyRef, ExportedType (of a nested type, which moves along).
        return {
            _qualified(self._name(row.namespace), self._name(row.name)): row.implementation >> 2
            for row in self._rows(ExportedType)
            if row.implementation & 3 == 1
        }

    @cached_property
    def assembly(self) -> AssemblyRow | None:
        """The one row of the table Assembly; None in a module without one."""
        rows = self._rows(AssemblyRow, "Assembly")
        return rows[0] if rows else None

    def custom_attributes(self) -> list[CustomAttribute]:
        """The table CustomAttribute: large, and gone through once."""
        return self._rows(CustomAttribute)

    @cached_property
    def class_layouts(self) -> dict[int, ClassLayout]:
        """Pack and Size, by the type's row number."""
        return {row.parent: row for row in self._rows(ClassLayout)}

    @cached_property
    def field_offsets(self) -> dict[int, int]:
        """[FieldOffset]'s bytes, by the field's row number."""
        return {row.field: row.offset for row in self._rows(FieldLayout)}

    @cached_property
    def field_marshals(self) -> dict[int, int]:
        """Where in the blobs [MarshalAs] stands, by the field's row number."""
        # HasFieldMarshal: bit 0 clear is a field, set a parameter.
        return {
            row.parent >> 1: row.native_type
            for row in self._rows(FieldMarshal)
            if not row.parent & 1
        }

    @cached_property
    def constants(self) -> dict[int, Constant]:
        """The values of literal fields, by the field's row number."""
        # HasConstant: bits 0 and 1 clear is a field.
        return {row.parent >> 2: row for row in self._rows(Constant) if not row.parent & 3}

    @cached_property
    def enclosing(self) -> dict[int, int]:
        """The row number of the type around a nested type, by the nested one's."""
        return {row.nested: row.enclosing for row in self._rows(NestedClass)}

    @cached_property
    def open_generics(self) -> dict[int, int]:
        """How many type parameters a type has, those of the types around it included."""
        found: dict[int, int] = {}
        for row in self._rows(GenericParam):
            if not row.owner & 1:  # TypeOrMethodDef: bit 0 set is a method
                found[row.owner >> 1] = found.get(row.owner >> 1, 0) + 1
        return found

    # --- types and fields ---------------------------------------------------------------

    def type_def(self, row: int) -> TypeDef:
        """The type of that row number."""
        if not 1 <= row <= len(self.type_defs):
            raise self.damage(f"TypeDef {row} of {len(self.type_defs)}")
        return self.type_defs[row - 1]

    def type_ref(self, row: int) -> TypeRef:
        """The reference of that row number."""
        if not 1 <= row <= len(self.type_refs):
            raise self.damage(f"TypeRef {row} of {len(self.type_refs)}")
        return self.type_refs[row - 1]

    def assembly_ref(self, row: int) -> AssemblyRef:
        """The referenced assembly of that row number."""
        if not 1 <= row <= len(self.assembly_refs):
            raise self.damage(f"AssemblyRef {row} of {len(self.assembly_refs)}")
        return self.assembly_refs[row - 1]

    def fields_of(self, row: int) -> Iterator[tuple[int, Field]]:
        """The fields of the type ``row``, static ones too, each with its row number."""
        begin = self.type_def(row).first_field
        end = len(self.fields) + 1
        if row < len(self.type_defs):
            end = self.type_defs[row].first_field
        # A type without fields at the very end may begin behind the last field.
        if not 1 <= begin <= end <= len(self.fields) + 1:
            raise self.damage(f"TypeDef {row}: its fields are {begin} to {end}, out of order")
        return enumerate(self.fields[begin - 1 : end - 1], begin)

    def field_type(self, row: int, field: Field) -> signatures.Signature:
        """The type of that field, as its signature says it."""
        index = field.signature
        if index not in self._fields:
            try:
                self._fields[index] = signatures.field_type(self.blob(index))
            except signatures.Damaged as error:
                raise self.damage(f"Field {row}: its signature: {error}") from error
        return self._fields[index]

    def type_spec(self, row: int) -> signatures.Signature:
        """What the TypeSpec of that row number stands for."""
        if not 1 <= row <= len(self.type_specs):
            raise self.damage(f"TypeSpec {row} of {len(self.type_specs)}")
        try:
            return signatures.type_spec(self.blob(self.type_specs[row - 1].signature))
        except signatures.Damaged as error:
            raise self.damage(f"TypeSpec {row}: its signature: {error}") from error

    @cached_property
    def full_names(self) -> list[str]:
        """The reflection full name of each type (``Space.Outer+Inner``), by row number less 1."""
        names: dict[int, str] = {}
        for row in range(1, len(self.type_defs) + 1):
            inward = []
            at = row
            while at not in names and at in self.enclosing:
                inward.append(at)
                if len(inward) > len(self.enclosing):
                    raise self.damage(f"TypeDef {row} is nested in itself")
                at = self.enclosing[at]
            if at not in names:
                found = self.type_def(at)
                names[at] = _qualified(self._name(found.namespace), self._name(found.name))
            for inner in reversed(inward):
                nested = f"{names[at]}+{self._name(self.type_def(inner).name)}"
                if len(nested) > LONGEST_NAME:
                    raise self.damage(f"TypeDef {inner}: its full name has {len(nested)} letters")
                names[inner] = nested
                at = inner
        return [names[row] for row in range(1, len(self.type_defs) + 1)]

    @cached_property
    def rows_by_name(self) -> dict[str, int]:
        """The row number of each type, by its full name."""
        return {name: row for row, name in enumerate(self.full_names, 1)}

    @cached_property
    def is_core(self) -> bool:
        """Whether this is the library that System.Object itself is in."""
        row = self.rows_by_name.get("System.Object")
        return row is not None and self.type_def(row).extends == 0

    def _name(self, index: int) -> str:
        """A part of a type's name as reflection spells it: with backslashes before its grammar."""
        return _GRAMMAR.sub(r"\\\g<0>", self.string(index))

    def outermost(self, row: int) -> tuple[int, str]:
        """The TypeRef that the TypeRef ``row`` is nested in at last, and the full name."""
        found = self.type_ref(row)
        name = self._name(found.name)
        seen = 1
        while found.scope & 3 == _SCOPE_TYPE_REF:
            row = found.scope >> 2
            found = self.type_ref(row)
            name = f"{self._name(found.name)}+{name}"
            seen += 1
            if seen > len(self.type_refs) or len(name) > LONGEST_NAME:
                raise self.damage(f"TypeRef {row} is nested in itself")
        return row, _qualified(self._name(found.namespace), name)


_SCOPE_TYPE_REF = 3  # ResolutionScope: Module, ModuleRef, AssemblyRef, TypeRef
_GENERIC_PARAM_CONSTRAINT = 0x2C
_METHOD_SPEC = 0x2B


def _qualified(namespace: str, name: str) -> str:
    return f"{namespace}.{name}" if namespace else name


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_FILE:
            raise AssemblyError(
                f"{os.path.basename(path)}: {size} bytes, more than {LARGEST_FILE}",
                value=size,
                limit=LARGEST_FILE,
            )
        return file.read(size)  # read(LARGEST_FILE) would take that much memory for any file


def _dnfile() -> Any:
    try:
        import dnfile
    except ImportError as error:
        raise PlatformError(
            "reading an assembly needs dnfile: pip install 'pyshm-dotnet[bind]'"
        ) from error
    # Its warnings are about things that are checked here, and would be printed.
    logging.getLogger("dnfile").addHandler(logging.NullHandler())
    return dnfile


_known_tables: dict[int, tuple[str, Any]] = {}


def _dnfile_tables() -> dict[int, tuple[str, Any]]:
    """The name and row class of each table, by its number."""
    if not _known_tables:
        from dnfile import base, mdtable

        for found in vars(mdtable).values():
            if isinstance(found, type) and issubclass(found, base.ClrMetaDataTable):
                row_class = getattr(mdtable, f"{found.__name__}Row", None)
                if row_class is not None and not isabstract(row_class):
                    _known_tables[found.number] = (found.name, row_class)
    return _known_tables
