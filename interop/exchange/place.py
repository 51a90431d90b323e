"""Names and paths for the maps of a run."""

from __future__ import annotations

import os

from ..oracle.memory import existing_maps

__all__ = ["Place"]


class Place:
    """Unique names of maps, with a common prefix, and unique paths in one folder."""

    def __init__(self, prefix: str, folder: str) -> None:
        self.prefix = prefix
        self.folder = folder
        self._count = 0

    def name(self, suffix: str = "") -> str:
        """Return a map name that was not used before."""
        self._count += 1
        return f"{self.prefix}{self._count}{suffix}"

    def path(self) -> str:
        """Return the path of a file that does not exist."""
        self._count += 1
        return os.path.join(self.folder, f"map-{self._count}.bin")

    def existing_maps(self) -> list[str]:
        """Return the names of this run's maps that still exist."""
        return existing_maps(self.prefix)
