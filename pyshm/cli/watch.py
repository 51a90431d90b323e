"""``pyshm watch``: show what changes in a map."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .common import (
    OK,
    Commands,
    add_command,
    add_map,
    copied,
    positive_number,
)
from .console import Console
from .holding import interruptible
from .kinds import add_kind, kind_of

if TYPE_CHECKING:
    from .watch_views import View

__all__ = ["add"]

_MOST = 1 << 26  # bytes that are copied and compared at each look
_DAY = 86400.0  # seconds; the longest interval, as time.sleep has a limit too
_DESCRIPTION = """\
Opens the map only for the moment of each look, so watching does not keep it alive. If the map does
not exist yet or no longer, the command waits for it. A picture is shown when its writer has
finished. Ctrl-C ends the command; the exit status is then 0."""
_EXAMPLES = """\
  pyshm watch data                          show each change, until Ctrl-C
  pyshm watch data --as robots:Arm          read the bytes as the Struct Arm in your robots.py
  pyshm watch data --json --count 1         wait for one change, and print it as JSON
  pyshm watch picture --interval 1          look once per second
"""


def add(commands: Commands) -> None:
    """Add ``watch``."""
    sub = add_command(
        commands,
        "watch",
        _watch,
        "Show what changes in a map, while it changes.",
        examples=_EXAMPLES,
        description=_DESCRIPTION,
    )
    add_map(sub)
    add_kind(sub)
    sub.add_argument(
        "--interval",
        type=_seconds,
        default=0.1,
        metavar="SECONDS",
        help="the time between two looks (default: %(default)s)",
    )
    sub.add_argument(
        "--count", type=positive_number, metavar="N", help="end after N changes of the map"
    )


def _watch(arguments: argparse.Namespace) -> int:
    from ..dump.watching import Changed, watch

    kind = kind_of(arguments)
    left: int | None = arguments.count
    missing = ""  # what the last copy says

    @contextmanager
    def look() -> Iterator[memoryview]:
        nonlocal missing
        copy = copied(arguments, _MOST)
        if copy.missing != missing:
            missing = copy.missing
            print(f"pyshm: {missing}", file=sys.stderr, flush=True)
        yield copy.data

    def wait() -> None:
        time.sleep(arguments.interval)

    with interruptible(), _view(arguments) as view:
        for event in watch(look, wait, kind, count=arguments.array):
            view.show(event)
            if left is not None and isinstance(event, Changed):
                left -= 1
                if left == 0:
                    break
    return OK


def _view(arguments: argparse.Namespace) -> View:
    from . import watch_views as views

    console = Console.out()
    if arguments.json:
        return views.JsonLines(arguments.map)
    if console.rich is not None and console.terminal:
        return views.Live(arguments.map, console.rich)
    return views.Log(arguments.map, console)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= _DAY:  # not NaN either
        raise argparse.ArgumentTypeError(f"more than 0 and at most {_DAY:.0f} seconds, not {text}")
    return number
