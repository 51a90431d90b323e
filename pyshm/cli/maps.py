"""``pyshm list`` and ``pyshm clean``: the named maps on this machine, alive and dead."""

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
A map is alive while a process holds it. It is dead if all its holders were killed. The column
HOLDS has what the bytes prove: a picture (blob), a channel, or nothing yet (empty). A channel shows
its values in a second, its writer, and the readers that it waits for. Structs and other bytes are
unknown; pyshm dump shows them. Linux shows the processes that hold a map, but not those of
other users. On Windows, maps can't be listed: Windows has no documented way to do it."""
_LIST_EXAMPLES = """\
  pyshm list                      a table of the maps
  pyshm list --json               the same as JSON
  pyshm list --names              only the names of maps that are alive, for scripts
  pyshm list --all                also other files in the directory, and why they are not maps
"""
_CLEAN = """\
Removes dead maps: maps that no process holds. It never removes a map that a process holds, opens
or creates at the same time, a map whose memory is still in use, a map of another user, or a file
of another program. All programs use /dev/shm, so a file there with unknown content may belong to
another program; it is removed only if you give its name. A map of a struct is such a file."""
_CLEAN_EXAMPLES = """\
  pyshm clean --dry-run           show what would be removed
  pyshm clean                     remove all dead maps
  pyshm clean data                remove the map "data", whatever it contains
"""
_WIDEST = 48  # characters in one cell of the table
_WIDEST_COMMAND = 80


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
    how.add_argument("--all", action="store_true", help="also files that are not maps")
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
    sub.add_argument("maps", nargs="*", metavar="MAP", help="remove only these")
    sub.add_argument(
        "--dry-run", action="store_true", help="remove nothing, only show what would be removed"
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
            console = Console.out()
            for name in names:
                console.line(name)
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
        console.line((f"{hidden} more files are not maps of yours; --all lists them", DIM))
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
        holds if item.kind == "channel" else _cut(holds),
        _holders(item),
    ]


def _holders(item: ListedMap) -> Part:
    if item.state == "other":
        return (item.reason, DIM)
    if item.holders:
        return ", ".join(f"{pid} {_short(command)}" for pid, command in item.holders)
    if item.state == "alive":
        return (_unseen_holder(item), DIM)
    if item.users:
        pids = ", ".join(str(user.pid) for user in item.users)
        return (f"no process; {pids} uses its memory", WARN)
    return (f"no process; {item.reason}" if item.reason else "no process", DIM)


def _unseen_holder(item: ListedMap) -> str:
    """Return what is known of the holders of a map that none of the visible processes holds."""
    if item.holders is None:
        return "not known on this system"
    if item.users:
        using = ", ".join(f"{user.pid} {_short(user.command)}" for user in item.users)
        return f"{using} (has its file locked or open)"
    return item.reason or "a process of another user, or one that has just ended"


def _short(command: str) -> str:
    """Return a command without the folders of its paths, which would hide what it does."""
    words = [word.rpartition("/")[2] or word for word in command.split(" ")]
    return _cut(" ".join(words), _WIDEST_COMMAND)


def _cut(text: str, widest: int = _WIDEST) -> str:
    return text if len(text) <= widest else f"{text[: widest - 1]}…"


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
