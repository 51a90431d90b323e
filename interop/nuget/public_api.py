"""Write the list of the public API of the C# library, with which its package is built."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from pyshm.testing import build, sdk

__all__ = ["SHIPPED", "UNSHIPPED", "write"]

_FOLDER = Path(__file__).resolve().parent
SHIPPED = _FOLDER / "PublicAPI.Shipped.txt"
UNSHIPPED = _FOLDER / "PublicAPI.Unshipped.txt"

_HEADER = "#nullable enable"
# The analyzer reports each symbol that the files do not have, as it must be written in them.
_MISSING = re.compile(r" RS0016: Symbol '(.+)' is not part of the declared public API ")


def write() -> int:
    """Write the members that were not released yet; return how many members there are.

    Raises:
        BuildError: the sources do not compile.
    """
    found = _symbols()
    shipped = set(SHIPPED.read_text(encoding="utf-8").splitlines()) - {_HEADER}
    removed = {f"*REMOVED*{symbol}" for symbol in shipped - found}
    lines = [_HEADER, *sorted(found - shipped), *sorted(removed)]
    UNSHIPPED.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return len(found)


def _symbols() -> set[str]:
    """Return each public symbol of the sources, from a build whose lists are empty."""
    with tempfile.TemporaryDirectory(prefix="pyshm-api-") as folder:
        for path in (SHIPPED, UNSHIPPED):
            (Path(folder) / path.name).write_text(f"{_HEADER}\n", encoding="utf-8")
        command = [
            str(sdk.find_dotnet().path),
            "build",
            str(sdk.SOURCES / "SharedMemory"),
            "--artifacts-path",
            str(Path(folder) / "artifacts"),
            "-p:PyshmPackage=true",
            # All targets have the same API.
            "-p:TargetFrameworks=net8.0",
            f"-p:PyshmPublicApi={folder}/",
            "-p:TreatWarningsAsErrors=false",
            *build.OPTIONS,
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=sdk.dotnet_environment()
        )
    if done.returncode != 0:
        raise build.BuildError("the C# library does not build", command, done.stdout)
    return set(_MISSING.findall(done.stdout))
