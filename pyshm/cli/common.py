"""What the commands share: arguments, opening a map, holding it, printing JSON."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from .._support.text import json_text

if TYPE_CHECKING:
    from ..helper import ShareMemoryHelper
    from ..maps.copying import Copy

__all__ = [
    "INTERRUPTED",
    "OK",
    "REFUSED",
    "USAGE",
    "Commands",
    "UsageError",
    "add_command",
    "add_json",
    "add_map",
    "add_references",
    "byte_count",
    "byte_offset",
    "copied",
    "did_you_mean",
    "opened_to_read",
    "positive_number",
    "print_json",
    "report_ready",
    "whole_number",
]

# The argument of a command module's ``add``; argparse has no public name for its type.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

# The exit statuses (docs/protocol.md, "Exit status"). A PyshmError or OSError of a command leads to
# REFUSED, a UsageError to USAGE.
OK = 0
REFUSED = 1
USAGE = 2
INTERRUPTED = 130

_BYTES = re.compile(r"(?ai)(?P<number>0x[0-9a-f]+|[+-]?\d+)(?: ?(?P<unit>[kmg])(?:ib)?)?")
_LONGEST_COUNT = 40  # characters; the largest number of bytes has 19
_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30}


class UsageError(Exception):
    """Options that contradict each other, which argparse can't detect; the exit status is 2.

    For a value that the library refuses (ArgumentError), the exit status is 1, as in the .NET
    program.
    """


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
    *,
    examples: str,
    description: str = "",
) -> argparse.ArgumentParser:
    """Add the command ``name`` and return its parser; ``run`` carries it out.

    ``text`` is its sentence in the list of commands. The help of the command itself is ``text``,
    ``description``, the options, and ``examples`` (lines indented by two).
    """
    sub = commands.add_parser(
        name,
        help=text,
        description=f"{text}\n\n{description}".rstrip(),
        epilog=f"examples:\n{examples.rstrip()}\n",
        # No abbreviations, as in the C# program, which has the same grammar.
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.set_defaults(run=run, refuse=sub.error, command_parser=sub)
    return sub


def add_json(sub: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    sub.add_argument("--json", action="store_true", help="print JSON")


def add_map(sub: argparse.ArgumentParser) -> None:
    """Add ``MAP``, ``--file`` and ``--json``, for the functions ``opened_to_…``."""
    sub.add_argument("map", metavar="MAP", help="the name of the map; with --file, a path")
    sub.add_argument("--file", action="store_true", help="MAP is the path of a mapped file")
    add_json(sub)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return a question about the first known word that is most similar; "" if none is."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), [each.lower() for each in known], n=1)
    return f"did you mean {next(e for e in known if e.lower() == near[0])}?" if near else ""


def whole_number(text: str) -> int:
    """Return the integer in an argument."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number, not {text!r}") from None


def byte_count(text: str) -> int:
    """Return the number of bytes in an argument: an integer, or one with K, M or G after it."""
    match = _BYTES.fullmatch(text.strip())
    if match is None or len(text) > _LONGEST_COUNT:
        raise argparse.ArgumentTypeError(
            f"a number of bytes such as 5000, 64K, 10M or 1G, not {text[:_LONGEST_COUNT]!r}"
        )
    number = int(match["number"], 16 if "x" in match["number"].lower() else 10)
    return number << _SHIFTS[(match["unit"] or "").upper()]


def byte_offset(text: str) -> int:
    """Return the number of bytes in an argument, which is at least 0."""
    number = byte_count(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"at least 0, not {number}")
    return number


def add_references(sub: argparse.ArgumentParser) -> None:
    """Add ``--reference``, which can be repeated."""
    sub.add_argument(
        "--reference",
        dest="references",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder with assemblies that this one uses; its own folder is searched first",
    )


def positive_number(text: str) -> int:
    """Return the integer in an argument, at least 1."""
    number = whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1, not {number}")
    return number


def opened_to_read(arguments: argparse.Namespace) -> ShareMemoryHelper:
    """Open the existing map of ``add_map`` for reading, and return its helper."""
    from ..helper import ShareMemoryHelper
    from ..maps.enums import MemoryMappedFileAccess

    name = None if arguments.file else arguments.map
    helper = ShareMemoryHelper(name, access=MemoryMappedFileAccess.READ)
    return helper.open_file(arguments.map) if arguments.file else helper.open()


def copied(arguments: argparse.Namespace, most_size: int | None = None) -> Copy:
    """Return a copy of what ``--offset`` and ``--length`` select of the map of ``add_map``.

    It has a bound (:mod:`pyshm.maps.copying`). The map is open only during the call. Raises as
    :func:`opened_to_read`.
    """
    from ..maps import copying

    part = arguments.offset, arguments.length
    if sys.platform == "win32":
        with opened_to_read(arguments) as memory:
            return copying.copy_of_memory(memory.buffer, *part)
    from ..maps.enums import MemoryMappedFileAccess, MemoryMappedFileRights
    from ..maps.mapping import MemoryMappedFile

    with (
        MemoryMappedFile.create_from_file(arguments.map, access=MemoryMappedFileAccess.READ)
        if arguments.file
        else MemoryMappedFile.open_existing(arguments.map, MemoryMappedFileRights.READ)
    ) as opened:
        return copying.copy_of_file(opened.handle, *part, most_size)


def report_ready(
    arguments: argparse.Namespace, memory: ShareMemoryHelper, size: int, *, again: bool = False
) -> None:
    """Print READY (SENT if ``again``): the first ``size`` bytes of the map are written."""
    status = "SENT" if again else "READY"
    if arguments.json:
        from hashlib import sha256

        digest = sha256(memory.buffer[:size]).hexdigest()
        print_json({"status": status, "map": arguments.map, "bytes": size, "sha256": digest})
    elif again:
        print(f"{status} {size} bytes", flush=True)
    else:
        print(status, flush=True)


def print_json(value: Mapping[str, Any], stream: TextIO | None = None) -> None:
    """Print a JSON object on one line and flush; by default to standard output."""
    print(json_text(value), file=stream or sys.stdout, flush=True)
