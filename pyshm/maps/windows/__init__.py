"""Maps on Windows, as maps/system.py describes them: the kernel's own, called through cffi."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from .files import create_from_descriptor, open_file
    from .handle import MapHandle, ViewMemory, adopt, create_anonymous
    from .named import create_named, create_or_open_named, open_named

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
