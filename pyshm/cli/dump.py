"""``pyshm dump``: every byte of a map with the field that it belongs to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .common import OK, Commands, UsageError, add_command, add_map, opened_to_read, print_json
from .console import Console
from .kinds import add_kind, chosen_part, kind_of

if TYPE_CHECKING:
    from ..dump.pictures import Picture
    from ..dump.regions import Regions

__all__ = ["add"]

_EXAMPLES = """\
  pyshm dump data                          the struct or picture in the map data
  pyshm dump data --as TestData            … taken for a struct
  pyshm dump data --as robots:Arm          … for the Struct Arm in your robots.py
  pyshm dump data --as robots:Arm --array 6
  pyshm dump map.bin --file --length 64    the first bytes of a mapped file
  pyshm dump picture --html dump.html      a page to keep, with the picture in it
"""


def add(commands: Commands) -> None:
    """Add ``dump``."""
    sub = add_command(
        commands,
        "dump",
        _dump,
        "Show a map's bytes with the fields they belong to.",
        examples=_EXAMPLES,
    )
    add_map(sub)
    add_kind(sub)
    sub.add_argument(
        "--all", action="store_true", help="show contents and stale bytes whole, not 64 bytes"
    )
    sub.add_argument(
        "--html", metavar="FILE", help='write the view as a page; "-" is standard output'
    )
    sub.add_argument("--png", metavar="FILE", help="… as a picture")


def _dump(arguments: argparse.Namespace) -> int:
    from ..dump import annotate
    from ..errors import ArgumentError

    kind = kind_of(arguments)
    _check_targets(arguments)
    with opened_to_read(arguments) as memory:
        memory.accessor.check_backed()
        buffer = chosen_part(arguments, memory.buffer)
        if not len(buffer):
            raise ArgumentError(
                f"no byte of the map is chosen: it has {len(memory.buffer):,} bytes, --offset is "
                f"{arguments.offset:,}",
                field="offset",
                value=arguments.offset,
                limit=len(memory.buffer),
            )
        found = annotate(buffer, kind, count=arguments.array)
        _write_files(arguments, buffer, found)
        if arguments.json or (arguments.html is None and arguments.png is None):
            _print(arguments, buffer, found)
    return OK


def _check_targets(arguments: argparse.Namespace) -> None:
    from .transfer import STANDARD, check_target

    targets = [target for target in (arguments.html, arguments.png) if target is not None]
    if STANDARD in targets and (arguments.json or len(targets) > 1):
        raise UsageError("standard output takes one of --html -, --png - and --json")
    for target in targets:
        check_target(target, arguments.map if arguments.file else None, "the mapped file")


def _write_files(arguments: argparse.Namespace, buffer: memoryview, found: Regions) -> None:
    from .transfer import put

    # Both are made before the first is written: it is both files or none.
    files: list[tuple[str, bytes]] = []
    if arguments.html is not None:
        from ..dump import html

        made = html.page(
            buffer,
            found,
            _title(arguments),
            picture=_picture(buffer, found),
            limit=_limit(arguments),
        )
        files.append((arguments.html, made.encode("utf-8", "backslashreplace")))
    if arguments.png is not None:
        from ..dump.png import as_png

        image = as_png(
            buffer,
            found,
            _title(arguments),
            picture=str(_picture(buffer, found)),
            limit=_limit(arguments),
        )
        files.append((arguments.png, image))
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

        draw(
            console.rich,
            buffer,
            found,
            _title(arguments),
            picture=str(_picture(buffer, found)),
            limit=_limit(arguments),
        )
    elif console.terminal:
        for line in as_text(buffer, found, _title(arguments), limit=_limit(arguments)):
            console.line(line)
        if picture := _picture(buffer, found):
            console.line(str(picture))
    else:
        for line in as_text(buffer, found, arguments.map, limit=_limit(arguments)):
            print(line)


def _picture(buffer: memoryview, found: Regions) -> Picture | str:
    from ..dump import describe

    region = found.content
    return describe(buffer[region.offset : region.end]) if region else ""


def _title(arguments: argparse.Namespace) -> str:
    """For people, who may wonder why the offsets begin at 0."""
    start: int = arguments.offset
    return f"{arguments.map} from byte {start} on" if start else str(arguments.map)


def _limit(arguments: argparse.Namespace) -> int | None:
    from ..dump import SHOWN

    return None if arguments.all else SHOWN
