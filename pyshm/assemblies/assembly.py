"""An assembly as its users see it: a list of types."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ArgumentError
from ..layout.declarations import TypeDeclaration
from .declare import Declarer
from .reader import Metadata
from .resolver import CannotBind, Place, Resolver

__all__ = ["Assembly", "Unbindable"]

_VISIBILITY = 0x07  # TypeAttributes, ECMA-335 II.23.1.15
_NESTED_PRIVATE = 3
_LAYOUT = 0x18


@dataclass(frozen=True, slots=True)
class Unbindable:
    """A type that has no declaration here, and why."""

    name: str
    reason: str


class Assembly:
    """A .NET assembly's types with layout.

    ``name`` and ``version`` are the assembly's own, ``path`` is its file.
    """

    def __init__(self, metadata: Metadata, references: Iterable[str] = ()) -> None:
        self._metadata = metadata
        self.path = metadata.path
        row = metadata.assembly
        self.name = metadata.string(row.name) if row else os.path.splitext(metadata.file)[0]
        # Without an Assembly row it is a module, which has no version.
        version = (row.major, row.minor, row.build, row.revision) if row else ()
        self.version = ".".join(map(str, version))
        resolver = Resolver(os.path.dirname(os.path.abspath(self.path)), references)
        resolver.add(self.name, metadata)
        self._declarer = Declarer(resolver)

    @classmethod
    def open(cls, path: str | os.PathLike[str], references: Iterable[str] = ()) -> Assembly:
        """Read the assembly in the file ``path``.

        Types of other assemblies are looked for beside it, then in the folders ``references``.
        Raises AssemblyError for a file that is no assembly or a damaged one - this and every
        other method here, as each reads a part of it -, OSError for one that can't be read, and
        PlatformError where dnfile is missing. .NET: MetadataLoadContext.
        """
        return cls(Metadata(os.fspath(path)), references)

    def declared_types(self) -> list[TypeDeclaration | Unbindable]:
        """Every struct, and every class with layout, in the order of the assembly.

        Private and compiler-generated ones too. What can't be told whole is Unbindable: open
        generic types, and those that need a type that is nowhere to be found.
        """
        return [
            self._declared(row)
            for row in range(1, len(self._metadata.type_defs) + 1)
            if self._has_layout(row)
        ]

    def find(self, name: str) -> TypeDeclaration | Unbindable:
        """The type of that reflection full name, enums included; see :meth:`declared_types`.

        Raises ArgumentError where the assembly has none.
        """
        row = self._metadata.rows_by_name.get(name)
        if row is None:
            raise ArgumentError(f"{self.name} has no type {name!r}", value=name)
        return self._declared(row)

    def field_summary(self, type_name: str, field: str) -> str:
        """What the .xml beside the assembly says of a field; "" if nothing.

        Of a type, its declaration tells that: ``documentation``.
        """
        return self._declarer.field_summary(type_name, field)

    def is_visible(self, name: str) -> bool:
        """Whether code outside of the type around it can name the type.

        Not so for private nested types and those that the compiler made.
        """
        row: int | None = self._metadata.rows_by_name[name]
        generated = self._declarer.attributes(self._metadata).generated
        if "<" in name:
            return False
        while row is not None:
            private = self._metadata.type_def(row).flags & _VISIBILITY == _NESTED_PRIVATE
            if private or row in generated:
                return False
            row = self._metadata.enclosing.get(row)
        return True

    def _has_layout(self, row: int) -> bool:
        kind = self._declarer.kind(Place(self._metadata, row))
        if kind == "class":
            return bool(self._metadata.type_defs[row - 1].flags & _LAYOUT)
        return kind == "struct"

    def _declared(self, row: int) -> TypeDeclaration | Unbindable:
        try:
            return self._declarer.declaration(Place(self._metadata, row))
        except CannotBind as refusal:
            return Unbindable(self._metadata.full_names[row - 1], str(refusal))
        except RecursionError as error:
            # Each way down is bounded, but not all of them at once.
            name = self._metadata.full_names[row - 1]
            raise self._metadata.damage(f"{name}: its types are nested too deeply") from error
