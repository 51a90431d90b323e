"""The cache of builds.

Each build has a folder whose name is derived from everything that the build depends on. So a
changed source or another SDK has a folder of its own, and an old build is never used for a new
source.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["cache_dir", "keep", "key_of", "mark_used"]


_KEPT_BUILDS = 3
_UNTOUCHED_BEFORE_PRUNING = 24 * 3600.0


def cache_dir() -> Path:
    """Return the folder of the cache; it may not exist yet.

    It is ``PYSHM_CACHE`` if that is set, else ``pyshm-interop`` in the user's cache folder.
    """
    if chosen := os.environ.get("PYSHM_CACHE"):
        return Path(chosen).absolute()
    home = Path("~").expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base.absolute() / "pyshm-interop"


def key_of(parts: Iterable[bytes]) -> str:
    """Return a folder name that is derived from ``parts`` in this order (32 hex digits)."""
    digest = hashlib.sha256()
    for part in parts:
        # The length comes first, so that two different lists never give the same bytes.
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:32]


def keep(target: Path, whole: Callable[[Path], bool], make: Callable[[Path], Path]) -> None:
    """Make the folder ``target`` of the cache unless it is there; remove old folders beside it.

    The work is done in a temporary folder beside ``target``, and one rename makes the result the
    target. So an interrupted build never looks complete, and if two processes build at the same
    time, both use the result of the first that finishes.

    Args:
        target: the folder; its name contains the key of all that it is derived from.
        whole: returns whether a folder is complete.
        make: builds in the folder that it gets, and returns the folder to keep (that one or one
            in it).
    """
    if whole(target):
        mark_used(target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".build-", dir=target.parent))
    try:
        _move_into_place(make(work), target, whole)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _prune(target)


def mark_used(build: Path) -> None:
    """Set the time stamp of ``build`` to now; the removal of old builds compares time stamps."""
    try:
        os.utime(build)
    except OSError:
        pass  # nothing is removed from a read-only cache either


def _move_into_place(output: Path, target: Path, whole: Callable[[Path], bool]) -> None:
    """Rename ``output`` to ``target``, unless another process made a whole ``target`` first."""
    for _attempt in range(3):
        try:
            output.rename(target)
        except OSError:
            # The target exists: it is another process's whole build, or a broken one.
            if whole(target):
                return
            if not target.exists():
                raise
            _discard(target)
        else:
            return


def _discard(folder: Path) -> None:
    """Remove ``folder``: hide it by one rename, then delete it. Errors are ignored."""
    trash = Path(tempfile.mkdtemp(prefix=".trash-", dir=folder.parent))
    try:
        folder.rename(trash / folder.name)
    except OSError:
        pass  # in use (Windows), or another process removed it first
    shutil.rmtree(trash, ignore_errors=True)


def _prune(current: Path) -> None:
    """Remove old builds, and the temporary folders of interrupted ones.

    The three builds that were used last stay, and so does everything that was used within the last
    day: a run that has not ended yet set the time stamp of its build when it began.
    """
    limit = time.time() - _UNTOUCHED_BEFORE_PRUNING
    builds: list[tuple[float, Path]] = []
    for entry in list(current.parent.iterdir()):
        try:
            used = entry.stat().st_mtime
        except OSError:
            continue  # another process removed it
        if entry.name.startswith((".build-", ".trash-")):
            if used < limit:
                shutil.rmtree(entry, ignore_errors=True)
        elif entry != current:
            builds.append((used, entry))
    builds.sort(reverse=True)
    for used, entry in builds[_KEPT_BUILDS - 1 :]:
        if used < limit:
            _discard(entry)
