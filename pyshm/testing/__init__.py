"""Prove Python types against the .NET types of your own assembly (docs/testing.md).

    def test_telemetry(dotnet_peer):
        assert_same_layout(Telemetry, "My.Namespace.Telemetry", "bin/MyApp.dll")
        assert_round_trip(Telemetry(speed=1.5), "My.Namespace.Telemetry", "bin/MyApp.dll")

The fixture comes with the pytest plugin, which is there where pyshm is installed. The names below
are loaded when they are first used: pytest loads this package in every run.
"""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .asserting import NoPeerError, assert_round_trip, assert_same_layout
    from .build import BuildError
    from .dotnet import AssemblyNotBuiltError, DotNetPeer, RoundTripError, TypeNotFoundError
    from .mismatch import LayoutMismatchError
    from .process import PeerFailure
    from .questions import DotNetStepError
    from .sdk import ToolchainError

__all__ = [
    "AssemblyNotBuiltError",
    "BuildError",
    "DotNetPeer",
    "DotNetStepError",
    "LayoutMismatchError",
    "NoPeerError",
    "PeerFailure",
    "RoundTripError",
    "ToolchainError",
    "TypeNotFoundError",
    "assert_round_trip",
    "assert_same_layout",
]

_HOMES = {
    "AssemblyNotBuiltError": "dotnet",
    "BuildError": "build",
    "DotNetPeer": "dotnet",
    "DotNetStepError": "questions",
    "LayoutMismatchError": "mismatch",
    "NoPeerError": "asserting",
    "PeerFailure": "process",
    "RoundTripError": "dotnet",
    "ToolchainError": "sdk",
    "TypeNotFoundError": "dotnet",
    "assert_round_trip": "asserting",
    "assert_same_layout": "asserting",
}

__getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES)
