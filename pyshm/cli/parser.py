"""The parser of the command line, built from the command modules."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from .._support.text import visible
from .._version import __version__
from . import bind, completion, csharp, doctor, dump, images, layout, maps, structs, watch
from .common import Commands, did_you_mean

__all__ = ["COMMANDS", "Parser", "build_parser"]

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


class Parser(argparse.ArgumentParser):
    """A parser whose messages show an argument without its control characters."""

    commands: Commands | None = None
    """The commands, in the parser of the program."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit with status 2."""
        super().error(visible(message))

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the arguments as a namespace; exit with a message if one of them is wrong."""
        words = list(sys.argv[1:] if args is None else args)
        first = next(iter(words), "")
        if self.commands is not None and first and first not in self.commands.choices:
            if not first.startswith("-"):
                meant = (
                    did_you_mean(first, self.commands.choices) or f"{self.prog} --help lists them"
                )
                self.error(f"there is no command {first!r}; {meant}")
            if first not in self._option_string_actions:
                self._refuse(self, words)
        arguments, rest = self.parse_known_args(words, namespace)
        if rest:
            self._refuse(arguments.command_parser, rest)
        return arguments

    @staticmethod
    def _refuse(parser: argparse.ArgumentParser, rest: Sequence[str]) -> NoReturn:
        flags = [flag for flag in parser._option_string_actions if flag.startswith("--")]  # noqa: SLF001
        meant = did_you_mean(rest[0].partition("=")[0], flags)
        parser.error(f"unrecognized arguments: {' '.join(rest)}{meant and f'; {meant}'}")


def build_parser(prog: str = "pyshm") -> Parser:
    """Return the parser; ``interop.peers.python`` uses it with its own name."""
    parser = Parser(
        prog=prog,
        description="Share pictures and structs with .NET programs through shared memory.",
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pyshm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    parser.commands = commands  # type: ignore[assignment]
    for module in COMMANDS:
        module.add(commands)
    parser.set_defaults(parser=parser)  # `completion` reads it
    return parser
