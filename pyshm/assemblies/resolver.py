"""The search for a type of another assembly: in the same folder, or in folders of the user.

A facade (System.Runtime.dll, netstandard.dll) only contains the new places of its types, which
the search follows. A referenced assembly is read as a file; no code of it is loaded or run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import AssemblyError
from .attributes import Attributes
from .metadata import Metadata
from .rows import AssemblyRef, TypeRef

__all__ = ["CannotBind", "Place", "Resolver"]

_FORWARDS = 16  # steps from facade to facade; .NET itself needs two
_NO_PATH = frozenset("/\\:\0")
_SCOPE_MODULE, _SCOPE_MODULE_REF = 0, 1


class CannotBind(Exception):
    """A type can't be declared; the text is the reason."""


class Place(NamedTuple):
    """The place of a type: an assembly, and the row number in its table TypeDef."""

    metadata: Metadata
    row: int


class Resolver:
    """Finds the types that the assemblies in one folder refer to; reads each file once.

    ``references`` are further folders to search.
    """

    def __init__(self, folder: str, references: Iterable[str] = ()) -> None:
        self._folders = [folder, *references]
        self._opened: dict[str, Metadata | None] = {}
        self._places: dict[tuple[int, int], Place | str] = {}
        self._attributes: dict[int, Attributes] = {}

    def attributes(self, metadata: Metadata) -> Attributes:
        """Return the facts in the custom attributes of an assembly."""
        if id(metadata) not in self._attributes:
            self._attributes[id(metadata)] = Attributes(metadata)
        return self._attributes[id(metadata)]

    def add(self, name: str, metadata: Metadata) -> None:
        """Use ``metadata`` for the assembly ``name``, without a search."""
        self._opened[name.lower()] = metadata

    def opened(self) -> Iterator[Metadata]:
        """Yield every assembly that was read so far."""
        yield from filter(None, self._opened.values())

    def find(self, metadata: Metadata, row: int) -> Place:
        """Return the place of the TypeRef ``row`` of ``metadata``. Raises CannotBind."""
        key = (id(metadata), row)
        if key not in self._places:
            try:
                self._places[key] = self._find(metadata, row)
            except CannotBind as error:
                self._places[key] = str(error)
        found = self._places[key]
        if isinstance(found, str):
            raise CannotBind(found)
        return found

    def _find(self, metadata: Metadata, row: int) -> Place:
        outermost, name = metadata.outermost(row)
        scope = metadata.row(TypeRef, outermost).scope
        kind, target = scope & 3, scope >> 2
        if kind == _SCOPE_MODULE:
            return self._declared(metadata, name)
        if kind == _SCOPE_MODULE_REF:
            raise CannotBind(f"{name} is in another module of {metadata.file}")
        if target == 0:
            return self._forwarded(metadata, name, 0)
        assembly = metadata.string(metadata.row(AssemblyRef, target).name)
        return self.in_assembly(assembly, name)

    def in_assembly(self, assembly: str, name: str, forwards: int = 0) -> Place:
        """Return the place of a type by the simple name of its assembly. Raises CannotBind."""
        if forwards > _FORWARDS:
            raise CannotBind(f"{name} is forwarded more than {_FORWARDS} times")
        metadata = self._open(assembly)
        if metadata is None:
            raise CannotBind(
                f"{name} needs the assembly {assembly}, which was not found (use --reference DIR)"
            )
        if name in metadata.rows_by_name:
            return self._declared(metadata, name)
        return self._forwarded(metadata, name, forwards)

    @staticmethod
    def _declared(metadata: Metadata, name: str) -> Place:
        try:
            return Place(metadata, metadata.rows_by_name[name])
        except KeyError:
            raise CannotBind(f"{name} is not in {metadata.file}") from None

    def _forwarded(self, metadata: Metadata, name: str, forwards: int) -> Place:
        """Return the place of a type that ``metadata`` forwards to another assembly."""
        target = metadata.forwarders.get(name.partition("+")[0])
        if target is None:
            raise CannotBind(f"{name} is not in {metadata.file}")
        assembly = metadata.string(metadata.row(AssemblyRef, target).name)
        return self.in_assembly(assembly, name, forwards + 1)

    def _open(self, assembly: str) -> Metadata | None:
        """Return the assembly with that simple name; None if no folder has it."""
        key = assembly.lower()
        if key not in self._opened:
            self._opened[key] = self._search(assembly)
        return self._opened[key]

    def _search(self, assembly: str) -> Metadata | None:
        # The name comes from a file that is not trusted, so it must not be a path.
        if not assembly or not _NO_PATH.isdisjoint(assembly):
            return None
        reference = None
        for path in self._files(assembly):
            try:
                found = Metadata(path)
                if not self.attributes(found).is_reference:
                    return found
            except AssemblyError as error:
                raise CannotBind(str(error)) from error
            # A later folder may have the real assembly.
            reference = reference or found
        return reference

    def _files(self, assembly: str) -> Iterator[str]:
        for folder in self._folders:
            for suffix in (".dll", ".exe"):
                path = os.path.join(folder, assembly + suffix)
                if os.path.isfile(path):
                    yield path
