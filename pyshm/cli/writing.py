"""Open the map of a writer: how large a new one is, and what happens to one that exists."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from .common import byte_count
from .console import Console
from .holding import catch_signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..helper import ShareMemoryHelper

__all__ = ["add_capacity", "opened_to_write", "room_of"]

_LARGER = "give a larger --capacity, or none"
_ANOTHER = (
    "end the processes that hold it (pyshm list shows them), or choose another name: a new map is "
    "made large enough"
)


def add_capacity(sub: argparse.ArgumentParser) -> None:
    """Add ``--capacity`` and ``--new``, for :func:`opened_to_write`."""
    sub.add_argument(
        "--capacity",
        type=byte_count,
        metavar="N",
        help="the size of a new map, in bytes or as 64K, 10M or 1G "
        "(default: 10M, or more if what is written needs it)",
    )
    sub.add_argument("--new", action="store_true", help="fail if there is such a map already")


def opened_to_write(arguments: argparse.Namespace, size: int) -> ShareMemoryHelper:
    """Open the map of ``add_map``, or create it with room for ``size`` bytes; return its helper.

    A message on standard error says that bytes of an existing map are replaced. Raises
    MapExistsError for such a map with ``--new``, ArgumentError for a ``--capacity`` that it does
    not have, and DoesNotFitError.
    """
    from ..helper import ShareMemoryHelper

    catch_signals()  # before the map exists, so that it is released
    capacity = arguments.capacity
    if capacity is None:
        capacity = max(ShareMemoryHelper.DEFAULT_CAPACITY, size)
    helper = ShareMemoryHelper(None if arguments.file else arguments.map, capacity)
    existing = _size_of_file(arguments.map) if arguments.file else _open(helper)
    if existing is None:
        if size > capacity:
            raise _no_room(arguments, size, capacity, _LARGER)
        return helper.create_from_file(arguments.map) if arguments.file else helper.create_or_open()
    try:
        _check_existing(arguments, size, existing)
        if arguments.file:
            helper.create_from_file(arguments.map)
    except BaseException:
        helper.close()
        raise
    with helper.buffer[:size] as replaced:
        if bytes(size) != replaced:
            Console.err().line(
                f"pyshm: {_described(arguments)} exists already; its first {size:,} bytes are "
                "replaced (--new refuses that)"
            )
    return helper


def room_of(arguments: argparse.Namespace, more: int) -> Callable[[int, bool], None]:
    """Return what raises DoesNotFitError for content that the map of ``add_map`` can't have.

    So a program need not read what can't be written. It takes the number of bytes, to which
    ``more`` is added, and whether there may be more of them.
    """
    from ..helper import ShareMemoryHelper

    advice, room = _LARGER, arguments.capacity
    if room is None and not arguments.file:
        helper = ShareMemoryHelper(arguments.map)
        advice, room = _ANOTHER, _open(helper)
        helper.close()

    def check(count: int, at_least: bool) -> None:
        if room is not None and count + more > room:
            raise _no_room(arguments, count + more, room, advice, " or more" if at_least else "")

    return check


def _open(helper: ShareMemoryHelper) -> int | None:
    """Open the named map if it exists, and return its size in bytes."""
    from ..errors import MapNotFoundError

    try:
        return len(helper.open().buffer)
    except MapNotFoundError:
        return None


def _size_of_file(path: str) -> int | None:
    """Return the size of a file that has bytes; None for any other, which opening checks."""
    import stat

    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size or None if stat.S_ISREG(status.st_mode) else None


def _check_existing(arguments: argparse.Namespace, size: int, existing: int) -> None:
    from ..errors import ArgumentError, MapExistsError

    capacity = arguments.capacity
    what = f"{_described(arguments)} exists already"
    if arguments.new:
        raise MapExistsError(f"{what}; without --new, its bytes are replaced")
    if arguments.file:
        if capacity is not None and capacity < existing:
            raise ArgumentError(
                f"{what} and has {existing:,} bytes; --capacity {capacity} can't make it smaller",
                field="capacity",
                value=capacity,
                limit=existing,
            )
        if capacity is not None and size > capacity:
            raise _no_room(arguments, size, capacity, _LARGER)
        return
    # On Windows, a view has whole pages.
    page = 4096 if sys.platform == "win32" else 1
    if capacity is not None and -(-capacity // page) != -(-existing // page):
        raise ArgumentError(
            f"{what} and has {existing:,} bytes, not those of --capacity {capacity}; leave "
            "--capacity out, choose another name, or end the processes that hold the map",
            field="capacity",
            value=capacity,
            limit=existing,
        )
    if size > existing:
        raise _no_room(arguments, size, existing, _ANOTHER)


def _no_room(
    arguments: argparse.Namespace, size: int, room: int, advice: str, more: str = ""
) -> Exception:
    from ..errors import DoesNotFitError

    return DoesNotFitError(
        f"{size:,} bytes{more} are to be written, but {_described(arguments)} has {room:,}; "
        f"{advice}",
        field="capacity",
        value=size,
        limit=room,
    )


def _described(arguments: argparse.Namespace) -> str:
    return f"the {'file' if arguments.file else 'map'} {arguments.map}"
