"""The shared-memory directory, whose files are the named maps (docs/named-maps.md, "The file")."""

from __future__ import annotations

import os
import sys

from ...errors import ArgumentError, PlatformError

__all__ = ["VARIABLE", "directory_is_chosen", "shared_memory_directory"]

VARIABLE = "PYSHM_DIRECTORY"


def shared_memory_directory() -> str:
    """Return the path of the directory.

    Raises ArgumentError if PYSHM_DIRECTORY is set to anything but the absolute path of a
    directory, and PlatformError if it is not set and the system has no /dev/shm.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        if not os.path.isabs(chosen) or not os.path.isdir(chosen):
            raise ArgumentError(
                f"{VARIABLE}={chosen!r} is not the absolute path of a directory",
                field=VARIABLE,
                value=chosen,
            )
        return chosen
    if sys.platform == "linux" and os.path.isdir("/dev/shm"):
        return "/dev/shm"
    raise PlatformError(
        "this system has no directory for named maps; set the environment variable "
        f"{VARIABLE} to the absolute path of a directory that all programs use",
        field=VARIABLE,
    )


def directory_is_chosen() -> bool:
    """Return whether PYSHM_DIRECTORY names the directory.

    If not, the directory is /dev/shm, where other programs also put their files.
    """
    return bool(os.environ.get(VARIABLE))
