"""The named maps that lie in the shared-memory directory, and the removal of the dead ones.

docs/named-maps.md says what a named map's file is and who holds it. A file there may also be
another program's: its POSIX shared memory, its semaphore, a secret that somebody keeps in memory.
Such files are told apart as far as the system lets them be told, and are never touched.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..errors import PlatformError
from .entries import ListedMap, Removal

__all__ = ["PRIVATE_AGE", "clean", "list_maps", "map_names"]

PRIVATE_AGE = 60.0  # seconds; the maker of a file without a name locks it at once


def list_maps() -> list[ListedMap]:
    """Every file of the shared-memory directory but the private ones, by name.

    Takes hold of none of them. Raises PlatformError where named maps can't be enumerated, and
    ArgumentError where PYSHM_DIRECTORY is no directory.
    """
    if sys.platform == "win32":
        raise _unlisted()
    from . import scan

    return scan.look_at_all()


def map_names() -> list[str]:
    """The names of the maps that somebody holds, without a look at what they hold.

    Raises as :func:`list_maps`.
    """
    if sys.platform == "win32":
        raise _unlisted()
    from . import scan

    return scan.names_held()


def clean(
    names: Sequence[str] = (), *, dry_run: bool = False, private_age: float = PRIVATE_AGE
) -> list[Removal]:
    """Remove the maps that nobody holds, and what their makers left half made.

    With ``names``, only those; without, no file with a ``reason`` to be another program's. Each
    is removed under the locks of docs/named-maps.md, so that none is lost that somebody holds,
    opens or makes meanwhile, and none whose memory a process still uses. Private files are
    left-overs if they are older than ``private_age`` seconds and nobody has them open. With
    ``dry_run`` nothing is removed; ``removed`` then tells what would be.

    Returns all dead files, the kept ones with the reason. Raises as :func:`list_maps`,
    NameRuleError for a name that can't be a map's, MapNotFoundError for one that is not there,
    and MapAccessError for one that is alive or no map; then nothing was removed.
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
        "Windows has no documented way to list named maps, and needs no cleaning: the kernel "
        "removes them. Process Explorer and WinObj show them, as sections"
    )
