"""The parser of the command line, built from the command modules."""

from __future__ import annotations

import argparse
from typing import NoReturn

from .._support.text import visible
from .._version import __version__
from . import bind, completion, csharp, doctor, dump, images, layout, maps, structs, watch

__all__ = ["COMMANDS", "build_parser"]

# Each module adds its commands with ``add(commands)``. --help lists them in this order.
COMMANDS = (
    images,
    structs,
    dump,
    watch,
    maps,
    layout,
    bind,
    csharp,
    doctor,
    completion,
)

_EPILOG = """\
examples:
  pyshm write-image picture photo.jpg      write a picture, then hold the map until Ctrl-C
  pyshm read-image picture --out copy.jpg  save the picture in the map
  pyshm write-struct data --id 7           write the example struct
  pyshm dump data --as TestData            show the bytes with their fields
  pyshm watch data --as TestData           show what changes in the map, until Ctrl-C
  pyshm list                               list the maps and the processes that hold them
  pyshm layout MyApp.dll                   show the layout of the types in an assembly
  pyshm bind MyApp.dll -o structs.py       write Python structs for these types
  pyshm csharp structs:Telemetry           write C# for a Struct of yours
  pyshm doctor                             show what works here, and how to fix the rest

For the options of a command: pyshm COMMAND --help

exit status:
  0    success
  1    failure; one line on standard error says why
  2    wrong usage; standard error shows the correct one
  130  interrupted (Ctrl-C); but a writer releases its map and exits with 0
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose messages show an argument without its control characters."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit with status 2."""
        super().error(visible(message))


def build_parser(prog: str = "pyshm") -> argparse.ArgumentParser:
    """Return the parser; ``interop.peers.python`` uses it with its own name."""
    parser = _Parser(
        prog=prog,
        description="Share pictures and structs with .NET programs through shared memory.",
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pyshm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add(commands)
    parser.set_defaults(parser=parser)  # `completion` reads it
    return parser
