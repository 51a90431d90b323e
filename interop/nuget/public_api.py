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

# The folders with the lists of what not all targets have, and a target of each.
_TARGETS = {"net": "net8.0", "netstandard": "netstandard2.0"}

_HEADER = "#nullable enable"
# The analyzer reports each symbol that the files do not have, as it must be written in them.
_MISSING = re.compile(r" RS0016: Symbol '(.+)' is not part of the declared public API ")


def write() -> int:
    """Write the members that were not released yet; return how many members there are.

    Raises:
        BuildError: the sources do not compile.
    """
    found = {folder: _symbols(target) for folder, target in _TARGETS.items()}
    common = set.intersection(*found.values())
    _write(_FOLDER, common)
    for folder, symbols in found.items():
        _write(_FOLDER / folder, symbols - common)
    return len(found["net"])


def _write(folder: Path, found: set[str]) -> None:
    """Write the list in ``folder`` of the symbols that were not released yet."""
    shipped = set((folder / SHIPPED.name).read_text(encoding="utf-8").splitlines()) - {_HEADER}
    removed = {f"*REMOVED*{symbol}" for symbol in shipped - found}
    lines = [_HEADER, *sorted(found - shipped), *sorted(removed)]
    (folder / UNSHIPPED.name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _symbols(target: str) -> set[str]:
    """Return each public symbol of the sources, from a build whose lists are empty."""
    with tempfile.TemporaryDirectory(prefix="pyshm-api-") as folder:
        for place in (Path(folder), *(Path(folder, name) for name in _TARGETS)):
            place.mkdir(exist_ok=True)
            for path in (SHIPPED, UNSHIPPED):
                (place / path.name).write_text(f"{_HEADER}\n", encoding="utf-8")
        command = [
            str(sdk.find_dotnet().path),
            "build",
            str(sdk.SOURCES / "SharedMemory"),
            "--artifacts-path",
            str(Path(folder) / "artifacts"),
            "-p:PyshmPackage=true",
            f"-p:TargetFrameworks={target}",
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
