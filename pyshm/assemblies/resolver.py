"""Where a type of another assembly is: beside the first one, or in a folder that the user names.

A facade (System.Runtime.dll, netstandard.dll) only says where its types moved to; that is
followed. Nothing is loaded or run: a referenced assembly is one more file that is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from ..errors import AssemblyError
from .reader import Metadata

__all__ = ["CannotBind", "Place", "Resolver"]

_FORWARDS = 16  # from facade to facade; there are two at most in .NET itself
_NO_PATH = frozenset("/\\:\0")
_SCOPE_MODULE, _SCOPE_MODULE_REF = 0, 1


class CannotBind(Exception):
    """A type that can't be told whole; its text is the reason."""


class Place(NamedTuple):
    """A type where it is declared: the row number in that assembly's TypeDef table."""

    metadata: Metadata
    row: int


class Resolver:
    """Finds types for the assemblies in one folder; each file is read once.

    ``references`` are more folders to look in, after the assembly's own.
    """

    def __init__(self, folder: str, references: Iterable[str] = ()) -> None:
        self._folders = [folder, *references]
        self._opened: dict[str, Metadata | None] = {}
        self._places: dict[tuple[int, int], Place | str] = {}

    def add(self, name: str, metadata: Metadata) -> None:
        """Let ``metadata`` be what the assembly ``name`` is."""
        self._opened[name.lower()] = metadata

    def find(self, metadata: Metadata, row: int) -> Place:
        """What the TypeRef ``row`` of ``metadata`` means. Raises CannotBind."""
        key = (id(metadata), row)
        if key not in self._places:
            try:
                self._places[key] = self._find(metadata, row)
            except CannotBind as refusal:
                self._places[key] = str(refusal)
        found = self._places[key]
        if isinstance(found, str):
            raise CannotBind(found)
        return found

    def _find(self, metadata: Metadata, row: int) -> Place:
        outermost, name = metadata.outermost(row)
        scope = metadata.type_ref(outermost).scope
        kind, target = scope & 3, scope >> 2
        if kind == _SCOPE_MODULE:
            return self._declared(metadata, name)
        if kind == _SCOPE_MODULE_REF:
            raise CannotBind(f"{name} is in another module of {metadata.file}")
        if target == 0:
            return self._forwarded(metadata, name, 0)
        assembly = metadata.string(metadata.assembly_ref(target).name)
        return self._in_assembly(assembly, name, 0)

    def _in_assembly(self, assembly: str, name: str, forwards: int) -> Place:
        if forwards > _FORWARDS:
            raise CannotBind(f"{name} is forwarded from assembly to assembly without end")
        metadata = self._open(assembly)
        if metadata is None:
            raise CannotBind(
                f"{name} of assembly {assembly} is not beside it (give --reference DIR)"
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
        """The type ``name``, which ``metadata`` may say is elsewhere."""
        target = metadata.forwarders.get(name.partition("+")[0])
        if target is None:
            raise CannotBind(f"{name} is not in {metadata.file}")
        assembly = metadata.string(metadata.assembly_ref(target).name)
        return self._in_assembly(assembly, name, forwards + 1)

    def _open(self, assembly: str) -> Metadata | None:
        """The assembly of that simple name; None where no folder has it."""
        key = assembly.lower()
        if key not in self._opened:
            self._opened[key] = self._search(assembly)
        return self._opened[key]

    def _search(self, assembly: str) -> Metadata | None:
        # The name comes out of a file that nobody vouches for.
        if not assembly or not _NO_PATH.isdisjoint(assembly):
            return None
        for folder in self._folders:
            for suffix in (".dll", ".exe"):
                path = os.path.join(folder, assembly + suffix)
                if os.path.isfile(path):
                    try:
                        return Metadata(path)
                    except AssemblyError as error:
                        raise CannotBind(str(error)) from error
        return None
