"""``pyshm list`` and ``pyshm clean``: the named maps of this machine, alive and dead."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .common import OK, REFUSED, Commands, add_command, add_json, print_json
from .console import BAD, DIM, GOOD, WARN, Console, Part

if TYPE_CHECKING:
    from ..listing.entries import Holder, ListedMap

__all__ = ["add"]

_LIST = """\
A map is alive while a process holds it, and dead when all its holders were killed. What it holds
is a guess: a blob, an unfinished blob, TestData, nothing yet (empty), or something else
(unknown). Who holds it is told on Linux; processes of other users are not seen. On Windows maps
can't be listed: it has no documented way."""
_LIST_EXAMPLES = """\
  pyshm list                      a table
  pyshm list --json               the same for programs
  pyshm list --names              nothing but the names of those alive, for scripts
  pyshm list --all                other programs' files in the directory, too, and why
"""
_CLEAN = """\
Removes maps that no process holds, and nothing else: not one that is held, opened or made at the
same time, nor one whose memory is still in use, nor another user's, nor another program's file.
In a directory that all programs use (/dev/shm), a file whose content is unknown may be another
program's; it is removed only by its name."""
_CLEAN_EXAMPLES = """\
  pyshm clean --dry-run           what would be removed
  pyshm clean                     remove all dead maps
  pyshm clean data                remove this one, whatever it contains
"""
_WIDEST = 48  # columns of a table's cell


def add(commands: Commands) -> None:
    """Add ``list`` and ``clean``."""
    sub = add_command(
        commands,
        "list",
        _list,
        "List the named maps on this machine.",
        description=_LIST,
        examples=_LIST_EXAMPLES,
    )
    how = sub.add_mutually_exclusive_group()
    how.add_argument("--all", action="store_true", help="other programs' files, too")
    how.add_argument("--names", action="store_true", help="only the names of maps that are alive")
    add_json(sub)
    sub = add_command(
        commands,
        "clean",
        _clean,
        "Remove dead maps.",
        description=_CLEAN,
        examples=_CLEAN_EXAMPLES,
    )
    sub.add_argument("maps", nargs="*", metavar="MAP", help="only these")
    sub.add_argument(
        "--dry-run", action="store_true", help="remove nothing, only say what would be"
    )
    add_json(sub)


# --- list ---------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    from ..listing import inventory as listing

    if arguments.names:
        names = listing.map_names()
        if arguments.json:
            print_json({"names": names})
        else:
            for name in names:
                print(name)
        return OK
    every = listing.list_maps()
    found = [item for item in every if arguments.all or item.state != "other"]
    if arguments.json:
        print_json({"maps": [_as_json(item) for item in found]})
        return OK
    console = Console.out()
    if found:
        heading: list[Part] = ["NAME", "SIZE", "STATE", "HOLDS", "HELD BY"]
        console.table([heading, *(_row(item) for item in found)])
    else:
        console.line("no named maps")
    hidden = len(every) - len(found)
    if hidden and console.terminal:
        console.line((f"{hidden} more files there are no maps of yours; --all shows them", DIM))
    return OK


def _as_json(item: ListedMap) -> dict[str, object]:
    return {
        "name": item.name,
        "path": item.path,
        "size": item.size,
        "state": item.state,
        "kind": item.kind,
        "detail": item.detail,
        "holders": _people(item.holders),
        "users": _people(item.users),
        "reason": item.reason,
    }


def _people(processes: Sequence[Holder] | None) -> list[dict[str, object]] | None:
    return None if processes is None else [process._asdict() for process in processes]


def _row(item: ListedMap) -> list[Part]:
    style = {"alive": GOOD, "dead": BAD, "other": DIM}[item.state]
    holds = item.kind or "-"
    if item.detail and item.kind != "empty":
        holds += f" ({item.detail})"
    return [
        _cut(item.name),
        f"{item.size:,}",
        (item.state, style),
        _cut(holds),
        _holders(item),
    ]


def _holders(item: ListedMap) -> Part:
    if item.state == "other":
        return (item.reason, DIM)
    if item.holders:
        return ", ".join(f"{pid} {_cut(command)}" for pid, command in item.holders)
    if item.state == "alive":
        return ("this system does not tell" if item.holders is None else "not seen by you", DIM)
    if item.users:
        return (f"nobody; {', '.join(str(user.pid) for user in item.users)} uses its memory", WARN)
    return (f"nobody; {item.reason}" if item.reason else "nobody", DIM)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


# --- clean --------------------------------------------------------------------------------


def _clean(arguments: argparse.Namespace) -> int:
    from ..listing import inventory as listing

    done = listing.clean(arguments.maps, dry_run=arguments.dry_run)
    if arguments.json:
        print_json(
            {
                "dry_run": arguments.dry_run,
                "removed": [
                    {"name": item.name, "size": item.size} for item in done if item.removed
                ],
                "kept": [
                    {"name": item.name, "reason": item.reason} for item in done if not item.removed
                ],
            }
        )
    else:
        console = Console.out()
        verb = "would remove" if arguments.dry_run else "removed"
        for item in done:
            if item.removed:
                console.line((verb, GOOD), f" {item.name} ({item.size:,} bytes)")
            else:
                console.line(("kept", WARN), f" {item.name}: {item.reason}")
        if not done:
            console.line("nothing to clean")
    return REFUSED if arguments.maps and not all(item.removed for item in done) else OK
