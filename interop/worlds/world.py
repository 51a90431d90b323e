"""Worlds: where a pair of peers lives, and what the harness can see of it.

The native world is this system's own; the Windows world is the native one on Windows, and Wine
elsewhere. A *seat* is a language in a world; a pair is two seats. Two seats of one world share
named maps; seats of two worlds share files.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import NamedTuple

from pyshm.testing import build, sdk
from pyshm.testing.process import Peer

from ..oracle.memory import existing_maps, map_directory, read_map
from ..peers.start import python_peer
from . import wine

__all__ = ["LANGUAGES", "NATIVE", "WINDOWS", "Seat", "World", "world_of"]

LANGUAGES = ("python", "dotnet")
NATIVE = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
WINDOWS = "windows"
_PAGE = 4096


class Seat(NamedTuple):
    """A language in a world."""

    world: str
    language: str

    @property
    def label(self) -> str:
        """How reports call it: the language, and the world unless it is the native one."""
        return self.language if self.world == NATIVE else f"{self.world} {self.language}"


class World:
    """The native world."""

    name = NATIVE

    def missing(self, language: str) -> str | None:
        """Why there is no peer of that language here; None if there is one."""
        if language == "python":
            return None
        try:
            if build.find_peer() is not None:
                return None
            sdk.find_dotnet()
            return "the .NET peer is not built: python -m interop build"
        except sdk.ToolchainError as error:
            return f"no .NET: {error}"

    def peer(self, language: str, name: str) -> Peer:
        """A new process of that language, not started yet."""
        if language == "python":
            return python_peer(name)
        command = build.find_peer()
        assert command is not None, "cases that need .NET are skipped without it"
        return Peer(name, [*command, "serve"])

    def path(self, path: str) -> str:
        """A path of the harness as this world's programs write it."""
        return path

    def view_size(self, capacity: int) -> int:
        """How many bytes a view of a whole named map has: all of its pages, on Windows."""
        return -(-capacity // _PAGE) * _PAGE if self.name == WINDOWS else capacity

    def read_map(self, name: str, size: int) -> bytes:
        """The first bytes of a named map, read past every library."""
        return read_map(name, size)

    def exists(self, name: str) -> bool:
        """Whether a named map of exactly that name is there, alive or dead."""
        return name in existing_maps(name)

    def close(self) -> None:
        """End what the world keeps running."""


class WineWorld(World):
    """Windows programs on a system that is not Windows."""

    name = WINDOWS

    def __init__(self) -> None:
        self._observer: Peer | None = None

    def missing(self, language: str) -> str | None:  # noqa: ARG002 - all or nothing here
        """Why the Windows world is not set up."""
        return None if wine.find() is not None else wine.why_not()

    def peer(self, language: str, name: str) -> Peer:
        """A new process under Wine, not started yet."""
        # Started with the first peer, so that no case pays for it.
        self._observe({"do": "raw-exists", "name": "nobody"})
        found = _wine()
        command = (
            [*found.python, "-m", "interop.peers.python"]
            if language == "python"
            else found.dotnet_peer
        )
        # Starting anything under Wine takes a second, and the first thing several.
        return Peer(name, [*command, "serve"], environment=found.environment, timeout=120)

    def path(self, path: str) -> str:
        r"""``/tmp/x`` is ``Z:\tmp\x`` there."""
        return _wine().path(path)

    def read_map(self, name: str, size: int) -> bytes:
        """The first bytes of a named map, through a process of its own under Wine."""
        outcome = self._observe({"do": "raw-read", "name": name, "size": size})
        return bytes.fromhex(str(outcome))

    def exists(self, name: str) -> bool:
        """Whether the kernel knows a map of that name."""
        return self._observe({"do": "raw-exists", "name": name}) is True

    def close(self) -> None:
        """End the observer, then every program of the prefix."""
        if self._observer is not None:
            self._observer.kill()
            self._observer = None
        _wine().end()

    def _observe(self, step: dict[str, object]) -> object:
        if self._observer is None:
            found = _wine()
            command = [*found.python, "-m", "interop.peers.observer"]
            self._observer = Peer("observer", command, environment=found.environment, timeout=120)
        outcome = self._observer.request(step)[0]
        assert "value" in outcome, outcome
        return outcome["value"]


@functools.cache  # a run uses one build of the peer from its beginning to its end
def _wine() -> wine.WindowsWorld:
    found = wine.find()
    assert found is not None, "cases of the Windows world are skipped without it"
    return found


@functools.cache
def world_of(name: str) -> World:
    """The world of that name, the same for the whole process."""
    return World() if name == NATIVE else WineWorld()


def remove_left_over(prefix: str) -> list[str]:
    """Remove named maps that a failed run left behind; returns their names."""
    left = existing_maps(prefix)
    for name in left:
        os.unlink(os.path.join(map_directory(), name))
    return left
