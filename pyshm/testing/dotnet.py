"""A .NET process that loads the user's assemblies, and the assertions that it answers."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from os import PathLike, fspath
from typing import Any, Self

from ..errors import PyshmError
from ..structs.struct import Struct
from .build import build_peer
from .manifest import Manifest, manifest_from_json, manifest_json
from .mismatch import LayoutMismatchError, layout_mismatches
from .process import Peer
from .questions import DotNetStepError, DotNetTypes
from .round_trip import round_trip_differences

__all__ = ["AssemblyNotBuiltError", "DotNetPeer", "RoundTripError", "TypeNotFoundError"]

Folders = Sequence["str | PathLike[str]"]


class AssemblyNotBuiltError(PyshmError, FileNotFoundError):
    """The assembly file does not exist; most likely it is not built yet."""


class TypeNotFoundError(PyshmError, LookupError):
    """The assembly has no type of that name, or .NET can't load the type."""


class RoundTripError(PyshmError, AssertionError):
    """A value did not survive the round trip through .NET. ``sentences`` has every difference."""

    def __init__(self, message: str, sentences: Sequence[str] = ()) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n  ".join([message, *sentences]))


class DotNetPeer:
    """A process of the real .NET, which answers questions about types in the user's assemblies.

    None of the user's code runs there: assemblies are loaded without their static constructors and
    module initializers, and values are created without constructors. An assembly that changed is
    read again.

        with DotNetPeer() as peer:
            peer.assert_same_layout(Telemetry, "My.Namespace.Telemetry", "bin/MyApp.dll")
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        folder: str | PathLike[str] = "",
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Build the peer unless it is built. The process starts with the first question.

        Args:
            command: a program that implements the protocol, to run instead of the built peer.
            folder: the folder in which relative paths of assemblies begin; by default the current
                directory.
            say: is called with a line of text when a build begins.

        Raises:
            ToolchainError: there is no .NET SDK.
            BuildError: the peer does not build.
        """
        self.process = Peer(".NET", [*(build_peer(say) if command is None else command), "serve"])
        self.types = DotNetTypes(self.process)
        self._folder = fspath(folder)
        self._manifests: dict[object, Manifest] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process. Raises PeerFailure if it does not end in time with status 0."""
        self.process.close()

    def manifest(
        self, type_name: str, assembly: str | PathLike[str], *, references: Folders = ()
    ) -> Manifest:
        """Return how .NET lays out ``type_name``, a reflection full name (``A.B.Outer+Inner``).

        ``references`` are folders with assemblies that it needs, in addition to its own folder.

        Raises:
            AssemblyNotBuiltError: the file does not exist.
            TypeNotFoundError: the assembly has no such type, or .NET can't load it.
            DotNetStepError: the file is not an assembly.
        """
        where = self._where(type_name, assembly, references)
        status = os.stat(where["assembly"])
        key = (
            type_name,
            *where["references"],
            where["assembly"],
            status.st_mtime_ns,
            status.st_size,
        )
        found = self._manifests.get(key)
        if found is None:
            (outcome,) = self.process.request({"do": "manifest", **where})
            if "error" in outcome:
                raise self._not_found(outcome["error"], where)
            found = self._manifests[key] = manifest_from_json(outcome["value"])
        return found

    def assert_same_layout(
        self,
        python_type: type[Struct],
        type_name: str,
        assembly: str | PathLike[str],
        *,
        references: Folders = (),
        marshalled: bool = True,
        managed: bool = True,
    ) -> None:
        """Compare ``python_type`` with a type of an assembly, field by field.

        This compares the name, the offset and the size of every field, and what its bytes mean,
        also in nested structs. It does so for the ``marshalled`` layout (Marshal.SizeOf, OffsetOf)
        and the ``managed`` layout (accessor.Read<T>, Write<T> and ReadArray<T>).

        Raises LayoutMismatchError, an AssertionError that lists every difference, causes first;
        and what :meth:`manifest` raises.
        """
        __tracebackhide__ = True
        theirs = self.manifest(type_name, assembly, references=references)
        ours = manifest_from_json(manifest_json(python_type.layout.declaration))
        found = layout_mismatches(theirs, ours, marshalled=marshalled, managed=managed)
        if found:
            raise LayoutMismatchError(
                f"{type_name} in {os.path.basename(fspath(assembly))} and "
                f"{python_type.__qualname__} here have different layouts:",
                found,
            )

    def assert_round_trip(
        self,
        value: Struct,
        type_name: str,
        assembly: str | PathLike[str],
        *,
        references: Folders = (),
        marshalled: bool = True,
        managed: bool = True,
    ) -> None:
        """Send ``value`` through its .NET type and back; compare bytes and values.

        .NET reads the bytes into a value of its type and writes that value again. ``marshalled``:
        with Marshal.PtrToStructure and StructureToPtr, first in a copy, then in a named map that
        both processes have open. ``managed``: in that map with accessor.Read<T> and Write<T>, if
        they accept the type. The layouts are compared first.

        Raises:
            RoundTripError: a field changed; an AssertionError that names each such field.
            StructValueError: the Python type can't hold the value.
            ArgumentError: the value holds an address.
            DotNetStepError: .NET refuses the value.
            LayoutMismatchError and others: as :meth:`assert_same_layout`.
        """
        __tracebackhide__ = True
        struct = type(value)
        self.assert_same_layout(
            struct,
            type_name,
            assembly,
            references=references,
            marshalled=marshalled,
            managed=managed,
        )
        theirs = self.manifest(type_name, assembly, references=references)
        kinds = (theirs.declaration.kind, struct.layout.declaration.kind)
        shared = theirs.stride is not None and "class" not in kinds
        found = round_trip_differences(
            self.process,
            value,
            self._where(type_name, assembly, references),
            marshalled=marshalled,
            managed=managed and shared,
        )
        if found:
            raise RoundTripError(
                f"{struct.__qualname__} did not survive the round trip through {type_name}:", found
            )

    def _where(
        self, type_name: str, assembly: str | PathLike[str], references: Folders
    ) -> dict[str, Any]:
        path = os.path.abspath(os.path.join(self._folder, assembly))
        if not os.path.isfile(path):
            raise AssemblyNotBuiltError(f"there is no assembly {path}; build it first", value=path)
        folders = [os.path.abspath(os.path.join(self._folder, folder)) for folder in references]
        return {"assembly": path, "references": folders, "type": type_name}

    def _not_found(self, error: dict[str, Any], where: dict[str, Any]) -> PyshmError:
        failed = DotNetStepError(error)
        if error["type"] != "TypeLoadException":
            return failed
        known = self.types.reflect(where["assembly"], references=where["references"])
        near = difflib.get_close_matches(
            where["type"], [found.type for found in known], n=3, cutoff=0.5
        )
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return TypeNotFoundError(f"{error['message']}{hint}", value=where["type"])
