"""The grammar, put together from the command modules."""

from __future__ import annotations

import argparse

from .._version import __version__
from . import bind, completion, csharp, doctor, dump, images, layout, maps, structs, watch

__all__ = ["COMMANDS", "build_parser"]

# Each module adds its commands with ``add(commands)``, in the order in which --help lists them.
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
  pyshm read-image picture --out copy.jpg  save the picture that somebody wrote
  pyshm write-struct data --id 7           write the example struct
  pyshm dump data                          show every byte with the field that it belongs to
  pyshm watch data                         … and what changes, until Ctrl-C
  pyshm list                               the maps on this machine, and who holds them
  pyshm layout MyApp.dll                   where .NET puts the fields of a program's types
  pyshm bind MyApp.dll -o structs.py       Python structs for them
  pyshm csharp structs:Telemetry           the other way round: C# for a struct of yours
  pyshm doctor                             what works here, and how to mend the rest

Each command's own help has more: pyshm COMMAND --help.

exit status:
  0    it is done
  1    it could not be done; standard error says why, in one line
  2    wrong usage; standard error shows the right one
  130  interrupted (Ctrl-C); writers let go of their map and exit with 0
"""


def build_parser(prog: str = "pyshm") -> argparse.ArgumentParser:
    """The whole grammar; ``interop.peers.python`` runs it under its own name."""
    parser = argparse.ArgumentParser(
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
    parser.set_defaults(parser=parser)  # what `completion` completes
    return parser
