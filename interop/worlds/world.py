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

__all__ = [
    "LANGUAGES",
    "NATIVE",
    "WINDOWS",
    "Endpoint",
    "World",
    "remove_maps",
    "use_asset",
    "world_of",
]

LANGUAGES = ("python", "dotnet")
NATIVE = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
WINDOWS = "windows"
_PAGE = 4096

# The names of the assets in TargetFrameworkAttribute.
_FRAMEWORKS = {
    "netstandard2.0": ".NETStandard,Version=v2.0",
    "netstandard2.1": ".NETStandard,Version=v2.1",
    "net8.0": ".NETCoreApp,Version=v8.0",
}


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

    def __init__(self, asset: str | None = None) -> None:
        #: The target of the C# library that the .NET peer uses; None for the SDK's framework.
        self.asset = asset

    def missing(self, language: str) -> str | None:
        """Return why there is no peer of that language here; None if there is one."""
        if language == "python":
            return None
        try:
            if build.find_peer(asset=self.asset) is not None:
                return None
            sdk.find_dotnet()
            option = f" --asset {self.asset}" if self.asset else ""
            return f"the .NET peer is not built: python -m interop build{option}"
        except sdk.ToolchainError as error:
            return f"no .NET: {error}"

    def peer(self, language: str, name: str) -> Peer:
        """Return a new peer of that language; its process is not started yet."""
        if language == "python":
            return python_peer(name)
        return Peer(name, [*self.dotnet_command(), "serve"])

    def dotnet_command(self) -> list[str]:
        """Return the command of the .NET peer."""
        command = build.find_peer(asset=self.asset)
        assert command is not None, "cases that need .NET are skipped without it"
        return command

    def check_asset(self, peer: Peer) -> None:
        """Check that a running .NET peer uses the chosen asset, as its hello must say.

        Raises:
            AssertionError: it uses another one.
        """
        used = peer.hello.get("library")
        if self.asset is not None:
            expected = _FRAMEWORKS[self.asset]
            assert used == expected, f"{peer.name} uses the library for {used}, not {expected}"

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

    def __init__(self, asset: str | None = None) -> None:
        super().__init__(asset)
        self._observer: Peer | None = None

    def missing(self, language: str) -> str | None:  # noqa: ARG002 - the world has both or none
        """Return why the Windows world is not set up; None if it is."""
        return None if wine.find(self.asset) is not None else wine.why_not(self.asset)

    def peer(self, language: str, name: str) -> Peer:
        """Return a new peer under Wine; its process is not started yet."""
        # Start the observer with the first peer, so that its start is not part of a case's time.
        self._observe({"do": "raw-exists", "name": "no such map"})
        found = _wine(self.asset)
        command = (
            [*found.python, "-m", "interop.peers.python"]
            if language == "python"
            else found.dotnet_peer
        )
        # Under Wine a program takes a second to start, and the first one several seconds.
        return Peer(name, [*command, "serve"], environment=found.environment, timeout=120)

    def path(self, path: str) -> str:
        r"""Return the path as Windows programs see it: ``/tmp/x`` is ``Z:\tmp\x``."""
        return _wine(self.asset).path(path)

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
        _wine(self.asset).end()

    def _observe(self, step: dict[str, object]) -> object:
        if self._observer is None:
            found = _wine(self.asset)
            command = [*found.python, "-m", "interop.peers.observer"]
            self._observer = Peer("observer", command, environment=found.environment, timeout=120)
        outcome = self._observer.request(step)[0]
        assert "value" in outcome, outcome
        return outcome["value"]


@functools.cache  # a run uses the same build of the peer from its start to its end
def _wine(asset: str | None) -> wine.WindowsWorld:
    found = wine.find(asset)
    assert found is not None, "cases of the Windows world are skipped without it"
    return found


def world_of(name: str) -> World:
    """Return the world of that name; always the same object in one process."""
    if name not in _worlds:
        _worlds[name] = World(_asset) if name == NATIVE else WineWorld(_asset)
    return _worlds[name]


def use_asset(asset: str | None) -> None:
    """Choose the target of the C# library for all worlds of this process, before they are used."""
    global _asset
    _asset = asset
    _worlds.clear()


_asset: str | None = None
_worlds: dict[str, World] = {}


def remove_maps(prefix: str) -> list[str]:
    """Remove the named maps that a failed test has left; return their names."""
    names = existing_maps(prefix)
    for name in names:
        os.unlink(path_of(name))
    return names
