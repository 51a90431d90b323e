"""The files of the shared-memory directory: what each is, and which processes use it.

This is the implementation of :mod:`pyshm.listing` on systems where a named map is a file.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys
import time
from collections.abc import Sequence

from ..errors import MapAccessError, MapIOError, MapNotFoundError, NameRuleError, PyshmError
from ..maps.descriptors import Descriptor
from ..maps.names import check_name
from ..maps.posix import directory, files, holding, processes
from .content import Budget, content_of
from .entries import Holder, ListedMap, Removal, State

assert sys.platform != "win32"  # for type checkers

__all__ = ["dead", "left_over", "look_at_all", "names_held", "remove"]

_PATIENCE = 1.0  # seconds that one look waits for the locks of all files together
_NO_STATUS = os.stat_result((0,) * 10)
_ATTEMPTS = 5  # a file that changes during each attempt is alive
# The beginnings of the names of other programs' files that also have mode 0600.
_FOREIGN = {
    "psm_": "Python's multiprocessing.shared_memory",
    "PostgreSQL.": "PostgreSQL",
    "pulse-shm-": "PulseAudio",
    "lttng-ust-": "LTTng",
    "dotnet_mmf_": ".NET's maps without a name",
}


def look_at_all() -> list[ListedMap]:
    """Return every file except private ones, sorted by name."""
    look = _Look()
    looked = [look.at(entry) for entry in _entries() if not _is_private(entry.name)]
    return _with_processes([found for found in looked if found is not None])


def names_held() -> list[str]:
    """Return the names of the maps that a process holds."""
    look = _Look(content=False)
    looked = [look.at(entry) for entry in _entries()]
    return [found.name for found in looked if found is not None and found.state == "alive"]


def _entries() -> list[os.DirEntry[str]]:
    folder = directory.shared_memory_directory()
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise files.system_error(error, f"listing the maps in {folder}") from error


# --- one file ---


class _Look:
    """One look at all files. What it waits for and what it reads has a bound."""

    def __init__(self, *, content: bool = True) -> None:
        self._budget = Budget() if content else None
        self._deadline = time.monotonic() + _PATIENCE

    def examine(self, entry: os.DirEntry[str]) -> tuple[Descriptor, holding.Finding]:
        """Return a descriptor of the file, and its state. Raises as holding.examine."""
        patience = max(0.0, self._deadline - time.monotonic())
        return holding.examine(entry.path, entry.name, patience)

    def at(self, entry: os.DirEntry[str]) -> ListedMap | None:
        """Return what the file is, without its processes; None if it does not exist any more."""
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = f"it can't be examined: {error.strerror}"
            return ListedMap(entry.name, entry.path, 0, "other", _NO_STATUS, reason=reason)
        found = ListedMap(entry.name, entry.path, status.st_size, "other", status)
        reason = _not_a_map(entry.name, status)
        if reason:
            return found._replace(reason=reason)
        try:
            return self._at_map(entry, found)
        except MapNotFoundError:
            return None
        except MapAccessError as error:
            return found._replace(reason=str(error))
        except MapIOError as error:  # it stays locked, so it is not dead
            return found._replace(state="alive", reason=str(error))

    def _at_map(self, entry: os.DirEntry[str], found: ListedMap) -> ListedMap:
        for _ in range(_ATTEMPTS):
            file, finding = self.examine(entry)
            try:
                if finding is holding.Finding.CHANGED:
                    continue
                held = finding is holding.Finding.ALIVE
                status = os.fstat(file.fileno())
                state: State = "alive" if held else "dead"
                found = found._replace(state=state, status=status, size=status.st_size)
                if not held and (program := _foreign(entry.name)):
                    return found._replace(state="other", reason=f"its name is one of {program}")
                return self._with_content(file.fileno(), found)
            finally:
                file.close()
        return found._replace(state="alive")

    def _with_content(self, descriptor: int, found: ListedMap) -> ListedMap:
        if self._budget is None:
            return found
        try:
            kind, detail = content_of(descriptor, found.size, self._budget)
        except OSError as error:
            kind, detail = "unknown", f"it can't be read: {error.strerror}"
        return found._replace(kind=kind, detail=detail)


def _not_a_map(name: str, status: os.stat_result) -> str:
    """Return why a file can't be a map of this user, from its directory entry; "" if it can."""
    if not stat.S_ISREG(status.st_mode):
        return "it is not a regular file"
    try:
        if check_name(name) != name:
            return "its name has a prefix that the file of a map does not have"
    except NameRuleError as error:
        return f"a map's name {error.limit}"
    if status.st_uid != os.geteuid():
        return f"it belongs to another user ({_user(status.st_uid)})"
    mode = stat.S_IMODE(status.st_mode)
    if mode != files.FILE_MODE:
        return f"its mode is {mode:04o}, a map's is {files.FILE_MODE:04o}"
    if status.st_nlink > 1:
        return f"it has {status.st_nlink} names (hard links); a map's file has one"
    return "" if status.st_size else "it is empty; a map has at least one byte"


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _foreign(name: str) -> str:
    return next((program for begin, program in _FOREIGN.items() if name.startswith(begin)), "")


# --- the processes that use it ---


def _with_processes(found: list[ListedMap]) -> list[ListedMap]:
    """Return the same maps with their holders and users."""
    if sys.platform != "linux":
        return found
    examined = {processes.file_id(item.status) for item in found if item.state != "other"}
    try:
        uses = processes.uses(examined)
    except OSError as error:
        raise files.system_error(error, "looking for the processes that use the maps") from error
    return [
        _with_uses(item, uses[processes.file_id(item.status)]) if item.state != "other" else item
        for item in found
    ]


def _with_uses(item: ListedMap, uses: list[processes.Use]) -> ListedMap:
    holders = tuple(Holder(use.pid, use.command) for use in uses if use.holds)
    users = tuple(Holder(use.pid, use.command) for use in uses if not use.holds)
    item = item._replace(holders=holders, users=users)
    if item.state == "alive":
        return item
    if holders:
        return item._replace(state="alive")  # a process has opened it meanwhile
    if item.kind == "unknown":
        if users:
            return item._replace(state="other", reason=f"{_using(users)} it, but does not hold it")
        if not directory.directory_is_chosen():
            return item._replace(
                reason="its content is unknown, so it may be another program's file; "
                f"'{_command_to_remove(item.name)}' removes it"
            )
    return item


def _command_to_remove(name: str) -> str:
    return shlex.join(["pyshm", "clean", *(["--"] if name.startswith("-") else []), name])


def _using(users: Sequence[Holder]) -> str:
    return f"process {', '.join(str(user.pid) for user in users)} uses"


# --- removal ---


def dead(found: list[ListedMap], name: str) -> ListedMap:
    """Return the dead map of that name."""
    rest = check_name(name)
    item = next((item for item in found if item.name == rest), None)
    if item is None:
        raise MapNotFoundError(f"no map named {name!r}")
    if item.state == "dead":
        return item
    reason = item.reason or "a process holds it"
    raise MapAccessError(f"{item.path} is not removed: {reason}", filename=item.path)


def left_over(age: float) -> list[ListedMap]:
    """Return the private files of processes that were killed, as dead maps."""
    found = []
    look = _Look(content=False)
    oldest = time.time() - age
    for entry in _entries():
        if not _is_private(entry.name):
            continue
        try:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode) or status.st_mtime > oldest:
                continue
            file, finding = look.examine(entry)
        except (PyshmError, FileNotFoundError):
            continue  # it was removed, stays locked, or is another user's
        file.close()
        if finding is holding.Finding.DEAD:
            found.append(ListedMap(entry.name, entry.path, status.st_size, "dead", status))
    return [item for item in _with_processes(found) if item.state == "dead"]


def remove(item: ListedMap, reason: str, *, dry_run: bool) -> Removal:
    """Remove a dead map, unless there is a ``reason`` to keep it."""
    if item.users:
        reason = f"{_using(item.users)} its memory"
    removed = False
    if not reason:
        try:
            removed = dry_run or holding.remove_if_dead(item.path, item.name, item.status)
            reason = "" if removed else "a process has opened it or created a new one meanwhile"
        except PyshmError as error:
            reason = str(error)
    return Removal(item.name, item.path, item.size, removed, reason)


def _is_private(name: str) -> bool:
    return name.startswith(files.PRIVATE_PREFIX)
