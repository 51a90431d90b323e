"""``python -m interop.nuget``: write the list of the public API of the C# library."""

from __future__ import annotations

import sys

from pyshm.testing import build, sdk

from .public_api import UNSHIPPED, write

if __name__ == "__main__":
    try:
        print(f"{write()} public members; {UNSHIPPED.name} has those that were not released yet")
    except (sdk.ToolchainError, build.BuildError) as error:
        sys.exit(str(error))
