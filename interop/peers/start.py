"""The Python peer as a process: the same protocol as the .NET one's, by pyshm itself."""

from __future__ import annotations

import os
import sys

from pyshm.testing.process import Peer

from ..checkout import CHECKOUT

__all__ = ["python_peer"]


def python_peer(name: str = "python", module: str = "interop.peers.python", *options: str) -> Peer:
    """The Python peer, under the interpreter that runs the harness."""
    root = str(CHECKOUT)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", module, *options, "serve"]
    return Peer(name, command, environment={"PYTHONPATH": path})
