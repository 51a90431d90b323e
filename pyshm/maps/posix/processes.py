"""Which processes use a file, from Linux's /proc (proc(5)).

A user sees only processes of the same user; root sees all.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Iterator, Set
    from typing import TypeAlias

    FileId: TypeAlias = tuple[int, int]
    """Device and inode of a file."""

assert sys.platform != "win32"  # for type checkers

from .files import EXAMINING, check_resources

_LONGEST = 1000  # bytes of a command line

__all__ = ["Use", "file_id", "uses"]


class Use:
    """One process that has a file open or mapped; ``holds`` if it also has a flock on it."""

    __slots__ = ("command", "holds", "pid")

    def __init__(self, pid: int, command: str, holds: bool) -> None:
        self.pid = pid
        self.command = command
        self.holds = holds


def file_id(status: os.stat_result) -> FileId:
    """Return what identifies a file."""
    return status.st_dev, status.st_ino


def uses(files: Set[FileId], *, examining: bool = True) -> dict[FileId, list[Use]]:
    """Return the visible processes that use each of ``files``, sorted by process ID.

    Raises OSError if no descriptor is left to look with: the files are not unused then.

    Without ``examining``, a descriptor with which a process examines a map's file does not count:
    each process that looks for a map has one for a moment.
    """
    found: dict[FileId, list[Use]] = {file: [] for file in files}
    if not files:
        return found
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()):
        held: dict[FileId, bool] = {}
        for file, holds in _open_files(pid, files, examining):
            held[file] = held.get(file, False) or holds
        for file in _mapped_files(pid, files):
            held.setdefault(file, False)
        if held:
            command = _command(pid)
            for file, holds in held.items():
                found[file].append(Use(pid, command, holds))
    return found


def _open_files(pid: int, files: Set[FileId], examining: bool) -> Iterator[tuple[FileId, bool]]:
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except OSError as error:
        check_resources(error)
        return  # the process is another user's, or has just ended
    for number in numbers:
        try:
            file = file_id(os.stat(f"{folder}/{number}"))
            if file not in files:
                continue
            with open(f"/proc/{pid}/fdinfo/{number}", encoding="utf-8") as info:
                lines = info.readlines()
        except OSError as error:
            check_resources(error)
            continue  # the process has closed it meanwhile
        holds = any(line.startswith("lock:") and " FLOCK " in line for line in lines)
        if examining or not any(map(_is_examining, lines)):
            yield file, holds


def _is_examining(line: str) -> bool:
    """Return whether a line of fdinfo has the flags with which a map's file is examined."""
    name, _, value = line.partition(":")
    return name == "flags" and int(value, 8) & EXAMINING == EXAMINING


def _mapped_files(pid: int, files: Set[FileId]) -> Iterator[FileId]:
    try:
        with open(f"/proc/{pid}/maps", "rb") as mappings:
            for line in mappings:
                _, _, _, device, inode, *_ = line.split(maxsplit=5)
                if inode == b"0":
                    continue
                major, _, minor = device.partition(b":")
                file = (os.makedev(int(major, 16), int(minor, 16)), int(inode))
                if file in files:
                    yield file
    except OSError as error:
        check_resources(error)


def _command(pid: int) -> str:
    """Return the command line of a process as one line, which a terminal can show."""
    from ..._support.text import visible  # it imports re, which is slow

    for name in ("cmdline", "comm"):  # a program can overwrite its cmdline
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                text = file.read(_LONGEST + 1).rstrip(b"\0\n").replace(b"\0", b" ")
        except OSError:
            continue
        if text:
            cut = "…" if len(text) > _LONGEST else ""
            return visible(text[:_LONGEST].decode("utf-8", "replace")) + cut
    return "?"
