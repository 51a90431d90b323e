"""The assertions as functions. They share one .NET peer, which starts with the first call."""

from __future__ import annotations

import atexit
import functools
import sys
from collections.abc import Callable
from inspect import signature
from typing import Concatenate, ParamSpec

from .dotnet import DotNetPeer

__all__ = ["assert_round_trip", "assert_same_layout"]

_P = ParamSpec("_P")


@functools.cache
def _peer_of_this_process() -> DotNetPeer:
    peer = DotNetPeer()
    atexit.register(peer.close)
    return peer


def _shared_peer() -> DotNetPeer:
    """Return the peer of the running pytest session; outside of pytest, the one of this process."""
    plugin = sys.modules.get("pyshm.testing.plugin")  # pytest loads it; nothing else does
    peer: DotNetPeer | None = plugin.session_peer() if plugin is not None else None
    return peer or _peer_of_this_process()


def _function(method: Callable[Concatenate[DotNetPeer, _P], None]) -> Callable[_P, None]:
    """Return ``method`` of the shared peer."""

    @functools.wraps(method)
    def function(*args: _P.args, **kwargs: _P.kwargs) -> None:
        __tracebackhide__ = True
        method(_shared_peer(), *args, **kwargs)

    own = signature(method)
    without_self = own.replace(parameters=list(own.parameters.values())[1:])
    function.__signature__ = without_self  # type: ignore[attr-defined]  # for help()
    return function


assert_same_layout = _function(DotNetPeer.assert_same_layout)
assert_round_trip = _function(DotNetPeer.assert_round_trip)
