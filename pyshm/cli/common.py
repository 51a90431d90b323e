"""What the commands share: their arguments, opening the map, holding it, printing JSON."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

if TYPE_CHECKING:
    from ..helper import ShareMemoryHelper

__all__ = [
    "INTERRUPTED",
    "OK",
    "REFUSED",
    "USAGE",
    "Commands",
    "UsageError",
    "add_capacity",
    "add_command",
    "add_json",
    "add_map",
    "add_references",
    "interruptible",
    "natural_number",
    "opened_to_read",
    "opened_to_write",
    "positive_number",
    "print_json",
    "report_ready",
    "wait_for_end_of_input",
    "whole_number",
]

# What a command module's ``add`` gets; argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

# The exit statuses (docs/protocol.md, "Exit status"); REFUSED follows from any PyshmError or
# OSError that a command raises, USAGE from a UsageError.
OK = 0
REFUSED = 1
USAGE = 2
INTERRUPTED = 130


class UsageError(Exception):
    """Options that contradict each other, which argparse can't tell; exit status 2.

    A value that the library refuses (ArgumentError) is exit status 1 instead, as in the .NET
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
    """Add the command ``name``, which ``run`` carries out.

    ``text`` is its one sentence in the list of commands; ``description`` follows it in the
    command's own help, and ``examples`` (lines indented by two) ends that.
    """
    sub = commands.add_parser(
        name,
        help=text,
        description=f"{text}\n\n{description}".rstrip(),
        epilog=f"examples:\n{examples.rstrip()}\n",
        # No abbreviations: the C# program has the same grammar, and none either.
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.set_defaults(run=run, refuse=sub.error)
    return sub


def add_json(sub: argparse.ArgumentParser) -> None:
    """``--json``."""
    sub.add_argument("--json", action="store_true", help="print JSON, for programs")


def add_map(sub: argparse.ArgumentParser) -> None:
    """``MAP``, ``--file`` and ``--json``, for the ``opened_to_…`` functions."""
    sub.add_argument("map", metavar="MAP", help="the map's name, or with --file a path")
    sub.add_argument("--file", action="store_true", help="MAP is the path of a mapped file")
    add_json(sub)


def add_capacity(sub: argparse.ArgumentParser) -> None:
    """``--capacity``; None, the default, is the library's own default."""
    sub.add_argument(
        "--capacity",
        type=whole_number,
        metavar="N",
        help="the map's size in bytes if it is created (default: 10485760)",
    )


def whole_number(text: str) -> int:
    """An argument's type: an integer."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number, not {text!r}") from None


def add_references(sub: argparse.ArgumentParser) -> None:
    """``--reference``, as often as needed."""
    sub.add_argument(
        "--reference",
        dest="references",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder with assemblies that this one uses; its own folder is looked at first",
    )


def natural_number(text: str) -> int:
    """An argument's type: an integer from 0 on."""
    number = whole_number(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"at least 0, not {number}")
    return number


def positive_number(text: str) -> int:
    """An argument's type: an integer from 1 on."""
    number = whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1, not {number}")
    return number


def opened_to_write(arguments: argparse.Namespace) -> ShareMemoryHelper:
    """The map that ``add_map`` and ``add_capacity`` describe, created if it is not there."""
    from ..helper import ShareMemoryHelper

    capacity = arguments.capacity
    if capacity is None:
        capacity = ShareMemoryHelper.DEFAULT_CAPACITY
    helper = ShareMemoryHelper(None if arguments.file else arguments.map, capacity)
    return helper.create_from_file(arguments.map) if arguments.file else helper.create_or_open()


def opened_to_read(arguments: argparse.Namespace) -> ShareMemoryHelper:
    """The map that ``add_map`` describes, which must be there; read only."""
    from ..helper import ShareMemoryHelper
    from ..maps.enums import MemoryMappedFileAccess

    name = None if arguments.file else arguments.map
    helper = ShareMemoryHelper(name, access=MemoryMappedFileAccess.READ)
    return helper.open_file(arguments.map) if arguments.file else helper.open()


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block quietly: the way a person ends a writer."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass


def wait_for_end_of_input() -> None:
    """Return when standard input ends; at once where there is none."""
    if sys.stdin is not None:
        while os.read(sys.stdin.fileno(), 65536):
            pass


def report_ready(
    arguments: argparse.Namespace, memory: ShareMemoryHelper, size: int, *, again: bool = False
) -> None:
    """Say READY (SENT if ``again``): the first ``size`` bytes of the map are there."""
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
    """One JSON object, one line, at once; to standard output unless another is given."""
    import json

    print(json.dumps(value, ensure_ascii=False), file=stream or sys.stdout, flush=True)
