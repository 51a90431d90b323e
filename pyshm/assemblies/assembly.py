"""The types of an assembly: the entry point of this package."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ArgumentError
from ..layout.declarations import TypeDeclaration
from .declare import Declarer
from .framework import is_for_windows
from .metadata import Metadata
from .resolver import CannotBind, Place, Resolver
from .rows import AssemblyRow, TypeDef
from .type_names import parsed

__all__ = ["Assembly", "Unbindable"]

_VISIBILITY = 0x07  # TypeAttributes, ECMA-335 II.23.1.15
_NESTED_PRIVATE = 3
_LAYOUT = 0x18


@dataclass(frozen=True, slots=True)
class Unbindable:
    """A type that pyshm can't declare, and the reason."""

    name: str
    reason: str


class Assembly:
    """A .NET assembly and its types with layout.

    ``path`` is its file, ``name`` and ``version`` are those in the assembly.
    """

    def __init__(self, metadata: Metadata, references: Iterable[str] = ()) -> None:
        self._metadata = metadata
        self.path = metadata.path
        row = next(metadata.each_row(AssemblyRow), None)
        self.name = metadata.string(row.name) if row else os.path.splitext(metadata.file)[0]
        # A file without a row in the table Assembly is a module, which has no version.
        version = (row.major, row.minor, row.build, row.revision) if row else ()
        self.version = ".".join(map(str, version))
        self._resolver = Resolver(os.path.dirname(os.path.abspath(self.path)), references)
        self._resolver.add(self.name, metadata)
        self._declarer = Declarer(self._resolver)

    @classmethod
    def open(cls, path: str | os.PathLike[str], references: Iterable[str] = ()) -> Assembly:
        """Read the assembly in the file ``path``. .NET: MetadataLoadContext.

        Types of other assemblies are searched in its folder, then in the folders ``references``.

        Raises AssemblyError for a file that is damaged or not an assembly, OSError for a file that
        can't be read, and PlatformError if dnfile is not installed. The other methods raise
        AssemblyError as well, because each reads another part of the file.
        """
        return cls(Metadata(os.fspath(path)), references)

    def declared_types(self) -> list[TypeDeclaration | Unbindable]:
        """Return every struct and every class with layout, in the order of the assembly.

        This includes private types and types that the compiler generated. A type that pyshm can't
        declare is an Unbindable: an open generic type, or one that needs a type that was not found.
        """
        return [
            self._declared(row)
            for row in range(1, len(self._metadata.rows(TypeDef)) + 1)
            if self._has_layout(row)
        ]

    def find(self, name: str) -> TypeDeclaration | Unbindable:
        """Return the type with that reflection full name, which may be an enum.

        An instance of a generic type has the names of its arguments: ``Game.Pair`1[System.Int32]``
        or, as in C#, ``Game.Pair<int>``.

        Raises ArgumentError if the assembly has no such type.
        """
        row = self._metadata.rows_by_name.get(name)
        if row is not None:
            return self._declared(row)
        wanted = parsed(name)
        if wanted is None or not wanted.arguments or wanted.suffixes:
            raise ArgumentError(f"{self.name} has no type {name!r}", value=name)
        try:
            found = self._declarer.named(self._metadata, wanted)
        except CannotBind as error:
            return Unbindable(name, str(error))
        if not isinstance(found, TypeDeclaration):
            raise ArgumentError(f"{self.name} has no type {name!r}", value=name)
        return found

    def field_summary(self, type_name: str, field: str) -> str:
        """Return the summary of a field in the .xml file of the assembly; "" if there is none.

        A type's own summary is the ``documentation`` of its declaration.
        """
        return self._declarer.field_summary(type_name, field)

    def ignored_documentation(self) -> list[str]:
        """Return the .xml files that can't be used, each with the reason.

        Only those of assemblies whose types were declared so far count.
        """
        return self._declarer.ignored_documentation()

    def foreign(self, *, windows: bool) -> list[str]:
        """Return the folders of those of .NET's own assemblies that are for another system.

        Only assemblies that were read so far count. Their types can have other fields there.
        """
        folders: dict[str, None] = {}
        for metadata in self._resolver.opened():
            name = os.path.splitext(metadata.file)[0]
            if is_for_windows(name, metadata.machine) is (not windows):
                folders[os.path.dirname(os.path.abspath(metadata.path))] = None
        return list(folders)

    def is_visible(self, name: str) -> bool:
        """Return whether other code of the assembly can use the type by its name.

        It can't if the type, or a type around it, is private or generated by the compiler.
        """
        row: int | None = self._metadata.rows_by_name[name]
        generated = self._declarer.attributes(self._metadata).generated
        if "<" in name:
            return False
        while row is not None:
            private = self._metadata.row(TypeDef, row).flags & _VISIBILITY == _NESTED_PRIVATE
            if private or row in generated:
                return False
            row = self._metadata.enclosing.get(row)
        return True

    def _has_layout(self, row: int) -> bool:
        kind = self._declarer.kind(Place(self._metadata, row))
        if kind == "class":
            return bool(self._metadata.row(TypeDef, row).flags & _LAYOUT)
        return kind == "struct"

    def _declared(self, row: int) -> TypeDeclaration | Unbindable:
        try:
            return self._declarer.declaration(Place(self._metadata, row))
        except CannotBind as error:
            return Unbindable(self._metadata.full_name(row), str(error))
        except RecursionError as error:
            # Each kind of nesting has a limit, but a combination of them can be deeper.
            name = self._metadata.full_name(row)
            raise self._metadata.damage(f"{name}: its types are nested too deeply") from error
