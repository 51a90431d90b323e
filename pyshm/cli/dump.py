"""``pyshm dump``: the bytes of a map with the fields that they belong to."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from .common import OK, Commands, UsageError, add_command, add_map, copied, print_json
from .console import Console
from .kinds import add_kind, kind_of

if TYPE_CHECKING:
    from ..dump import Picture, Regions

__all__ = ["add"]

_T = TypeVar("_T")

_EXAMPLES = """\
  pyshm dump picture                       the picture in the map "picture"
  pyshm dump data                          the bytes of the map "data"; they prove no struct
  pyshm dump data --as TestData            read the bytes as a TestData
  pyshm dump data --as robots:Arm          read them as the Struct Arm in your robots.py
  pyshm dump data --as robots:Arm --array 6
  pyshm dump map.bin --file --length 64    the first 64 bytes of a mapped file
  pyshm dump picture --html dump.html      save a page with the bytes and the picture
"""


def add(commands: Commands) -> None:
    """Add ``dump``."""
    sub = add_command(
        commands,
        "dump",
        _dump,
        "Show the bytes of a map with the fields that they belong to.",
        examples=_EXAMPLES,
    )
    add_map(sub)
    add_kind(sub)
    sub.add_argument(
        "--all",
        action="store_true",
        help="also show content and stale bytes after the first 64",
    )
    sub.add_argument("--html", metavar="FILE", help='save a page to FILE ("-": standard output)')
    sub.add_argument("--png", metavar="FILE", help='save a picture to FILE ("-": standard output)')


def _dump(arguments: argparse.Namespace) -> int:
    from ..dump import annotate
    from ..errors import ArgumentError

    kind = kind_of(arguments)
    _check_targets(arguments)
    copy = copied(arguments)
    buffer = copy.data
    if not buffer:
        raise ArgumentError(
            f"no byte of the map is selected: it has {copy.size:,} bytes, --offset is "
            f"{arguments.offset:,}",
            field="offset",
            value=arguments.offset,
            limit=copy.size,
        )
    found = annotate(buffer, kind, count=arguments.array)
    if copy.missing:
        found = found._replace(remark="; ".join(filter(None, (found.remark, copy.missing))))
    _write_files(arguments, buffer, found)
    if arguments.json or (arguments.html is None and arguments.png is None):
        _print(arguments, buffer, found)
    return OK


def _check_targets(arguments: argparse.Namespace) -> None:
    from ..errors import ArgumentError
    from .transfer import STANDARD, check_target, file_of_map

    targets = [target for target in (arguments.html, arguments.png) if target is not None]
    if STANDARD in targets and (arguments.json or len(targets) > 1):
        raise UsageError("use only one of --html -, --png - and --json for standard output")
    for target in targets:
        check_target(target, file_of_map(arguments))
    if len({os.path.realpath(target) for target in targets}) < len(targets):
        raise ArgumentError(f"--html and --png are the same file, {targets[0]}; choose two files")


def _write_files(arguments: argparse.Namespace, buffer: memoryview, found: Regions) -> None:
    from ..dump import as_html, as_png
    from .transfer import put

    # Both files are made before the first is written, so an error leaves neither.
    files: list[tuple[str, bytes]] = []
    if arguments.html is not None:
        page = _draw(as_html, arguments, buffer, found)
        files.append((arguments.html, page.encode("utf-8", "backslashreplace")))
    if arguments.png is not None:
        files.append((arguments.png, _draw(as_png, arguments, buffer, found)))
    for path, data in files:
        put(path, data)


def _print(arguments: argparse.Namespace, buffer: memoryview, found: Regions) -> None:
    from ..dump import Picture, as_json, as_text

    console = Console.out()
    if arguments.json:
        value = as_json(found, arguments.map)
        picture = _picture(buffer, found)
        if isinstance(picture, Picture):
            value["picture"] = picture._asdict()
        print_json(value)
    elif console.rich is not None:
        from ..dump.terminal import draw

        _draw(partial(draw, console.rich), arguments, buffer, found)
    elif console.terminal:
        for line in as_text(buffer, found, _title(arguments), limit=_limit(arguments, found)):
            console.line(line)
        if picture := _picture(buffer, found):
            console.line(str(picture))
    else:
        for line in as_text(buffer, found, arguments.map, limit=_limit(arguments, found)):
            print(line)


def _draw(
    function: Callable[..., _T],
    arguments: argparse.Namespace,
    buffer: memoryview,
    found: Regions,
) -> _T:
    """Call a function that draws the dump with what the options ask for."""
    return function(
        buffer,
        found,
        _title(arguments),
        picture=_picture(buffer, found),
        limit=_limit(arguments, found),
    )


def _picture(buffer: memoryview, found: Regions) -> Picture | str:
    from ..dump import describe

    region = found.content
    return describe(buffer[region.offset : region.end]) if region else ""


def _title(arguments: argparse.Namespace) -> str:
    """Return the heading for people; with --offset it says where offset 0 is."""
    start: int = arguments.offset
    return f"{arguments.map} from byte {start} on" if start else str(arguments.map)


def _limit(arguments: argparse.Namespace, found: Regions) -> int | None:
    from ..dump.rows import shown_of

    return None if arguments.all else shown_of(found)
