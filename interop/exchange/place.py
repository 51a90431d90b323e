"""Where one case is exchanged: a named map, a file, and what the harness sees of them."""

from __future__ import annotations

import os

from ..oracle.memory import existing_maps

__all__ = ["Place"]


class Place:
    """Where maps of a run live: names and paths that nobody else has."""

    def __init__(self, prefix: str, folder: str) -> None:
        self.prefix = prefix
        self.folder = folder
        self._count = 0

    def name(self, suffix: str = "") -> str:
        """A map name that was never used before."""
        self._count += 1
        return f"{self.prefix}{self._count}{suffix}"

    def path(self) -> str:
        """The path of a file that does not exist."""
        self._count += 1
        return os.path.join(self.folder, f"map-{self._count}.bin")

    def existing_maps(self) -> list[str]:
        """Named maps of this run that still exist."""
        return existing_maps(self.prefix)
