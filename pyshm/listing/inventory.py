"""The named maps in the shared-memory directory, and the removal of dead ones.

docs/named-maps.md describes the file of a named map and its holders. Other programs also put
files into that directory: POSIX shared memory, semaphores, secrets that must not reach a disk.
They are recognized as far as the system allows it, and never changed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..errors import PlatformError
from .entries import ListedMap, Removal

__all__ = ["PRIVATE_AGE", "clean", "list_maps", "map_names"]

PRIVATE_AGE = 60.0  # seconds; a process that creates a private file locks it at once


def list_maps() -> list[ListedMap]:
    """Return every file of the shared-memory directory except private ones, sorted by name.

    The function does not become a holder of any map. Raises PlatformError on a system where named
    maps can't be listed, ArgumentError if PYSHM_DIRECTORY is not a directory, MapAccessError if
    that directory can't be read, and MapIOError if this process has no descriptor left.
    """
    if sys.platform == "win32":
        raise _unlisted()
    from . import scan

    return scan.look_at_all()


def map_names() -> list[str]:
    """Return the names of the maps that a process holds. Their content is not read.

    Raises as :func:`list_maps`.
    """
    if sys.platform == "win32":
        raise _unlisted()
    from . import scan

    return scan.names_held()


def clean(
    names: Sequence[str] = (), *, dry_run: bool = False, private_age: float = PRIVATE_AGE
) -> list[Removal]:
    """Remove the maps that no process holds, and the private files of processes that were killed.

    With ``names``, only those maps are removed. Without, a file whose ``reason`` says that it may
    be another program's is kept. Each file is removed under the locks of docs/named-maps.md: a
    map that a process holds, opens or creates meanwhile is kept, and so is a map whose memory
    a process uses. A private file is removed if it is older than ``private_age`` seconds and no
    process has it open. With ``dry_run`` nothing is removed; ``removed`` then says what would be.

    Return all dead files, those that were kept with a reason. Raises as :func:`list_maps`,
    NameRuleError for a name that can't be a map's, MapNotFoundError for a name that does not
    exist, and MapAccessError for a map that is alive or a file that is not a map; then nothing
    was removed.
    """
    if sys.platform == "win32":
        raise _unlisted()
    from . import scan

    found = scan.look_at_all()
    if names:
        chosen = [scan.dead(found, name) for name in dict.fromkeys(names)]
        return [scan.remove(item, "", dry_run=dry_run) for item in chosen]
    left = [item for item in found if item.state == "dead"] + scan.left_over(private_age)
    return [scan.remove(item, item.reason, dry_run=dry_run) for item in left]


def _unlisted() -> PlatformError:
    return PlatformError(
        "Windows has no documented way to list named maps. Nothing has to be removed there: the "
        "kernel does it. Process Explorer and WinObj show named maps as sections"
    )
