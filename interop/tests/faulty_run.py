"""A pytest plugin for tests of the report: the Python producer of a run has a fault.

``PYSHM_FAULT`` names it (interop/peers/faulty.py). The run and its failures are real.
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
    """Replace the producer."""
    fault = os.environ[VARIABLE]

    def peer(name: str = "python", module: str = "interop.peers.python", *options: str) -> Peer:
        if name.endswith(f"({PRODUCER})"):
            return python_peer(name, "interop.peers.faulty", fault)
        return python_peer(name, module, *options)

    # A name that world.py imports, not one of its own.
    setattr(world, "python_peer", peer)  # noqa: B010 - see above
