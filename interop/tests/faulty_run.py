"""A pytest plugin for the tests of the harness's reports: the Python producer has a fault.

``PYSHM_FAULT`` names it (faulty_peer.py). The run is a real one, its failures are real ones.
"""

from __future__ import annotations

import os

from interop.exchange.record import PRODUCER
from interop.peers.start import python_peer
from interop.worlds import world
from pyshm.testing.process import Peer

__all__ = ["VARIABLE"]

VARIABLE = "PYSHM_FAULT"


def pytest_configure() -> None:
    """Put the faulty peer in its place."""
    fault = os.environ[VARIABLE]

    def peer(name: str = "python", module: str = "interop.peers.python", *options: str) -> Peer:
        if name.endswith(f"({PRODUCER})"):
            return python_peer(name, "interop.peers.faulty", fault)
        return python_peer(name, module, *options)

    # A name that world.py imports, and no part of what it offers.
    setattr(world, "python_peer", peer)  # noqa: B010 - see above
