"""``pyshm bind``: Python structs from a .NET assembly."""

from __future__ import annotations

import argparse
import sys

from .common import REFUSED, Commands, add_command, add_references
from .output import add_output, deliver

__all__ = ["add"]

_DESCRIPTION = """\
Reads the metadata of a .dll (or .exe) and writes a Python module with a Struct
for each struct, and each class with layout, that .NET can marshal, and for the
enums that they need. .NET is not needed, and nothing of the assembly is run.
The same assembly always gives the same module.

What can't be bound is listed with its reason at the end of the module and on
standard error. The exit status is 0 all the same, unless --type asked for it:
then it is 1, and nothing is written.
"""
_EXAMPLES = """\
  pyshm bind MyApp.dll -o structs.py                 everything that other code can name
  pyshm bind MyApp.dll --type My.Space.Telemetry     one type, and what it needs
  pyshm bind MyApp.dll --reference lib/net8.0        where to look for other assemblies
  pyshm bind MyApp.dll -o structs.py --check         for CI: is the module up to date?
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
        help="only this type and what it needs; a full name, nested: Space.Outer+Inner",
    )
    add_references(sub)
    sub.add_argument(
        "--all", action="store_true", help="private nested and compiler-generated types, too"
    )
    add_output(sub)


def _bind(arguments: argparse.Namespace) -> int:
    from ..assemblies import Assembly
    from ..codegen.python import bind

    assembly = Assembly.open(arguments.assembly, arguments.references)
    binding = bind(assembly, arguments.types, everything=arguments.all)
    for item in binding.not_bound:
        print(f"not bound: {item.name}: {item.reason}", file=sys.stderr)
    if arguments.types and binding.not_bound:
        return REFUSED
    return deliver(arguments, binding.source)
