"""A .NET process that knows a user's own assemblies, and what can be asserted with its help."""

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
    """There is no such assembly; most likely nobody has built it yet."""


class TypeNotFoundError(PyshmError, LookupError):
    """The assembly has no type of that name, or .NET can't load it."""


class RoundTripError(PyshmError, AssertionError):
    """A value did not come back from .NET as it went. ``sentences`` are all the differences."""

    def __init__(self, message: str, sentences: Sequence[str] = ()) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n  ".join([message, *sentences]))


class DotNetPeer:
    """The real .NET, asked what it makes of the types in a user's assemblies.

    Nothing of the user's code runs there: assemblies are loaded without their static constructors
    and module initializers, and values are made without constructors. Each assembly is read anew,
    so one that was just rebuilt is the one that is asked.

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
        """Build the peer unless that was done before; it starts with the first question.

        Args:
            command: a program that speaks the protocol, instead of the one that would be built.
            folder: where relative paths of assemblies begin; the current directory by default.
            say: gets a line when a build begins.

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
        """End the process. Raises PeerFailure if it does not end well."""
        self.process.close()

    def manifest(
        self, type_name: str, assembly: str | PathLike[str], *, references: Folders = ()
    ) -> Manifest:
        """What .NET says of the type ``type_name``, a reflection full name (``A.B.Outer+Inner``).

        ``references`` are folders with assemblies that it needs, besides its own folder.

        Raises:
            AssemblyNotBuiltError: there is no such file.
            TypeNotFoundError: there is no such type in it, or it does not load.
            DotNetStepError: the file is no assembly.
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
        """Compare ``python_type`` with a type of an assembly, field by field, as .NET has it.

        Compared are the ``marshalled`` layout (Marshal.SizeOf, OffsetOf) and the ``managed`` one
        (accessor.Read<T>, Write<T> and ReadArray<T>); of every field its name, place, size and
        what its bytes mean, also in structs within.

        Raises LayoutMismatchError, an AssertionError with every difference, what explains the
        others first; else as :meth:`manifest` does.
        """
        __tracebackhide__ = True
        theirs = self.manifest(type_name, assembly, references=references)
        ours = manifest_from_json(manifest_json(python_type.declaration))
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
        """Send ``value`` through the real .NET type and back; compare bytes and values.

        .NET makes its own value of the bytes and writes that one: ``marshalled`` with
        Marshal.PtrToStructure and StructureToPtr, once from a copy, once in a named map that both
        have open; ``managed`` in that map with accessor.Read<T> and Write<T>, if these take the
        type. The layouts are compared before.

        Raises RoundTripError, an AssertionError that names each field; LayoutMismatchError and
        the like as :meth:`assert_same_layout`; StructValueError for a value that its type can't
        hold, ArgumentError for one with an address in it, DotNetStepError if .NET refuses it.
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
        kinds = (theirs.declaration.kind, struct.declaration.kind)
        shared = theirs.managed_size is not None and "class" not in kinds
        found = round_trip_differences(
            self.process,
            value,
            self._where(type_name, assembly, references),
            marshalled=marshalled,
            managed=managed and shared,
        )
        if found:
            raise RoundTripError(
                f"{struct.__qualname__} came back from {type_name} otherwise than it went:", found
            )

    def _where(
        self, type_name: str, assembly: str | PathLike[str], references: Folders
    ) -> dict[str, Any]:
        path = os.path.abspath(os.path.join(self._folder, assembly))
        if not os.path.isfile(path):
            raise AssemblyNotBuiltError(f"there is no assembly {path}; is it built?", value=path)
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
        hint = f"; is it {' or '.join(near)}?" if near else ""
        return TypeNotFoundError(f"{error['message']}{hint}", value=where["type"])
