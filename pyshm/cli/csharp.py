"""``pyshm csharp``: C# source for structs that are declared in Python."""

from __future__ import annotations

import argparse

from .common import Commands, add_command
from .output import add_output, deliver

__all__ = ["add"]

_DESCRIPTION = """\
The classes are declared in Python; the C# comes with every type that they need.
Compiled, it has the same layout. The project needs <AllowUnsafeBlocks> if the
source says unsafe.
"""
_EXAMPLES = """\
  pyshm csharp telemetry:Telemetry -o Structs.cs            one struct, and what it needs
  pyshm csharp telemetry:Car telemetry:Track --namespace My.Game
  pyshm csharp telemetry:Telemetry -o Structs.cs --check    for CI: is it up to date?
"""


def add(commands: Commands) -> None:
    """Add ``csharp``."""
    sub = add_command(
        commands,
        "csharp",
        _csharp,
        "Write C# source for structs that are declared in Python.",
        examples=_EXAMPLES,
        description=_DESCRIPTION,
    )
    sub.add_argument(
        "structs", nargs="+", metavar="MODULE:CLASS", help="a Struct of yours, to be imported"
    )
    sub.add_argument(
        "--namespace", default="", metavar="NAME", help="for types whose name has no namespace"
    )
    add_output(sub)


def _csharp(arguments: argparse.Namespace) -> int:
    from ..codegen.csharp import source
    from .kinds import struct_of

    declarations = [struct_of(name).layout.declaration for name in arguments.structs]
    comment = "Made by `pyshm csharp`: what is to change changes in Python."
    return deliver(arguments, source(declarations, namespace=arguments.namespace, comment=comment))
