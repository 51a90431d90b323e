"""A run with an asset of the C# library uses a peer with that asset, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from interop.worlds.world import NATIVE, World, use_asset, world_of
from pyshm.testing import build
from pyshm.testing.process import Peer
from pyshm.testing.sdk import Dotnet


@pytest.fixture
def restored() -> object:
    chosen = world_of(NATIVE).asset
    yield
    use_asset(chosen)


def peer_with(library: str | None) -> Peer:
    peer = Peer("dotnet", [])
    peer.hello = {"language": "dotnet"} if library is None else {"library": library}
    return peer


@pytest.mark.parametrize(
    ("asset", "library"),
    [
        ("netstandard2.0", ".NETStandard,Version=v2.0"),
        ("netstandard2.1", ".NETStandard,Version=v2.1"),
        ("net8.0", ".NETCoreApp,Version=v8.0"),
    ],
)
def test_only_a_peer_with_the_chosen_asset_is_used(asset: str, library: str) -> None:
    World(asset).check_asset(peer_with(library))
    for other in (".NETCoreApp,Version=v10.0", ".NETFramework,Version=v4.7.2", None):
        with pytest.raises(AssertionError, match="dotnet uses the library for"):
            World(asset).check_asset(peer_with(other))


def test_without_an_asset_every_library_is_used() -> None:
    World().check_asset(peer_with(".NETCoreApp,Version=v10.0"))


def test_a_missing_peer_is_reported_with_the_command_that_builds_it(
    monkeypatch: pytest.MonkeyPatch, restored: object
) -> None:
    asked = []

    def find_peer(*, asset: str | None) -> None:
        asked.append(asset)

    monkeypatch.setattr(build, "find_peer", find_peer)
    monkeypatch.setattr("pyshm.testing.sdk.find_dotnet", lambda: Dotnet(Path("dotnet"), "10.0.100"))
    use_asset("net8.0")
    reason = world_of(NATIVE).missing("dotnet")
    assert reason == "the .NET peer is not built: python -m interop build --asset net8.0"
    assert asked == ["net8.0"]


@pytest.mark.dotnet
def test_a_peer_reports_the_target_of_its_library() -> None:
    world = world_of(NATIVE)
    peer = world.peer("dotnet", "dotnet").start()
    try:
        world.check_asset(peer)
        kind, _, version = peer.hello["library"].partition(",Version=v")
        assert kind in (".NETCoreApp", ".NETStandard")
        assert float(version) >= 2
    finally:
        peer.close()
