"""Prove Python types against the .NET types of your own assembly (docs/testing.md).

    def test_telemetry():
        assert_same_layout(Telemetry, "My.Namespace.Telemetry", "bin/MyApp.dll")
        assert_round_trip(Telemetry(speed=1.5), "My.Namespace.Telemetry", "bin/MyApp.dll")

pytest loads this package in every run where pyshm is installed, for its plugin. So each name below
is loaded when it is first used.
"""

from __future__ import annotations

from .._support.lazy import lazy_names

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:
    from .asserting import assert_round_trip, assert_same_layout
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
    "PeerFailure": "process",
    "RoundTripError": "dotnet",
    "ToolchainError": "sdk",
    "TypeNotFoundError": "dotnet",
    "assert_round_trip": "asserting",
    "assert_same_layout": "asserting",
}

_RENAMED = {"NoPeerError": "ToolchainError"}  # nothing raises the old error any more

if not TYPE_CHECKING:  # so that type checkers report names that do not exist
    __getattr__, __dir__ = lazy_names(__name__, globals(), _HOMES, renamed=_RENAMED)
