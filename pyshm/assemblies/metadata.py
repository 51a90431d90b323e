"""The metadata of one .dll: its tables and heaps (ECMA-335, partition II, chapters 22 to 24).

dnfile opens the file and knows the columns of each table. This module decodes the rows, a whole
table at once. An object of dnfile for each row of a large assembly would take minutes, and in a
damaged file every count must be checked against the bytes that are present before it is used.
"""

from __future__ import annotations

import logging
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from inspect import isabstract
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from .._support.files import open_regular
from ..errors import AssemblyError, PlatformError
from . import signatures
from .rows import (
    AssemblyRow,
    ClassLayout,
    Constant,
    ExportedType,
    Field,
    FieldLayout,
    FieldMarshal,
    GenericParam,
    NestedClass,
    TypeDef,
    TypeRef,
    TypeSpec,
)

__all__ = ["LARGEST_FILE", "LONGEST_NAME", "Metadata"]

LARGEST_FILE = 1 << 29
"""The largest file that is read, in bytes; the largest assembly of .NET itself has 20 MB."""

LONGEST_NAME = 4096
"""The longest name of a type or field, in bytes; those in .NET itself have less than 300."""

_DEEPEST = 256  # types around a nested type; to follow more of them takes too long
_SHOWN = 60  # characters of a longer name that are kept
# https://learn.microsoft.com/dotnet/fundamentals/reflection/specifying-fully-qualified-type-names
_GRAMMAR = re.compile(r"[\\,+&*\[\]]")
# In each program of .NET that starts an assembly. The eight bytes before it are the offset of the
# assemblies in the program itself, or zero:
# https://github.com/dotnet/runtime/blob/main/src/native/corehost/apphost/bundle_marker.cpp
_APPHOST = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
_STREAMS = 64  # the format has five, and some tools add their own
_CLR_HEADER = 14  # IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR
_ROOT_SIGNATURE = 0x424A5342
_TABLES_HEADER = struct.Struct("<IBBBBQQ")
_EXTRA_DATA = 0x40
_CODES = {1: "B", 2: "H", 4: "I"}


Row = TypeVar("Row", bound=NamedTuple)

# The name of a table, where it is not that of the class of its rows.
_NAMES: dict[type, str] = {AssemblyRow: "Assembly"}


class Metadata:
    """The tables and heaps of the assembly in the file ``path``.

    Row numbers begin with 1, as in the format. A method that needs a row that does not exist
    raises AssemblyError.

    Raises AssemblyError for a file that is damaged or not a .NET assembly, OSError for a file that
    can't be read, and PlatformError if dnfile is not installed.
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
            raise self.damage("it has no stream of tables (#~)")
        self._tables = self._split(tables)
        self._decoded: dict[type, list[Any]] = {}
        self._names: dict[int, str] = {}
        self.cut: set[str] = set()
        """The names that are longer than LONGEST_NAME, as :meth:`string` cuts them."""
        self._fields: dict[int, signatures.Signature] = {}

    def damage(self, what: str) -> AssemblyError:
        """Return the error to raise for a damaged file; ``what`` is wrong with it."""
        return AssemblyError(f"{self.file}: {what}")

    # --- the file -----------------------------------------------------------------------

    def _root(self, data: bytes) -> bytes:
        """Return the metadata, beginning with its signature."""
        dnfile = _dnfile()
        try:
            pe = dnfile.dnPE(data=data, fast_load=True)
            self.machine: int = pe.FILE_HEADER.Machine
            directories = pe.OPTIONAL_HEADER.DATA_DIRECTORY
            if len(directories) <= _CLR_HEADER or not directories[_CLR_HEADER].VirtualAddress:
                raise self._no_assembly(data, "a program or library without metadata")
            header = pe.get_data(directories[_CLR_HEADER].VirtualAddress, 16)
            address, size = struct.unpack("<II", header[8:16])
            root = bytes(pe.get_data(address, size))
        except (dnfile.PEFormatError, struct.error, AttributeError) as error:
            raise self._no_assembly(data, str(error).strip("'")) from error
        if len(root) < size:
            raise self.damage(f"it has only {len(root)} of {size} bytes of metadata")
        return root

    def _no_assembly(self, data: bytes, what: str) -> AssemblyError:
        """Return the error for a file that is not an assembly, with the place of the real one."""
        marker = data.find(_APPHOST)
        if marker >= 8 and any(data[marker - 8 : marker]):
            return self.damage(
                "not a .NET assembly: a program in a single file, which contains its assemblies; "
                "use the .dll in the folder obj of its project, or publish it without "
                "PublishSingleFile"
            )
        stem = os.path.splitext(self.path)[0]
        if marker >= 0:
            what = "a program that starts one"
        for beside in (f"{self.path}.dll", f"{stem}.dll"):
            if beside != self.path and os.path.isfile(beside):
                what += f"; use {os.path.basename(beside)}, which is beside it"
                break
        return self.damage(f"not a .NET assembly: {what}")

    def _streams(self, root: bytes) -> dict[bytes, bytes]:
        """Return each stream by its name. Of two with one name, the last one counts, as in .NET."""
        try:
            signature, _, _, version = struct.unpack_from("<IIII", root)
            if signature != _ROOT_SIGNATURE:
                raise self.damage(f"the metadata begins with {signature:#010x}, not with BSJB")
            at = 16 + version
            (count,) = struct.unpack_from("<2xH", root, at)
            if count > _STREAMS:
                raise self.damage(f"it has {count} streams of metadata; the limit is {_STREAMS}")
            at += 4
            found = {}
            for _ in range(count):
                offset, size = struct.unpack_from("<II", root, at)
                end = root.find(b"\0", at + 8, at + 8 + 32)
                if end < 0:
                    raise self.damage(f"the name of the stream at {at + 8:#x} has no end")
                name = root[at + 8 : end]
                if offset + size > len(root):
                    raise self.damage(f"stream {name!r} ends at {offset + size:#x}, beyond the end")
                found[name] = root[offset : offset + size]
                at = at + 8 + (end - at - 8) // 4 * 4 + 4
        except struct.error as error:
            raise self.damage(f"the header of the metadata is cut off: {error}") from error
        return found

    def _split(self, stream: bytes) -> dict[str, tuple[struct.Struct, bytes]]:
        """Return the row format and the bytes of each table, by its name."""
        if len(stream) < _TABLES_HEADER.size:
            raise self.damage("the header of the stream of tables is cut off")
        _, _, _, heaps, _, valid, _ = _TABLES_HEADER.unpack_from(stream)
        present = [number for number in range(64) if valid >> number & 1]
        at = _TABLES_HEADER.size + 4 * len(present)
        if len(stream) < at:
            raise self.damage("the stream of tables ends within its counts of rows")
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
                    f"but only {max(len(stream) - at, 0)} bytes follow"
                )
            tables[name] = (codec, stream[at:end])
            at = end
        if "FieldPtr" in tables:
            raise self.damage("it lists its fields in a FieldPtr table, which is not supported")
        return tables

    def _format(
        self, number: int, counts: list[int], widths: list[int]
    ) -> tuple[str, struct.Struct]:
        tables = _dnfile_tables()
        if number not in tables:
            raise self.damage(f"it has a table with the unknown number {number:#x}")
        name, row_class = tables[number]
        if name == "CustomAttribute":
            # MethodSpec is missing in dnfile's list of tables that can carry an attribute.
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
        """Return a name from the #Strings heap; bytes that are not UTF-8 become escapes.

        A name that is too long is cut, and then in :attr:`cut`.
        """
        if index not in self._names:
            end = self._strings.find(b"\0", index, index + LONGEST_NAME)
            if end >= 0:
                name = self._strings[index:end].decode("utf-8", "backslashreplace")
            elif index + LONGEST_NAME > len(self._strings):
                raise self.damage(f"the string at {index:#x} has no end")
            else:
                start = self._strings[index : index + LONGEST_NAME]
                name = self._cut(start.decode("utf-8", "backslashreplace"), index)
            self._names[index] = name
        return self._names[index]

    def _cut(self, name: str, number: int) -> str:
        """Return the beginning of a name that is too long; ``number`` makes it unique."""
        name = f"{name[:_SHOWN]}…{number:#x}"
        self.cut.add(name)
        return name

    def blob(self, index: int) -> bytes:
        """Return the bytes of an entry of the #Blob heap, without their length."""
        try:
            length, begin = signatures.compressed(self._blobs, index)
        except signatures.Damaged as error:
            raise self.damage(f"the blob at {index:#x}: {error}") from error
        if begin + length > len(self._blobs):
            raise self.damage(f"the blob at {index:#x} has {length} bytes, too many")
        return self._blobs[begin : begin + length]

    def rows(self, table: type[Row]) -> list[Row]:
        """Return all rows of a table."""
        rows = self._decoded.get(table)
        if rows is None:
            rows = self._decoded[table] = list(self.each_row(table))
        return rows

    def each_row(self, table: type[Row]) -> Iterator[Row]:
        """Yield the rows of a table without keeping them, for a large table that is read once."""
        name = _NAMES.get(table, table.__name__)
        if name not in self._tables:
            return iter(())
        codec, data = self._tables[name]
        make: Callable[[Any], Row] = table._make
        return map(make, codec.iter_unpack(data))

    def row(self, table: type[Row], number: int) -> Row:
        """Return the row of a table with that number."""
        rows: list[Row] = self._decoded.get(table) or self.rows(table)
        if 1 <= number <= len(rows):
            return rows[number - 1]
        raise self.damage(f"there is no {table.__name__} {number}; there are {len(rows)}")

    @cached_property
    def forwarders(self) -> dict[str, int]:
        """The row number in AssemblyRef for each type that moved elsewhere, by its full name."""
        # Implementation: File, AssemblyRef, or ExportedType for a nested type.
        return {
            _qualified(self._name(row.namespace), self._name(row.name)): row.implementation >> 2
            for row in self.rows(ExportedType)
            if row.implementation & 3 == 1
        }

    @cached_property
    def class_layouts(self) -> dict[int, ClassLayout]:
        """Pack and Size of each type that sets them, by its row number."""
        return {row.parent: row for row in self.rows(ClassLayout)}

    @cached_property
    def field_offsets(self) -> dict[int, int]:
        """The [FieldOffset] of each field that has one, by its row number."""
        return {row.field: row.offset for row in self.rows(FieldLayout)}

    @cached_property
    def field_marshals(self) -> dict[int, int]:
        """The index in the #Blob heap of each field's [MarshalAs], by its row number."""
        # HasFieldMarshal: bit 0 is 0 for a field and 1 for a parameter.
        return {
            row.parent >> 1: row.native_type
            for row in self.rows(FieldMarshal)
            if not row.parent & 1
        }

    @cached_property
    def constants(self) -> dict[int, Constant]:
        """The value of each literal field, by its row number."""
        # HasConstant: bits 0 and 1 are 0 for a field.
        return {row.parent >> 2: row for row in self.rows(Constant) if not row.parent & 3}

    @cached_property
    def enclosing(self) -> dict[int, int]:
        """The row number of the type that contains a nested type, by that of the nested type."""
        return {row.nested: row.enclosing for row in self.rows(NestedClass)}

    @cached_property
    def open_generics(self) -> dict[int, int]:
        """The number of type parameters of each generic type, including those of outer types."""
        found: dict[int, int] = {}
        for row in self.rows(GenericParam):
            if not row.owner & 1:  # TypeOrMethodDef: bit 0 is 1 for a method
                found[row.owner >> 1] = found.get(row.owner >> 1, 0) + 1
        return found

    # --- types and fields ---------------------------------------------------------------

    def fields_of(self, row: int) -> Iterator[tuple[int, Field]]:
        """Yield the fields of the type ``row``, including static ones, with their row numbers."""
        types, fields = self.rows(TypeDef), self.rows(Field)
        begin = self.row(TypeDef, row).first_field
        end = types[row].first_field if row < len(types) else len(fields) + 1
        # The last types may have no fields. They begin after the last field.
        if not 1 <= begin <= end <= len(fields) + 1:
            raise self.damage(f"TypeDef {row}: its fields are {begin} to {end}, out of order")
        return enumerate(fields[begin - 1 : end - 1], begin)

    def field_type(self, row: int, field: Field) -> signatures.Signature:
        """Return the type in a field's signature; ``row`` is its row number."""
        index = field.signature
        if index not in self._fields:
            try:
                self._fields[index] = signatures.field_type(self.blob(index))
            except signatures.Damaged as error:
                raise self.damage(f"Field {row}: its signature: {error}") from error
        return self._fields[index]

    def type_spec(self, row: int) -> signatures.Signature:
        """Return the type in the signature of the TypeSpec ``row``."""
        index = self.row(TypeSpec, row).signature
        try:
            return signatures.type_spec(self.blob(index))
        except signatures.Damaged as error:
            raise self.damage(f"TypeSpec {row}: its signature: {error}") from error

    @cached_property
    def full_names(self) -> list[str]:
        """The reflection full name of each type (``Space.Outer+Inner``), in the order of rows."""
        names: dict[int, str] = {}
        depths: dict[int, int] = {}
        count = len(self.rows(TypeDef))
        for row in range(1, count + 1):
            nested = []
            at = row
            while at not in names and at in self.enclosing:
                nested.append(at)
                if len(nested) > len(self.enclosing):
                    raise self.damage(f"TypeDef {row} is nested in itself")
                at = self.enclosing[at]
            if at not in names:
                found = self.row(TypeDef, at)
                name = _qualified(self._name(found.namespace), self._name(found.name))
                parts = self.string(found.namespace), self.string(found.name)
                names[at] = self._limited(name, parts, at)
            for inner in reversed(nested):
                depths[inner] = depths.get(at, 0) + 1
                if depths[inner] > _DEEPEST:
                    raise self.damage(f"TypeDef {inner} is nested more than {_DEEPEST} types deep")
                own = self.row(TypeDef, inner).name
                parts = names[at], self.string(own)
                names[inner] = self._limited(f"{names[at]}+{self._name(own)}", parts, inner)
                at = inner
        return [names[row] for row in range(1, count + 1)]

    def _limited(self, name: str, parts: Iterable[str], row: int) -> str:
        """Return a full name; one that is too long, or has a part that was cut, is cut."""
        if len(name) > LONGEST_NAME or not self.cut.isdisjoint(parts):
            return self._cut(name, row)
        return name

    def full_name(self, row: int) -> str:
        """Return the reflection full name of the type ``row``."""
        if not 1 <= row <= len(self.full_names):
            self.row(TypeDef, row)  # raises the error
        return self.full_names[row - 1]

    @cached_property
    def rows_by_name(self) -> dict[str, int]:
        """The row number of each type, by its full name."""
        return {name: row for row, name in enumerate(self.full_names, 1)}

    @cached_property
    def is_core(self) -> bool:
        """Whether this is the assembly that declares System.Object."""
        row = self.rows_by_name.get("System.Object")
        return row is not None and self.row(TypeDef, row).extends == 0

    def _name(self, index: int) -> str:
        """Return a part of a type's name as reflection has it, with special characters escaped."""
        return _GRAMMAR.sub(r"\\\g<0>", self.string(index))

    def outermost(self, row: int) -> tuple[int, str]:
        """Return the row number of the outermost type of the TypeRef ``row``, and its full name."""
        found = self.row(TypeRef, row)
        name = self._name(found.name)
        seen = 1
        while found.scope & 3 == _SCOPE_TYPE_REF:
            row = found.scope >> 2
            found = self.row(TypeRef, row)
            name = f"{self._name(found.name)}+{name}"
            seen += 1
            if seen > len(self.rows(TypeRef)):
                raise self.damage(f"TypeRef {row} is nested in itself")
            if seen > _DEEPEST:
                raise self.damage(f"TypeRef {row} is nested more than {_DEEPEST} types deep")
            if len(name) > LONGEST_NAME:
                name = self._cut(name, row)
        return row, _qualified(self._name(found.namespace), name)


_SCOPE_TYPE_REF = 3  # ResolutionScope: Module, ModuleRef, AssemblyRef, TypeRef
_GENERIC_PARAM_CONSTRAINT = 0x2C
_METHOD_SPEC = 0x2B


def _qualified(namespace: str, name: str) -> str:
    return f"{namespace}.{name}" if namespace else name


def _read(path: str) -> bytes:
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_FILE:
            raise AssemblyError(
                f"{os.path.basename(path)}: it has {size} bytes; the limit is {LARGEST_FILE}",
                value=size,
                limit=LARGEST_FILE,
            )
        return file.read(size)  # read(LARGEST_FILE) would reserve that much memory


def _dnfile() -> Any:
    try:
        import dnfile
    except ImportError as error:
        raise PlatformError(
            "dnfile is needed to read an assembly: pip install 'pyshm-dotnet[bind]'"
        ) from error
    # Its warnings would be printed, and this module checks the same things.
    logging.getLogger("dnfile").addHandler(logging.NullHandler())
    return dnfile


_known_tables: dict[int, tuple[str, Any]] = {}


def _dnfile_tables() -> dict[int, tuple[str, Any]]:
    """Return the name and the row class of each table, by its number."""
    if not _known_tables:
        from dnfile import base, mdtable

        for found in vars(mdtable).values():
            if isinstance(found, type) and issubclass(found, base.ClrMetaDataTable):
                row_class = getattr(mdtable, f"{found.__name__}Row", None)
                if row_class is not None and not isabstract(row_class):
                    _known_tables[found.number] = (found.name, row_class)
    return _known_tables
