"""Start the Python peer as a process."""

from __future__ import annotations

import os
import sys

from pyshm.testing.process import Peer

from ..checkout import CHECKOUT

__all__ = ["python_peer"]


def python_peer(name: str = "python", module: str = "interop.peers.python", *options: str) -> Peer:
    """Return a Python peer that runs under the interpreter of the harness; it is not started yet.

    Args:
        name: what reports call it.
        module: the module that is run.
        options: what stands before ``serve`` on its command line.
    """
    root = str(CHECKOUT)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", module, *options, "serve"]
    return Peer(name, command, environment={"PYTHONPATH": path})
