"""Maps on Linux and macOS, as maps/system.py describes them: named maps are files."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    from .files import open_file
    from .handle import MapHandle, ViewMemory, create_anonymous, create_from_descriptor
    from .named import adopt, create_named, create_or_open_named, open_named

    __all__ = [
        "MapHandle",
        "ViewMemory",
        "adopt",
        "create_anonymous",
        "create_from_descriptor",
        "create_named",
        "create_or_open_named",
        "open_file",
        "open_named",
    ]
