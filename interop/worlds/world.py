"""Worlds: where peers run, and how the harness sees their maps.

The native world is this system. The Windows world is the native one on Windows, and Wine on other
systems. An *endpoint* is a language in a world; a pair is two endpoints. Endpoints of one world
share named maps, endpoints of two worlds share files.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import NamedTuple

from pyshm.testing import build, sdk
from pyshm.testing.process import Peer

from ..oracle.memory import existing_maps, path_of, read_map
from ..peers.start import python_peer
from . import wine

__all__ = ["LANGUAGES", "NATIVE", "WINDOWS", "Endpoint", "World", "remove_maps", "world_of"]

LANGUAGES = ("python", "dotnet")
NATIVE = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
WINDOWS = "windows"
_PAGE = 4096


class Endpoint(NamedTuple):
    """A language in a world."""

    world: str
    language: str

    @property
    def label(self) -> str:
        """The name in reports: the language, after the world unless that is the native one."""
        return self.language if self.world == NATIVE else f"{self.world} {self.language}"


class World:
    """The native world."""

    name = NATIVE

    def missing(self, language: str) -> str | None:
        """Return why there is no peer of that language here; None if there is one."""
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
        """Return a new peer of that language; its process is not started yet."""
        if language == "python":
            return python_peer(name)
        command = build.find_peer()
        assert command is not None, "cases that need .NET are skipped without it"
        return Peer(name, [*command, "serve"])

    def path(self, path: str) -> str:
        """Return a path of the harness in the form that programs of this world use."""
        return path

    def view_size(self, capacity: int) -> int:
        """Return the size of a view of a whole named map; on Windows it is whole pages."""
        return -(-capacity // _PAGE) * _PAGE if self.name == WINDOWS else capacity

    def read_map(self, name: str, size: int) -> bytes:
        """Return the first bytes of a named map, read without pyshm."""
        return read_map(name, size)

    def exists(self, name: str) -> bool:
        """Return whether there is a named map of exactly that name, alive or dead."""
        return name in existing_maps(name)

    def close(self) -> None:
        """End the programs that the world keeps running."""


class WineWorld(World):
    """Windows programs under Wine."""

    name = WINDOWS

    def __init__(self) -> None:
        self._observer: Peer | None = None

    def missing(self, language: str) -> str | None:  # noqa: ARG002 - the world has both or none
        """Return why the Windows world is not set up; None if it is."""
        return None if wine.find() is not None else wine.why_not()

    def peer(self, language: str, name: str) -> Peer:
        """Return a new peer under Wine; its process is not started yet."""
        # Start the observer with the first peer, so that its start is not part of a case's time.
        self._observe({"do": "raw-exists", "name": "no such map"})
        found = _wine()
        command = (
            [*found.python, "-m", "interop.peers.python"]
            if language == "python"
            else found.dotnet_peer
        )
        # Under Wine a program takes a second to start, and the first one several seconds.
        return Peer(name, [*command, "serve"], environment=found.environment, timeout=120)

    def path(self, path: str) -> str:
        r"""Return the path as Windows programs see it: ``/tmp/x`` is ``Z:\tmp\x``."""
        return _wine().path(path)

    def read_map(self, name: str, size: int) -> bytes:
        """Return the first bytes of a named map, read by a separate process under Wine."""
        outcome = self._observe({"do": "raw-read", "name": name, "size": size})
        return bytes.fromhex(str(outcome))

    def exists(self, name: str) -> bool:
        """Return whether the Windows kernel has a map of that name."""
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


@functools.cache  # a run uses the same build of the peer from its start to its end
def _wine() -> wine.WindowsWorld:
    found = wine.find()
    assert found is not None, "cases of the Windows world are skipped without it"
    return found


@functools.cache
def world_of(name: str) -> World:
    """Return the world of that name; always the same object in one process."""
    return World() if name == NATIVE else WineWorld()


def remove_maps(prefix: str) -> list[str]:
    """Remove the named maps that a failed test has left; return their names."""
    names = existing_maps(prefix)
    for name in names:
        os.unlink(path_of(name))
    return names
