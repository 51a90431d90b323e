"""Types that an argument names: ``module:Class``, ``x.dll:Full.Name``, or all of ``x.dll``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .._support.text import visible
from .common import UsageError, did_you_mean
from .console import Console

if TYPE_CHECKING:
    from ..assemblies import Assembly, Unbindable
    from ..layout.declarations import TypeDeclaration
    from ..layout.forms import Target
    from ..structs.struct import Struct

__all__ = ["TypeName", "declaration_of", "find", "struct_of", "type_name", "warn_of_foreign"]

# A path can contain a colon, so the type's name begins after the extension and a colon.
_ASSEMBLY = re.compile(r"(?is)(?P<file>.+?\.(?:dll|exe|winmd|netmodule))(?::(?P<type>.*))?")
# A path where a module is meant.
_SCRIPT = re.compile(r"(?is)(?P<file>[^:]*[/\\][^:]*|.*\.py)(?::(?P<type>.*))?")


class TypeName(NamedTuple):
    """A type in a module (``file`` is None), a type in the assembly ``file``, or all of its types.

    ``type`` is None if all types are meant.
    """

    text: str
    file: str | None
    type: str | None


def type_name(text: str, kinds: Sequence[str] = ()) -> TypeName:
    """Return what an argument names. Raises UsageError, which also names ``kinds``."""
    match = _ASSEMBLY.fullmatch(text)
    if match is not None:
        if match["type"] == "":
            raise UsageError(f"{text}: no type after the colon")
        return TypeName(text, match["file"], match["type"])
    file, _, wanted = text.partition(":")
    if os.path.isfile(file) and os.path.isfile(f"{file}.dll"):
        advice = f"{file}.dll:{wanted}" if wanted else f"{file}.dll"
        raise UsageError(f"{text}: the program is not an assembly; use {advice}")
    script = _SCRIPT.fullmatch(text)
    if script is not None and (wanted or script["file"].endswith(".py")):
        folder, module = os.path.split(script["file"])
        here = os.path.normpath(folder or ".") == "."
        where = "" if here else f", with {folder} as the current directory or in PYTHONPATH"
        raise UsageError(
            f"{text}: expected a module and not a path: {module.removesuffix('.py')}:"
            f"{script['type'] or 'Class'}{where}"
        )
    if not (file and wanted):
        near = did_you_mean(text, kinds)
        forms = ", ".join([*kinds, "module:Class"])
        raise UsageError(f"{text}: expected {forms} or x.dll:Full.Name{near and f'; {near}'}")
    return TypeName(text, None, text)


def declaration_of(name: TypeName, references: Sequence[str], target: Target) -> TypeDeclaration:
    """Return the declaration of a type. Raises UsageError, AssemblyError and LayoutError."""
    assert name.type is not None
    if name.file is None:
        return _in_module(name.type).layout.declaration
    from ..assemblies import Assembly
    from ..errors import LayoutError
    from ..layout.declarations import TypeDeclaration

    assembly = Assembly.open(name.file, references)
    found = find(assembly, name.type)
    warn_of_foreign(assembly, target)
    if not isinstance(found, TypeDeclaration):
        raise LayoutError(f"{found.name}: {found.reason}")
    return found


def find(assembly: Assembly, name: str) -> TypeDeclaration | Unbindable:
    """Return the type of that name. Raises UsageError, which names similar types."""
    from ..errors import ArgumentError

    try:
        return assembly.find(name)
    except ArgumentError as error:
        from difflib import get_close_matches

        known = [item.name for item in assembly.declared_types()]
        # Types with the same last part: the namespace is missing, or a nested type has a dot.
        plain = re.split(r"[.+]", name)[-1]
        near = [each for each in known if re.split(r"[.+]", each)[-1] == plain]
        near = near or get_close_matches(name, known)
        hint = f"; did you mean {' or '.join(near[:5])}?" if near else ""
        raise UsageError(f"{error}{hint}") from error


def warn_of_foreign(assembly: Assembly, target: Target) -> None:
    """Print a warning for each folder with assemblies of .NET for another system."""
    here, there = ("Windows", "Unix") if target.windows else ("Unix", "Windows")
    for folder in assembly.foreign(windows=target.windows):
        Console.err().line(
            f"warning: the .NET in {visible(folder)} is for {there}, and some of its types have "
            f"other fields on {here}; use the .NET of {here}, or --target"
        )


def struct_of(text: str, references: Sequence[str] = (), kinds: Sequence[str] = ()) -> type[Struct]:
    """Return the Struct that ``module:Class`` or ``x.dll:Full.Name`` names.

    The module can be in the current directory. ``kinds`` are the other texts that the option takes.
    Raises UsageError, which says what is wrong with the file or the name, AssemblyError and
    LayoutError.
    """
    name = type_name(text, kinds)
    if name.file is None:
        return _in_module(text)
    if name.type is None:
        raise UsageError(
            f"{text}: name one of its types, as {text}:Full.Name; pyshm layout {text} shows them"
        )
    from ..errors import LayoutError
    from ..layout.forms import HOST
    from ..structs.from_declaration import struct_from

    declaration = declaration_of(name, references, HOST)
    if declaration.kind not in ("struct", "class"):
        raise LayoutError(f"{declaration.name}: {declaration.kind} types have no layout of fields")
    return struct_from(declaration)


def _in_module(text: str) -> type[Struct]:
    from importlib import import_module

    from ..structs.struct import Struct

    name, _, path = text.partition(":")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)  # as ``python -m`` does
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise UsageError(
                f"{text}: there is no module {error.name} in {here} or in the installed packages"
            ) from error
        raise UsageError(f"{text}: importing {name} failed: {error}") from error
    except (Exception, SystemExit) as error:
        # The user's module can raise anything when it is imported.
        raise UsageError(
            f"{text}: importing {name} failed: {type(error).__name__}: {error}"
        ) from error
    found: object = module
    for part in path.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, Struct) and found is not Struct:
        return found
    what = (
        "there is no such class"
        if found is None
        else f"{found!r} is not a subclass of pyshm.Struct"
    )
    there = sorted(
        key for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Struct) and value is not Struct
    )  # fmt: skip
    raise UsageError(f"{text}: {what}; structs in {name}: {', '.join(there) or 'none'}")
