"""``pyshm bind``: Python structs from a .NET assembly."""

from __future__ import annotations

import argparse

from .common import REFUSED, Commands, add_command, add_references
from .console import Console
from .output import add_output, deliver

__all__ = ["add"]

_DESCRIPTION = """\
Reads the metadata of a .dll (or .exe) and writes a Python module. The module
has a Struct for each struct and each class with layout that .NET can marshal,
and the enums that they use. .NET is not needed, and no code of the assembly
runs. The same assembly always gives the same module. The docstrings come from
MyApp.xml beside MyApp.dll, which the compiler writes if the project has
<GenerateDocumentationFile>true</GenerateDocumentationFile>.

Types that can't be bound are listed with the reason at the end of the module
and on standard error. The exit status is 0 all the same. But if --type names
such a type, the exit status is 1, and nothing is written.
"""
_EXAMPLES = """\
  pyshm bind MyApp.dll -o structs.py                 all types that other code can use
  pyshm bind MyApp.dll --type My.Space.Telemetry     one type, and the types it uses
  pyshm bind MyApp.dll --reference lib/net8.0        look there for other assemblies
  pyshm bind MyApp.dll -o structs.py --check         in CI: is the module up to date?
"""


def add(commands: Commands) -> None:
    """Add ``bind``."""
    sub = add_command(
        commands,
        "bind",
        _bind,
        "Write Python structs for the types of a .NET assembly.",
        examples=_EXAMPLES,
        description=_DESCRIPTION,
    )
    sub.add_argument("assembly", metavar="FILE", help="the .dll or .exe")
    sub.add_argument(
        "--type",
        dest="types",
        action="append",
        default=[],
        metavar="NAME",
        help="only this type and the types it uses; its full name (nested: Space.Outer+Inner)",
    )
    add_references(sub)
    sub.add_argument(
        "--all",
        action="store_true",
        help="also private nested types and compiler-generated types",
    )
    add_output(sub)


def _bind(arguments: argparse.Namespace) -> int:
    from ..assemblies import Assembly
    from ..codegen.python import bind

    assembly = Assembly.open(arguments.assembly, arguments.references)
    binding = bind(assembly, arguments.types, everything=arguments.all)
    for item in binding.not_bound:
        Console.err().line(f"not bound: {item.name}: {item.reason}")
    for reason in assembly.ignored_documentation():
        Console.err().line(f"no documentation from {reason}")
    if arguments.types and binding.not_bound:
        return REFUSED
    return deliver(arguments, binding.source, {arguments.assembly: "the assembly"})
