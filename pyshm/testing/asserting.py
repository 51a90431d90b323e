"""The assertions as functions, which find the peer of the pytest session by themselves."""

from __future__ import annotations

from os import PathLike

from ..errors import PyshmError
from ..structs.struct import Struct
from .dotnet import DotNetPeer, Folders

__all__ = ["NoPeerError", "assert_round_trip", "assert_same_layout", "current", "set_current"]

_current: DotNetPeer | None = None


class NoPeerError(PyshmError, RuntimeError):
    """There is no .NET peer: no test of this session has asked for the fixture."""


def set_current(peer: DotNetPeer | None) -> None:
    """Make ``peer`` the one that the functions ask."""
    global _current
    _current = peer


def current() -> DotNetPeer:
    """The session's peer. Raises NoPeerError."""
    if _current is None:
        raise NoPeerError("the test has to ask for the fixture dotnet_peer: def test(dotnet_peer)")
    return _current


def assert_same_layout(
    python_type: type[Struct],
    type_name: str,
    assembly: str | PathLike[str],
    *,
    references: Folders = (),
    marshalled: bool = True,
    managed: bool = True,
) -> None:
    """:meth:`DotNetPeer.assert_same_layout` of the fixture ``dotnet_peer``."""
    __tracebackhide__ = True
    current().assert_same_layout(
        python_type,
        type_name,
        assembly,
        references=references,
        marshalled=marshalled,
        managed=managed,
    )


def assert_round_trip(
    value: Struct,
    type_name: str,
    assembly: str | PathLike[str],
    *,
    references: Folders = (),
    marshalled: bool = True,
    managed: bool = True,
) -> None:
    """:meth:`DotNetPeer.assert_round_trip` of the fixture ``dotnet_peer``."""
    __tracebackhide__ = True
    current().assert_round_trip(
        value,
        type_name,
        assembly,
        references=references,
        marshalled=marshalled,
        managed=managed,
    )
